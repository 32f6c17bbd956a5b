#!/usr/bin/python
# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: tap_device
short_description: Make persistent TAP and TUN devices
version_added: 0.1.0
description:
  - Creates, changes and deletes persistent TAP and TUN devices. Options that are not given are left alone.
  - A device that a process holds is not deleted, made again or given to another user without O(force).
  - A device that carries addresses of the host, or somebody whom the host talks to, is changed under a guard.
  - Every write is read back. Any failure after the first write undoes what the run did.
  - Where NetworkManager has a profile of a device it makes it anew as soon as it is deleted. M(hypervisor.network.bridge_persist) with C(state=absent)
    takes that profile away, so it comes before.
author:
  - The hypervisor.network contributors (@hypervisor-network)
extends_documentation_fragment:
  - hypervisor.network._attributes.guarded
  - hypervisor.network._attributes
  - hypervisor.network._deps
  - hypervisor.network._device
  - hypervisor.network._guard
  - hypervisor.network._tap
seealso:
  - module: hypervisor.network.bridge_port
  - module: hypervisor.network.qemu_guest
"""

EXAMPLES = r"""
- name: Make a tap that root's QEMU can open
  hypervisor.network.tap_device:
    name: tap1
    up: true

- name: Make a hundred taps in one run
  hypervisor.network.tap_device:
    owner: hypervisor-guest
    taps: "{{ dict(range(100) | map('regex_replace', '^', 'tap') | zip([true] * 100)) | dict2items('name', 'up') }}"

- name: Delete one
  hypervisor.network.tap_device:
    name: tap1
    state: absent
"""

RETURN = r"""
tap:
  description:
    - The device as it is now, or in check mode as it would be. All options of this module under their names, C(owner) and C(group) as numbers
      (null for nobody), and C(bridge) and C(in_use).
  returned: when O(name) was given
  type: dict
  sample: {name: tap1, state: present, mode: tap, up: true, owner: 64055, group: null, multi_queue: false, vnet_hdr: false, pi: false}
taps:
  description: The devices in the order of O(taps), each as RV(tap).
  returned: when O(taps) was given
  type: list
  elements: dict
transaction:
  description:
    - The guard's record of this change, with its C(id), C(state), C(what), C(timeout) and C(seconds_left). The state is V(confirmed) when the task succeeds.
  returned: when the change was guarded
  type: dict
  sample: {id: 0123456789abcdef0123456789abcdef, state: confirmed, what: delete tap tap1, timeout: 60.0, seconds_left: 57.5}
changes:
  description: What was done, or in check mode would be done, in its order.
  returned: success
  type: list
  elements: dict
  sample:
    - {action: create, kind: tap, name: tap1, before: null, after: {mode: tap, up: true}, risk: safe}
"""

from ansible_collections.hypervisor.network.plugins.module_utils._core.module import run
from ansible_collections.hypervisor.network.plugins.module_utils._link import items, tap, tuntap


def main():
    run(**items.task(tap, resolved=tuntap.with_numbers))


if __name__ == "__main__":
    main()
