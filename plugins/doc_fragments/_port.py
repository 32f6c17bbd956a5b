# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a bridge port, written once for the single form and the list."""

from __future__ import annotations

from ansible_collections.hypervisor.network.plugins.plugin_utils._docs import one_or_many, vlan_list

_OPTIONS = r"""
name:
  description:
    - Name of the device, which must exist.
  type: str
bridge:
  description:
    - Name of the bridge. Needed with O(state=present). With O(state=absent) the device is only taken out of this bridge, not out of another.
  type: str
state:
  description:
    - V(present) makes the device a port of the bridge. V(absent) takes it out, the device itself stays.
  type: str
  choices: [present, absent]
  default: present
up:
  description:
    - Whether the device is administratively up.
  type: bool
port_state:
  description:
    - State of the port. Only while the kernel runs no STP on the bridge, and the port is up and has carrier.
      V(blocking) and V(disabled) are for bridges whose STP a daemon runs. On others the kernel makes them V(forwarding) at once, which is reported
      as an error.
  type: str
  choices: [disabled, listening, learning, forwarding, blocking]
priority:
  description:
    - Priority in the choice of the root port, 0 to 63. The lowest wins.
  type: int
cost:
  description:
    - Cost of the path through this port, 1 to 65535.
  type: int
hairpin:
  description:
    - Whether a frame may leave through the port that it came in by.
  type: bool
guard:
  description:
    - Whether the port is shut when it receives an STP packet (BPDU guard).
  type: bool
root_block:
  description:
    - Whether the port may never become the root port.
  type: bool
fastleave:
  description:
    - Whether a multicast group is left at the first leave message.
  type: bool
learning:
  description:
    - Whether source MACs are learned on this port.
  type: bool
flood:
  description:
    - Whether unicast to unknown MACs is sent out of this port.
  type: bool
proxy_arp:
  description:
    - Whether the bridge answers ARP for neighbours that it knows.
  type: bool
proxy_arp_wifi:
  description:
    - The same, by the rules of IEEE 802.11 and Hotspot 2.0.
  type: bool
mcast_router:
  description:
    - Whether a multicast router is behind the port. V(0) never, V(1) as seen, V(2) always.
    - The kernel's C(3), for a time, is read as V(1), which it becomes by itself.
  type: int
mcast_flood:
  description:
    - Whether multicast nobody asked for is sent out of this port.
  type: bool
mcast_to_unicast:
  description:
    - Whether multicast is sent to each member as unicast.
  type: bool
vlan_tunnel:
  description:
    - Whether VLANs are mapped to tunnel ids on this port.
  type: bool
bcast_flood:
  description:
    - Whether broadcast is sent out of this port.
  type: bool
group_fwd_mask:
  description:
    - Bit mask of the link-local group addresses 01-80-C2-00-00-0X that are forwarded from this port. The kernel refuses bit 1 (pause frames).
  type: int
neigh_suppress:
  description:
    - Whether ARP and neighbour solicitation are kept from this port, and answered by the bridge where it can.
  type: bool
isolated:
  description:
    - Whether the port can't reach other isolated ports.
  type: bool
backup_port:
  description:
    - Name of the port of the same bridge that frames leave through while this one has no carrier. An empty string for none.
  type: str
locked:
  description:
    - Whether only frames from MACs in the forwarding database are let in.
  type: bool
mab:
  description:
    - Whether a locked port notes the MACs that ask to come in. Needs O(locked=true) and O(learning=true).
  type: bool
access_vlan:
  description:
    - The only VLAN of the port, for a device that knows nothing of VLANs. Its frames come and go untagged.
    - All VLAN options need a bridge with O(hypervisor.network.linux_bridge#module:vlan_filtering=true), since others would accept and ignore them.
  type: int
trunk_vlans:
  description:
    - The VLANs whose frames come and go tagged, each a number or a range such as V(100-199).
  type: list
  elements: str
native_vlan:
  description:
    - The VLAN of O(trunk_vlans) whose frames come and go untagged. It need not be listed there.
  type: int
vlans_mode:
  description:
    - V(exact) takes all other VLANs from the port, the bridge's default VLAN included. V(merge) leaves them.
  type: str
  choices: [exact, merge]
  default: exact
steal:
  description:
    - Take the device from another bridge or master. Without it, such a device is left where it is and the task fails.
  type: bool
force:
  description:
    - Move or take out a tap that a process holds. Without it, the tap of a running guest stays where it is and the task fails.
  type: bool
"""

_VLANS = vlan_list(
    "vlans",
    "The VLANs of the port in the kernel's own words, where neither O(access_vlan) nor O(trunk_vlans) says what is wanted. An empty list means none.",
)


class ModuleDocFragment:
    """Membership and options of bridge ports."""

    # Annotated, because ansible-test takes every plain assignment here for a literal
    DOCUMENTATION: str = one_or_many(
        _OPTIONS + _VLANS,
        "ports",
        "Many ports in one run. Each takes the options named here. What an item leaves out comes from beside the list.",
    )
