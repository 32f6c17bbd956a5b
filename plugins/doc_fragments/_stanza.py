# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a stanza of interfaces(5), written once for the single form and the list."""

from __future__ import annotations

from ansible_collections.hypervisor.network.plugins.plugin_utils._docs import one_or_many

_OPTIONS = r"""
name:
  description:
    - Name of the interface, 1 to 15 bytes, or of a second address of it, as V(eth0:1).
  type: str
family:
  description:
    - Address family of the stanza. With O(state=present) the default is V(inet).
    - With O(state=absent) and no family the stanzas of every family go.
  type: str
  choices: [inet, inet6]
state:
  description:
    - V(present) makes the stanza, or changes the one that is there, in whichever file it stands.
    - V(absent) removes it, and the name from all C(auto) and C(allow-*) lines unless another family of it stays.
  type: str
  choices: [present, absent]
  default: present
method:
  description:
    - Method of the stanza, such as V(static), V(dhcp) or V(manual). A new stanza needs one, except with O(take_over).
  type: str
auto:
  description:
    - Whether the interface is brought up at boot. A V(false) takes the name out of every C(auto) line.
    - With O(take_over), when it is not given, the bridge is C(auto) where the NIC is C(auto) or C(allow-hotplug).
  type: bool
allow_hotplug:
  description:
    - Whether the interface is brought up when the kernel detects it.
  type: bool
options:
  description:
    - Options of the stanza, as a dictionary, or as a list of C([key, value]) pairs where a key is wanted more than once.
      A value may be a list too, one line for each of its elements.
    - A key that is given has exactly the given values, in their order. Keys that are not given stay as they are.
      A null leaves the key alone. An empty string or an empty list removes it.
    - Several values of C(address) become several C(iface) lines of the same name, since ifupdown takes only one address from each.
    - V(true) and V(false) are written as C(on) and C(off). Spellings that ifupdown takes for the same are the same here
      (C(bridge-ports) and C(bridge_ports), C(post-up) and C(up)), and a line that is right is not touched.
    - With O(take_over), hooks (C(up), C(down) and so on) are added to those that come from the NIC, and replace none of them.
      Where C(address) is given, hooks that add other addresses go.
  type: raw
take_over:
  description:
    - Name of a NIC whose stanzas of all families this one, a bridge, takes over. For O(state=present).
    - What concerns addresses and routes moves, with its comments, unchanged but for the name of the device. Of hooks that are C(ip), C(ifconfig),
      C(route), C(iptables), C(sysctl), DHCP clients, and writes below C(/proc/sys/net). What concerns the link stays with the NIC, so do options of the
      link (C(mtu), C(hwaddress), C(slaves), C(ethernet-*), C(offload-*), C(bond-*), C(ovs_*) and the like).
    - A hook that names the NIC and that the module does not know stays, and is told as a warning with its file and line.
    - Stanzas of its other addresses (C(eth0:1)) follow under the name of the bridge.
    - Refused are a NIC that the files give to a bond, another bridge, Open vSwitch or a VRF, a wireless one, and one that a C(mapping), a C(rename) or
      C(auto eth0=NAME) makes another stanza of.
    - A warning tells where the NIC could have another name at the next boot.
    - The NIC becomes C(manual), its C(auto) and C(allow-hotplug) lines stay (a pattern such as C(auto /eth*) counts as one).
      It is added to C(bridge_ports) of the bridge.
    - Where dhcpcd has given the routes a metric, and no file says one, it is written down as C(metric). dhcpcd's own is 1000 and the
      index of the device, so the bridge would get another one at the next boot.
    - O(method) and O(options) go over what was taken over. Where no file says anything of the NIC, they are needed.
  type: str
hand_back:
  description:
    - Name of a NIC that gets what the stanzas of this bridge hold now, without the C(bridge_*) options and what else is the
      bridge's own (its MAC, hooks that name it and are none of addresses or routes). For O(state=absent).
    - What the NIC had for being a port (C(ifconfig eth0 0.0.0.0), promiscuous mode) is left out, and told as a warning.
    - Refused while another stanza is made upon the bridge (C(br0.5), C(vlan-raw-device br0)).
    - After O(take_over) the file is byte for byte as it was, unless something was given or edited in between.
  type: str
file:
  description:
    - File for a stanza that is not there yet. It may be new, and must match a C(source) or C(source-directory) line.
    - Without it, a new stanza stands beside those of its other family or of O(take_over), or else at the end of O(path).
  type: path
"""


class ModuleDocFragment:
    """Name, family, method and options of a stanza."""

    # Annotated, because ansible-test takes every plain assignment here for a literal
    DOCUMENTATION: str = one_or_many(
        _OPTIONS,
        "stanzas",
        "Many stanzas in one run, each file written once. Each takes the options named here. What an item leaves out comes from beside the list.",
    )
