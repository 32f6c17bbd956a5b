#!/usr/bin/python
# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: bridge_doctor
short_description: Tell why a guest has no network
version_added: 0.1.0
description:
  - Walks the way of a guest's frame (its network card, the tap, the bridge's port, the VLAN, the bridge, the uplink, the gateway), and says where it ends.
  - Each finding comes with its evidence, and with the tasks that cure it.
  - Looks at what the kernel, QEMU and the files of other network managers tell. Starts nothing, writes nothing, and sends no frame, so what is wrong beyond the
    host's own ports is not found; O(probe) sends some. The rules of the packet filter are asked of C(nft) and C(iptables), where those are installed.
  - Not found is a card whose link somebody took down by QEMU's monitor (C(set_link)), since QEMU tells nobody of that; one that was defined so is.
  - Without any option all guests and all bridges are looked at. Taps that nobody holds and no guest is known to have are told only then, and with O(bridge).
author:
  - The hypervisor.network contributors (@hypervisor-network)
extends_documentation_fragment:
  - hypervisor.network._attributes.info
  - hypervisor.network._deps
  - hypervisor.network._device
options:
  guest:
    description:
      - Only this guest's ways. Of a guest that M(hypervisor.network.qemu_guest) did not make, the name that its QEMU was given.
    type: str
  mac:
    description:
      - Only the way of this MAC, of a guest or as a bridge has learned it.
    type: str
  address:
    description:
      - Only the way of the guest with this IP address, where the host has heard whose it is.
    type: str
  bridge:
    description:
      - Only the ways over this bridge, and the bridge itself.
    type: str
  probe:
    description:
      - Whether to send marked frames beside each of the ways' taps, as from another guest that is set as its own is, and to look where they come out. They are
        broadcasts and frames to groups and to nobody, and a DHCPDISCOVER, which a server answers by reserving an address for a moment.
      - They go in by taps of their own (C(probe0-...)), which are gone when the task ends, killed or not; a bridge forgets their MACs by and by. Other devices
        on the network see them. In check mode they are sent too, since nothing stays changed.
    type: bool
    default: false
  listen:
    description:
      - For how many seconds to listen for DHCP of the ways' guests, at their taps and at all other devices, and to tell where a question of theirs got to and
        where an answer. Nothing is sent; a guest that asks for nothing meanwhile is told nothing about. A question is given 3 seconds for its answer.
      - Shows a server that nobody hears, answers that are lost on the host, and checksums that nobody made (offload).
      - Where frames come faster than they can be read that is a finding (C(dhcp_not_all_heard)), and nothing is concluded from what was not heard.
    type: float
    default: 0
seealso:
  - module: hypervisor.network.bridge_info
  - module: hypervisor.network.bridge_isolation
  - module: hypervisor.network.qemu_guest_info
"""

EXAMPLES = r"""
- name: Ask why vm1 has no network
  hypervisor.network.bridge_doctor:
    guest: vm1
  register: doctor

- name: Send frames along its way too
  hypervisor.network.bridge_doctor:
    guest: vm1
    probe: true

- name: Hear what becomes of its DHCP, while it starts or asks anew
  hypervisor.network.bridge_doctor:
    guest: vm1
    listen: 30

- name: Read the answer
  ansible.builtin.debug:
    msg: "{{ doctor.findings | map(attribute='finding') }}"
"""

RETURN = r"""
findings:
  description: What is wrong, in the order of the way. Empty on a healthy host.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: What kind of finding it is; it does not change with the words.
      type: str
      sample: vlan_not_on_uplink
    step:
      description: Where on the way it is, one of C(guest), C(tap), C(port), C(vlan), C(bridge), C(uplink) and C(gateway).
      type: str
      sample: vlan
    severity:
      description: C(error) stops frames; C(warning) stops some of them, or may; C(info) is what may be meant so.
      type: str
      sample: error
    guest:
      description: Whose way it is on; null for what all have in common.
      type: str
      sample: vm1
    device:
      description: The device that it is about; null where it is about the guest.
      type: str
      sample: eth0
    finding:
      description: What is wrong, in a sentence.
      type: str
      sample: The uplink eth0 does not carry VLAN 20, which tap1 is in.
    evidence:
      description: What was read that shows it.
      type: dict
      sample: {vlan: [20], uplink_vlans: {"1": pvid untagged}}
    cure:
      description: The tasks that cure it, in their order. Empty where only a person can decide.
      type: list
      elements: dict
      sample: [{hypervisor.network.bridge_port: {name: eth0, bridge: br0, vlans: [{vid: 20}], vlans_mode: merge}}]
heard:
  description: With O(listen), by way what was heard of its MAC, how often it C(asked) at its tap by kind of message, by which devices that left (C(left_by)),
    by which answers came in (C(came_in_by)), how often it was C(answered) at its tap, and by which C(servers).
  returned: success and O(listen)
  type: list
  elements: dict
  sample: [{tap: tap1, bridge: br0, mac: "52:00:00:00:00:01", asked: {discover: 1, request: 1}, left_by: {eth0: 2}, came_in_by: {eth0: 2},
            answered: {offer: 1, ack: 1}, servers: [192.0.2.1]}]
probes:
  description: With O(probe), beside each C(tap) how many frames of each kind were C(sent), how many were C(seen) of each kind at each device (at the
    probe itself as they came in), and which C(offers) a DHCP server made.
  returned: success and O(probe)
  type: list
  elements: dict
  sample: [{tap: tap1, bridge: br0, sent: {arp: 6, dhcp: 1}, seen: {arp: {tap1: 6, eth0: 6}, dhcp: {eth0: 1}},
            offers: [{server: 192.0.2.1, address: 192.0.2.50, mac: "02:00:00:00:00:fe", port: eth0}]}]
ways:
  description: The ways that were walked, each with C(guest), C(mac), C(tap), C(bridge), C(uplinks), and C(ends_at), the step of the first error, null where
    nothing that is known stops a frame.
  returned: success
  type: list
  elements: dict
  sample: [{guest: vm1, mac: "52:00:00:00:00:01", tap: tap1, bridge: br0, uplinks: [eth0], ends_at: vlan}]
"""

from ansible_collections.hypervisor.network.plugins.module_utils._core.edge import Module, failures
from ansible_collections.hypervisor.network.plugins.module_utils._doctor import ask


def main():
    module = Module(
        argument_spec={**ask.SPEC, **ask.ON_THE_WIRE},
        mutually_exclusive=[ask.WHOSE],
        supports_check_mode=True,
    )
    with failures(module, "looking at the host"):
        ask.check_alone(module.params)
        _host, _ways, result = ask.asked(module.params)
        module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
