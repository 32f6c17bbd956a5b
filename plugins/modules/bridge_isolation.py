#!/usr/bin/python
# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: bridge_isolation
short_description: Prove with live frames that tenants of a bridge are apart, and that each reaches its own
version_added: 0.1.0
description:
  - Plugs probes into the bridges of the tenants, which are ports with the same VLANs and options as the tenants' own, sends frames by them as guests would,
    and counts at every port of every bridge of the host where they come out. Ports of living guests are watched, and never touched.
  - Fails where a frame came out at a port of another tenant, at the host, at a port of no tenant, or at an uplink without its tenant's tag, and where one did
    not come out at the tenant's own ports or tagged at the uplinks. The message says which kinds, from whom, at which port, and how many.
  - What is sent are ARP requests (C(arp)), IPv4 broadcasts (C(broadcast)), an IPv4 group (C(multicast)), the group of all IPv6 hosts (C(multicast6)),
    frames for a MAC that nobody has (C(unicast)), IPv6 neighbour solicitations (C(nd)), frames from one probe to another of its tenant that the bridge has
    learned (C(known)), and, where the bridge filters VLANs, frames that a guest has tagged itself with a foreign VLAN (C(tagged)). A probe with the
    VLAN of the host sends as well.
  - The frames carry random marks, ask for addresses that nobody has, and are a few for each kind. They leave by the uplinks too, into the tenants' VLANs.
  - The probes are gone at the end, and when the module is killed, and the MACs that the bridge has learned from them with them.
  - With multicast snooping a bridge hands a group that nobody joined to routers only, once there is a querier. There, C(multicast) and C(nd) are
    counted, and must not come out elsewhere, but need not come out at all.
author:
  - The hypervisor.network contributors (@hypervisor-network)
extends_documentation_fragment:
  - hypervisor.network._attributes.info
  - hypervisor.network._deps
  - hypervisor.network._device
attributes:
  check_mode:
    support: none
    details:
      - It would send frames, so it is skipped in check mode, and says so.
options:
  tenants:
    description:
      - The tenants, each with its ports.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - Name of the tenant, for the messages and tables.
        type: str
        required: true
      vlan:
        description:
          - The VLAN that all its ports have to be in, alone and untagged. Leave it out where something else than VLANs keeps the tenants apart.
        type: int
      ports:
        description:
          - Its bridge ports, on one bridge or on several.
        type: list
        elements: str
        required: true
      dhcp:
        description:
          - Whether a DHCP server has to offer an address to a probe of the tenant. The server keeps that address back for a minute or two.
        type: bool
        default: false
  uplinks:
    description:
      - Ports that have to carry every tenant's VLAN tagged.
    type: list
    elements: str
    default: []
  trunks:
    description:
      - Ports that may carry tenants' VLANs tagged, as that of a guest which routes between tenants.
    type: list
    elements: str
    default: []
  count:
    description:
      - How many frames of each kind each probe sends, 1 to 100.
    type: int
    default: 3
  timeout:
    description:
      - How many seconds to wait for a DHCP server's offer, up to 120. Servers that first look whether an address is free take 3 seconds or more.
    type: float
    default: 10
seealso:
  - module: hypervisor.network.bridge_port
  - module: hypervisor.network.linux_bridge
"""

EXAMPLES = r"""
- name: Prove that two tenants are apart
  hypervisor.network.bridge_isolation:
    tenants:
      - {name: blue, vlan: 10, ports: [tap1, tap3]}
      - {name: red, vlan: 20, ports: [tap2], dhcp: true}
    uplinks: [eth0]
  register: apart

- name: Show the counts
  ansible.builtin.debug:
    msg: "{{ apart | hypervisor.network.bridge_table('isolation') }}"
"""

RETURN = r"""
isolation:
  description:
    - For each sender and kind, how many frames were C(sent), and how often they were seen at ports of its C(own) (and how often they had to be,
      C(required)), at C(others), and at the C(uplinks) with its tag.
  returned: success and failure
  type: list
  elements: dict
  sample: [{sender: blue, vlan: 10, kind: arp, sent: 6, own: 12, required: 12, others: 0, uplinks: 6}]
matrix:
  description: For each sender, how many of its frames were C(seen) at ports of each tenant, by the host, and at ports of no tenant.
  returned: success and failure
  type: list
  elements: dict
  sample: [{sender: blue, seen: {blue: 78, red: 0, the host: 0, no tenant: 0}}]
leaks:
  description: Where frames came out that must not.
  returned: success and failure
  type: list
  elements: dict
  sample: [{sender: blue, sent_like: tap1, receiver: red, port: tap2, probe: false, tag: null, counts: {arp: 3}}]
offers:
  description: What DHCP servers offered. C(port) is where the server's MAC was learned.
  returned: success and failure
  type: list
  elements: dict
  sample: [{tenant: red, server: 10.20.0.1, address: 10.20.0.100, mac: "52:54:00:00:00:20", port: eth0}]
proven:
  description: A sentence for each thing that was shown. Empty where anything is wrong.
  returned: success and failure
  type: list
  elements: str
wrong:
  description: A sentence for each thing that is wrong. The message of the failure is all of them.
  returned: success and failure
  type: list
  elements: str
"""

import os

from ansible_collections.hypervisor.network.plugins.module_utils._core.edge import Module, failures
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import during
from ansible_collections.hypervisor.network.plugins.module_utils._host.locks import alone
from ansible_collections.hypervisor.network.plugins.module_utils._host.netns import enter_netns
from ansible_collections.hypervisor.network.plugins.module_utils._isolation import (
    probe as isolation_probe,
)
from ansible_collections.hypervisor.network.plugins.module_utils._isolation import (
    spec as isolation_spec,
)
from ansible_collections.hypervisor.network.plugins.module_utils._isolation import verdict
from ansible_collections.hypervisor.network.plugins.module_utils._link.device import NETNS
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.snapshot import Netlink


def main():
    module = Module(argument_spec={**isolation_spec.SPEC, **NETNS})
    with failures(module, "proving it", "Its probes are gone when the task ends."):
        with during("checking the options"):
            wish = isolation_spec.checked(module.params)
        enter_netns(module.params["netns"])
        with alone():
            result = verdict.verdict(isolation_probe.prove(Netlink(), wish, os.urandom(8)))
        if result["wrong"]:
            module.fail_json(msg=" ".join(result["wrong"]), **result)
        module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
