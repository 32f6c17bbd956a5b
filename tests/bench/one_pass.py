# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One pass of the collection's own loop over many taps, as the modules make it: C(one_pass.py COUNT), in the current namespace."""

from __future__ import annotations

import json
import sys
import time

from ansible_collections.hypervisor.network.plugins.module_utils._core.reconcile import reconcile
from ansible_collections.hypervisor.network.plugins.module_utils._link import port as port_planner
from ansible_collections.hypervisor.network.plugins.module_utils._link import tap as tap_planner
from ansible_collections.hypervisor.network.plugins.module_utils._link.apply import LinkNoun
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.snapshot import Netlink


def main(count: int) -> None:
    netlink = Netlink()
    start = time.monotonic()
    names = [f"tap{number}" for number in range(count)]
    taps = [
        tap_planner.checked({**dict.fromkeys(tap_planner.SPEC), "name": name, "state": "present"})
        for name in names
    ]
    ports = [
        port_planner.checked(
            {
                **dict.fromkeys(port_planner.SPEC),
                "name": name,
                "state": "present",
                "bridge": "br0",
                "up": True,
            }
        )
        for name in names
    ]
    outcome = reconcile(LinkNoun(netlink), {"tap": taps, "port": ports})
    print(json.dumps({"pass_ms": (time.monotonic() - start) * 1000, "changed": outcome.changed}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
