#!/usr/bin/python
# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: guarded_change
short_description: Internal, the guarded form of another module
version_added: 0.1.0
description:
  - Internal to this collection, and not meant for playbooks. It may change or go in any release.
  - What may cut off the host is rare, and what guards it is large. So the modules ship without a guard, and refuse such a change before anything is
    changed; their task's action then runs this module, which carries out the same under a guard, and confirms it over a new connection.
  - M(hypervisor.network.bridge_uplink) foresees a conversion, and leaves all of it to this module, the one without a guard too.
  - Without that action nobody confirms, and the change is undone when the guard's time is over.
author:
  - The hypervisor.network contributors (@hypervisor-network)
extends_documentation_fragment:
  - hypervisor.network._attributes.guarded
  - hypervisor.network._attributes
  - hypervisor.network._deps
attributes:
  action_group:
    support: none
    membership: []
    details:
      - It is no module for playbooks; what the group sets has reached the module that this is the guarded form of.
options:
  module:
    description:
      - The module that this is the guarded form of, without the name of the collection.
    type: str
    choices: [bridge_fdb, bridge_mdb, bridge_port, bridge_uplink, linux_bridge, tap_device]
    required: true
  options:
    description:
      - The options of that module.
    type: dict
    required: true
seealso:
  - module: hypervisor.network.bridge_fdb
  - module: hypervisor.network.bridge_mdb
  - module: hypervisor.network.bridge_port
  - module: hypervisor.network.bridge_uplink
  - module: hypervisor.network.linux_bridge
  - module: hypervisor.network.tap_device
  - module: hypervisor.network.transaction
"""

EXAMPLES = r"""
- name: What the action of linux_bridge runs
  hypervisor.network.guarded_change:
    module: linux_bridge
    options:
      name: br0
      mac: 02:00:00:00:00:01
"""

RETURN = r"""
transaction:
  description: The guard's record, with its C(id), C(state), C(timeout) and C(seconds_left). All else is as the other module returns it.
  returned: when the change was guarded
  type: dict
  sample: {id: 0123456789abcdef0123456789abcdef, state: applied, timeout: 60.0, seconds_left: 57.5}
"""

from ansible_collections.hypervisor.network.plugins.module_utils._core import arguments
from ansible_collections.hypervisor.network.plugins.module_utils._core.edge import Module, failures
from ansible_collections.hypervisor.network.plugins.module_utils._core.module import (
    argument_spec,
    carry_out,
)
from ansible_collections.hypervisor.network.plugins.module_utils._guarded import tasks


def main():
    module = Module(
        argument_spec={
            "module": {"type": "str", "choices": sorted(tasks.TASKS), "required": True},
            "options": {"type": "dict", "required": True},
        },
        supports_check_mode=True,
    )
    with failures(module, "checking the options"):
        task = tasks.of(module.params["module"])
        spec = argument_spec(task["spec"], task["plural"], task["common"])
        options, wrong = arguments.typed(module.params["options"], spec)
        if wrong:
            module.fail_json(msg=" ".join(wrong))
    carry_out(module, options, **task)


if __name__ == "__main__":
    main()
