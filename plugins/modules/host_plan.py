#!/usr/bin/python
# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_plan
short_description: Hold the variables of the role bridge_host against a host, and tell the whole plan
version_added: 0.1.0
description:
  - Reads the host once, refuses what the role C(hypervisor.network.bridge_host) would refuse, and returns all that the role would do, in its order, each change
    with its risk. Each step is planned over the host as the steps before would leave it.
  - With it comes what M(hypervisor.network.bridge_info) tells of the host, so that one run of this module is all that a host needs on which nothing is to do.
  - Writes nothing, and starts nothing unless O(probe) is true. In check mode it does the same.
author:
  - The hypervisor.network contributors (@hypervisor-network)
extends_documentation_fragment:
  - hypervisor.network._attributes.info
  - hypervisor.network._deps
  - hypervisor.network._device
options:
  bridges:
    description:
      - The role's C(bridge_host_bridges).
    type: list
    elements: dict
    default: []
  taps:
    description:
      - The role's C(bridge_host_taps).
    type: list
    elements: dict
    default: []
  guests:
    description:
      - The role's C(bridge_host_guests).
    type: list
    elements: dict
    default: []
  tenants:
    description:
      - The role's C(bridge_host_tenants).
    type: list
    elements: dict
    default: []
  guard_timeout:
    description:
      - The role's C(bridge_host_guard_timeout), in seconds.
    type: raw
    default: 60
  persist:
    description:
      - The role's C(bridge_host_persist), whether the plan holds what is written to C(/etc/network/interfaces).
    type: bool
    default: true
  cloud_init_network:
    description:
      - The role's C(bridge_host_cloud_init_network), whether cloud-init may write the network's files at boot.
    type: bool
  foresee:
    description:
      - Where the user that guests run as is still to be made, V(true) plans as though it were there, and V(false) plans nothing.
    type: bool
    default: true
  assume_packages:
    description:
      - Plan although packages are missing. Otherwise nothing is planned then, since the host may not be readable without them. With O(refusals=tell) all is
        told that is readable.
    type: bool
    default: false
  probe:
    description:
      - Ask others what only they can tell, as a run does before its first change. That is the LAN behind a NIC to be converted, by ARP probes for its addresses
        and by listening for a spanning tree, KVM by a probe guest, and ifupdown and iproute2 of the host about new lines.
      - V(false) sends no frame and starts no guest. A run may then refuse what the plan holds.
    type: bool
    default: false
  fdb:
    description:
      - Static forwarding entries that the host shall have, as C(entries) of M(hypervisor.network.bridge_fdb); each says its C(bridge). The role makes none, and
        RV(fdb) tells what is otherwise.
      - On the bridges that are named any other static entry is surplus. What boots is what C(up) lines of interfaces(5) make with C(bridge fdb).
    type: list
    elements: dict
  refusals:
    description:
      - What becomes of a look at a host on which something is refused, such as a tap that is a port of another bridge by now.
      - V(fail) fails as the role would, which changes nothing then.
      - V(tell) returns it in RV(refused), and plans all else without it, so that one refusal hides no other difference. Wrong variables, and a host that
        could not be read, fail all the same.
    type: str
    choices: [fail, tell]
    default: fail
  only:
    description:
      - The steps whose changes are returned, and shown as a difference. All others are planned all the same, since a step is planned over what those before
        it leave.
    type: list
    elements: str
    choices: [bridges, uplinks, persist, taps, ports, guests]
seealso:
  - module: hypervisor.network.bridge_info
"""

EXAMPLES = r"""
- name: Ask what the role would do on this host
  hypervisor.network.host_plan:
    bridges:
      - {name: br0, uplink: eth0}
    taps:
      - {name: tap1, bridge: br0}
  register: plan

- name: Read it
  ansible.builtin.debug:
    msg: "{{ plan.lines }}"

- name: Stop where somebody could be cut off
  ansible.builtin.assert:
    that: plan.changes | selectattr('risk', 'equalto', 'may_cut_ssh') | length == 0
"""

RETURN = r"""
whole:
  description: Whether all was planned. V(false) where packages, or with O(foresee=false) the guests' user, are still to come.
  returned: success
  type: bool
changes:
  description:
    - What the role would do, in its order, each as the module of its C(step) returns it.
    - What nobody can know yet, such as the MAC of a new device, is null.
  returned: success
  type: list
  elements: dict
  sample: [{step: uplinks, action: attach, kind: port, name: eth0, before: {bridge: null}, after: {bridge: br0}, risk: may_cut_ssh}]
diff:
  description: Those changes, as Ansible shows them with C(--diff).
  returned: when O(only) is given
  type: dict
boots:
  description:
    - The files of other managers than ifupdown that would boot otherwise than the plan leaves the host, as changes. They are not in RV(changes), because
      M(hypervisor.network.bridge_persist) plans them anew, from what runs by then.
  returned: when RV(whole) is true and anything is listed
  type: list
  elements: dict
  sample: [{step: persist, action: update, kind: file, name: /etc/netplan/br0.yaml, before: {sha256: a1}, after: {sha256: b2}, risk: safe}]
unmended:
  description:
    - What is otherwise than the variables say and no step of the role mends, as changes. That is a C(gateway) by which a bridge has no default route, and a
      tap that the guest which runs on it does not hold, as one that was made again since.
  returned: when RV(whole) is true and anything is listed
  type: list
  elements: dict
  sample: [{step: guests, action: update, kind: tap, name: tap1, before: {holder: nobody}, after: {holder: vm1}, risk: safe}]
fdb:
  description: What is otherwise than O(fdb) says, as changes; the C(step) is C(fdb) where it runs so, and C(persist) where it boots so.
  returned: when RV(whole) is true and anything is listed
  type: list
  elements: dict
  sample: [{step: fdb, action: update, kind: entry, name: "52:00:00:00:00:01 in br0", before: {port: tap2}, after: {port: tap1}, risk: safe}]
refused:
  description:
    - With O(refusals=tell), what the role would refuse. The C(name) is of an item of the C(list), or of the manager that has no words for it, or empty.
      A C(list) that is V(host) is of the host as a whole.
  returned: when RV(whole) is true and anything is listed
  type: list
  elements: dict
  sample: [{step: ports, list: ports, name: tap1, msg: "tap1 already belongs to br1; say steal: true to move it to br0."}]
steps:
  description:
    - The steps that have something to do, with how many C(changes), and the worst C(risk) of them.
    - The C(state) absent is of what leaves, before anything comes. C(list) is the list of RV(plan) that it is about, or C(ifstate).
  returned: success
  type: list
  elements: dict
  sample: [{step: uplinks, list: uplinks, state: present, changes: 24, risk: may_cut_ssh}]
todo:
  description:
    - The C(list) of each of RV(steps), by C(state). They are not fewer with O(only).
  returned: success
  type: dict
  sample: {absent: [], present: [bridges, uplinks]}
lines:
  description: The plan for people, a line for each change, and a sentence on who would be cut off.
  returned: success
  type: list
  elements: str
plan:
  description: What each step hands to its modules, as the role makes it of the variables and this host.
  returned: success
  type: dict
missing:
  description: The packages that are not installed.
  returned: success
  type: list
  elements: str
managers:
  description:
    - What M(hypervisor.network.bridge_persist) is told for each manager of the uplinks but ifupdown, whose stanzas are in RV(plan). What shall boot is in
      C(present), what leaves in C(absent).
  returned: success
  type: dict
  sample:
    present: [{manager: networkmanager, bridges: [br0], uplinks: [enp1s0], ports: [], taps: [tap1]}]
    absent: []
user_ready:
  description: Whether the user that guests run as is there, and as the role makes it. V(true) where none is needed.
  returned: success
  type: bool
tpm_user:
  description: The user that the TPMs of guests run as, where one needs it and the host lacks it. Null elsewhere.
  returned: success
  type: str
pending:
  description:
    - By name, the guests that run otherwise than they are described, or have what somebody plugged in, with what is C(now) and what is C(wanted).
      They are left so until a restart, or another C(on_change) of theirs.
  returned: when RV(whole) is true and anything is listed
  type: dict
  sample: {vm1: {memory: {now: 512, wanted: 1024}}}
guests:
  description: The guests of this host, as M(hypervisor.network.qemu_guest_info) returns them.
  returned: when RV(whole) is true and anything is listed
  type: list
  elements: dict
bridges:
  description: As in M(hypervisor.network.bridge_info).
  returned: when RV(whole) is true and anything is listed
  type: list
  elements: dict
routes:
  description: As in M(hypervisor.network.bridge_info).
  returned: when RV(whole) is true and anything is listed
  type: list
  elements: dict
addresses:
  description: As in M(hypervisor.network.bridge_info).
  returned: when RV(whole) is true and anything is listed
  type: list
  elements: dict
links:
  description: As in M(hypervisor.network.bridge_info).
  returned: when RV(whole) is true and anything is listed
  type: list
  elements: dict
neighbours:
  description: As in M(hypervisor.network.bridge_info).
  returned: when RV(whole) is true and anything is listed
  type: list
  elements: dict
takers:
  description: As in M(hypervisor.network.bridge_info).
  returned: when RV(whole) is true and anything is listed
  type: dict
disagreements:
  description: As in M(hypervisor.network.bridge_info).
  returned: when RV(whole) is true and anything is listed
  type: dict
transactions:
  description: As in M(hypervisor.network.bridge_info).
  returned: when RV(whole) is true and anything is listed
  type: list
  elements: dict
"""

from ansible_collections.hypervisor.network.plugins.module_utils._bridge_host import steps, told
from ansible_collections.hypervisor.network.plugins.module_utils._bridge_host.look import (
    Asked,
    look,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.edge import Module, failures
from ansible_collections.hypervisor.network.plugins.module_utils._host.netns import enter_netns
from ansible_collections.hypervisor.network.plugins.module_utils._link.device import NETNS

_LISTS = ("bridges", "taps", "guests", "tenants")


def main():
    module = Module(
        argument_spec={
            **{name: {"type": "list", "elements": "dict", "default": []} for name in _LISTS},
            "guard_timeout": {"type": "raw", "default": 60},
            "persist": {"type": "bool", "default": True},
            "cloud_init_network": {"type": "bool"},
            "foresee": {"type": "bool", "default": True},
            "assume_packages": {"type": "bool", "default": False},
            "probe": {"type": "bool", "default": False},
            "fdb": {"type": "list", "elements": "dict"},
            "refusals": {"type": "str", "choices": ["fail", "tell"], "default": "fail"},
            "only": {"type": "list", "elements": "str", "choices": list(steps.CHOICES)},
            **NETNS,
        },
        supports_check_mode=True,
    )
    with failures(module, "looking at the host"):
        params = module.params
        enter_netns(params["netns"])
        own = (
            "guard_timeout", "persist", "cloud_init_network", "netns", "foresee", "assume_packages", "probe", "fdb",
            "refusals",
        )  # fmt: skip
        asked = Asked(
            {name: params[name] for name in _LISTS}, **{name: params[name] for name in own}
        )
        found, warnings = look(asked)
        for sentence in warnings:
            module.warn(sentence)
        if params["only"] is not None:
            found = {**found, **told.of_some(found, params["only"])}
        module.exit_json(changed=False, **found)


if __name__ == "__main__":
    main()
