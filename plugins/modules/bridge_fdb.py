#!/usr/bin/python
# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: bridge_fdb
short_description: Make, move, delete and flush forwarding entries of bridges
version_added: 0.1.0
description:
  - Manages the forwarding databases of Linux bridges, one entry or thousands in a run. An entry is known by its bridge, MAC and VLAN.
  - What a bridge has learned by itself is deleted only where O(type=dynamic) or O(flush) asks for it.
  - An entry that moves the MAC of somebody whom the host talks to, its gateway or the controller, is made under a guard.
  - Every write is read back. A learned entry that is back because its device has sent again is no failure. Any other failure after the
    first write undoes what the run did.
author:
  - The hypervisor.network contributors (@hypervisor-network)
extends_documentation_fragment:
  - hypervisor.network._attributes.guarded
  - hypervisor.network._attributes
  - hypervisor.network._deps
  - hypervisor.network._device
  - hypervisor.network._fdb
  - hypervisor.network._guard
options:
  flush:
    description:
      - Delete all entries of O(bridge) that fit these filters, but never those that the same run asks for with O(entries), nor those of the
        MACs of the bridge and its ports. Without any filter, V({}), that is everything that the bridge has learned.
      - With O(entries), O(flush.type=static) leaves exactly the static entries that are listed.
    type: dict
    suboptions:
      port:
        description:
          - Only entries on this port.
        type: str
      vlan:
        description:
          - Only entries of this VLAN.
        type: int
      type:
        description:
          - Entries of this type.
        type: str
        choices: [static, permanent, dynamic]
        default: dynamic
      sticky:
        description:
          - Only entries that are, or are not, sticky. Both if left out.
        type: bool
      extern_learn:
        description:
          - Entries that are, or are not, marked as learned by somebody else.
        type: bool
        default: false
seealso:
  - module: hypervisor.network.bridge_port
    description: Its options C(learning), C(flood) and C(locked) decide what a port learns, and what it gets without an entry.
  - module: hypervisor.network.bridge_info
"""

EXAMPLES = r"""
- name: Send frames to a guest nowhere but to its tap
  hypervisor.network.bridge_fdb:
    bridge: br0
    mac: "52:54:00:12:34:56"
    port: tap1

- name: The static entries of a bridge, these and no others
  hypervisor.network.bridge_fdb:
    bridge: br0
    flush:
      type: static
    entries:
      - mac: "52:54:00:12:34:56"
        port: tap1
        sticky: true
      - mac: "52:54:00:12:34:57"
        port: tap2
        vlan: 20

- name: Forget what was learned behind the uplink
  hypervisor.network.bridge_fdb:
    bridge: br0
    flush:
      port: eth0
"""

RETURN = r"""
entry:
  description:
    - The entry as it is now, or in check mode as it would be. Where V(absent) leaves a learned entry, it says so.
    - Null where only O(flush) was given.
  returned: when O(entries) was not given
  type: dict
  sample: {bridge: br0, mac: "52:54:00:12:34:56", vlan: null, state: present, port: tap1, type: static, sticky: false, extern_learn: false}
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
  description: What was done, or in check mode would be done, in its order. C(name) tells MAC, bridge and VLAN.
  returned: success
  type: list
  elements: dict
  sample:
    - {action: create, kind: entry, name: "52:54:00:12:34:56 in br0", before: null, after: {port: tap1, type: static}, risk: safe}
"""

from ansible_collections.hypervisor.network.plugins.module_utils._core.module import run
from ansible_collections.hypervisor.network.plugins.module_utils._fdb import items


def main():
    run(**items.task())


if __name__ == "__main__":
    main()
