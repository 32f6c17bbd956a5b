#!/usr/bin/python
# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: bridge_uplink
short_description: Make a NIC the uplink of a bridge, with everything the host has on it
version_added: 0.1.0
description:
  - The NIC becomes a port of the bridge. Its addresses, routes, policy rules and its DHCP lease move to the bridge, in an order of which
    every step leaves the host reachable. Sessions live on.
  - The bridge gets the MAC and the MTU of the NIC, so neighbours, switches and DHCP servers see the same host. It is made where there is none.
  - V(absent) is the way back. The NIC gets everything from the bridge, which stays for its other ports.
  - On a bridge that filters VLANs the NIC gets those of the host, which are the bridge's own (C(self_vlans) of M(hypervisor.network.linux_bridge)), as it
    joins, and not the one that the kernel gives it. A NIC that has nothing of the host's, and shall carry other VLANs, is joined by
    M(hypervisor.network.bridge_port).
  - Only the running network is changed. Write the files with M(hypervisor.network.interfaces_stanza) afterwards, so that a reboot before that
    comes up as it was.
  - Every write is read back. Any failure undoes what the run did.
author:
  - The hypervisor.network contributors (@hypervisor-network)
extends_documentation_fragment:
  - hypervisor.network._attributes.guarded
  - hypervisor.network._attributes
  - hypervisor.network._deps
  - hypervisor.network._device
options:
  name:
    description:
      - Name of the NIC.
    type: str
    required: true
  bridge:
    description:
      - Name of the bridge.
    type: str
    required: true
  state:
    description:
      - V(present) makes the NIC the uplink of the bridge. V(absent) gives it back what the bridge has.
    type: str
    choices: [present, absent]
    default: present
  mac:
    description:
      - MAC of the bridge. Left out, it is the NIC's once the NIC joins.
    type: str
  mtu:
    description:
      - MTU of the bridge. Left out, it is the NIC's once the NIC joins. The NIC keeps its own.
    type: int
  accept_ra:
    description:
      - Whether the bridge believes router advertisements. Left out, it does so where the NIC did, and a warning tells that any guest may send one, and so
        become the host's default IPv6 router.
      - V(false) is right for a host whose IPv6 is static, and refused for one that has it from advertisements.
    type: bool
  guard_timeout:
    description:
      - Seconds after which a conversion that nobody confirmed undoes itself, 10 to 900. V(0) for no guard.
      - The task confirms by itself, over a new connection that it opens to the host after the change. If that fails, the host is as it was
        when the time is over, and the task fails.
      - The time must be long enough for three connections, which are measured first. Below 37 seconds it is also listened for 2.5 seconds on a NIC
        whose driver may renegotiate the link, whether the switch behind it runs STP; such a switch without portfast on that port is mute for twice
        its forward delay, usually 30 seconds, and a time shorter than that is refused.
      - Where the way back fails twice, ifupdown configures the device anew from its files, as at boot, if it did so before.
    type: float
    default: 60
  force:
    description:
      - Try once more although the last two tries were rolled back.
    type: bool
    default: false
  allow_address_change:
    description:
      - Convert although the DHCP lease can't be handed over, because no isc-dhclient, dhcpcd or udhcpc holds it, or because dhcpcd.conf
        has an identity for the NIC alone.
    type: bool
    default: false
  accept_outage:
    description:
      - Convert although the bridge runs STP, and its new port would be silent for twice the forward delay.
    type: bool
    default: false
  override:
    description:
      - Refusals to pass over, by name. V(wireless) is a station of an access point. V(rider) is a macvlan, ipvlan or macsec device on the NIC, which
        makes the kernel refuse the bridge. V(bound) is a tunnel, or a program that listens, and is bound to the NIC. V(xdp) and V(clsact) are programs
        and filters that see all frames that arrive. V(bond) is a bond with fail_over_mac, arp_ip_target, or a mode that rewrites MACs. V(duplicate) is
        an IPv4 address of the NIC that another host of the LAN answers for, which is asked by ARP first.
      - V(networkmanager), V(networkd), V(netplan), V(wicked), V(connman) and V(dhcpcd) (one that serves all devices) are managers that have the NIC.
        V(keepalived) is one that has a virtual address on the NIC. V(cloud_init) is one that describes the NIC anew at each boot. V(filter) is a rule
        of nftables or iptables that names the NIC and not the bridge. They, and programs that listen, are looked for where O(netns) is not given.
    type: list
    elements: str
    choices: [bond, bound, clsact, cloud_init, connman, dhcpcd, duplicate, filter, keepalived, netplan, networkd, networkmanager, rider, wicked, wireless, xdp]
    default: []
seealso:
  - module: hypervisor.network.transaction
  - module: hypervisor.network.interfaces_stanza
  - module: hypervisor.network.linux_bridge
"""

EXAMPLES = r"""
- name: Make eth0 the uplink of br0
  hypervisor.network.bridge_uplink:
    name: eth0
    bridge: br0

- name: Make a bridge that gives no VLAN to whoever joins it, with the host in VLAN 99
  hypervisor.network.linux_bridge:
    name: br0
    vlan_filtering: true
    vlan_default_pvid: 0
    self_vlans: [{vid: 99, pvid: true, untagged: true}]

- name: Have eth0 join it in that VLAN, untagged on the wire as before
  hypervisor.network.bridge_uplink:
    name: eth0
    bridge: br0

- name: Give eth0 its addresses back
  hypervisor.network.bridge_uplink:
    name: eth0
    bridge: br0
    state: absent
"""

RETURN = r"""
uplink:
  description: The NIC and its bridge as they are now, or in check mode as they were.
  returned: success
  type: dict
  contains:
    name:
      description: Name of the NIC.
      type: str
      sample: eth0
    bridge:
      description: The bridge that the NIC is a port of, null for none.
      type: str
      sample: br0
    addresses:
      description: The addresses of the NIC and of the bridge.
      type: dict
      sample: {eth0: [], br0: [192.0.2.10/24]}
transaction:
  description:
    - The guard's record of this change, with its C(id), C(state), C(timeout) and C(seconds_left). The state is V(confirmed) when the task succeeds.
    - By hand, C(mv applied confirmed) or C(mv applied rolling-back) in C(/var/lib/hypervisor-network/txn/ID) does the same as
      M(hypervisor.network.transaction).
  returned: when the change was guarded
  type: dict
  sample: {id: 0123456789abcdef0123456789abcdef, state: confirmed, timeout: 60.0, seconds_left: 57.5}
changes:
  description: What was done, or in check mode would be done, in its order.
  returned: success
  type: list
  elements: dict
  sample:
    - {action: attach, kind: port, name: eth0, before: {bridge: null}, after: {bridge: br0}, risk: may_cut_ssh}
"""

from ansible_collections.hypervisor.network.plugins.module_utils._core.module import run
from ansible_collections.hypervisor.network.plugins.module_utils._guarded.foreseen import (
    ForeseenUplink,
)
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import items


def main():
    run(**items.task(ForeseenUplink))


if __name__ == "__main__":
    main()
