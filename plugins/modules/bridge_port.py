#!/usr/bin/python
# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: bridge_port
short_description: Make devices ports of a bridge and set their port options
version_added: 0.1.0
description:
  - Attaches devices to Linux bridges, detaches them, and sets the options of the ports. Options that are not given are left alone.
  - What a bridge can't take is refused before anything changes. That is a wireless NIC, another bridge, the loopback device, a TUN,
    a device that carries macvlans, one that has addresses of its own, and the port after the 1023rd.
  - Every write is read back. Any failure after the first write undoes what the run did.
author:
  - The hypervisor.network contributors (@hypervisor-network)
extends_documentation_fragment:
  - hypervisor.network._attributes.guarded
  - hypervisor.network._attributes
  - hypervisor.network._deps
  - hypervisor.network._device
  - hypervisor.network._guard
  - hypervisor.network._port
seealso:
  - module: hypervisor.network.bridge_uplink
    description: For the NIC that carries the host's addresses.
  - module: hypervisor.network.linux_bridge
  - module: hypervisor.network.tap_device
"""

EXAMPLES = r"""
- name: Plug two taps into the bridge
  hypervisor.network.bridge_port:
    bridge: br0
    up: true
    ports:
      - name: tap1
      - name: tap2
        isolated: true

- name: One guest in VLAN 10 that knows nothing of it, one that tags its frames itself, and the uplink for both
  hypervisor.network.bridge_port:
    bridge: br0
    ports:
      - name: tap1
        access_vlan: 10
      - name: tap2
        trunk_vlans: ["20", "100-199"]
        native_vlan: 5
      - name: eth0
        trunk_vlans: ["5", "10", "20", "100-199"]
        native_vlan: 1

- name: Unplug one of them
  hypervisor.network.bridge_port:
    name: tap2
    state: absent
"""

RETURN = r"""
port:
  description: The port as it is now, or in check mode as it would be. All options of this module, under their names; its VLANs as O(vlans),
    null on a kernel without VLAN filtering.
  returned: when O(name) was given
  type: dict
  sample: {name: tap1, state: present, bridge: br0, up: true, port_state: forwarding, cost: 100, priority: 32, isolated: false}
ports:
  description: The ports in the order of O(ports), each as RV(port).
  returned: when O(ports) was given
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
    - {action: attach, kind: port, name: tap1, before: {bridge: null}, after: {bridge: br0, vlans: {"10": pvid untagged}}, risk: safe}
"""

from ansible_collections.hypervisor.network.plugins.module_utils._core.module import run
from ansible_collections.hypervisor.network.plugins.module_utils._link import items, port


def main():
    run(**items.task(port))


if __name__ == "__main__":
    main()
