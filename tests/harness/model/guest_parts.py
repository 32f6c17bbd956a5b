# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A disk and a network card of a guest, with everything that may be said of them."""

from __future__ import annotations

DISK = {
    "path": "/images/vm1.qcow2",
    "format": "qcow2",
    "bus": "virtio",
    "read_only": False,
    "serial": None,
    "boot_index": None,
}
NIC = {
    "tap": "tap1",
    "bridge": None,
    "mac": "52:00:00:00:00:01",
    "model": "virtio",
    "queues": 1,
    "vhost": False,
    "mtu": None,
    "boot_index": None,
}
