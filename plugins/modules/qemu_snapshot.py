#!/usr/bin/python
# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: qemu_snapshot
short_description: Make, merge and go back to snapshots of QEMU guests
version_added: 0.1.0
description:
  - A snapshot is of all disks of a guest that it may write to, at one moment, whether the guest runs or not.
  - An V(internal) snapshot is in the qcow2 images themselves. Of a guest that runs it holds the memory too, and the guest stands still while that is written.
  - An V(external) one is an overlay beside each disk's image, F(vm1.NAME.qcow2) beside F(vm1.qcow2), into which the guest writes from then on. It is made
    within milliseconds. The guest's definition stays as it is, every start of M(hypervisor.network.qemu_guest) opens the overlays.
  - To remove an external snapshot merges its overlay into the image below it. A guest that runs goes on meanwhile, and is held still for the moment in which
    the overlay is let go. How far that has come is in F(/run/hypervisor-network/.GUEST/snapshot.json) meanwhile, with the C(name), the C(disk), and C(bytes) of
    C(total), of which there are more where the guest writes.
  - What is under way is on record in F(/var/lib/hypervisor-network/snapshots) before it begins. Whenever a run, QEMU or the host is killed, no data are lost,
    and the next run for that guest, whichever snapshot it names, first completes or takes back what is half done.
  - The variables of UEFI are in an internal snapshot of a guest that runs, and in no other.
author:
  - The hypervisor.network contributors (@hypervisor-network)
extends_documentation_fragment:
  - hypervisor.network._attributes
attributes:
  idempotent:
    support: partial
    details:
      - To go back to a snapshot with the memory of a guest that runs is done each time.
requirements:
  - QEMU >= 7.2 (Debian packages C(qemu-system-x86) and C(qemu-utils))
options:
  guest:
    description:
      - Name of the guest, which M(hypervisor.network.qemu_guest) has defined.
    type: str
    required: true
  name:
    description:
      - Name of the snapshot, up to 63 letters, digits, C(_) and C(-).
    type: str
    required: true
  state:
    description:
      - V(present) makes the snapshot if there is none of that name.
      - V(absent) removes it; what the guest has written since stays.
      - V(reverted) takes the disks back to the snapshot, which stays; what the guest has written since is lost. The guest has to be stopped, unless the
        snapshot holds its memory. An external snapshot has to be the newest of its kind.
    type: str
    choices:
      - present
      - absent
      - reverted
    default: present
  kind:
    description:
      - Left out, a guest that is stopped and has only qcow2 images gets an V(internal) snapshot, and any other one an V(external).
      - Every image that is written to has to be qcow2 for an V(internal) one.
    type: str
    choices:
      - internal
      - external
  live:
    description:
      - Whether a guest that runs may be worked on. If not, that is refused.
    type: bool
    default: true
  quiesce:
    description:
      - Have the guest's agent hold its file systems still while an external snapshot is made, so that it is not only as after a power cut. The guest has
        to be started with O(hypervisor.network.qemu_guest#module:agent), and its agent has to answer.
      - Where the agent lets them go before the snapshot is made, which it does after ten seconds, the snapshot is kept, and C(consistency) and C(note) tell it.
    type: bool
    default: false
  netns:
    description:
      - Take only a guest that was started in this network namespace for the one that is named. Any if it is left out.
    type: str
seealso:
  - module: hypervisor.network.qemu_guest
"""

EXAMPLES = r"""
- name: Keep what the guest has on its disks before an upgrade
  hypervisor.network.qemu_snapshot:
    guest: vm1
    name: before-upgrade

- name: The same at a moment that suits the guest's file systems
  hypervisor.network.qemu_snapshot:
    guest: vm1
    name: before-upgrade-too
    quiesce: true

- name: Stop the guest, to go back
  hypervisor.network.qemu_guest:
    name: vm1
    state: stopped

- name: Go back, the upgrade has failed
  hypervisor.network.qemu_snapshot:
    guest: vm1
    name: before-upgrade
    state: reverted

- name: Merge what has been written since, the upgrade is fine
  hypervisor.network.qemu_snapshot:
    guest: vm1
    name: before-upgrade
    state: absent
"""

RETURN = r"""
snapshot:
  description: The snapshot as it is now, or in check mode as it would be; null where there is none.
  returned: success
  type: dict
  contains:
    name:
      description: Name of the snapshot.
      type: str
      sample: before-upgrade
    kind:
      description: V(internal) or V(external).
      type: str
      sample: external
    seconds:
      description: When it was made, in seconds since 1970; null in check mode.
      type: float
      sample: 1767225600.5
    consistency:
      description:
        - V(stopped) of a guest that did not run, V(memory) with the guest's memory, V(quiesced) where its agent held the file systems still, V(crash) where the
          disks are of one moment and look as after a power cut; null of one that other tools have made.
      type: str
      sample: quiesced
    memory:
      description: Whether the guest's memory is in it.
      type: bool
      sample: false
    note:
      description: Why it is not what was asked for, else null.
      type: str
      sample: null
    disks:
      description: By the path of the disk in the guest's definition, the overlay that takes what is written since, or of an internal one the image it is in.
      type: dict
      sample: {/var/lib/guests/vm1.qcow2: /var/lib/guests/vm1.before-upgrade.qcow2}
snapshots:
  description: All snapshots of the guest, the oldest first, each as RV(snapshot).
  returned: success
  type: list
  elements: dict
jobs:
  description: What QEMU did in the background, with the seconds it took and the bytes it moved.
  returned: success
  type: list
  elements: dict
  sample:
    - {job: hypervisor-network-merge-0123456789ab, seconds: 12.5, total: 1073741824}
changes:
  description: What was done, or in check mode would be done, in its order.
  returned: success
  type: list
  elements: dict
  sample:
    - {action: create, kind: snapshot, name: before-upgrade, before: null, after: {kind: external, consistency: crash}, risk: safe}
"""

from ansible_collections.hypervisor.network.plugins.module_utils._core.module import run
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.supervisor import Supervisor
from ansible_collections.hypervisor.network.plugins.module_utils._snapshot.apply import (
    SnapshotNoun,
    described,
    every,
)
from ansible_collections.hypervisor.network.plugins.module_utils._snapshot.spec import SPEC, checked


def work(params, items):
    wish = checked(items[0], params["netns"])
    noun = SnapshotNoun(wish, refresh=Supervisor().refresh)
    return noun, wish, lambda outcome: described(noun, wish, outcome)


def more(outcome, noun):
    return {"snapshots": every(outcome), "jobs": noun.jobs, "warnings": noun.notes}


def main():
    run(SPEC, plural=None, singular="snapshot", work=work, more=more)


if __name__ == "__main__":
    main()
