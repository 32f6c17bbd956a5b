# SPDX-License-Identifier: GPL-3.0-or-later
"""Guests as units of systemd: their files, what systemd says of them, and how they are started and ended.

A boot and a shutdown need none of this: systemd starts QEMU itself, and ends it by a small program of Python, since none of Debian's asks
over QMP. What was written is remembered as digests, so that an edit by hand is seen, and another version of this collection is none.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import shutil
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Iterable, Iterator, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import GuestError
from ansible_collections.hypervisor.network.plugins.module_utils._host import (
    atomic,
    places,
    procfs,
    systemd,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import (
    rundir,
    serial_log,
    unit_file,
    unit_monitor,
    unit_tpm,
)

_READABLE = 0o644
_STOP_SECONDS = 60.0
_COMMON = {
    unit_file.TEMPLATE: unit_file.TEMPLATE_TEXT,
    unit_file.TARGET: unit_file.TARGET_TEXT,
    unit_file.ORDER: unit_file.ORDER_TEXT,
    unit_tpm.SOCKET: unit_tpm.SOCKET_TEXT,
    unit_tpm.SERVICE: unit_tpm.SERVICE_TEXT,
}
_SCRIPTS = {"monitor.py": unit_monitor, "serial_log.py": serial_log}
_DIGESTS = "digests.json"
_PROPERTIES = (
    "ActiveState",
    "SubState",
    "MainPID",
    "ExecMainPID",
    "Result",
    "ExecMainCode",
    "ExecMainStatus",
    "InvocationID",
    "Job",
)
_THERE = ("active", "activating")
_KILLED = ("2", "3")  # CLD_KILLED, CLD_DUMPED


@dataclass(frozen=True)
class State:
    """What systemd says of a guest's unit. C(active) and C(sub) are its words, C(job) whether it waits to be started or stopped.

    C(pid) is 0 where it has no process, C(last_pid) that of the process that it had. C(tpm) says whether the unit of its TPM runs, if it has one.
    """

    active: str
    sub: str
    pid: int
    result: str
    code: str
    status: str
    invocation: str
    job: bool
    last_pid: int = 0
    tpm: bool = False

    @property
    def failed(self) -> bool:
        # what stops it runs after an end by the kernel too, and the unit is not called failed before that is done
        return self.active == "failed" or (
            self.active == "deactivating" and self.result not in ("", "success")
        )

    @property
    def why(self) -> str:
        """Why it failed, in words."""
        if self.result == "oom-kill":
            return "out of memory: the kernel killed it"
        if self.result == "signal" or self.code in _KILLED:
            return f"killed by signal {self.status}"
        if self.result == "exit-code":
            return f"QEMU ended with exit status {self.status}"
        return f"systemd calls it failed: {self.result}"


class Units:
    """The guests that are units, of those below one run directory."""

    def __init__(
        self,
        root: str = rundir.ROOT,
        manager: systemd.Manager | None = None,
        etc: str = systemd.UNITS,
        control: str = systemd.CONTROL,
    ) -> None:
        self._root = root
        self._own = rundir.programs(root)
        self._etc = etc
        self._control = control
        self.manager = manager or systemd.Manager()
        self._waits = self._stale = False
        self.invocations: dict[str, str] = {}

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Have systemd read what is written in the block once, before it starts something and at the end: each time it reads all units of the host."""
        self._waits = True
        try:
            yield
        except BaseException:
            with contextlib.suppress(GuestError):  # what failed is told
                self.reload()
            raise
        finally:
            self._waits = False
        self.reload()

    def read(self, names: Iterable[str]) -> dict[str, State]:
        """What systemd says of these guests, with one question; none where systemd is not there. Raises GuestError where it does not answer."""
        units = {name: unit_file.unit(name) for name in names}
        if not units or not self.manager.there:
            return {}
        beside = {name: unit_tpm.units(name) for name in units if self._has_tpm(name)}
        asked = [*units.values(), *(service for _socket, service in beside.values())]
        told = self.manager.show(asked, _PROPERTIES)
        states = {
            name: _state(told[unit], told[beside[name][1]] if name in beside else {})
            for name, unit in units.items()
        }
        self.invocations.update({name: state.invocation for name, state in states.items()})
        return states

    def written(self, name: str) -> bool:
        """Whether it has a unit of ours, whatever is on record of it."""
        return os.path.lexists(self._drop_in(name))

    def enabled(self, name: str) -> bool:
        """Whether it begins with the host."""
        return all(os.path.lexists(link) for link in self._links(name))

    def held(self, name: str) -> bool:
        """Whether systemd shall not start it, until a run of ours does or writes its unit again."""
        return rundir.is_held(name, self._root)

    def edited(self, name: str, digest: str | None) -> list[str]:
        """The files of its unit that are not as they were written; C(digest) is what was returned by C(write)."""
        own = (self._drop_in(name), self._tpm_drop_in(name))
        known = dict(itertools.zip_longest(own, (digest or "").split()))
        common = rundir.load(os.path.join(self._own, _DIGESTS)) or {}
        known.update({os.path.join(self._etc, one): common.get(one) for one in _COMMON})
        return [path for path, one in known.items() if _digest(_content(path)) != one]

    def write(self, name: str, spec: Mapping[str, Any], setting: unit_file.Setting) -> str:
        """Put a guest's unit in place where it differs, as it is enabled or not; returns the digest of what is particular to it."""
        own = {self._drop_in(name): unit_file.drop_in(spec, setting).encode()}
        changed = []
        if spec.get("tpm"):
            own[self._tpm_drop_in(name)] = unit_tpm.drop_in(setting.user).encode()
        else:
            changed.append(self._without_tpm(name))
        self.write_scripts()
        for file, common in _COMMON.items():
            changed.append(_put(os.path.join(self._etc, file), common.encode()))
        digests = {file: _digest(common.encode()) for file, common in _COMMON.items()}
        if rundir.load(os.path.join(self._own, _DIGESTS)) != digests:
            rundir.store(os.path.join(self._own, _DIGESTS), digests)
        for path, text in own.items():
            places.own_directory(os.path.dirname(path), 0o755)
            changed.append(_put(path, text))
        changed.append(self._enable(name, bool(spec.get("autostart"))))
        if any(changed):
            self._changed()
        rundir.release(name, self._root)
        return " ".join(str(_digest(text)) for text in own.values())

    def limit(self, name: str, before: Mapping[str, Any], spec: Mapping[str, Any]) -> None:
        """Have a unit that runs take over its limits, where they are others than before."""
        if unit_file.limits(before) == unit_file.limits(spec):
            return
        wanted = {"MemoryMax": "infinity", "CPUQuota": "", "CPUWeight": "", "AllowedCPUs": ""}
        wanted.update(unit_file.limits(spec))
        self.reload()
        self.manager.call(
            "set-property",
            "--runtime",
            unit_file.unit(name),
            *(f"{key}={value}" for key, value in wanted.items()),
        )

    def ready(self, name: str, directory: rundir.RunDirectory, paused: bool) -> None:
        """What is set for one start alone. C(reload) comes after it, and the start (unit_starts.py)."""
        self._environment(directory, paused)
        self._forget_limits(unit_file.unit(name))

    def end(self, folders: Mapping[str, rundir.RunDirectory]) -> dict[str, GuestError]:
        """End these guests at once, and return when systemd has. What they left as failed is forgotten. Why it would not, by their names."""
        for directory in folders.values():
            self.hasten(directory)
        failed = self._end(list(folders)) if folders else {}
        if len(folders) > 1 and failed:  # what was said of all may be of one: alone it is of that
            failed = {name: why for one in folders for name, why in self._end([one]).items()}
        return failed

    def _end(self, names: Sequence[str]) -> dict[str, GuestError]:
        # their TPMs end with them, and are waited for here: the next is the folder of their state
        beside = [one for name in names if self._has_tpm(name) for one in unit_tpm.units(name)]
        units = [*map(unit_file.unit, names), *beside]
        try:
            self.manager.call("stop", *units, seconds=_STOP_SECONDS)
        except GuestError as error:
            return dict.fromkeys(names, error)
        with contextlib.suppress(GuestError):
            self.manager.call("reset-failed", *units)
        return {}

    def remove(self, name: str) -> None:
        """Forget a unit that is stopped, and what an administrator added to it."""
        rundir.release(name, self._root)
        folder = os.path.dirname(self._drop_in(name))
        if not os.path.lexists(folder) and not self.enabled(name):
            return
        self._enable(name, False)
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(folder)
        self._without_tpm(name)
        if self.manager.there:
            self._changed()

    def said(self, state: State) -> str:
        """The last that was said in this run of a unit, by QEMU or of it."""
        return self.manager.journal(state.invocation)

    def _drop_in(self, name: str) -> str:
        return os.path.join(self._etc, f"{unit_file.unit(name)}.d", unit_file.DROP_IN)

    def _tpm_drop_in(self, name: str) -> str:
        socket, _service = unit_tpm.units(name)
        return os.path.join(self._etc, f"{socket}.d", unit_file.DROP_IN)

    def _without_tpm(self, name: str) -> bool:
        """Whether there was something to remove of the units of its TPM."""
        there = self._has_tpm(name)
        if there:
            shutil.rmtree(os.path.dirname(self._tpm_drop_in(name)))
        return there

    def _has_tpm(self, name: str) -> bool:
        """Whether there are units of its TPM; the guest that runs may be one of before that."""
        return os.path.lexists(self._tpm_drop_in(name))

    def _links(self, name: str) -> dict[str, str]:
        """What makes it begin with the host, and where that leads: the links of systemctl enable, which would reload all units for each."""
        wants = os.path.join(self._etc, f"{unit_file.TARGET}.wants", unit_file.unit(name))
        boots = os.path.join(self._etc, "multi-user.target.wants", unit_file.TARGET)
        return {
            boots: os.path.join(self._etc, unit_file.TARGET),
            wants: os.path.join(self._etc, unit_file.TEMPLATE),
        }

    def _enable(self, name: str, wanted: bool) -> bool:
        """Whether something had to be done for it to begin with the host, or not to."""
        links = self._links(name)
        *_others, own = links
        if not wanted:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(own)
                return True
            return False
        missing = [link for link in links if not os.path.lexists(link)]
        for link in missing:
            places.own_directory(os.path.dirname(link), 0o755)
            os.symlink(links[link], link)
        return bool(missing)

    def _forget_limits(self, unit: str) -> None:
        """What was set while it ran is stronger than its files, until the next boot."""
        folder = os.path.join(self._control, f"{unit}.d")
        if os.path.isdir(folder):
            shutil.rmtree(folder)
            self._changed()

    def _changed(self) -> None:
        self._stale = True
        if not self._waits:
            self.reload()

    def reload(self) -> None:
        """Have systemd read units that were written and it does not know yet."""
        if self._stale:
            self.manager.call("daemon-reload", seconds=_STOP_SECONDS)
            self._stale = False

    def write_scripts(self) -> None:
        """Put the programs in place that units run."""
        rundir.make_kept(self._root)
        # the guests' users read the programs in it
        places.own_directory(self._own, 0o755)
        for name, module in _SCRIPTS.items():
            _put(os.path.join(self._own, name), _source(module))

    def hasten(self, directory: rundir.RunDirectory) -> str:
        """Have what stops a guest ask it for nothing from here on; returns the file that says so."""
        return self._environment(directory, paused=False, grace=0)

    @staticmethod
    def _environment(
        directory: rundir.RunDirectory, paused: bool, grace: float | None = None
    ) -> str:
        directory.make_trusted()
        path = os.path.join(directory.trusted, "start.env")
        atomic.write(path, unit_file.start_environment(paused, grace).encode(), lasting=False)
        return path


def identity(state: State) -> procfs.Identity | None:
    """The process of a unit for ever; None where it has none, or it is gone already."""
    return procfs.Process(state.pid).identity() if state.pid else None


def _state(told: Mapping[str, str], tpm: Mapping[str, str]) -> State:
    pid, last = (told.get(key, "") for key in ("MainPID", "ExecMainPID"))
    return State(
        told.get("ActiveState", ""),
        told.get("SubState", ""),
        int(pid) if pid.isdigit() else 0,
        told.get("Result", ""),
        told.get("ExecMainCode", ""),
        told.get("ExecMainStatus", ""),
        told.get("InvocationID", ""),
        bool(told.get("Job")),
        int(last) if last.isdigit() else 0,
        tpm.get("ActiveState") in _THERE,
    )


def _source(module: ModuleType) -> bytes:
    """The text of one of this collection's files, wherever it was imported from: a module runs out of an archive."""
    loader: Any = module.__spec__.loader if module.__spec__ is not None else None
    text = loader.get_source(module.__name__)
    return text.encode()


def _put(path: str, content: bytes) -> bool:
    """Whether a file had to be written to have that content."""
    if _content(path) == content:
        return False
    atomic.write(path, content, _READABLE)
    return True


def _content(path: str) -> bytes | None:
    """What is in a file; None where there is none, or a link, such as the one to /dev/null that masks a unit."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        return file.read()


def _digest(content: bytes | None) -> str | None:
    return None if content is None else hashlib.sha256(content).hexdigest()
