# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that starts and stops QEMU: as the main process of a unit (unit.py says how), or as a plain process of its own session."""

from __future__ import annotations

import contextlib
import functools
import os
import pwd
from typing import Any, Iterable, Iterator, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    DeadlineExceeded,
    GuestError,
    Refused,
)
from ansible_collections.hypervisor.network.plugins.module_utils._host import process as processes
from ansible_collections.hypervisor.network.plugins.module_utils._host import (
    procfs,
    systemd,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import accel as accelerator
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import (
    adoption,
    cmdline,
    companions,
    fittings,
    holds,
    kept,
    needs,
    rundir,
    scopes,
    seed,
    serial_log,
    slots,
    supervision,
    unit_setting,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.disk_images import DiskImages
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.files import Fittings
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.monitor_wait import (
    unanswered,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.spec_seed import (
    Seed,
    fingerprint,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.status import process_of
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.termination import (
    Ending,
    Step,
    end_all,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.unit import identity
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.unit_starts import UnitStarts

_START_DEADLINE = 30.0
_TUN = "/dev/net/tun"
_LOGGED_FD = 3
_OF_START = ("argv", "accel", "accel_reason", "machine")  # what is on record of a start
_RECORDS = ("process.json", "serial_log.json", *(f"{name}.json" for name in companions.NAMES))


class Supervisor(DiskImages):
    """Starts and stops the guests below one run directory."""

    @functools.cached_property
    def _unit_starts(self) -> UnitStarts:
        return UnitStarts(self._units)

    @contextlib.contextmanager
    def busy(self, names: Iterable[str]) -> Iterator[None]:
        """Hold these guests against other runs. Raises Refused."""
        with contextlib.ExitStack() as stack:
            for name in sorted(names):
                stack.enter_context(self.directory(name).busy())
            with self._unit_starts.together():
                yield

    def check(
        self,
        name: str,
        spec: Mapping[str, Any],
        made: Mapping[str, Mapping[str, Any]],
        refusing: str = "is not started",
    ) -> None:
        """Raise before anything is touched, where a start cannot work. C(made): recipes of images that will exist by then."""
        needs.program(spec["emulator"])
        user = needs.user_of(name, spec)
        look = needs.look(name, spec, user, refusing)
        look.files(spec, made)
        for disk in spec["disks"]:
            recipe = made.get(disk["path"])
            if recipe is not None:
                look.new(recipe["path"])
                if recipe["backing_file"] is not None and recipe["backing_file"] not in made:
                    look.base(recipe["backing_file"], recipe.get("backing_format"))
        needs.devices(name, spec, user, refusing)
        if spec["nics"] and not processes.may_open(os.stat(_TUN), user):
            raise Refused(
                f"{name} {refusing}: the user {user.pw_name} may not open {_TUN}; make its mode 0666, as udev does, taps have owners."
            )
        fittings.check(name, spec, self.kept(name), needs.program(spec["emulator"]))
        self._accel(spec, user)

    def make_known(self, specs: Mapping[str, Mapping[str, Any]]) -> None:
        """Write the units of guests that are down and will be started, so that systemd reads all of them at once."""
        units = [
            name for name, one in specs.items() if one.get("supervisor") == supervision.SYSTEMD
        ]
        for name in units:
            self._define_unit(name, specs[name])
        self._units.read(units)

    def start(
        self, name: str, spec: Mapping[str, Any], paused: bool = False
    ) -> procfs.Identity | None:
        """Start a guest, and return its process, for C(await_machine), by which a unit is started at the latest. Raises GuestError."""
        adoption.leave(self._units.manager, name)
        if spec.get("supervisor") == supervision.SYSTEMD:
            self._start_unit(name, spec, paused)
            return None
        self._units.remove(name)
        directory = self.directory(name)
        user = needs.user_of(name, spec)
        accel, reason = self._accel(spec, user)
        files = needs.look(name, spec, user).files(spec)
        fitted = self._fitted(name, spec, user)
        program = needs.program(spec["emulator"])
        known = slots.on_record(directory.definition(), fitted.machine)
        launch = cmdline.Launch(
            program, accel, directory.pidfile, files, paused, fitted, slots=known
        )
        words = cmdline.argv(name, spec, launch)
        directory.make_trusted()
        with contextlib.ExitStack() as stack:
            lock = directory.open_lock()
            stack.callback(os.close, lock)
            directory.drop("process.json")
            directory.drop("serial_log.json")
            directory.make_public(user.pw_uid, user.pw_gid)
            record = {"spec": spec, "argv": words, "accel": accel, "accel_reason": reason}
            directory.define({**record, "machine": fitted.machine})
            listening = [
                stack.enter_context(companions.listening(path, user)) for path in directory.sockets
            ]
            errors = os.open(
                directory.stderr,
                os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC,
                0o600,
            )
            stack.callback(os.close, errors)
            os.fchown(errors, user.pw_uid, user.pw_gid)
            handed = {
                cmdline.QMP_FD: listening[0].fileno(),
                cmdline.SPARE_FD: listening[1].fileno(),
                cmdline.LOCK_FD: lock,
            }
            if "serial_log" in files.paths:
                handed[cmdline.SERIAL_FD] = _serial_line(
                    files.paths["serial_log"], errors, user, directory, stack
                )
            with companions.started(fitted.companions, directory, user, errors):
                processes.spawn(
                    words,
                    handed,
                    errors,
                    user,
                    lambda who: directory.store("process.json", who.as_dict()),
                )
                # without our copies of the sockets: should QEMU die now, a connection ends instead of hanging
                stack.close()
                self._leave_session(name, directory)
        return process_of(directory)

    def _fitted(self, name: str, spec: Mapping[str, Any], user: pwd.struct_passwd) -> Fittings:
        accelerator.remember(self._root)
        program, places = needs.program(spec["emulator"]), self.directory(name)
        return fittings.ready(name, spec, self.kept(name), user, places, program)

    @staticmethod
    def _recorded(directory: rundir.RunDirectory) -> list[procfs.Identity]:
        """The processes of a guest that is none of systemd's, QEMU first."""
        records = [directory.load(record) for record in _RECORDS]
        return [procfs.Identity(**record) for record in records if record is not None]

    def _leave_session(self, name: str, directory: rundir.RunDirectory) -> None:
        """Out of the login session of whoever started it: KillUserProcesses=yes ends what is in there with it."""
        pids = [one.pid for one in self._recorded(directory)]
        if pids:
            # the number makes it another unit than that of an earlier start, which systemd may not have collected yet
            systemd.enter(f"hypervisor-network-guest-{name}-{pids[0]}", pids)

    def _start_unit(self, name: str, spec: Mapping[str, Any], paused: bool) -> None:
        directory = self.directory(name)
        directory.drop("process.json")
        directory.drop("serial_log.json")
        directory.remove_public()  # it is the unit's RuntimeDirectory= from here on
        self._define_unit(name, spec)
        self._unit_starts.prepare(name, directory, paused)

    def _define_unit(self, name: str, spec: Mapping[str, Any]) -> None:
        """Write a guest's unit, and the definition that it was made of. Raises as C(check) does."""
        directory, user = self.directory(name), needs.user_of(name, spec)
        accel, reason = self._accel(spec, user)
        fitted = self._fitted(name, spec, user)
        setting = unit_setting.of(name, spec, directory, user, accel, fitted)
        digest = self._units.write(name, spec, setting)
        record = {"spec": spec, "argv": setting.words, "accel": accel, "accel_reason": reason}
        record["machine"] = fitted.machine
        directory.define({**record, "unit": digest})

    def _died(self, name: str, directory: rundir.RunDirectory) -> GuestError:
        """Why a guest ended right after its start, from whoever was told."""
        said = directory.stderr_tail()
        is_unit = self.is_unit(name, directory.definition())
        state = self._units.read([name]).get(name) if is_unit else None
        if state is not None:
            said = self._units.said(state) or state.why
        return GuestError(
            f"{name} died right after its start: {(said or 'QEMU gave no reason').rstrip('.')}; cure that, and run the task again."
        )

    def await_machine(self, name: str, who: procfs.Identity | None) -> None:
        """Return when the machine of a guest that was started is made, and QMP answers; where it does not, nothing of it is left but QEMU itself.

        Raises GuestError with the end of QEMU's own complaints where it dies, DeadlineExceeded where it hangs.
        """
        directory = self.directory(name)
        try:
            self._await_machine(name, directory, who)
        except BaseException:
            companions.end(directory)
            raise

    def _await_machine(
        self, name: str, directory: rundir.RunDirectory, who: procfs.Identity | None
    ) -> None:
        if self._unit_starts.awaits(name):
            who = identity(self._unit_starts.started(name))
            if who is None:
                raise self._died(name, directory)
        elif who is None:
            raise GuestError(
                f"{name} was started, and its record in {directory.trusted} is gone; another program removed it; find that, and run the task again."
            )
        why = self._unanswered(directory.sockets[0], who, _START_DEADLINE)
        if why is not None and not who.alive:
            raise self._died(name, directory)
        if why is not None:
            raise DeadlineExceeded(
                f"{name} does not come up within {_START_DEADLINE:g} s: {(directory.stderr_tail() or why).rstrip('.')}; look at what it waits for."
            )

    _unanswered = staticmethod(unanswered)

    def stop(self, graces: Mapping[str, float]) -> dict[str, list[Step] | GuestError]:
        """End guests in their order, each after it was asked for its seconds (termination.py). What a crash left behind goes too.

        What was done to each, by their names, or why it is not ended.
        """
        places = {name: self.directory(name) for name in graces}
        records = {name: directory.definition() for name, directory in places.items()}
        whose = {name: process_of(directory) for name, directory in places.items()}
        units = [
            name
            for name in places
            if whose[name] is None
            and self._units.manager.there
            and self.is_unit(name, records[name])
        ]
        states = self._units.read(units)
        whose.update({name: identity(states[name]) for name in units})
        endings = {
            name: Ending(
                who,
                functools.partial(self._ask_guest, places[name]),
                graces[name],
                _place(records[name]),
            )
            for name, who in whose.items()
            if who is not None
        }
        found: dict[str, list[Step] | GuestError] = {name: [] for name in graces}
        found.update(end_all(endings))
        found.update(
            self._units.end(
                {name: places[name] for name in units if not isinstance(found[name], GuestError)}
            )
        )
        for name, directory in places.items():
            if not isinstance(found[name], GuestError):
                adoption.leave(self._units.manager, name)
                companions.end(directory)
                directory.drop("process.json")
                directory.drop("serial_log.json")
                directory.remove_public()
        return found

    def adopt(self, name: str, grace: float) -> None:
        """Have systemd take over a guest that runs as a plain process, and ask it for so many seconds when the host ends. Raises GuestError."""
        directory = self.directory(name)
        spec = (directory.definition() or {}).get("spec", {})
        who, *beside = self._recorded(directory)
        self._units.write_scripts()
        stop = [*unit_setting.program(self._root, "monitor.py"), "stop", directory.public]
        directory.drop(scopes.RECORD)  # first: whoever ends this run has the next one begin anew
        user, environment = needs.account(spec).pw_name, self._units.hasten(directory)
        # it asks nobody: it is told that there is no time
        adoption.leave(self._units.manager, name)
        os.unlink(environment)
        adoption.adopt(name, who, beside, user, stop, grace, environment)
        directory.store(scopes.RECORD, {"seconds": grace})

    def define(self, name: str, spec: Mapping[str, Any], strict: bool = True) -> None:
        """Put another definition in place: a unit takes over its settings at once, the rest waits for the next start.

        Where files that it names are missing, it is refused, or if not C(strict) has no unit until it is started.
        """
        guest = self.read(name)
        if spec.get("supervisor") == supervision.SYSTEMD:
            try:
                self._define_unit(name, spec)
            except Refused:
                if strict:
                    raise
            else:
                if guest.kept_by == supervision.SYSTEMD:
                    self._units.limit(name, guest.spec, spec)
                return
        self._units.remove(name)
        record = self.directory(name).definition() or {}
        last = {key: record[key] for key in _OF_START if key in record}
        self.directory(name).define({"spec": spec, **({} if guest.down else last)})

    def refresh(self, name: str) -> None:
        """Write a guest's unit again, whose disks got other images; one that runs does not notice. Raises as C(check) does."""
        record = self.directory(name).definition() or {}
        if "unit" in record:
            self._define_unit(name, record["spec"])

    def remove(self, name: str, forget: bool = True) -> None:
        self._units.remove(name)
        self.directory(name).remove()
        if forget:
            self.kept(name).remove()

    def create_seed(
        self, name: str, spec: Mapping[str, Any], wanted: Seed, keep: Sequence[str]
    ) -> None:
        user = needs.user_of(name, spec)
        seed.make(self.kept(name), fingerprint(spec["cloud_init"]), wanted, user, *keep)

    def remove_kept(self, name: str, seeds: Iterable[str] | None) -> None:
        if seeds is None:
            self.kept(name).remove()
        for one in seeds or ():
            self.kept(name).forget(kept.SEED, one)

    def uid_of(self, spec: Mapping[str, Any]) -> int:
        return needs.account(spec).pw_uid

    def taps_of(self, pid: int | None) -> frozenset[str]:
        return (holds.taps(pid) if pid is not None else None) or frozenset()

    def _accel(self, spec: Mapping[str, Any], user: Any) -> tuple[str, str]:
        return accelerator.choose(spec["accel"], needs.program(spec["emulator"]), user, self._root)


def _place(record: Mapping[str, Any] | None) -> int | None:
    """A guest's place in the order, by the definition that it has on record."""
    spec: Mapping[str, Any] = (record or {}).get("spec", {})
    return spec.get("start_order")


def _serial_line(
    path: str,
    errors: int,
    user: pwd.struct_passwd,
    directory: rundir.RunDirectory,
    stack: contextlib.ExitStack,
) -> int:
    """The end of a pipe to write to, whose other end goes to a log; C(stack) closes both here. Raises GuestError where the user cannot write that."""
    reader, writer = os.pipe()
    stack.callback(os.close, reader)
    stack.callback(os.close, writer)
    keep = functools.partial(serial_log.keep, _LOGGED_FD, path, serial_log.LIMIT)
    processes.fork(
        f"write the serial_log {path}",
        keep,
        {_LOGGED_FD: reader},
        errors,
        user,
        lambda who: directory.store("serial_log.json", who.as_dict()),
    )
    return writer
