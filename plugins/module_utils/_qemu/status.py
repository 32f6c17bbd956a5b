# SPDX-License-Identifier: GPL-3.0-or-later
"""What the host has of its guests: read from their directories, systemd, /proc and QMP, and nothing is changed."""

from __future__ import annotations

import contextlib
import itertools
import os
from typing import Any, Iterable, Iterator, Mapping

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
    seen,
    supervision,
    unit_file,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import guest as guest_words
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.qmp import Qmp, connect_any
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.unit import (
    State,
    Units,
    identity,
)

DEADLINE = 4.0  # for both monitors together: a stopped guest is reported within 5 s
_GONE = {
    companions.TPM: "its TPM is gone: the process swtpm ended, and QEMU will end when the guest resets; restart the guest"
}
# What QMP calls them: query-block[].io-status
_FAILED = {
    "nospace": "could not be written to, its file system is full; make room there",
    "failed": "failed; look at the host's disk and its journal, and cure that",
}
_AT_ONCE = 200  # guests that are asked before the first answers: each is an open file
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

    def names(self) -> list[str]:
        return rundir.names(self._root)

    def directory(self, name: str) -> rundir.RunDirectory:
        return rundir.RunDirectory(name, self._root)

    def kept(self, name: str) -> kept.Kept:
        return kept.Kept(name, self._kept_root)

    def systemd(self) -> bool:
        """Whether guests can be units of systemd here."""
        return self._units.manager.answers()

    def read(self, name: str) -> guest_words.Guest:
        """What the host has of a guest; at most 5 s, whatever QEMU does."""
        return self.read_all([name])[name]

    def read_all(self, names: Iterable[str]) -> dict[str, guest_words.Guest]:
        """What the host has of these guests; systemd is asked once for all of them, and only where some are units."""
        records = {name: self.directory(name).definition() for name in names}
        units = [
            name for name, record in records.items() if record is not None and "unit" in record
        ]
        states = self._units.read(units)
        with contextlib.ExitStack() as stack:
            asked = {
                name: self._ask(name, record["spec"], stack)
                for name, record in itertools.islice(records.items(), _AT_ONCE)
                if record is not None
            }
            return {
                name: self._read(name, record, states.get(name), asked.get(name))
                for name, record in records.items()
            }

    def _ask(self, name: str, spec: Mapping[str, Any], stack: contextlib.ExitStack) -> Qmp | None:
        """Ask a guest without waiting for what it says, if somebody listens; C(stack) ends that."""
        try:
            path = self.directory(name).sockets[0]
            return stack.enter_context(Qmp(path, self._deadline / 2, ahead=seen.questions(spec)))
        except HypervisorNetworkError:
            return None

    def _read(
        self,
        name: str,
        record: Mapping[str, Any] | None,
        state: State | None,
        asked: Qmp | None,
    ) -> guest_words.Guest:
        directory = self.directory(name)
        beside = self.kept(name)
        own: dict[str, Any] = {"kept": beside.exists, "seeds": frozenset(beside.known(kept.SEED))}
        if record is None:
            return guest_words.Guest(name, **own)
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
        who = process_of(directory)
        if who is None and state is not None:
            return self._of_unit(name, directory, state, own, asked)
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
        status, found = self._said(name, directory, who, record["spec"], asked)
        return guest_words.Guest(
            name,
            status,
            pid=who.pid,
            since=who.since,
            seen=found,
            kept_by=supervision.PROCESS,
            problems=_problems(directory, record["spec"], status, found),
            **own,
        )

    def _of_unit(
        self,
        name: str,
        directory: rundir.RunDirectory,
        state: State,
        own: dict[str, Any],
        asked: Qmp | None,
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
        status, found = self._said(name, directory, who, own["spec"], asked)
        return guest_words.Guest(
            name,
            status,
            pid=who.pid,
            since=who.since,
            seen=found,
            kept_by=supervision.SYSTEMD,
            problems=_problems(directory, own["spec"], status, found),
            **own,
        )

    def _said(
        self,
        name: str,
        directory: rundir.RunDirectory,
        who: procfs.Identity,
        spec: Mapping[str, Any],
        asked: Qmp | None,
    ) -> tuple[str, seen.Seen | None]:
        """What a guest says of itself: its state, and what it has. C(asked) is where it was asked already."""
        try:
            answers, version = self._asked_for(directory, spec, asked)
            state = answers[0]["status"]
        except (HypervisorNetworkError, KeyError, TypeError):
            # it may have ended while it was asked
            return (guest_words.UNRESPONSIVE if who.alive else guest_words.STOPPED), None
        return str(state), seen.of(spec, answers, _files(name, spec), version)

    def _asked_for(
        self, directory: rundir.RunDirectory, spec: Mapping[str, Any], asked: Qmp | None
    ) -> tuple[list[Any], str | None]:
        sockets, deadline = directory.sockets, self._deadline
        if asked is not None:
            try:
                return asked.answers(), asked.version
            except HypervisorNetworkError:  # another client may hold that monitor
                sockets, deadline = sockets[1:], deadline / 2
        with connect_any(sockets, deadline) as qmp:
            return qmp.execute_all(seen.questions(spec)), qmp.version


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
    directory: rundir.RunDirectory, spec: Mapping[str, Any], status: str, found: seen.Seen | None
) -> tuple[str, ...]:
    """What a guest lacks that has its process; C(found) is what it has."""
    wanted = [companions.TPM] if spec.get("tpm") else []
    return (
        *(_GONE[one] for one in companions.gone(directory, wanted)),
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
