# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What the doc fragment of a guest says of its disks and of its cards, which are most of it."""

from __future__ import annotations

DISKS = r"""
disks:
  description:
    - Disks in their order. The list is compared as a whole.
  type: list
  elements: dict
  suboptions:
    path:
      description:
        - Absolute path of the image, a regular file below one of O(allowed_roots).
      type: path
      required: true
    format:
      description:
        - Format of the image. Without it, an image that this module made has the format that it was made in, and another one is V(qcow2) if its
          header says so and names no other file. Anything else is refused, since the guest of a raw image could have
          written a header that opens other files of the host.
        - A qcow2 image is looked at with all that is below it, backing files and data files. Each must say the format of the next, be a plain file, and
          be in O(allowed_roots).
      type: str
      choices: [qcow2, raw]
    size:
      description:
        - Size of the disk, in MiB or with a unit. An image that is missing is made with it, and one that is smaller grows, before the guest starts or,
          with O(on_change=hotplug) or O(on_change=restart), while it runs. Until then RV(guest.pending_changes) has it.
        - A disk is never made smaller, since what is beyond would be lost. A smaller size is refused, and a disk that has grown stays so where a run
          that fails is undone. What is on the disk, such as partitions, is the guest's to grow.
      type: str
    backing_file:
      description:
        - Makes the image as a qcow2 overlay on this image if it is missing.
      type: path
    backing_format:
      description:
        - Format of O(disks[].backing_file). Required, unless that is an image which this module made, on a file system with extended attributes.
          What is in the file does not tell it, since the guest of a raw image can write there whatever it likes.
      type: str
      choices: [qcow2, raw]
    bus:
      description:
        - What the disk hangs on. V(sata) and V(scsi) add the controller.
      type: str
      choices: [virtio, ide, sata, scsi]
      default: virtio
    read_only:
      description:
        - Whether the guest may only read it.
      type: bool
      default: false
    cache:
      description:
        - V(writeback) writes to the host's page cache, and to the disk when the guest flushes. V(none) goes past that cache, and V(writethrough) has every
          write on the disk before the guest goes on. Without it, it is V(writeback).
      type: str
      choices: [writeback, none, writethrough]
    discard:
      description:
        - Whether blocks that the guest frees are freed in the image. Without it, they are, as with V(unmap).
      type: str
      choices: [unmap, ignore]
    iops_total:
      description:
        - The most reads and writes a second. With O(on_change=hotplug) or O(on_change=restart) a guest that runs takes over this and the other limits.
      type: int
    iops_read:
      description:
        - The most reads a second. Not together with O(disks[].iops_total).
      type: int
    iops_write:
      description:
        - The most writes a second. Not together with O(disks[].iops_total).
      type: int
    bps_total:
      description:
        - The most bytes a second that are read and written, a number or one with a unit, such as V(50M).
      type: str
    bps_read:
      description:
        - The most bytes a second that are read. Not together with O(disks[].bps_total).
      type: str
    bps_write:
      description:
        - The most bytes a second that are written. Not together with O(disks[].bps_total).
      type: str
    serial:
      description:
        - Serial number that the guest sees.
      type: str
    boot_index:
      description:
        - Place in the boot order, the lowest first. Stronger than O(boot).
      type: int
"""

NICS = r"""
nics:
  description:
    - Network cards in their order. The list is compared as a whole.
    - Each tap must be there, up, in a bridge, free and owned by O(user) when the guest starts. A tap without an owner is refused, since everybody may open it.
  type: list
  elements: dict
  suboptions:
    tap:
      description:
        - Name of the tap, as M(hypervisor.network.tap_device) made it.
      type: str
      required: true
    bridge:
      description:
        - Refuse to start unless the tap is a port of this bridge.
      type: str
    mac:
      description:
        - MAC address of the card. Without it, one that is derived from the guest's name and the card's place in the list. One that a device of the host has,
          such as the card's own tap, is refused, since its frames would end there.
      type: str
    model:
      description:
        - V(virtio), or QEMU's name of another card, such as V(e1000).
      type: str
      default: virtio
    queues:
      description:
        - Number of queue pairs. More than one needs V(virtio) and a tap with C(multi_queue).
      type: int
      default: 1
    vhost:
      description:
        - Whether the kernel moves the frames instead of QEMU. Needs V(virtio) and C(/dev/vhost-net), which a unit of systemd may open by the group C(kvm), and
          a plain process where O(user) is in that group.
      type: bool
      default: false
    mtu:
      description:
        - MTU that a V(virtio) card tells the guest.
      type: int
    link:
      description:
        - Whether the card's cable is plugged in, as the guest sees it. With O(on_change=hotplug) it is plugged and unplugged while the guest runs.
        - A card whose link is V(down) is so from the guest's first instruction on, whether this module starts the guest, or systemd at boot.
      type: str
      choices: [up, down]
    boot_index:
      description:
        - Place in the boot order, the lowest first. Stronger than O(boot).
      type: int
"""
