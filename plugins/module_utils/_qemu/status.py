# SPDX-License-Identifier: GPL-3.0-or-later
"""What the host has of its guests: read from their directories, systemd, /proc and QMP, and nothing is changed."""

from __future__ import annotations

import contextlib
import os
from typing import Any, Container, Iterable, Iterator, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    HypervisorNetworkError,
)
from ansible_collections.hypervisor.network.plugins.module_utils._host import process as processes
from ansible_collections.hypervisor.network.plugins.module_utils._host import procfs
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import (
    chains,
    companions,
    kept,
    rundir,
    scopes,
    seen,
    supervision,
    unit_file,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import guest as guest_words
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.survey import (
    Question,
    Said,
    ask_each,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.unit import (
    State,
    Units,
    identity,
)

DEADLINE = 4.0  # for both monitors together: a stopped guest is reported within 5 s
_GONE = "its TPM is gone: the process swtpm ended, and QEMU will end when the guest resets; restart the guest"
# What QMP calls them: query-block[].io-status
_FAILED = {
    "nospace": "could not be written to, its file system is full; make room there",
    "failed": "failed; look at the host's disk and its journal, and cure that",
}
_AT_ONCE = 200  # guests that are asked at the same time: each is an open file
_OUT_OF_MEMORY = "out of memory: the kernel killed it"


class Status:
    """Reads the guests below one run directory; C(kept_root) is where they have what outlives a boot."""

    def __init__(
        self,
        root: str = rundir.ROOT,
        deadline: float = DEADLINE,
        kept_root: str = kept.ROOT,
        units: Units | None = None,
    ) -> None:
        self._root = root
        self._deadline = deadline
        self._kept_root = kept_root
        self._units = units or Units(root)

    def there(self, only: str | None = None) -> list[guest_words.Guest]:
        """The guests that are defined, and those that run although somebody took their definition away; of these the one of that name, where it is given."""
        names = {*rundir.names(self._root), *rundir.started(self._root)}
        found = self.read_all(sorted(one for one in names if only in (None, one)))
        return [one for one in found.values() if one.status != guest_words.ABSENT]

    def directory(self, name: str) -> rundir.RunDirectory:
        return rundir.RunDirectory(name, self._root)

    def kept(self, name: str) -> kept.Kept:
        return kept.Kept(name, self._kept_root)

    def systemd(self) -> bool:
        """Whether guests can be units of systemd here."""
        return self._units.manager.answers()

    def is_unit(self, name: str, record: Mapping[str, Any] | None) -> bool:
        """Whether a unit was written of a guest with that definition on record. Where that is gone, the unit's own file tells."""
        return self._units.written(name) if record is None else "unit" in record

    def read(self, name: str) -> guest_words.Guest:
        """What the host has of a guest; at most 5 s, whatever QEMU does."""
        return self.read_all([name])[name]

    def read_all(
        self, names: Iterable[str], plugging: Container[str] = ()
    ) -> dict[str, guest_words.Guest]:
        """What the host has of these guests; at most 5 s for each 200 of them, whatever QEMU does.

        systemd is asked once for all of them, and only where some are units. C(plugging) are those that something may be plugged into afterwards,
        or taken out of.
        """
        places = {name: self.directory(name) for name in names}
        records = {name: directory.definition() for name, directory in places.items()}
        states = self._units.read(
            [name for name, record in records.items() if self.is_unit(name, record)]
        )
        questions = {
            name: seen.questions(record["spec"], name in plugging)
            for name, record in records.items()
            if record is not None
        }
        said = self._ask(places, questions)
        return {
            name: self._read(name, places[name], record, states.get(name), said.get(name))
            for name, record in records.items()
        }

    def _ask(
        self,
        places: Mapping[str, rundir.RunDirectory],
        questions: Mapping[str, Sequence[Question]],
    ) -> dict[str, Said]:
        """What guests answer, all at the same time: at their second monitors where another client may hold the first."""
        found: dict[str, Said] = {}
        for number, _socket in enumerate(rundir.SOCKETS):
            left = [name for name in questions if name not in found]
            for begin in range(0, len(left), _AT_ONCE):
                some = left[begin : begin + _AT_ONCE]
                paths = {places[name].sockets[number]: name for name in some}
                asked = {path: questions[name] for path, name in paths.items()}
                answers = ask_each(asked, self._deadline / len(rundir.SOCKETS))
                found.update((paths[path], one) for path, one in answers.items())
        return found

    def _read(
        self,
        name: str,
        directory: rundir.RunDirectory,
        record: Mapping[str, Any] | None,
        state: State | None,
        said: Said | None,
    ) -> guest_words.Guest:
        beside = self.kept(name)
        own: dict[str, Any] = {"kept": beside.exists, "seeds": frozenset(beside.known(kept.SEED))}
        who = process_of(directory)
        if record is None:
            kept_by = supervision.PROCESS
            if who is None and state is not None:
                who, kept_by = identity(state), supervision.SYSTEMD
            if who is None or not who.alive:
                return guest_words.Guest(name, **own)
            # somebody took its definition away, and what it has can't be asked without
            return guest_words.Guest(
                name, guest_words.UNRESPONSIVE, pid=who.pid, since=who.since, kept_by=kept_by, **own
            )
        own |= {
            "spec": record["spec"],
            "accel": record.get("accel"),
            "accel_reason": record.get("accel_reason"),
            "machine": record.get("machine"),
        }
        if state is not None:
            own["spec"] = {**record["spec"], "autostart": self._units.enabled(name)}
            own["edited"] = tuple(self._units.edited(name, record.get("unit")))
            own["unit"] = unit_file.unit(name)
            held = ", held back, since its disks got other images" if self._units.held(name) else ""
            own["unit_state"] = f"{state.active} ({state.sub}{held})"
        if who is None and state is not None:
            return self._of_unit(name, directory, state, own, said)
        if who is None:
            return guest_words.Guest(name, guest_words.STOPPED, **own)
        if not who.alive:
            crashed = who.boot_id == procfs.boot_id() and os.path.lexists(directory.pidfile)
            if not crashed:
                return guest_words.Guest(name, guest_words.STOPPED, **own)
            return guest_words.Guest(
                name,
                guest_words.CRASHED,
                crash_reason=_OUT_OF_MEMORY if processes.killed_for_memory(who) else None,
                **own,
            )
        status, found = self._said(name, who, record["spec"], said)
        taken = directory.load(scopes.RECORD)
        return guest_words.Guest(
            name,
            status,
            pid=who.pid,
            since=who.since,
            seen=found,
            kept_by=supervision.PROCESS,
            scope=scopes.scope(who.pid, name, taken),
            scope_seconds=None if taken is None else taken.get("seconds"),
            problems=_problems(directory, record["spec"], status, found, False),
            **own,
        )

    def _of_unit(
        self,
        name: str,
        directory: rundir.RunDirectory,
        state: State,
        own: dict[str, Any],
        answered: Said | None,
    ) -> guest_words.Guest:
        who = identity(state)
        if who is None or not who.alive:
            if not state.failed:
                return guest_words.Guest(name, guest_words.STOPPED, **own)
            said = self._units.said(state) if state.result == "exit-code" else ""
            why = f"{state.why}: {said}" if said else state.why
            # systemd may have seen the signal before it looked who sent it
            last = procfs.Identity(state.last_pid, 0, procfs.boot_id())
            if state.result == "signal" and processes.killed_for_memory(last):
                why = _OUT_OF_MEMORY
            return guest_words.Guest(name, guest_words.CRASHED, crash_reason=why, **own)
        status, found = self._said(name, who, own["spec"], answered)
        return guest_words.Guest(
            name,
            status,
            pid=who.pid,
            since=who.since,
            seen=found,
            kept_by=supervision.SYSTEMD,
            problems=_problems(directory, own["spec"], status, found, state.tpm),
            **own,
        )

    @staticmethod
    def _said(
        name: str, who: procfs.Identity, spec: Mapping[str, Any], said: Said | None
    ) -> tuple[str, seen.Seen | None]:
        """A guest's state, and what it has, by what it C(said)."""
        answers, version = said or ([None], None)
        try:
            state = answers[0]["status"]
        except (KeyError, TypeError):
            # it may have ended while it was asked
            return (guest_words.UNRESPONSIVE if who.alive else guest_words.STOPPED), None
        return str(state), seen.of(spec, answers, _files(name, spec), version)


def _files(name: str, spec: Mapping[str, Any]) -> dict[str, list[str]]:
    """By the path of a disk the file that is on top of it: that, or the overlay of a snapshot; the first with all links resolved, as QEMU got it."""
    tops: Mapping[str, str] = {}
    with contextlib.suppress(HypervisorNetworkError):  # said where a start needs it
        tops = chains.load(name).tops()
    found = {}
    for disk in spec.get("disks") or ():
        folder, own = os.path.split(disk["path"])
        top = tops.get(disk["path"])
        found[disk["path"]] = [os.path.join(os.path.realpath(folder), own), *([top] if top else [])]
    return found


def _problems(
    directory: rundir.RunDirectory,
    spec: Mapping[str, Any],
    status: str,
    found: seen.Seen | None,
    tpm: bool,
) -> tuple[str, ...]:
    """What a guest lacks that has its process; C(found) is what it has, C(tpm) says whether the unit of its TPM runs."""
    lost = spec.get("tpm") and not tpm and companions.gone(directory, companions.TPM)
    return (
        *([_GONE] if lost else ()),
        *(_failing(spec, found) if found is not None and status == guest_words.HELD else ()),
    )


def _failing(spec: Mapping[str, Any], found: seen.Seen) -> Iterator[str]:
    """The disks that hold a guest still, by what QEMU says of all."""
    for disk in spec.get("disks") or ():
        drive = found.drive(disk["path"])
        why = None if drive is None else _FAILED.get(drive.io_status)
        if why is not None:
            yield f"it is held still, since its disk {disk['path']} {why}; then run qemu_guest again, which lets it go on"


def process_of(directory: rundir.RunDirectory) -> procfs.Identity | None:
    """Who runs a guest, by its record; None where it has none."""
    record = directory.load("process.json")
    return (
        None
        if record is None
        else procfs.Identity(record["pid"], record["start_time"], record["boot_id"])
    )
