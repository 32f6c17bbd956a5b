# SPDX-License-Identifier: GPL-3.0-or-later
"""Who holds a DHCP lease: the clients of some devices, found among the processes.

Anybody can start a process whose command line is that of a DHCP client. What counts is what nobody but root can make: a real user of root, the
distribution's own program, and the network and the files that this process sees too. Of what counts, only known options are believed.
"""

from __future__ import annotations

import pwd
from dataclasses import dataclass, field
from typing import Iterator, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._dhcp import clients as programs
from ansible_collections.hypervisor.network.plugins.module_utils._dhcp.client import Client
from ansible_collections.hypervisor.network.plugins.module_utils._dhcp.clients import (
    PROGRAMS,
    Program,
    Said,
)
from ansible_collections.hypervisor.network.plugins.module_utils._host import procfs
from ansible_collections.hypervisor.network.plugins.module_utils._host.procfs import Process
from ansible_collections.hypervisor.network.plugins.module_utils._host.programs import PATH


@dataclass(frozen=True)
class Host:
    """Where processes and programs are looked for, and who is root there; by itself, this machine."""

    proc: str = procfs.PROC
    path: str = PATH
    root: int = 0
    programs: Mapping[str, Program] = field(default_factory=lambda: PROGRAMS)


HERE = Host()
# a process changes what it is once or twice as it starts; whoever does so for ever is no DHCP client
_LOOKS = 5


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
class Seen:
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


def survey(devs: Sequence[str], host: Host = HERE) -> Found:
    """Who serves one of C(devs) in this network namespace."""
    # one that still asks is two processes of one session: who started it waits for it
    true: dict[tuple[Client, int], None] = {}
    families, doubtful = set(), []
    for seen in who_serve(devs, host):
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


def clients(devs: Sequence[str], host: Host = HERE) -> tuple[Client, ...]:
    """The DHCP clients of this network namespace that serve one of C(devs)."""
    return survey(devs, host).clients


def who_serve(devs: Sequence[str], host: Host) -> Iterator[Seen]:
    """The processes of this network namespace that say to serve one of C(devs)."""
    here = procfs.own_namespace("net", host.proc)
    for process in procfs.processes(host.proc):
        if here is None or process.namespace("net") != here:
            continue
        if _said(process, devs, host):
            yield from _looked_at(process, devs, host)


def _looked_at(process: Process, devs: Sequence[str], host: Host) -> Iterator[Seen]:
    """Who it is is asked before and after what it says: a number may change hands, and a program execute another.

    One that is only about to be a daemon is looked at again: dhclient tells who started it that it is, and then begins a session of its own.
    """
    for _again in range(_LOOKS):
        standing = _standing(process, host)
        said = _said(process, devs, host)
        after = _standing(process, host)
        if standing is None or after is None or standing.start_time != after.start_time:
            return
        if standing == after:
            for program, lines in said:
                yield Seen(process, program, standing, lines)
            return


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
