# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a TAP, written once for the single form and the list."""

from __future__ import annotations

from ansible_collections.hypervisor.network.plugins.plugin_utils._docs import LINK, one_or_many

_OPTIONS = r"""
name:
  description:
    - Name of the device, 1 to 15 bytes.
  type: str
state:
  description:
    - V(present) makes a persistent device. V(absent) deletes it.
  type: str
  choices: [present, absent]
  default: present
up:
  description:
    - Whether the device is administratively up.
  type: bool
mac:
  description:
    - MAC address of the host's end. The guest's own MAC is another one, and belongs to the guest.
  type: str
mtu:
  description:
    - MTU in bytes.
  type: int
mode:
  description:
    - V(tap) carries Ethernet frames, V(tun) IP packets. A new device is a V(tap).
    - Changing it makes the device again, with its other settings and in its bridge.
  type: str
  choices: [tap, tun]
owner:
  description:
    - User who may open the device, a name or a number of the target. With neither owner nor group, anybody who may open C(/dev/net/tun) may.
  type: str
group:
  description:
    - Group whose members may open the device, a name or a number of the target.
  type: str
multi_queue:
  description:
    - Whether several queues may be opened. A guest with more than one queue needs it, one with a single queue must not have it.
    - Changing it makes the device again, with its other settings and in its bridge.
  type: bool
vnet_hdr:
  description:
    - Whether frames carry the virtio header. QEMU switches it as it needs when it opens the device.
  type: bool
pi:
  description:
    - Whether frames carry the packet information header of four bytes. Off in a new device, as QEMU needs it.
  type: bool
force:
  description:
    - Change or delete the device although a process holds it. A guest on it loses its network until it is restarted.
  type: bool
"""


class ModuleDocFragment:
    """Name, state and options of TAP and TUN devices."""

    # Annotated, because ansible-test takes every plain assignment here for a literal
    DOCUMENTATION: str = one_or_many(
        _OPTIONS + LINK,
        "taps",
        "Many devices in one run. Each takes the options named here. What an item leaves out comes from beside the list.",
    )
