# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A list of taps taken as tap_device takes it, and told as it tells: what Ansible takes for that, whatever a module does."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule

TEXT = ("name", "state", "mac", "alias", "addr_gen_mode", "mode", "owner", "group")
OPTIONS = {
    **dict.fromkeys(TEXT, {"type": "str"}),
    **dict.fromkeys(("mtu", "txqueuelen"), {"type": "int"}),
    **dict.fromkeys(("up", "multi_queue", "vnet_hdr", "pi", "force"), {"type": "bool"}),
}
SHOWN = {
    "state": "present", "up": True, "mac": "02:00:00:00:00:01", "mtu": 1500, "txqueuelen": 1000, "alias": "", "addr_gen_mode": "eui64",
    "mode": "tap", "multi_queue": False, "vnet_hdr": False, "pi": False, "owner": None, "group": None, "bridge": None, "in_use": False,
}  # fmt: skip

if __name__ == "__main__":
    module = AnsibleModule(
        argument_spec={"taps": {"type": "list", "elements": "dict", "options": OPTIONS}}
    )
    module.exit_json(taps=[{"name": tap["name"], **SHOWN} for tap in module.params["taps"]])
