# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that starts and stops QEMU: as a plain process of its own session."""

from __future__ import annotations

import contextlib
import functools
import os
import pwd
import signal
import socket
import time
from dataclasses import dataclass
from typing import Any, Iterable, Iterator, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    BadInput,
    DeadlineExceeded,
    GuestError,
    HypervisorNetworkError,
    MissingDependency,
    Refused,
)
from ansible_collections.hypervisor.network.plugins.module_utils._host import process as processes
from ansible_collections.hypervisor.network.plugins.module_utils._host import (
    procfs,
    programs,
    systemd,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import accel as accelerator
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import (
    chains,
    cmdline,
    fittings,
    images,
    kept,
    paths,
    rundir,
    seed,
    serial_log,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.qmp import Qmp, connect_any
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.spec import USER, check_user
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.spec_seed import (
    Seed,
    fingerprint,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.status import (
    Status,
    process_of,
)

_START_DEADLINE = 30.0
_TERM_DEADLINE = 10.0
_KILL_DEADLINE = 10.0
_TUN = "/dev/net/tun"
_LOGGED_FD = 3
_PACKAGES = {"x86_64": "qemu-system-x86", "i386": "qemu-system-x86"}


@dataclass(frozen=True)
class Step:
    """One step of a stop: what was done, how long it was waited for, and what came of it."""

    step: str
    seconds: float
    outcome: str

    def as_dict(self) -> dict[str, Any]:
        return {"step": self.step, "seconds": self.seconds, "outcome": self.outcome}


class Supervisor(Status):
    """Starts and stops the guests below one run directory."""

    @contextlib.contextmanager
    def busy(self, names: Iterable[str]) -> Iterator[None]:
        """Hold these guests against other runs. Raises Refused."""
        with contextlib.ExitStack() as stack:
            for name in sorted(names):
                stack.enter_context(self.directory(name).busy())
            yield

    def check(
        self, name: str, spec: Mapping[str, Any], made: Mapping[str, Mapping[str, Any]]
    ) -> None:
        """Raise before anything is touched, where a start cannot work. C(made): recipes of images that will exist by then."""
        _program(spec["emulator"])
        user = _user_of(name, spec)
        look = _look(name, spec, user)
        look.files(spec, made)
        for disk in spec["disks"]:
            recipe = made.get(disk["path"])
            if recipe is not None:
                look.new(recipe["path"])
                if recipe["backing_file"] is not None and recipe["backing_file"] not in made:
                    look.base(recipe["backing_file"], recipe.get("backing_format"))
        if any(nic["vhost"] for nic in spec["nics"]) and not os.path.exists("/dev/vhost-net"):
            raise Refused(
                f"{name} is not started: vhost needs /dev/vhost-net; load it with 'modprobe vhost_net', or leave vhost out."
            )
        if spec["nics"] and not processes.may_open(os.stat(_TUN), user):
            raise Refused(
                f"{name} is not started: the user {user.pw_name} may not open {_TUN}; make its mode 0666, as udev does, taps have owners."
            )
        fittings.check(name, spec, self.kept(name))
        self._accel(spec, user)

    def start(self, name: str, spec: Mapping[str, Any], paused: bool = False) -> None:
        """Start a guest and return when its machine is made and QMP answers.

        Raises GuestError with the end of QEMU's own complaints where it dies, DeadlineExceeded where it hangs.
        """
        directory = self.directory(name)
        user = _user_of(name, spec)
        accel, reason = self._accel(spec, user)
        files = _look(name, spec, user).files(spec)
        fitted = fittings.ready(name, spec, self.kept(name), user)
        launch = cmdline.Launch(
            _program(spec["emulator"]), accel, directory.pidfile, files, paused, fitted
        )
        words = cmdline.argv(name, spec, launch)
        directory.make_trusted()
        with contextlib.ExitStack() as stack:
            lock = directory.open_lock()
            stack.callback(os.close, lock)
            directory.drop("process.json")
            directory.drop("serial_log.json")
            directory.make_public(user.pw_uid, user.pw_gid)
            directory.store(
                "guest.json", {"spec": spec, "argv": words, "accel": accel, "accel_reason": reason}
            )
            listening = [
                stack.enter_context(_listen(path, user.pw_uid, user.pw_gid))
                for path in directory.sockets
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
            processes.spawn(
                words,
                handed,
                errors,
                user,
                lambda who: directory.store("process.json", who.as_dict()),
            )
        self._leave_session(name, directory)
        # our copies of the sockets are closed: should QEMU die now, the connection ends instead of hanging
        self._await_machine(name, directory)

    @staticmethod
    def _leave_session(name: str, directory: rundir.RunDirectory) -> None:
        """Out of the login session of whoever started it: KillUserProcesses=yes ends what is in there with it."""
        records = [directory.load(record) for record in ("process.json", "serial_log.json")]
        pids = [record["pid"] for record in records if record is not None]
        if pids:
            # the number makes it another unit than that of an earlier start, which systemd may not have collected yet
            systemd.enter(f"hypervisor-network-guest-{name}-{pids[0]}", pids)

    def _await_machine(self, name: str, directory: rundir.RunDirectory) -> None:
        who = process_of(directory)
        if who is None:
            raise GuestError(
                f"{name} was started, and its record in {directory.trusted} is gone; another program removed it."
            )
        try:
            # QEMU greets early, but runs a command only when the machine is complete
            Qmp(directory.sockets[0], _START_DEADLINE).close()
        except GuestError:
            procfs.wait_gone(who, 1.0)
            if who.alive:
                raise
            raise GuestError(
                f"{name} died right after its start: {directory.stderr_tail() or 'QEMU gave no reason'}"
            ) from None
        except DeadlineExceeded as error:
            raise DeadlineExceeded(
                f"{name} does not come up within {_START_DEADLINE:g} s: {directory.stderr_tail() or error}"
            ) from None

    def stop(self, name: str, grace: float) -> list[Step]:
        """End a guest: ask it, then QEMU, then kill; each with its deadline. What a crash left behind goes too."""
        directory = self.directory(name)
        who = process_of(directory)
        steps: list[Step] = []
        if who is not None and who.alive:
            for word, act, deadline in (
                ("system_powerdown", lambda: self._ask_guest(directory), grace),
                ("SIGTERM", lambda: procfs.send_signal(who, signal.SIGTERM), _TERM_DEADLINE),
                ("SIGKILL", lambda: procfs.send_signal(who, signal.SIGKILL), _KILL_DEADLINE),
            ):
                if deadline > 0:
                    steps.append(_step(word, act, who, deadline))
                    if steps[-1].outcome == "ended":
                        break
            else:
                raise GuestError(
                    f"{name} (process {who.pid}) lives on after SIGKILL: it hangs in the kernel; look at its stack and the disk."
                )
        elif who is not None:
            # killed by somebody else a moment ago: its threads still hold the lock and the disks
            procfs.wait_gone(who, _KILL_DEADLINE)
        directory.drop("process.json")
        directory.drop("serial_log.json")
        directory.remove_public()
        return steps

    def _ask_guest(self, directory: rundir.RunDirectory) -> None:
        with connect_any(directory.sockets, self._deadline) as qmp:
            if qmp.execute("query-status")["status"] in ("paused", "prelaunch"):
                qmp.execute("cont")  # what does not run cannot shut down
            qmp.execute("system_powerdown")

    def resume(self, name: str) -> None:
        self._tell(name, "cont")

    def pause(self, name: str) -> None:
        self._tell(name, "stop")

    def _tell(self, name: str, command: str) -> None:
        with connect_any(self.directory(name).sockets, self._deadline) as qmp:
            qmp.execute(command)

    def define(self, name: str, spec: Mapping[str, Any]) -> None:
        """Put another definition in place for the next start."""
        self.directory(name).store("guest.json", {"spec": spec})

    def remove(self, name: str, forget: bool = True) -> None:
        self.directory(name).remove()
        if forget:
            self.kept(name).remove()

    def create_seed(
        self, name: str, spec: Mapping[str, Any], wanted: Seed, keep: Sequence[str]
    ) -> None:
        user = _user_of(name, spec)
        seed.make(self.kept(name), fingerprint(spec["cloud_init"]), wanted, user, *keep)

    def remove_kept(self, name: str, seeds: Iterable[str] | None) -> None:
        if seeds is None:
            self.kept(name).remove()
        for one in seeds or ():
            self.kept(name).forget(kept.SEED, one)

    def create_image(self, recipe: Mapping[str, Any], spec: Mapping[str, Any]) -> None:
        user = _user_of(recipe["guest"], spec)
        images.create(recipe, _look(recipe["guest"], spec, user), user)

    def remove_image(self, path: str) -> None:
        images.remove(path)

    def uid_of(self, spec: Mapping[str, Any]) -> int:
        return _account(spec).pw_uid

    def _accel(self, spec: Mapping[str, Any], user: Any) -> tuple[str, str]:
        return accelerator.choose(spec["accel"], _program(spec["emulator"]), user, self._root)


def _account(spec: Mapping[str, Any]) -> pwd.struct_passwd:
    name = spec.get("user") or USER
    try:
        return processes.account(name)
    except GuestError:
        if name != USER:
            raise
        raise Refused(
            f"There is no user '{USER}' on this host, whom guests run as; make it with ansible.builtin.user (system: true), as the role bridge_host does, "
            "or name another in 'user'."
        ) from None


def _user_of(name: str, spec: Mapping[str, Any]) -> pwd.struct_passwd:
    """Whom a guest runs as. Raises Refused where that is root and nobody asked for it."""
    user = _account(spec)
    check_user(name, user.pw_uid, user.pw_name, spec.get("allow_root"))
    return user


def _look(name: str, spec: Mapping[str, Any], user: pwd.struct_passwd) -> paths.Look:
    return paths.Look(name, user, spec.get("allowed_roots"), chains.tops(name))


def _step(word: str, act: Any, who: procfs.Identity, deadline: float) -> Step:
    begin = time.monotonic()
    try:
        act()
    except HypervisorNetworkError as error:
        if who.alive:
            return Step(word, round(time.monotonic() - begin, 2), f"failed: {error}")
    ended = procfs.wait_gone(who, deadline)
    return Step(word, round(time.monotonic() - begin, 2), "ended" if ended else "still running")


def _program(emulator: str) -> str:
    found = programs.path_of(emulator)
    if found is None:
        package = _PACKAGES.get(emulator.rpartition("-")[2], "qemu-system")
        raise MissingDependency(
            f"The emulator {emulator} is missing; install it, such as with 'apt-get install {package}'."
        )
    return os.path.abspath(found)


@contextlib.contextmanager
def _listen(path: str, uid: int, gid: int) -> Iterator[socket.socket]:
    """A listening unix socket, 0600, of that user. Made here: it can be connected to before QEMU runs, so nobody polls for it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as listener:
        before = os.umask(0o177)
        try:
            listener.bind(path)
        except OSError as error:
            raise BadInput(f"Cannot listen at {path}: {error}.") from None
        finally:
            os.umask(before)
        os.chown(path, uid, gid, follow_symlinks=False)
        listener.listen(1)
        yield listener


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
