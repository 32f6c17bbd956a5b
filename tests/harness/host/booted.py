# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A conversion on a host whose eth0 ifupdown brought up, left unconfirmed: with a process 1, /etc/network, /run and records of its own.

Started as C(booted.py SECONDS NIC SWITCH) inside the host's network, C(NIC) being one of C(NICS); prints C(applied) when the guard waits, and how it
ended as JSON.
"""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import KernelError
from ansible_collections.hypervisor.network.plugins.module_utils._core.reconcile import reconcile
from ansible_collections.hypervisor.network.plugins.module_utils._guard import (
    transaction as transactions,
)
from ansible_collections.hypervisor.network.plugins.module_utils._guarded.uplink import (
    GuardedUplink,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.snapshot import Netlink
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.preflight import Spec

from ..net.lan import NIC, Lan
from ..process.waiting import wait_for
from .methods import STANZAS

_OWN = ("/var/lib/hypervisor-network", "/etc/network", "/run")
_SWITCH = f"{_OWN[0]}/switch"  # the LAN's other end; where it is named, there is another /run
_ENDED = {transactions.ROLLED_BACK, transactions.ROLLBACK_FAILED}
_PATIENCE = 60.0


class Stuck(GuardedUplink):
    """An uplink of which the kernel refuses the guard every change."""

    in_the_guard = False

    def _open_again(self) -> None:
        super()._open_again()
        self.in_the_guard = True

    def apply(self, changes: Any, now: Any) -> None:
        if self.in_the_guard:
            raise KernelError("change anything", errno.EPERM)
        super().apply(changes, now)


class Renegotiating(GuardedUplink):
    """One whose driver takes the link down and up when it becomes a port, and when it is none any more."""

    def apply(self, changes: Any, now: Any) -> None:
        super().apply(changes, now)
        if any(change.action in ("attach", "detach") for change in changes):
            for state in ("down", "up"):
                subprocess.run(
                    ["nsenter", f"--net={_SWITCH}", "ip", "link", "set", "host", state], check=True
                )


NICS = {"plain": GuardedUplink, "stuck": Stuck, "renegotiating": Renegotiating}


def start(lan: Lan, seconds: float, nic: str = "plain") -> subprocess.Popen[str]:
    """Convert eth0 of the LAN's host; returns when everything is applied."""
    words = [
        "unshare",
        "--mount",
        "--pid",
        "--fork",
        "--kill-child",
        "--mount-proc",
        sys.executable,
        "-m",
        __name__,
        str(seconds),
        nic,
        lan.switch,
    ]
    return lan.start(lan.host, *words, ready="applied")


def ended(child: subprocess.Popen[str]) -> dict[str, Any]:
    """Wait for what C(start) started: its transaction's facts."""
    return json.loads(child.stdout.read())


def main(seconds: str, nic: str, switch: str) -> None:
    for folder in _OWN:
        Path(folder).mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0755", "none", folder], check=True)
        if not Path(_SWITCH).exists():
            Path(_SWITCH).touch()
            subprocess.run(["mount", "--bind", f"/run/netns/{switch}", _SWITCH], check=True)
    Path("/etc/network/interfaces").write_text(STANZAS, encoding="ascii")
    for hooks in ("if-pre-up.d", "if-up.d", "if-down.d", "if-post-down.d"):
        Path("/etc/network", hooks).mkdir()
    Path("/run/network").mkdir()
    Path("/run/network/ifstate").write_text(f"{NIC}={NIC}\n", encoding="ascii")
    spec = Spec(NIC, "br0", own_network=True)
    noun = NICS[nic](Netlink(), spec, float(seconds), None, force=True)
    reconcile(noun, spec, guard=noun.guard)
    print("applied", flush=True)
    wait_for(
        lambda: noun.guard.transaction.state in _ENDED, "the end of the transaction", _PATIENCE
    )
    print(json.dumps(noun.guard.transaction.facts))


if __name__ == "__main__":
    main(*sys.argv[1:])
