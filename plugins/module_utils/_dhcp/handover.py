# SPDX-License-Identifier: GPL-3.0-or-later
"""Hand a DHCP lease over from one device to another: find the client that holds it, end it without a release, start it elsewhere."""

from __future__ import annotations

import glob
import os
import select
import signal
import subprocess
import time
from typing import Iterator, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    DeadlineExceeded,
    MissingDependency,
)
from ansible_collections.hypervisor.network.plugins.module_utils._dhcp.client import Client
from ansible_collections.hypervisor.network.plugins.module_utils._dhcp.clients import PROGRAMS
from ansible_collections.hypervisor.network.plugins.module_utils._host import systemd

_STOP_SECONDS = 5.0
_BOUND_SECONDS = 20.0


def clients(devs: Sequence[str], proc: str = "/proc") -> tuple[Client, ...]:
    """The DHCP clients of this network namespace that serve one of C(devs)."""
    found = []
    for pid, argv in _processes(proc):
        for program in PROGRAMS.values():
            found += [
                Client(dev, program.name, command, pid)
                for dev, command in program.recognise(argv, devs)
            ]
    return tuple(sorted(found, key=lambda one: one.argv))


def stop(client: Client, seconds: float = _STOP_SECONDS, proc: str = "/proc") -> None:
    """End the client, and whatever processes it has, so that its lease and its addresses stay. Raises DeadlineExceeded."""
    program = PROGRAMS[client.program]
    pids = {client.pid} | {pid for pid, argv in _processes(proc) if program.belongs(argv, client)}
    handles = []
    try:
        for pid in pids:
            try:
                handles.append(os.pidfd_open(pid))
            except ProcessLookupError:
                continue
        for handle in handles:
            try:
                signal.pidfd_send_signal(handle, program.ending)
            except ProcessLookupError:
                continue
        deadline = time.monotonic() + seconds
        for handle in handles:
            if not select.select([handle], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise DeadlineExceeded(
                    f"The DHCP client {client.pid} of {client.dev} did not end within {seconds:g} seconds; stop it by hand."
                )
    finally:
        for handle in handles:
            os.close(handle)


def start(client: Client, old_dev: str) -> None:
    """Start the client with the lease that C(old_dev) had, and wait until it is bound.

    A server that does not answer is no failure: the address stands already, and the client goes on asking in the background.
    """
    program = PROGRAMS[client.program]
    argv = program.prepare(client, old_dev)
    try:
        # it lives on, as a daemon of the host; and nothing here has threads
        process = subprocess.Popen(  # pylint: disable=consider-using-with,subprocess-popen-preexec-fn
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, close_fds=True,
            preexec_fn=lambda: systemd.enter(f"hypervisor-network-dhcp-{client.dev}-{os.getpid()}", (os.getpid(),)),  # noqa: PLW1509
        )  # fmt: skip
    except OSError as error:
        raise MissingDependency(
            f"Cannot start {argv[0]} for {client.dev}: {error.strerror}; install {program.package}."
        ) from None
    try:
        process.wait(_BOUND_SECONDS)
    except subprocess.TimeoutExpired:
        pass


def _processes(proc: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    """The processes of this network namespace with their command lines."""
    here = os.stat(os.path.join(proc, "self", "ns", "net")).st_ino
    for path in glob.glob(os.path.join(proc, "[0-9]*")):
        try:
            with open(os.path.join(path, "cmdline"), "rb") as stream:
                argv = tuple(os.fsdecode(part) for part in stream.read().rstrip(b"\0").split(b"\0"))
            if argv[0] and os.stat(os.path.join(path, "ns", "net")).st_ino == here:
                yield int(os.path.basename(path)), argv
        except OSError:
            continue  # ended meanwhile, or another user's
