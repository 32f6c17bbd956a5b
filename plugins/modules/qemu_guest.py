#!/usr/bin/python
# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: qemu_guest
short_description: Run QEMU guests on taps, without libvirtd
version_added: 0.1.0
description:
  - Starts, pauses, stops and forgets QEMU guests, and drives them over QMP.
  - An option that is not given keeps the value that the guest was last started with.
  - A guest's definition is in C(/var/lib/hypervisor-network/definitions), and its process is known to systemd, or by number, start time and boot. Nothing else
    is signalled.
  - A guest is never root, and nothing of it listens to the network. See O(user) and O(extra_args).
  - Where systemd runs, a guest is a unit that begins with the host, is shut down with it, and needs no Ansible for that. See O(supervisor) and O(autostart).
  - Any failure after the first write undoes what the run did.
author:
  - The hypervisor.network contributors (@hypervisor-network)
extends_documentation_fragment:
  - hypervisor.network._attributes
  - hypervisor.network._deps
  - hypervisor.network._device
  - hypervisor.network._guest
requirements:
  - QEMU >= 7.2 (Debian packages C(qemu-system-x86), C(qemu-utils) for images that are made, C(ipxe-qemu) to boot from the network)
  - For O(firmware=uefi), the firmware (Debian packages C(ovmf), C(qemu-efi-aarch64))
  - For O(tpm), swtpm (Debian package C(swtpm))
  - For O(cloud_init), a program that makes the seed (Debian package C(xorriso))
seealso:
  - module: hypervisor.network.qemu_guest_info
  - module: hypervisor.network.tap_device
"""

EXAMPLES = r"""
- name: Boot a guest from the network
  hypervisor.network.qemu_guest:
    name: vm1
    emulator: qemu-system-i386
    memory: 512
    boot: n
    nics:
      - {tap: tap1, mac: "52:00:00:00:00:01"}
    wait_for: [mac_learned]

- name: Run one from an overlay on a cloud image, as a user of its own instead of hypervisor-guest
  hypervisor.network.qemu_guest:
    name: vm2
    memory: 2G
    cpus: 2
    user: hv-guest
    disks:
      - path: /var/lib/guests/vm2.qcow2
        backing_file: /var/lib/images/debian.qcow2
        backing_format: qcow2
        size: 20G
    nics:
      - tap: tap2
    serial_log: /var/log/guests/vm2.log

- name: Run a cloud image that finds its users and its address in a seed
  hypervisor.network.qemu_guest:
    name: web
    machine: q35
    firmware: uefi
    memory: 1G
    disks:
      - {path: /var/lib/guests/web.qcow2, backing_file: /var/lib/images/debian.qcow2, backing_format: qcow2, size: 20G}
    nics:
      - {tap: tap3}
    cloud_init:
      meta_data: {local-hostname: web}
      user_data: |
        #cloud-config
        users:
          - name: admin
            sudo: ALL=(ALL) NOPASSWD:ALL
            ssh_authorized_keys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ admin@example]
      network_config:
        version: 2
        ethernets:
          nic:
            match: {macaddress: "{{ 'web' | hypervisor.network.guest_mac }}"}
            addresses: [192.0.2.10/24]
            routes: [{to: default, via: 192.0.2.1}]

- name: Have a database begin before all other guests, and keep it in bounds
  hypervisor.network.qemu_guest:
    name: vm2
    start_order: 1
    memory_max: 2560
    cpu_quota: 150

- name: Give one a larger and a slower disk while it runs
  hypervisor.network.qemu_guest:
    name: vm2
    disks:
      - path: /var/lib/guests/vm2.qcow2
        backing_file: /var/lib/images/debian.qcow2
        backing_format: qcow2
        size: 40G
        iops_total: 500
        bps_total: 100M
    on_change: hotplug

- name: Stop both, with half a minute to shut down
  hypervisor.network.qemu_guest:
    state: stopped
    shutdown_timeout: 30
    guests:
      - name: vm1
      - name: vm2
"""

RETURN = r"""
guest:
  description: The guest as it is now, or in check mode as it would be. Also its definition, under the names of the options.
  returned: when O(name) was given
  type: dict
  contains:
    name:
      description: Name of the guest.
      type: str
      sample: vm1
    status:
      description:
        - V(absent), V(stopped), V(crashed) (QEMU died without cleaning up, or its unit failed), V(unresponsive) (the process is there, and no monitor answers),
          or the word of QMP, such as V(running) or V(paused).
      type: str
      sample: running
    crash_reason:
      description: Of a guest that crashed, why, as systemd, QEMU or the kernel's log say; null where they do not.
      type: str
      sample: "out of memory: the kernel killed it"
    problems:
      description: What a running guest lacks, such as a TPM whose process died, which a restart cures, also with O(on_change=restart), or room on a disk.
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
    unit:
      description: The unit of systemd that it is, or will be from its next start on; null where it has none.
      type: str
      sample: hypervisor-network-guest@vm1.service
    accel_used:
      description: The accelerator that it was started with.
      type: str
      sample: kvm
    accel_reason:
      description: Why that one.
      type: str
      sample: a probe guest ran in it
    pending_changes:
      description:
        - What differs between the running guest and the options, each as C(now) and C(wanted). Taken over at the next start, or see O(on_change). What a unit
          takes over while it runs, such as O(cpu_quota) or O(autostart), is never pending.
        - C(now) is what QEMU says of cards, disks and the balloon. Where the guest was started with something else, that is C(defined), and an option that
          was not given is compared with it. C(disks.size) has bytes by the path of a disk.
      type: dict
      sample: {memory: {now: 512, wanted: 1024}}
    stop_steps:
      description: What was done to stop it in this run, in order.
      type: list
      elements: dict
      sample:
        - {step: system_powerdown, seconds: 30.0, outcome: still running}
        - {step: SIGTERM, seconds: 0.04, outcome: ended}
guests:
  description: The guests in the order of O(guests), each as RV(guest).
  returned: when O(guests) was given
  type: list
  elements: dict
changes:
  description: What was done, or in check mode would be done, in its order.
  returned: success
  type: list
  elements: dict
  sample:
    - {action: start, kind: guest, name: vm1, before: {status: absent}, after: {status: running, memory: 512}, risk: safe}
"""

from ansible_collections.hypervisor.network.plugins.module_utils._core.module import run
from ansible_collections.hypervisor.network.plugins.module_utils._host.netns import enter_netns
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import images
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.apply import GuestNoun
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.outcome import described
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.spec import SPEC, checked_all
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.supervisor import Supervisor
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.snapshot import Netlink


def work(params, items):
    wishes = checked_all(items, params["netns"])
    enter_netns(params["netns"])
    noun = GuestNoun(Supervisor(), Netlink, wishes, images.exists)
    return noun, wishes, lambda outcome: described(noun.stop_steps, wishes, outcome)


def main():
    run(SPEC, plural="guests", singular="guest", work=work)


if __name__ == "__main__":
    main()
