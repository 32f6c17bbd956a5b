# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a bridge, written once for the single form and the list."""

from __future__ import annotations

from ansible_collections.hypervisor.network.plugins.plugin_utils._docs import (
    LINK,
    one_or_many,
    vlan_list,
)

_OPTIONS = r"""
name:
  description:
    - Name of the bridge, 1 to 15 bytes.
  type: str
state:
  description:
    - V(present) makes the bridge and gives it the options named here. V(absent) deletes it.
  type: str
  choices: [present, absent]
  default: present
up:
  description:
    - Whether the device is administratively up.
  type: bool
mac:
  description:
    - MAC address of the bridge. Given once, it stays. Not given, the kernel makes it follow the lowest MAC of the ports.
  type: str
mtu:
  description:
    - MTU in bytes. Given once, it stays. Not given, the kernel makes it follow the smallest MTU of the ports.
    - Of a bridge that has this very MTU and never was given one the kernel does not tell that it follows, so nothing is sent unless O(port_mtus) says
      why. Where a port then changes it, the next run sets it, and from then on it stays.
  type: int
port_mtus:
  description:
    - The MTU of each port that the bridge will have, by the port's name. V(null) is one that keeps its own.
    - Where the bridge has the O(mtu) that it is given, and would have another with these ports if it follows them, it is given it once more before they
      join, and stays. That is told as a change from V(null), since nobody may have given it. It passes through a larger one, and no frame is lost.
    - A port that is named here for one bridge leaves the others of this task. The role P(hypervisor.network.bridge_host#role) fills it in.
  type: dict
addresses:
  description:
    - The host's own addresses on the bridge, each with its prefix length, such as V(10.9.0.1/24). For a network that no NIC brings. Those of a NIC
      come along with M(hypervisor.network.bridge_uplink).
    - With O(state) V(absent), those that may go with the bridge although O(force) is not said.
    - Of the running network only. The files have them by M(hypervisor.network.interfaces_stanza).
  type: list
  elements: str
addresses_mode:
  description:
    - Whether the bridge keeps addresses that O(addresses) does not list. V(merge) leaves them, since daemons give some, keepalived for example.
      V(exact) takes them away, but for link-local ones and those that have a lifetime.
  type: str
  choices: [merge, exact]
  default: merge
forward_delay:
  description:
    - Seconds that a port spends in the listening and in the learning state. 2 to 30 with STP. Less is refused there, since the kernel
      would silently take 2.
  type: float
hello_time:
  description:
    - Seconds between two hello packets of the root bridge, 1 to 10.
  type: float
max_age:
  description:
    - Seconds after which a silent neighbour bridge counts as dead, 6 to 40.
    - This one, O(hello_time) and O(forward_delay) are the bridge's own. In force are those of the tree's root, and other tools show them.
  type: float
ageing_time:
  description:
    - Seconds that a learned MAC stays in the forwarding database after its last frame. V(0) makes the bridge forget at once.
    - While its spanning tree changes, a bridge forgets after twice the O(forward_delay), and the kernel tells that instead. A task that gives this
      option then waits until it is over, half a minute with the usual times.
  type: float
stp_state:
  description:
    - Whether the bridge takes part in the spanning tree protocol.
  type: bool
priority:
  description:
    - Priority in the choice of the root bridge, 0 to 65535. The lowest becomes root.
  type: int
vlan_filtering:
  description:
    - Whether the bridge tells VLANs apart. Ports have theirs from M(hypervisor.network.bridge_port), the host itself from O(self_vlans).
  type: bool
vlan_protocol:
  description:
    - The tag that counts as VLAN tag.
  type: str
  choices: ["802.1Q", "802.1ad"]
group_fwd_mask:
  description:
    - Bit mask of the link-local group addresses 01-80-C2-00-00-0X that are forwarded. The kernel refuses bits 0 to 2.
  type: int
group_address:
  description:
    - Group address that the STP packets of this bridge are sent to, 01-80-C2-00-00-0X.
  type: str
mcast_router:
  description:
    - Whether multicast routers are attached to the bridge itself. V(0) never, V(1) as seen, V(2) always.
  type: int
mcast_snooping:
  description:
    - Whether IGMP and MLD are listened to, so that multicast reaches only ports that asked for it.
  type: bool
mcast_query_use_ifaddr:
  description:
    - Whether queries carry the address of the bridge instead of 0.0.0.0.
  type: bool
mcast_querier:
  description:
    - Whether the bridge sends IGMP and MLD queries.
  type: bool
mcast_hash_max:
  description:
    - Most multicast groups that are remembered. A table that gets full makes the kernel end O(mcast_snooping), which the next run switches on again.
  type: int
mcast_last_member_count:
  description:
    - Queries sent before a group counts as left.
  type: int
mcast_startup_query_count:
  description:
    - Queries sent when the querier starts.
  type: int
mcast_last_member_interval:
  description:
    - Seconds between the queries after a leave.
  type: float
mcast_membership_interval:
  description:
    - Seconds after which a silent member counts as gone.
  type: float
mcast_querier_interval:
  description:
    - Seconds after which another querier that fell silent counts as gone.
  type: float
mcast_query_interval:
  description:
    - Seconds between two queries, 1 to 86400.
  type: float
mcast_query_response_interval:
  description:
    - Seconds that members have to answer a query.
  type: float
mcast_startup_query_interval:
  description:
    - Seconds between the queries at the start, 1 to 86400.
  type: float
nf_call_iptables:
  description:
    - Whether IPv4 that is only bridged passes iptables, on this bridge alone.
    - V(false) does nothing while the sysctl C(net.bridge.bridge-nf-call-iptables) is 1, which is so for all bridges once br_netfilter is loaded, until it
      is set to 0. They are passed where either says so, and that is iptables and nftables' chains of the families ip and inet.
  type: bool
nf_call_ip6tables:
  description:
    - Whether IPv6 that is only bridged passes ip6tables, on this bridge alone.
    - V(false) does nothing while the sysctl C(net.bridge.bridge-nf-call-ip6tables) is 1, which is so for all bridges once br_netfilter is loaded, until it
      is set to 0. They are passed where either says so, and that is ip6tables and nftables' chains of the families ip6 and inet.
  type: bool
nf_call_arptables:
  description:
    - Whether ARP that is only bridged passes arptables, on this bridge alone.
    - V(false) does nothing while the sysctl C(net.bridge.bridge-nf-call-arptables) is 1, which is so for all bridges once br_netfilter is loaded, until it
      is set to 0. They are passed where either says so, and that is arptables and nftables' chains of the family arp.
  type: bool
vlan_default_pvid:
  description:
    - VLAN that new ports get untagged, 1 to 4094. V(0) for none. Ports that are still in the old one move along, and so does the bridge itself.
  type: int
vlan_stats_enabled:
  description:
    - Whether frames are counted per VLAN.
  type: bool
mcast_stats_enabled:
  description:
    - Whether IGMP and MLD packets are counted.
  type: bool
mcast_igmp_version:
  description:
    - IGMP version of the queries, V(2) or V(3).
  type: int
mcast_mld_version:
  description:
    - MLD version of the queries, V(1) or V(2).
  type: int
vlan_stats_per_port:
  description:
    - Whether frames are counted per VLAN and port. Can only be changed while no port has a VLAN.
  type: bool
no_linklocal_learn:
  description:
    - Whether source MACs of link-local frames are not learned.
  type: bool
mst_enabled:
  description:
    - Whether the bridge has a spanning tree for each VLAN group. Can only be changed while no port has a VLAN.
  type: bool
fdb_max_learned:
  description:
    - Most MACs that are learned, V(0) for no limit.
  type: int
force:
  description:
    - With O(state=absent), delete the bridge although it has ports or addresses. With O(vlan_default_pvid), change it although the kernel then
      gives ports with a VLAN of their own the new one for their untagged frames.
  type: bool
"""

_VLANS = vlan_list(
    "self_vlans",
    "The VLANs of the host itself, which to the bridge is a port like others. Untagged ones reach the bridge's own addresses, tagged ones VLAN devices on it.",
    "All others are taken away, an empty list leaves none. Needs O(vlan_filtering=true), since the kernel would accept and ignore them.",
)


class ModuleDocFragment:
    """Name, state and options of bridges."""

    # Annotated, because ansible-test takes every plain assignment here for a literal
    DOCUMENTATION: str = one_or_many(
        _OPTIONS + LINK + _VLANS,
        "bridges",
        "Many bridges in one run. Each takes the options named here. What an item leaves out comes from beside the list.",
    )
