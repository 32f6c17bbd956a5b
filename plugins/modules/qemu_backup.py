#!/usr/bin/python
# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: qemu_backup
short_description: Back up the disks of QEMU guests, whole or what has changed
version_added: 0.1.0
description:
  - A backup is of all disks that a guest may write to, of the moment in which it begins, while the guest runs on. It is a folder with a qcow2 or raw image for
    each disk, below O(target) and the guest's name, beside a F(manifest.json) with sizes, SHA-256 sums, time and what each backup is based on.
  - An incremental backup holds what was written since the last one at that target, which a bitmap in each qcow2 image keeps, over a stop of the guest too.
    Where that cannot be, the backup is full, and RV(backup.reason) says why, such as after QEMU was killed, or after a snapshot.
  - Of a guest that does not run, C(qemu-img) makes a full backup.
  - The files are root's alone, with mode 0600; QEMU gets them as open descriptors, so that no guest's user can reach any backup.
  - A backup that breaks off leaves those before it, and the bitmaps, as they were. What it had written is taken back, by the next run if not by this one.
  - The variables of UEFI are in backups of guests that run.
author:
  - The hypervisor.network contributors (@hypervisor-network)
extends_documentation_fragment:
  - hypervisor.network._attributes
attributes:
  idempotent:
    support: partial
    details:
      - Without a O(name) each run makes a backup.
requirements:
  - QEMU >= 7.2 (Debian packages C(qemu-system-x86) and C(qemu-utils))
options:
  guest:
    description:
      - Name of the guest, which M(hypervisor.network.qemu_guest) has defined.
    type: str
    required: true
  target:
    description:
      - A directory for backups, which is there already. Each guest has a folder in it, which only root may enter.
    type: path
    required: true
  name:
    description:
      - Name of the backup, up to 63 letters, digits, C(_) and C(-). Left out, it is the time in UTC, such as V(20260101T030000Z).
    type: str
  state:
    description:
      - V(present) makes the backup if there is none of that name.
      - V(absent) removes it, which is refused while others are based on it.
    type: str
    choices:
      - present
      - absent
    default: present
  mode:
    description:
      - V(incremental) where it can be, or V(full) anyway.
    type: str
    choices:
      - full
      - incremental
    default: incremental
  format:
    description:
      - Of the files. V(raw) wants O(mode=full).
    type: str
    choices:
      - qcow2
      - raw
    default: qcow2
  rate:
    description:
      - How much is read at most each second, such as V(50M); all disks together. What is empty takes none of it.
      - Which parts of a running guest's raw disk, or of one above a template, are empty is asked of QEMU's NBD server. Where another client has that,
        they are read.
    type: str
  quiesce:
    description:
      - Have the guest's agent hold its file systems still while the backup begins, as O(hypervisor.network.qemu_snapshot#module:quiesce) does.
    type: bool
    default: false
  keep:
    description:
      - Once the backup is made, keep so many full backups, each with those that are based on it, and remove older ones. All are kept if it is left out.
    type: int
  netns:
    description:
      - Take only a guest that was started in this network namespace for the one that is named. Any if it is left out.
    type: str
notes:
  - How far a backup has come is in F(/run/hypervisor-network/.GUEST/backup.json) while it is made.
seealso:
  - module: hypervisor.network.qemu_guest
  - module: hypervisor.network.qemu_snapshot
"""

EXAMPLES = r"""
- name: Back up what has changed, each night
  hypervisor.network.qemu_backup:
    guest: vm1
    target: /srv/backups
    rate: 50M

- name: Begin anew once a week, and keep four weeks
  hypervisor.network.qemu_backup:
    guest: vm1
    target: /srv/backups
    mode: full
    keep: 4

- name: One with a name, at a moment that suits the guest's file systems
  hypervisor.network.qemu_backup:
    guest: vm1
    target: /srv/backups
    name: before-migration
    quiesce: true
"""

RETURN = r"""
backup:
  description: The backup as it is now, or in check mode as it would be; null where there is none.
  returned: success
  type: dict
  contains:
    name:
      description: Name of the backup.
      type: str
      sample: 20260101T030000Z
    mode:
      description: V(full) or V(incremental).
      type: str
      sample: incremental
    base:
      description: The backup that an incremental one is nothing without, else null.
      type: str
      sample: 20251231T030000Z
    reason:
      description: Why it is full although an incremental one was asked for, else null.
      type: str
      sample: the bitmap in /var/lib/guests/vm1.qcow2 is inconsistent, as after QEMU's death
    seconds:
      description: When it was begun, in seconds since 1970.
      type: float
      sample: 1767236400.2
    consistency:
      description: V(stopped) of a guest that did not run, V(quiesced) where its agent held the file systems still, V(crash) as after a power cut.
      type: str
      sample: crash
    note:
      description: Why it is not as consistent as was asked for, else null.
      type: str
      sample: null
    complete:
      description: Whether it was made to its end.
      type: bool
      sample: true
    files:
      description: By the path of the disk, the file below the guest's folder, its format, the size of the disk and that of the file, and its SHA-256 sum.
      type: dict
      sample: {/var/lib/guests/vm1.qcow2: {file: 20260101T030000Z/disk0.qcow2, format: qcow2, size: 21474836480, bytes: 1048576}}
    restore:
      description: The commands that write the disks as they were then, over those that are there; the guest has to be stopped.
      type: list
      elements: str
      sample: [qemu-img convert -p -f qcow2 -O qcow2 /srv/backups/vm1/20260101T030000Z/disk0.qcow2 /var/lib/guests/vm1.qcow2]
backups:
  description: All backups of the guest at the target, the oldest first, each as RV(backup).
  returned: success
  type: list
  elements: dict
jobs:
  description: What was copied, with the seconds it took and the bytes.
  returned: success
  type: list
  elements: dict
  sample:
    - {job: hypervisor-network-backup-0, seconds: 12.5, total: 1073741824}
changes:
  description: What was done, or in check mode would be done, in its order.
  returned: success
  type: list
  elements: dict
  sample:
    - {action: create, kind: backup, name: 20260101T030000Z, before: null, after: {mode: full, consistency: crash}, risk: safe}
"""

import secrets
import time

from ansible_collections.hypervisor.network.plugins.module_utils._backup.apply import (
    BackupNoun,
    described,
    every,
)
from ansible_collections.hypervisor.network.plugins.module_utils._backup.spec import SPEC, checked
from ansible_collections.hypervisor.network.plugins.module_utils._core.module import run


def work(params, items):
    now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    # a name may be left out here, so it is taken past the items
    item = {**items[0], "name": params["name"]}
    wish = checked(item, now, secrets.token_hex(6), params["netns"])
    noun = BackupNoun(wish)
    return noun, wish, lambda outcome: described(noun, wish, outcome)


def more(outcome, noun):
    return {"backups": every(noun.wish, outcome), "jobs": noun.jobs, "warnings": noun.notes}


def main():
    run(SPEC, plural=None, singular="backup", work=work, common=("netns", "name"), more=more)


if __name__ == "__main__":
    main()
