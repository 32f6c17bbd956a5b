# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A conversion on a host whose eth0 ifupdown brought up, left unconfirmed: with a process 1, /etc/network, /run and records of its own.

Started as C(booted.py SECONDS STUCK) inside the host's network; prints C(applied) when the guard waits, and how it ended as JSON. With C(STUCK) not 0 the
kernel refuses the guard every change.
"""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from ansible_collections.hypervisor.network.plugins.module_utils import _transaction
from ansible_collections.hypervisor.network.plugins.module_utils._errors import KernelError
from ansible_collections.hypervisor.network.plugins.module_utils._guarded_uplink import GuardedUplink
from ansible_collections.hypervisor.network.plugins.module_utils._netlink import Netlink
from ansible_collections.hypervisor.network.plugins.module_utils._plan import reconcile
from ansible_collections.hypervisor.network.plugins.module_utils._uplink_check import Spec

from .lan import NIC, Lan
from .methods import STANZAS
from .waiting import wait_for

_OWN = ("/run", "/etc/network", "/var/lib/hypervisor-network")
_ENDED = {_transaction.ROLLED_BACK, _transaction.ROLLBACK_FAILED}
_PATIENCE = 60.0


class Stuck(GuardedUplink):
    """An uplink that nothing can be changed of once the module has had its turn."""

    in_the_guard = False

    def _open_again(self) -> None:
        super()._open_again()
        self.in_the_guard = True

    def apply(self, changes: Any, now: Any) -> None:
        if self.in_the_guard:
            raise KernelError("change anything", errno.EPERM)
        super().apply(changes, now)


def start(lan: Lan, seconds: float, stuck: bool = False) -> subprocess.Popen[str]:
    """Convert eth0 of the LAN's host; returns when everything is applied."""
    words = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", sys.executable, "-m", __name__, str(seconds), str(int(stuck))]
    return lan.start(lan.host, *words, ready="applied")


def ended(child: subprocess.Popen[str]) -> dict[str, Any]:
    """Wait for what C(start) started: its transaction's facts."""
    return json.loads(child.stdout.read())


def main(seconds: str, stuck: str) -> None:
    for folder in _OWN:
        Path(folder).mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "none", folder], check=True)
    Path("/etc/network/interfaces").write_text(STANZAS, encoding="ascii")
    for hooks in ("if-pre-up.d", "if-up.d", "if-down.d", "if-post-down.d"):
        Path("/etc/network", hooks).mkdir()
    Path("/run/network").mkdir()
    Path("/run/network/ifstate").write_text(f"{NIC}={NIC}\n", encoding="ascii")
    spec = Spec(NIC, "br0", own_network=True)
    noun = (Stuck if int(stuck) else GuardedUplink)(Netlink(), spec, float(seconds), None, force=True)
    reconcile(noun, spec, guard=noun.guard)
    print("applied", flush=True)
    wait_for(lambda: noun.guard.transaction.state in _ENDED, "the end of the transaction", _PATIENCE)
    print(json.dumps(noun.guard.transaction.facts))


if __name__ == "__main__":
    main(*sys.argv[1:])
