#!/usr/bin/python
# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: bridge_info
short_description: Tell what bridges, forwarding databases, routes and addresses a host has
version_added: 0.1.0
description:
  - Returns as data what C(brctl show), C(brctl showmacs) and C(route -n) print.
author:
  - The hypervisor.network contributors (@hypervisor-network)
extends_documentation_fragment:
  - hypervisor.network._attributes.info
  - hypervisor.network._deps
  - hypervisor.network._device
options:
  name:
    description:
      - Only this bridge. All bridges if it is left out.
    type: str
seealso:
  - module: hypervisor.network.bridge_fdb
  - module: hypervisor.network.linux_bridge
"""

EXAMPLES = r"""
- name: Look at one bridge
  hypervisor.network.bridge_info:
    name: br0
  register: switch

- name: Show which MACs it has learned
  ansible.builtin.debug:
    msg: "{{ switch.bridges[0].fdb | rejectattr('local') }}"
"""

RETURN = r"""
bridges:
  description: The bridges with their options, ports and forwarding databases.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the bridge.
      type: str
      sample: br0
    id:
      description: Bridge id, priority and MAC in hexadecimal.
      type: str
      sample: 8000.525400123456
    mac:
      description: MAC of the bridge.
      type: str
      sample: "52:54:00:12:34:56"
    mtu:
      description: MTU in bytes.
      type: int
      sample: 1500
    up:
      description: Whether it is administratively up.
      type: bool
    stp_state:
      description: Whether the spanning tree protocol runs.
      type: bool
    options:
      description:
        - All options of the bridge under the names of M(hypervisor.network.linux_bridge), and the spanning tree's findings.
        - Those are C(bridge_id), C(root_id), C(root_port) (0 on the root itself), C(root_path_cost), C(topology_change), C(topology_change_detected),
          and the timers C(hello_timer), C(tcn_timer), C(topology_change_timer) and C(gc_timer) in seconds that are left, 0 where one does not run.
          C(hello_time), C(max_age) and C(forward_delay) are the bridge's own, in force are those of its root. C(ageing_time) is null while
          C(topology_change) makes the bridge forget sooner. C(fdb_n_learned) is the number of
          learned entries, where the kernel counts them.
      type: dict
    believes_routers:
      description: Whether the host takes IPv6 routes and addresses from router advertisements that come by this bridge, whoever sends them. Null without IPv6.
      type: bool
      sample: false
    self_vlans:
      description: The VLANs of the host itself on the bridge, as C(vlans) of the ports.
      type: list
      elements: dict
      sample: [{vid: 1, pvid: true, untagged: true}]
    ports:
      description:
        - The ports, each with C(name), C(number), C(kind), C(mac), C(mtu), C(txqueuelen), C(alias), C(addr_gen_mode), C(up), C(carrier),
          C(state), C(options), C(vlans), and C(holder_pid) and
          C(holder_guest) of a tap in use.
        - The spanning tree's findings in C(options) are C(port_id), C(port_no), C(designated_root), C(designated_bridge), C(designated_port),
          C(designated_cost), C(topology_change_ack), C(config_pending), and the timers C(message_age_timer), C(forward_delay_timer) and C(hold_timer) in
          seconds that are left, 0 where one does not run.
      type: list
      elements: dict
      contains:
        vlans:
          description: The VLANs of the port, each with C(vid) as a number, or as a string for a range, C(pvid) and C(untagged). Null where the
            kernel has no VLAN filtering. A bridge whose C(vlan_filtering) is off does not heed them.
          type: list
          elements: dict
          sample: [{vid: 20, pvid: true, untagged: true}, {vid: 100-199, pvid: false, untagged: false}]
    fdb:
      description: The forwarding database, each entry with C(mac), C(port), C(vlan), C(type), C(sticky) and C(extern_learn) as options of
        M(hypervisor.network.bridge_fdb), C(activity_notify) and C(inactive) too, C(local) and C(static), and C(age) in seconds since the last frame.
        C(locked) is a MAC that a locked port with C(mab) noted and keeps out.
      type: list
      elements: dict
    mdb:
      description:
        - The multicast groups that somebody behind a port listens to, or the host itself where C(port) is the bridge. C(group) is an IPv4 or IPv6 address,
          or a MAC. C(source) is the one sender that it is about, null for any, C(filter_mode) V(include) or V(exclude), null where it is not known.
          C(source_list) are those that this is about. C(permanent) ones were made by hand, others have C(seconds_left), and are C(learned) where the kernel
          heard of them itself. They are set by M(hypervisor.network.bridge_mdb).
        - Null where the kernel was built without multicast snooping.
      type: list
      elements: dict
      sample:
        - {port: tap1, group: 239.1.1.1, vlan: null, permanent: false, source: null, filter_mode: exclude, seconds_left: 259.4, source_list: [], learned: true}
    mcast_router_ports:
      description: The ports behind which multicast routers are, which get every group. Null as C(mdb).
      type: list
      elements: str
      sample: [eth0]
routes:
  description: The routes of all tables. C(flags) are those of C(route -n), C(protocol) is who made it, as C(ip route) calls them.
  returned: success
  type: list
  elements: dict
  sample: [{family: inet, dst: default, gateway: 192.0.2.1, dev: br0, metric: 0, src: null, scope: global, protocol: static, table: 254, type: unicast,
            flags: UG}]
addresses:
  description: The addresses of all devices.
  returned: success
  type: list
  elements: dict
  sample: [{dev: br0, address: 192.0.2.10/24, family: inet, scope: global}]
links:
  description:
    - All network devices but the loopback, among them those that a bridge's ports stand on, and taps that are in no bridge.
    - C(kind) is the kernel's word (V(tun), V(bond), V(vlan) ...; empty for hardware), C(master) the bridge or bond that a device belongs to, C(lower)
      the device that a VLAN device stands on, C(vlan) its VLAN, C(speed) a NIC's speed in Mbit/s where its driver tells one. C(holder_pid) and C(holder_guest)
      are of a tap in use.
    - C(lldp) are the neighbours that lldpd or systemd-networkd, where one of them runs and listens, has heard at it by LLDP, with C(system), C(chassis),
      C(port) and the port's C(description), each empty where it is not said. None of them is started, and M(hypervisor.network.host_plan) does not ask.
  returned: success
  type: list
  elements: dict
  sample: [{name: bond0.20, kind: vlan, mac: "52:54:00:12:34:56", mtu: 1500, up: true, carrier: true, alias: "", master: br0, lower: bond0, vlan: 20,
            speed: null, holder_pid: null, holder_guest: null, lldp: []}]
neighbours:
  description: The addresses whose MACs the host has heard, as C(ip neigh) tells them.
  returned: success
  type: list
  elements: dict
  sample: [{dev: br0, address: 192.0.2.20, mac: "52:00:00:00:00:01"}]
takers:
  description: By port, who of systemd-networkd and NetworkManager would take it out of its bridge, and by what; a sentence without its end.
  returned: success
  type: dict
  sample: {}
disagreements:
  description:
    - By bridge or port, what its manager of networks believes of it that is not so, or that is not what files of M(hypervisor.network.bridge_persist) and
      M(hypervisor.network.bridge_uplink) say; a sentence without its end.
    - Of systemd-networkd and NetworkManager, by the files that these keep below C(/run). Neither is asked or started.
  returned: success
  type: dict
  sample: {}
transactions:
  description: Guarded changes that nobody has confirmed yet, each with C(id), C(state), C(what) and C(seconds_left). Empty where none is pending.
  returned: success
  type: list
  elements: dict
as_variables:
  description:
    - The same host as variables of the role C(hypervisor.network.bridge_host), C(bridge_host_bridges), C(bridge_host_taps) and C(bridge_host_guests), ready to
      paste. What the kernel or QEMU would choose anyway is left out, owners are numbers. Given to the role, they change nothing of this host's network, and
      make the same on another.
    - Addresses are among them for bridges without an uplink; what an uplink has, the role keeps. Ports that are neither taps nor the uplink are left out.
  returned: success
  type: dict
  sample: {bridge_host_bridges: [{name: br0, uplink: eth0, stp_state: false, forward_delay: 0.0}], bridge_host_taps: [], bridge_host_guests: []}
"""


from ansible_collections.hypervisor.network.plugins.module_utils._core.edge import Module, failures
from ansible_collections.hypervisor.network.plugins.module_utils._doctor import takers
from ansible_collections.hypervisor.network.plugins.module_utils._host.netns import enter_netns
from ansible_collections.hypervisor.network.plugins.module_utils._info import as_variables, lldp
from ansible_collections.hypervisor.network.plugins.module_utils._info import read as info
from ansible_collections.hypervisor.network.plugins.module_utils._link.device import NETNS
from ansible_collections.hypervisor.network.plugins.module_utils._link.read import read
from ansible_collections.hypervisor.network.plugins.module_utils._managers import beliefs
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import rundir
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import route as rtnl_route
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.snapshot import (
    Netlink,
    names_of,
)


def main():
    module = Module(argument_spec={"name": {"type": "str"}, **NETNS}, supports_check_mode=True)
    with failures(module, "reading the host"):
        enter_netns(module.params["netns"])
        netlink = Netlink()
        now = read(netlink)
        routes = rtnl_route.decode_routes(
            netlink.dump(rtnl_route.RTM_GETROUTE), names_of(now.links)
        )
        name, netns = module.params["name"], module.params["netns"]
        guests = rundir.definitions(netns)
        # the daemons that hear LLDP are those of the host's own network
        heard = lldp.heard(now.links.values()) if netns is None else {}
        module.exit_json(
            changed=False,
            **info.told(netlink, now, routes, netlink.fdb(now.links), name, netns, heard),
            takers=takers.of_links(now.links.values()) if netns is None else {},
            disagreements=beliefs.disagreements(now) if netns is None else {},
            as_variables=as_variables.variables(now, guests, rundir.uids(guests)),
        )


if __name__ == "__main__":
    main()
