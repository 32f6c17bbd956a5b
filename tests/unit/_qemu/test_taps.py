# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a guest will find its taps as it needs them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    IFF_LOWER_UP,
    IFF_UP,
    Link,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import taps

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


def tap(**more: Any) -> Link:
    options = {
        "mode": "tap",
        "owner": -1,
        "group": -1,
        "multi_queue": False,
        **more.pop("options", {}),
    }
    return Link(
        "tap1",
        7,
        **{"kind": "tun", "flags": IFF_UP, "master": "br0", "options": options, "port": {}, **more},
    )


@pytest.mark.parametrize(
    ("link", "nic", "uid", "part"),
    [
        (None, {}, 0, "no tap"),
        (tap(kind="veth"), {}, 0, "veth"),
        (tap(options={"mode": "tun"}), {}, 0, "no tap"),
        (tap(port=None, master=None), {}, 0, "in no bridge"),
        (tap(), {"bridge": "br1"}, 0, "port of br0 and not of br1"),
        (tap(flags=0), {}, 0, "down"),
        (tap(flags=IFF_UP | IFF_LOWER_UP), {}, 0, "held"),
        (tap(), {}, 1000, "no owner, so everybody may open it"),
        (tap(options={"owner": -1}), {}, 1000, "1000"),
        (tap(options={"owner": 1001}), {}, 1000, "1000"),
        (tap(), {"queues": 2}, 0, "multi_queue"),
        (tap(options={"multi_queue": True}), {}, 0, "multi_queue"),
    ],
)
def test_h07_a_tap_that_is_not_ready(
    link: Link | None, nic: dict[str, Any], uid: int, part: str
) -> None:
    with pytest.raises(Refused, match=part):
        taps.check("vm1", {"nics": [{**NIC, **nic}]}, {} if link is None else {"tap1": link}, uid)


@pytest.mark.parametrize("device", ["tap1", "br0", "eth0"])
def test_13_20_a_mac_that_a_device_of_the_host_has(device: str) -> None:
    links = {
        "tap1": tap(),
        "br0": Link("br0", 2, mac="02:00:00:00:00:01"),
        "eth0": Link("eth0", 3, mac="02:00:00:00:00:02"),
    }
    links[device] = replace(links[device], mac=NIC["mac"])
    with pytest.raises(Refused, match=f"52:00:00:00:00:01 is that of this host's {device}"):
        taps.check("vm1", {"nics": [NIC]}, links, 0)


@pytest.mark.parametrize(
    ("link", "nic", "uid", "own"),
    [
        (tap(), {}, 0, []),
        (tap(), {"bridge": "br0"}, 0, []),
        (tap(options={"owner": 1000}), {}, 1000, []),
        (tap(options={"owner": 1000}), {}, 0, []),
        (tap(options={"multi_queue": True}), {"queues": 2}, 0, []),
        (tap(flags=IFF_UP | IFF_LOWER_UP), {}, 0, ["tap1"]),
    ],
)
def test_a_tap_that_is_ready(link: Link, nic: dict[str, Any], uid: int, own: list[str]) -> None:
    taps.check("vm1", {"nics": [{**NIC, **nic}]}, {"tap1": link}, uid, own)
