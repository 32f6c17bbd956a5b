# SPDX-License-Identifier: GPL-3.0-or-later
"""Hand a DHCP lease over from one device to another: end the client that holds it without a release, start it elsewhere."""

from __future__ import annotations

import contextlib
import os
import time
from typing import Callable, ContextManager

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
from ansible_collections.hypervisor.network.plugins.module_utils._dhcp.holders import (
    HERE,
    Host,
    who_serve,
)
from ansible_collections.hypervisor.network.plugins.module_utils._host import (
    child,
    procfs,
    systemd,
)
from ansible_collections.hypervisor.network.plugins.module_utils._host.procfs import Process
from ansible_collections.hypervisor.network.plugins.module_utils._host.programs import (
    start as run_daemon,
)

_STOP_SECONDS = 5.0
# entered around what ends or starts a client, not around waiting for it; see _rtnl/socket.Socket
_Turn = Callable[[], ContextManager[None]]


def stop(
    client: Client,
    seconds: float = _STOP_SECONDS,
    host: Host = HERE,
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
    client: Client, old_dev: str, host: Host = HERE, turn: _Turn = contextlib.nullcontext
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
    for seen in who_serve((client.dev,), host):
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
