#!/usr/bin/python
# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: linux_bridge
short_description: Make Linux bridges and set their options
version_added: 0.1.0
description:
  - Creates, changes and deletes Linux bridges over netlink. Options that are not given are left alone.
  - Times are seconds. Kernels that count 250 times a second keep multiples of 0.02 as they are. A time that was not kept is an error.
  - Every write is read back. Any failure after the first write undoes what the run did.
author:
  - The hypervisor.network contributors (@hypervisor-network)
extends_documentation_fragment:
  - hypervisor.network._attributes.guarded
  - hypervisor.network._attributes
  - hypervisor.network._bridge
  - hypervisor.network._deps
  - hypervisor.network._device
  - hypervisor.network._guard
seealso:
  - module: hypervisor.network.bridge_port
  - module: hypervisor.network.bridge_uplink
"""

EXAMPLES = r"""
- name: Make a bridge for guests
  hypervisor.network.linux_bridge:
    name: br0
    up: true
    stp_state: false
    forward_delay: 0

- name: Make two bridges that find loops
  hypervisor.network.linux_bridge:
    up: true
    stp_state: true
    forward_delay: 4
    bridges:
      - name: br1
        priority: 4096
      - name: br2

- name: Tell VLANs apart, and keep the host itself in VLAN 1, and by tagged frames in VLAN 30
  hypervisor.network.linux_bridge:
    name: br0
    vlan_filtering: true
    self_vlans:
      - vid: 1
        pvid: true
        untagged: true
      - vid: 30

- name: Delete a bridge with everything that hangs on it
  hypervisor.network.linux_bridge:
    name: br1
    state: absent
    force: true
"""

RETURN = r"""
bridge:
  description: The bridge as it is now, or in check mode as it would be. All options of this module, under their names.
  returned: when O(name) was given
  type: dict
  sample: {name: br0, state: present, up: true, mac: "52:54:00:12:34:56", stp_state: false, forward_delay: 0.0}
bridges:
  description: The bridges in the order of O(bridges), each as RV(bridge).
  returned: when O(bridges) was given
  type: list
  elements: dict
transaction:
  description:
    - The guard's record of this change, with its C(id), C(state), C(what), C(timeout) and C(seconds_left). The state is V(confirmed) when the task succeeds.
  returned: when the change was guarded
  type: dict
  sample: {id: 0123456789abcdef0123456789abcdef, state: confirmed, what: update bridge br0, timeout: 60.0, seconds_left: 57.5}
changes:
  description: What was done, or in check mode would be done, in its order.
  returned: success
  type: list
  elements: dict
  sample:
    - {action: create, kind: bridge, name: br0, before: null, after: {up: true}, risk: safe}
"""

from ansible_collections.hypervisor.network.plugins.module_utils._core.module import run
from ansible_collections.hypervisor.network.plugins.module_utils._link import bridge, items
from ansible_collections.hypervisor.network.plugins.module_utils._link.ageing import (
    wait_for_own_ageing,
)


def main():
    run(**items.task(bridge, ready=wait_for_own_ageing))


if __name__ == "__main__":
    main()
