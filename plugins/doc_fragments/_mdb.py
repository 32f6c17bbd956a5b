# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a multicast group, written once for the single form and the list."""

from __future__ import annotations

from ansible_collections.hypervisor.network.plugins.plugin_utils._docs import one_or_many

_OPTIONS = r"""
bridge:
  description:
    - Name of the bridge. It must be up and have C(mcast_snooping) on. While it is down or has snooping off, the kernel keeps the permanent groups that it has,
      heeds none of them, and neither takes nor deletes any, which this module refuses then.
  type: str
port:
  description:
    - Port behind which somebody listens. Needed with O(state=present).
    - The bridge itself is the host. The kernel then takes an IP group for a while only, O(type=temporary), and a MAC only for good.
    - With O(state=absent) left out, it means whichever port.
  type: str
group:
  description:
    - The group, an IPv4 or IPv6 multicast address, or a multicast MAC for frames that are not IP, PTP perhaps. The bridge looks up a frame of IP by its
      address and never by its MAC.
    - Groups of 224.0.0.0/24 and ff02::1 go to all ports, and the kernel takes no entry of them.
    - An IP group is restricted to its listeners only while there is a querier, another one or the bridge itself with C(mcast_querier). Without one
      the bridge sends it to all ports.
  type: str
vlan:
  description:
    - VLAN of the entry, which the port must be a member of. It needs C(vlan_filtering) on the bridge.
    - Left out on a bridge that looks at VLANs, it means each VLAN of the port. With O(state=absent) it means whichever VLAN.
  type: int
source:
  description:
    - The one sender that the entry is about, an entry of its own beside that of any sender. Not for a MAC, nor for the bridge itself.
  type: str
filter_mode:
  description:
    - Whether O(source_list) are the only senders that the port wants, V(include), or those that it does not want, V(exclude). Needs Linux 6.2, and
      C(mcast_igmp_version) 3 or C(mcast_mld_version) 2 on the bridge, whose kernel tells and heeds senders only then.
    - For each sender the kernel makes an entry with its O(source) beside this one, and takes it away with it.
  type: str
  choices: [exclude, include]
source_list:
  description:
    - The senders that O(filter_mode) is about, at most 32.
  type: list
  elements: str
type:
  description:
    - V(permanent) entries stay until they are deleted, or their port leaves the bridge. This is what a new entry is if nothing else is said.
    - V(temporary) ones are as if the port had asked for the group just now. They end after C(mcast_membership_interval), or when the port leaves the group;
      the next run makes them again. An entry that ends sooner or later is left as it is.
    - With O(state=absent) only an entry of this type is deleted.
  type: str
  choices: [permanent, temporary]
state:
  description:
    - V(present) makes the entry. V(absent) deletes it, also one that the kernel made because somebody asked for the group. Who asks again gets it again.
  type: str
  choices: [present, absent]
  default: present
"""


class ModuleDocFragment:
    """Bridge, port, group, VLAN, senders and type of multicast groups."""

    # Annotated, because ansible-test takes every plain assignment here for a literal
    DOCUMENTATION: str = one_or_many(
        _OPTIONS,
        "entries",
        "Many groups in one run. Each takes the options named here. What an item leaves out comes from beside the list.",
    )
