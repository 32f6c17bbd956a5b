# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest that is a plain process where it shall be a unit: systemd takes it over as it runs, as a scope, until its next start makes it one.

::

    hypervisor-network-guest-NAME.scope           the guest's processes; what systemd did not start can't become a service
    hypervisor-network-guest-NAME-stop.service    a scope asks nobody before it kills, so this asks the guest, and is stopped before the scope

Both are gone with the guest, and with the host's boot. systemd sets neither ExecStop= nor TimeoutStopSec= of a unit that is there: where the guest gets other
seconds, the service is made anew, and the former one is told none as it is stopped, so that it asks nobody.
"""

from __future__ import annotations

import contextlib
import functools
import math
import os
from typing import Callable, Iterable, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import GuestError
from ansible_collections.hypervisor.network.plugins.module_utils._host import (
    procfs,
    programs,
    systemd,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import scopes, unit_file
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.supervision import scope_of

_MARGIN = 45  # beyond the guest's own time: those of all guests begin at once
_TERM_SECONDS = 10
_SECONDS = 10.0
_NETWORK = "network.target"  # ordered after it, they are stopped before it


def adopt(
    name: str,
    who: procfs.Identity,
    beside: Iterable[procfs.Identity],
    user: str,
    stop: Sequence[str],
    seconds: float,
    environment: str,
    run: Callable[..., programs.Done] = programs.run,
    path_of: Callable[[str], str | None] = programs.path_of,
) -> None:
    """Have systemd take over the process of a guest, with those C(beside) it. Nothing happens to them. Raises GuestError.

    C(stop) are the words of the program that asks it to shut down as C(user), for which it may take C(seconds). C(environment) is a file that may
    say other ones. C(run) and C(path_of) are those of C(_host/programs).
    """
    descriptor = procfs.pidfd(who)
    if descriptor is None:
        raise _ended(name)
    try:
        if not scopes.is_within(who.pid, name):
            unit = scope_of(name)
            pids = [who.pid, *(one.pid for one in beside if one.alive)]
            asked = functools.partial(systemd.start_scope, unit=unit, pids=pids)
            _have(
                unit,
                "busctl",
                path_of,
                lambda program: asked(run, program, properties=_of_scope(name)),
            )
        # systemd is told a number: it was this process's all the while, if it is still
        if procfs.ended(descriptor, 0) or not who.alive:
            raise _ended(name)
        words = _helper(name, user, stop, math.ceil(seconds), environment)
        _have(
            scopes.helper_of(name),
            "systemd-run",
            path_of,
            lambda program: run([program, *words], _SECONDS),
        )
    finally:
        os.close(descriptor)


def leave(manager: systemd.Manager, name: str, transient: str = systemd.TRANSIENT) -> None:
    """Return when nothing asks the guest to shut down any more: it would ask the next one of that name, which listens in the same place."""
    if scopes.helped(name, transient):
        with contextlib.suppress(GuestError):  # it went meanwhile
            manager.call("stop", scopes.helper_of(name), seconds=_MARGIN)


def _have(
    unit: str,
    name: str,
    path_of: Callable[[str], str | None],
    do: Callable[[str], programs.Done],
) -> None:
    """Have a program of that name make a unit. Raises GuestError."""
    program = path_of(name)
    try:
        done = programs.Done(127, "", "it is missing") if program is None else do(program)
    except OSError as error:
        done = programs.Done(124, "", error.strerror or str(error))
    if done.status != 0:
        said = programs.last_words(done.errors or done.output)
        raise GuestError(
            f"systemd does not make {unit} ({name}: {said or f'exit status {done.status}'}); look at 'systemctl status'."
        )


def _of_scope(name: str) -> list[Sequence[str]]:
    return [
        ("Description", "s", f"QEMU guest {name} (hypervisor.network)"),
        ("Slice", "s", "machine.slice"),
        ("TimeoutStopUSec", "t", str(_TERM_SECONDS * 1_000_000)),
        ("After", "as", "1", _NETWORK),
    ]


def _helper(name: str, user: str, stop: Sequence[str], grace: int, environment: str) -> list[str]:
    """What systemd-run is told of the service, which does nothing until it is stopped."""
    properties = {
        "Description": f"Shuts down the QEMU guest {name} (hypervisor.network)",
        "Type": "oneshot",
        "RemainAfterExit": "yes",
        "BindsTo": scope_of(name),
        "After": f"{scope_of(name)} {_NETWORK}",
        "User": user,
        "TimeoutStopSec": grace + _MARGIN,
        "CapabilityBoundingSet": "",
        "NoNewPrivileges": "yes",
        "ProtectSystem": "strict",
        "PrivateNetwork": "yes",
        "PrivateDevices": "yes",
        "Environment": f"{unit_file.GRACE}={grace}",
        "EnvironmentFile": f"-{environment}",
        "ExecStop": " ".join([*stop, f"${{{unit_file.GRACE}}}"]),
    }
    told = [f"--property={key}={value}" for key, value in properties.items()]
    return ["--quiet", "--collect", f"--unit={scopes.helper_of(name)}", *told, "/usr/bin/true"]


def _ended(name: str) -> GuestError:
    return GuestError(f"{name} ended while systemd took it over; run the task again.")
