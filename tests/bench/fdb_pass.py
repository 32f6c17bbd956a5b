# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One pass of the collection's own loop over many forwarding entries: C(fdb_pass.py COUNT BRIDGE PORT), in the current namespace."""

from __future__ import annotations

import json
import sys
import time

from ansible_collections.hypervisor.network.plugins.module_utils._core.reconcile import reconcile
from ansible_collections.hypervisor.network.plugins.module_utils._fdb import plan as fdb_plan
from ansible_collections.hypervisor.network.plugins.module_utils._fdb import spec as fdb_spec
from ansible_collections.hypervisor.network.plugins.module_utils._fdb.apply import FdbNoun
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.snapshot import Netlink


def main(count: int, bridge: str, port: str) -> None:
    netlink = Netlink()
    beside = {**dict.fromkeys(fdb_spec.SPEC), "bridge": bridge, "port": port, "state": "present"}
    items = [
        {**beside, "mac": f"02:cc:00:{number >> 16:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"}
        for number in range(count)
    ]
    start = time.monotonic()
    wish = fdb_spec.checked(items, {**beside, "entries": items, "flush": None})
    outcome = reconcile(FdbNoun(netlink), wish)
    fdb_plan.describe(outcome, wish["entries"])
    print(json.dumps({"pass_ms": (time.monotonic() - start) * 1000, "changed": outcome.changed}))


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
