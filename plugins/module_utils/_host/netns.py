# SPDX-License-Identifier: GPL-3.0-or-later
"""Work inside a named network namespace. Sources: setns(2), ip-netns(8)."""

from __future__ import annotations

import ctypes
import os
import re

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    BadInput,
    Refused,
)

_DIRECTORY = "/run/netns"
_NETNS = re.compile(r"[^/\s\0]{1,255}")
_CLONE_NEWNET = 0x40000000


def enter_netns(name: str | None, directory: str = _DIRECTORY) -> None:
    """Move this process into the named network namespace; None stays. Everything after it happens there: sockets, ioctls, children.

    Raises BadInput where there is none of that name, Refused where this process may not enter it.
    """
    if name is None:
        return
    if not _NETNS.fullmatch(name) or name in (".", ".."):
        raise BadInput(
            f"netns {name!r} is no name of a network namespace; give one that 'ip netns list' shows, not a path."
        )
    try:
        descriptor = os.open(os.path.join(directory, name), os.O_RDONLY | os.O_CLOEXEC)
        try:
            _set(descriptor)
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        raise BadInput(
            f"There is no network namespace '{name}'; make it with 'ip netns add {name}'."
        ) from None
    except OSError as error:
        raise Refused(
            f"Cannot enter the network namespace '{name}': {error.strerror}; run the task with become."
        ) from None


def _set(descriptor: int) -> None:
    """setns(2), which Python has from 3.12 on."""
    if ctypes.CDLL(None, use_errno=True).setns(descriptor, _CLONE_NEWNET) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
