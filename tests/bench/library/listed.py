# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A list of taps taken and handed back: what Ansible takes for it, whatever a module does."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule

TEXT = ("name", "state", "mac", "alias", "addr_gen_mode", "mode", "owner", "group", "bridge")
NUMBERS = ("mtu", "txqueuelen")
FLAGS = ("up", "multi_queue", "vnet_hdr", "pi", "in_use")
OPTIONS = {key: {"type": kind} for kind, keys in (("str", TEXT), ("int", NUMBERS), ("bool", FLAGS)) for key in keys}

if __name__ == "__main__":
    module = AnsibleModule(argument_spec={"taps": {"type": "list", "elements": "dict", "options": OPTIONS}})
    module.exit_json(taps=module.params["taps"])
