#!/usr/bin/python
# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: bridge_mdb
short_description: Make, change and delete multicast groups of bridges
version_added: 0.1.0
description:
  - Manages who listens to which multicast group, in the multicast databases of Linux bridges. An entry is known by its bridge, port, group, VLAN and source.
  - Such an entry is for listeners that do not ask by IGMP or MLD themselves. What others ask for comes and goes by itself, and is deleted only where
    O(state=absent) names it.
  - Who is in no entry of a group gets nothing of it any more as soon as there is one. Where that cuts the host off from its neighbours, as it may with
    the groups of IPv6's neighbour discovery, the change is made under a guard.
  - Every write is read back. Any failure after the first write undoes what the run did.
author:
  - The hypervisor.network contributors (@hypervisor-network)
extends_documentation_fragment:
  - hypervisor.network._attributes.guarded
  - hypervisor.network._attributes
  - hypervisor.network._deps
  - hypervisor.network._device
  - hypervisor.network._guard
  - hypervisor.network._mdb
seealso:
  - module: hypervisor.network.linux_bridge
    description: Its options C(mcast_snooping), C(mcast_querier) and others decide how a bridge treats groups.
  - module: hypervisor.network.bridge_port
    description: Its options C(mcast_flood), C(mcast_router) and C(fastleave) decide what a port gets without an entry.
  - module: hypervisor.network.bridge_info
    description: Tells all groups as C(mdb).
"""

EXAMPLES = r"""
- name: Send a group to a guest that never asks for it
  hypervisor.network.bridge_mdb:
    bridge: br0
    port: tap1
    group: 239.1.1.1

- name: Several groups, one of them from two senders only
  hypervisor.network.bridge_mdb:
    bridge: br0
    port: tap1
    entries:
      - group: ff0e::5
      - group: "01:1b:19:00:00:00"
      - group: 239.1.1.2
        filter_mode: include
        source_list: [192.0.2.1, 192.0.2.2]

- name: No port shall have this group any more
  hypervisor.network.bridge_mdb:
    bridge: br0
    group: 239.1.1.1
    state: absent
"""

RETURN = r"""
entry:
  description: The entry as it is now, or in check mode as it would be.
  returned: when O(entries) was not given
  type: dict
  sample:
    {bridge: br0, port: tap1, group: 239.1.1.1, vlan: null, source: null, state: present, type: permanent, filter_mode: exclude, source_list: []}
entries:
  description: The entries in the order of O(entries), each as RV(entry).
  returned: when O(entries) was given
  type: list
  elements: dict
transaction:
  description:
    - The guard's record of this change, with its C(id), C(state), C(what), C(timeout) and C(seconds_left). The state is V(confirmed) when the task succeeds.
  returned: when the change was guarded
  type: dict
  sample: {id: 0123456789abcdef0123456789abcdef, state: confirmed, timeout: 60.0, seconds_left: 57.5}
changes:
  description: What was done, or in check mode would be done, in its order. C(name) tells group, sender, port, bridge and VLAN.
  returned: success
  type: list
  elements: dict
  sample:
    - {action: create, kind: group, name: 239.1.1.1 at tap1 of br0, before: null, after: {type: permanent}, risk: interrupts}
"""

from ansible_collections.hypervisor.network.plugins.module_utils._core.module import run
from ansible_collections.hypervisor.network.plugins.module_utils._mdb import items


def main():
    run(**items.task())


if __name__ == "__main__":
    main()
