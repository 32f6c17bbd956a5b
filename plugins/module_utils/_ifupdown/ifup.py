# SPDX-License-Identifier: GPL-3.0-or-later
"""The second way back: ifupdown itself configures a device from its files, as at boot.

For a guard whose own way back failed. Nothing unconfirmed is in those files, so what they say is the network from before. The device is emptied
by ip(8) and configured by C(ifup --force); never by ifdown, which would give the DHCP lease back.
"""

from __future__ import annotations

import os
import tempfile
from typing import Iterable

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    HypervisorNetworkError,
)
from ansible_collections.hypervisor.network.plugins.module_utils._dhcp import handover, holders
from ansible_collections.hypervisor.network.plugins.module_utils._dhcp.client import Client
from ansible_collections.hypervisor.network.plugins.module_utils._host import child, systemd
from ansible_collections.hypervisor.network.plugins.module_utils._host.programs import path_of, run
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.ifstate import IfState

_LAST_LINES = 3
_SECONDS = 90  # dhclient gives up after 60, and IPv6 may wait for its duplicate address detection


def is_known(dev: str) -> bool:
    """Whether ifupdown brought the device up, on this host and not for another network namespace."""
    own_network = os.stat("/proc/self/ns/net").st_ino == os.stat("/proc/1/ns/net").st_ino
    return own_network and path_of("ifup") is not None and dev in IfState().read()


def again(dev: str, emptied: Iterable[str] = ()) -> list[str]:
    """Configure the device anew, and return what was done in words; nothing where ifupdown does not know it. Raises nothing of its own.

    C(emptied) are devices that had no addresses before, and lose what they have now.
    """
    if not is_known(dev):
        return []
    emptied = [one for one in emptied if os.path.isdir(f"/sys/class/net/{one}")]
    done = [_stopped(client) for client in holders.clients((dev, *emptied))]
    if os.path.isdir(f"/sys/class/net/{dev}/brport"):
        done.append(_ran("ip", "link", "set", "dev", dev, "nomaster"))
    for one in (*emptied, dev):
        # the routes that do not go with their addresses go with the link
        done += [
            _ran("ip", "address", "flush", "dev", one),
            _ran("ip", "link", "set", "dev", one, "down"),
        ]
    done += [_ran("ip", "link", "set", "dev", one, "up") for one in emptied]
    return [
        *done,
        _ran("ifup", "--force", dev, unit=f"hypervisor-network-ifup-{dev}-{os.getpid()}"),
    ]


def _stopped(client: Client) -> str:
    try:
        handover.stop(client)
    except HypervisorNetworkError as error:
        return str(error)
    return f"stop dhcp {client.dev}"


def _ran(*argv: str, unit: str | None = None) -> str:
    """Run a program, in a C(unit) of its own where it starts what outlives the guard. The command, and what it said where it failed."""
    words = " ".join(argv)

    def begin() -> None:
        child.ordinary()  # the guard ignores signals and is spared by the kernel; a client that ifup starts is a daemon of the host
        if unit is not None:
            systemd.enter(unit, (os.getpid(),))

    # to a file: a daemon that it leaves behind would keep a pipe open
    with tempfile.TemporaryFile() as said:
        try:
            done = run(argv, _SECONDS, before=begin, said=said)
        except OSError as error:
            return f"{words}: {error.strerror}"
        if done.status == 0:
            return words
        said.seek(0)
        lines = said.read().decode("utf-8", "replace").strip().splitlines() or [
            f"ended with {done.status}"
        ]
        return f"{words}: {'; '.join(lines[-_LAST_LINES:])}"
