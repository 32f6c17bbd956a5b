# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a forwarding entry, written once for the single form and the list."""

from __future__ import annotations

from ansible_collections.hypervisor.network.plugins.plugin_utils._docs import one_or_many

_OPTIONS = r"""
bridge:
  description:
    - Name of the bridge.
  type: str
mac:
  description:
    - MAC address that frames are sent to. Not one of the bridge itself or of its ports, whose entries the kernel keeps, and no multicast address,
      for which a bridge looks up no forwarding entry.
  type: str
port:
  description:
    - Port through which the address is reached. Needed with O(state=present). Another port than the entry has now moves it.
    - The bridge itself is possible for O(type=permanent).
    - With O(state=absent) the entry is only deleted where it is on this port.
  type: str
vlan:
  description:
    - VLAN of the entry, which the port must be a member of. It needs C(vlan_filtering) on the bridge.
    - Left out on a port that is a member of VLANs, it means each of them. With O(state=absent) it means whichever VLAN.
  type: int
type:
  description:
    - V(static) entries do not age. This is what a new entry is if nothing else is said. A frame from the address that comes in through another
      port still moves one there, unless O(sticky) forbids it.
    - V(permanent) makes the address the host's own. Frames to it are not forwarded but go up, as on the bridge itself.
    - V(dynamic) is an entry as if it were learned. It moves with its device, and ages. One that has aged out is added again.
    - With O(state=absent) only an entry of this type is deleted. Left out there, it means all but those that the bridge has learned by itself.
  type: str
  choices: [static, permanent, dynamic]
sticky:
  description:
    - Whether the entry stays on its port although frames from the address come in through another. Not for O(type=permanent).
  type: bool
extern_learn:
  description:
    - Whether the entry is marked as learned by somebody else, a control plane perhaps. It does not age. Only for O(type=dynamic), which it implies.
  type: bool
activity_notify:
  description:
    - Whether the kernel watches the entry, and tells (as C(bridge monitor fdb) shows) when its device falls silent or is heard again. Needs Linux 5.14,
      and is not for O(extern_learn).
  type: bool
inactive:
  description:
    - Whether the watched entry counts as one whose device is silent. The kernel itself changes that when the device is heard, or is not for the bridge's
      C(ageing_time). Needs O(activity_notify=true).
  type: bool
norefresh:
  description:
    - Leave the age of the entry as it is when something else of it is changed.
  type: bool
state:
  description:
    - V(present) makes the entry. V(absent) deletes it.
  type: str
  choices: [present, absent]
  default: present
"""


class ModuleDocFragment:
    """Bridge, address, port, VLAN, type and flags of forwarding entries."""

    # Annotated, because ansible-test takes every plain assignment here for a literal
    DOCUMENTATION: str = one_or_many(
        _OPTIONS,
        "entries",
        "Many entries in one run. Each takes the options named here. What an item leaves out comes from beside the list.",
    )
