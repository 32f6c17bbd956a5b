# SPDX-License-Identifier: GPL-3.0-or-later
"""Hand a DHCP lease over from one device to another: find the client that holds it, end it without a release, start it elsewhere.

Anybody can start a process whose command line is that of a DHCP client. What counts is what nobody but root can make: a real user of root, the
distribution's own program, and the network and the files that this process sees too. Of what counts, only known options are believed.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import time
from dataclasses import dataclass, field
from typing import Callable, ContextManager, Iterator, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    DeadlineExceeded,
    MissingDependency,
    Refused,
)
from ansible_collections.hypervisor.network.plugins.module_utils._dhcp import clients as programs
from ansible_collections.hypervisor.network.plugins.module_utils._dhcp.client import (
    BOUND_SECONDS,
    Client,
)
from ansible_collections.hypervisor.network.plugins.module_utils._dhcp.clients import (
    PROGRAMS,
    Program,
    Said,
)
from ansible_collections.hypervisor.network.plugins.module_utils._host import (
    child,
    procfs,
    systemd,
)
from ansible_collections.hypervisor.network.plugins.module_utils._host.procfs import Process
from ansible_collections.hypervisor.network.plugins.module_utils._host.programs import PATH
from ansible_collections.hypervisor.network.plugins.module_utils._host.programs import (
    start as run_daemon,
)

_STOP_SECONDS = 5.0
# entered around what ends or starts a client, not around waiting for it; see _rtnl/socket.Socket
_Turn = Callable[[], ContextManager[None]]


@dataclass(frozen=True)
class Host:
    """Where processes and programs are looked for, and who is root there; by itself, this machine."""

    proc: str = procfs.PROC
    path: str = PATH
    root: int = 0
    programs: Mapping[str, Program] = field(default_factory=lambda: PROGRAMS)


@dataclass(frozen=True)
class _Standing:
    """What a process can't make up about itself, at one moment."""

    start_time: int
    session: int
    uid: int
    exe: str
    own_files: bool

    def objection(self, process: Process, program: Program, host: Host) -> str:
        """Why it is no DHCP client of this host, empty where it is one."""
        if self.uid != host.root:
            return f"it runs as {_user(self.uid)}, not as root"
        if not process.executes(programs.files_of(program, host.path)):
            return f"its program is {self.exe!r}, not the {program.name} of this host"
        return "" if self.own_files else "it sees other files (a mount namespace of its own)"


@dataclass(frozen=True)
class _Seen:
    process: Process
    program: Program
    standing: _Standing
    said: tuple[Said, ...]

    def is_a(self, client: Client) -> bool:
        return any(
            self.program.name == client.program
            and one.dev == client.dev
            # the families that dhcpcd serves come and go
            and (self.program.families or one.argv == client.argv)
            for one in self.said
        )


@dataclass(frozen=True)
class Found:
    """The DHCP clients of some devices, and what is told of processes that only look like one."""

    clients: tuple[Client, ...]
    pretenders: tuple[str, ...]


def survey(devs: Sequence[str], host: Host = Host()) -> Found:
    """Who serves one of C(devs) in this network namespace."""
    # one that still asks is two processes of one session: who started it waits for it
    true: dict[tuple[Client, int], None] = {}
    families, doubtful = set(), []
    for seen in _seen(devs, host):
        objection = seen.standing.objection(seen.process, seen.program, host)
        if objection:
            doubtful.append((seen, objection))
        else:
            for one in seen.said:
                found = Client(
                    one.dev, seen.program.name, one.argv, seen.process.pid, left=one.left
                )
                true.setdefault((found, seen.standing.session))
            families.add((seen.program.name, seen.standing.session))
    told = [
        f"The process {seen.process.pid} calls itself {seen.program.name} of {', '.join(one.dev for one in seen.said)}, and is not taken for a "
        f"DHCP client: {objection}. It was left alone."
        for seen, objection in doubtful
        if not (seen.program.families and (seen.program.name, seen.standing.session) in families)
    ]
    return Found(tuple(sorted((one for one, _in in true), key=lambda one: one.argv)), tuple(told))


def clients(devs: Sequence[str], host: Host = Host()) -> tuple[Client, ...]:
    """The DHCP clients of this network namespace that serve one of C(devs)."""
    return survey(devs, host).clients


def stop(
    client: Client,
    seconds: float = _STOP_SECONDS,
    host: Host = Host(),
    turn: _Turn = contextlib.nullcontext,
) -> None:
    """End the client, and whatever processes it has, so that its lease and its addresses stay. Raises DeadlineExceeded."""
    program = host.programs[client.program]
    handles: dict[int, int] = {}
    try:
        for process in _family(client, host):
            who = process.identity()
            handle = None if who is None else procfs.pidfd(who)
            if handle is not None:
                handles[process.pid] = handle
        # looked at again now that no number can change hands
        still = {process.pid for process in _family(client, host)} & set(handles)
        with turn():
            for pid in still:
                procfs.signal_to(handles[pid], program.ending)
        deadline = time.monotonic() + seconds
        for pid in still:
            if not procfs.ended(handles[pid], deadline - time.monotonic()):
                raise DeadlineExceeded(
                    f"The DHCP client {pid} of {client.dev} did not end within {seconds:g} seconds; stop it by hand."
                )
    finally:
        for handle in handles.values():
            os.close(handle)


def start(
    client: Client, old_dev: str, host: Host = Host(), turn: _Turn = contextlib.nullcontext
) -> None:
    """Start the client with the lease that C(old_dev) had, and wait until it is bound.

    A server that does not answer is no failure: the address stands already, and the client goes on asking in the background.
    """
    with turn():
        wait = _started(client, old_dev, host)
    wait(BOUND_SECONDS)


def _started(client: Client, old_dev: str, host: Host) -> Callable[[float], None]:
    program = host.programs[client.program]
    found = programs.files_of(program, host.path)
    if not found:
        raise MissingDependency(
            f"Cannot start {program.name} for {client.dev}: it is not installed; install {program.package}."
        )
    applet = [] if os.path.basename(found[0]) == program.name else [program.name]
    try:
        argv = [found[0], *applet, *program.prepare(client, old_dev)]
    except OSError as error:
        raise Refused(
            f"Cannot give the lease of {old_dev} to the {program.name} of {client.dev}: {error.strerror}; make room or the disk writable."
        ) from None
    unit = f"hypervisor-network-dhcp-{client.dev}-{os.getpid()}"

    def begin() -> None:
        child.ordinary()
        systemd.enter(unit, (os.getpid(),))

    try:
        return run_daemon(argv, begin)
    except OSError as error:
        raise MissingDependency(
            f"Cannot start {found[0]} for {client.dev}: {error.strerror}; make it executable, or install {program.package} anew."
        ) from None


def _family(client: Client, host: Host) -> list[Process]:
    """The processes of a client as they are now: those that count themselves, and what runs the same program in their session."""
    program = host.programs[client.program]
    found: dict[int, Process] = {}
    sessions = set()
    for seen in _seen((client.dev,), host):
        if seen.is_a(client) and not seen.standing.objection(seen.process, seen.program, host):
            found[seen.process.pid] = seen.process
            sessions.add(seen.standing.session)
    if program.families:
        files = programs.files_of(program, host.path)
        for process in procfs.processes(host.proc):
            stat = process.stat()
            # session 0 is another pid namespace's
            if stat is not None and stat.session in sessions - {0} and process.executes(files):
                found[process.pid] = process
    return list(found.values())


def _seen(devs: Sequence[str], host: Host) -> Iterator[_Seen]:
    """The processes of this network namespace that say to serve one of C(devs)."""
    here = procfs.own_namespace("net", host.proc)
    for process in procfs.processes(host.proc):
        if here is None or process.namespace("net") != here:
            continue
        if not _said(process, devs, host):
            continue
        # who it is is asked before and after what it says: a number may change hands, and a program execute another
        standing = _standing(process, host)
        said = _said(process, devs, host)
        if standing is not None and standing == _standing(process, host):
            for program, lines in said:
                yield _Seen(process, program, standing, lines)


def _said(
    process: Process, devs: Sequence[str], host: Host
) -> list[tuple[Program, tuple[Said, ...]]]:
    argv = process.argv()
    found = [
        (program, tuple(program.recognise(argv, devs)))
        for program in (host.programs.values() if argv else ())
    ]
    return [(program, lines) for program, lines in found if lines]


def _standing(process: Process, host: Host) -> _Standing | None:
    stat, uid = process.stat(), process.real_uid()
    if stat is None or uid is None:
        return None
    files = process.namespace("mnt")
    own = files is not None and files == procfs.own_namespace("mnt", host.proc)
    return _Standing(stat.start_time, stat.session, uid, process.exe(), own)


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"the user {uid}"
