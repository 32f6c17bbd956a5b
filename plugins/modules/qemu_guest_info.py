#!/usr/bin/python
# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: qemu_guest_info
short_description: Tell which QEMU guests a host has
version_added: 0.1.0
description:
  - Returns the guests that M(hypervisor.network.qemu_guest) made, whether they run, and whether their bridges have learned their MACs.
  - Each guest's taps are looked up in the network namespace that the guest was started in.
author:
  - The hypervisor.network contributors (@hypervisor-network)
extends_documentation_fragment:
  - hypervisor.network._attributes.info
  - hypervisor.network._deps
options:
  name:
    description:
      - Only this guest. All guests if it is left out.
    type: str
  netns:
    description:
      - Only the guests that were started in this network namespace. All guests if it is left out.
    type: str
seealso:
  - module: hypervisor.network.qemu_guest
"""

EXAMPLES = r"""
- name: Look at all guests
  hypervisor.network.qemu_guest_info:
  register: found

- name: Fail where a guest has not been heard of on its bridge
  ansible.builtin.assert:
    that: item.nics | rejectattr('learned') | length == 0
  loop: "{{ found.guests | selectattr('status', 'eq', 'running') }}"
  loop_control:
    label: "{{ item.name }}"
"""

RETURN = r"""
guests:
  description: The guests by name. Also their definitions, under the names of the options of M(hypervisor.network.qemu_guest).
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the guest.
      type: str
      sample: vm1
    status:
      description: As in M(hypervisor.network.qemu_guest).
      type: str
      sample: running
    crash_reason:
      description: As in M(hypervisor.network.qemu_guest).
      type: str
      sample: "out of memory: the kernel killed it"
    problems:
      description: Sentences on what a running guest lacks, such as a TPM whose process died, a full disk, or a tap that was deleted, and how that is cured.
      type: list
      elements: str
      sample: []
    machine_used:
      description: The version of its machine, which it keeps.
      type: str
      sample: pc-i440fx-7.2
    pid:
      description: Process id of QEMU, null where it does not run.
      type: int
      sample: 4711
    agent_answers:
      description:
        - Whether the guest's agent answers, V(false) where nothing came within half a second. Null where the guest does not run, or was started without
          O(hypervisor.network.qemu_guest#module:agent).
      type: bool
      sample: true
    uptime:
      description: Seconds since QEMU was started, null where it does not run.
      type: float
      sample: 86400.5
    unit:
      description: As in M(hypervisor.network.qemu_guest).
      type: str
      sample: hypervisor-network-guest@vm1.service
    unit_state:
      description:
        - What systemd says of the unit, null where there is none. One that is enabled, as C(autostart) tells, and not active did not begin with the host.
      type: str
      sample: active (running)
    supervisor_used:
      description: What keeps the process, V(systemd) or V(process); null where it does not run.
      type: str
      sample: systemd
    memory_used:
      description: Bytes of memory that the guest takes of the host, those of its unit or scope, else of its process. Null where it does not run.
      type: int
      sample: 536870912
    cpu_seconds:
      description: Seconds of processors that it has taken since its start, null where it does not run.
      type: float
      sample: 4711.5
    qemu_version:
      description: The version of QEMU that it runs in, null where it does not tell.
      type: str
      sample: 7.2.22
    qemu_installed:
      description: The version of QEMU that its next start would take, null where none is installed.
      type: str
      sample: 7.2.22
    pending_restart:
      description: Why its next start makes something else of it, in sentences. That is a QEMU that was upgraded meanwhile, or a process that becomes a unit.
      type: list
      elements: str
      sample: ["It runs in QEMU 7.2.22, and 10.0.13 is installed."]
    accel_used:
      description: The accelerator that it was started with.
      type: str
      sample: kvm
    accel_reason:
      description: Why that one.
      type: str
      sample: a probe guest ran in it
    nics:
      description:
        - The network cards as they were defined. C(bridge) is the bridge that the tap is a port of now, C(learned) whether that bridge has learned
          the card's MAC on that port, C(age) the seconds since its last frame. C(vlans) are those of the port, as M(hypervisor.network.bridge_info) tells them.
        - C(addresses) are those that the host itself has heard of the MAC by ARP or neighbour discovery, and those that the guest's agent tells, if it has
          one. What the agent tells is what the guest claims.
        - C(device) is what QEMU calls the card, null where it has no such card, see RV(guests[].pending_changes).
      type: list
      elements: dict
      sample:
        - {tap: tap1, mac: "52:00:00:00:00:01", model: virtio, bridge: br0, vlans: {"10": pvid untagged}, learned: true, age: 1.2, addresses: [192.0.2.10],
           device: nic0}
    disks:
      description:
        - The disks as they were defined. C(size) is what the guest sees, in bytes. C(layers) are the images that the disk is made of, from the top to the
          lowest, each with its C(path), C(format), C(size), and C(allocated), the bytes that it takes of the host, which is null where the guest does not run.
        - C(device) is what QEMU calls the disk, null where it has no such disk.
      type: list
      elements: dict
      sample:
        - {path: /var/lib/guests/vm1.qcow2, format: qcow2, bus: virtio, read_only: false, device: disk0-dev, size: 21474836480,
           layers: [{path: /var/lib/guests/vm1.qcow2, format: qcow2, size: 21474836480, allocated: 1310720}]}
    pending_changes:
      description:
        - What a running guest has otherwise than it was started with, each as C(now), by what QEMU says, and C(wanted), by its definition. Somebody has
          changed it over a monitor, or the guest took back what its balloon had. M(hypervisor.network.qemu_guest) sets it right with
          O(hypervisor.network.qemu_guest#module:on_change=hotplug).
      type: dict
      sample: {memory: {now: 400, wanted: 512}}
    consoles:
      description:
        - Command lines for a human. C(serial) shows the end of the serial log, C(console) is the serial line itself, which C(Ctrl-]) leaves, and C(monitor)
          speaks QMP to QEMU, all on the host. C(vnc) is for the machine that he sits at, whose port 5900 it makes the guest's screen.
      type: dict
      sample:
        serial: tail -n 100 -F /var/log/guests/vm1.log
        console: socat -,raw,echo=0,escape=0x1d UNIX-CONNECT:/run/hypervisor-network/vm1/console.sock
        vnc: ssh -N -L 5900:/run/vm1.vnc host1
        monitor: socat - UNIX-CONNECT:/run/hypervisor-network/vm1/spare.sock
"""

import time

from ansible_collections.hypervisor.network.plugins.module_utils._core.edge import Module, failures
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    HypervisorNetworkError,
)
from ansible_collections.hypervisor.network.plugins.module_utils._host.netns import enter_netns
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import told
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.details import (
    agent,
    details,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.guest import (
    describe_with_wires,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.status import Status
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.snapshot import Netlink


def described(guest, more, asked):
    """A guest with its taps, seen from its own namespace; one that is gone has taken its taps along."""
    answers, claimed = asked
    links, fdb, neighbours = {}, (), ()
    if guest.spec.get("nics"):
        try:
            enter_netns(guest.spec.get("netns"))
            netlink = Netlink()
            links = netlink.snapshot(vlans=True).links
            fdb = netlink.fdb(links)
            neighbours = netlink.neighbours(links)
        except HypervisorNetworkError:
            if guest.spec.get("netns") is None:
                raise
    found = describe_with_wires(guest, links, fdb, time.time())
    found["nics"] = told.cards(found["nics"], guest, links, neighbours, claimed)
    return {**found, **more, "agent_answers": answers}


def main():
    module = Module(
        argument_spec={"name": {"type": "str"}, "netns": {"type": "str"}}, supports_check_mode=True
    )
    name, netns = module.params["name"], module.params["netns"]
    with failures(module, "reading the guests"):
        status = Status()
        guests = [guest for guest in status.there(name) if netns in (None, guest.spec.get("netns"))]
        # from the namespace we are in there is no way back after the first of another one
        more = {guest.name: (details(guest, status), agent(guest, status)) for guest in guests}
        found = [
            described(guest, *more[guest.name])
            for guest in sorted(guests, key=lambda one: one.spec.get("netns") or "")
        ]
        module.exit_json(changed=False, guests=sorted(found, key=lambda one: one["name"]))


if __name__ == "__main__":
    main()
