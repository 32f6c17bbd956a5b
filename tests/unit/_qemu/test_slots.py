# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Devices are where they were, after a start too."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._qemu import slots

SPEC: dict[str, Any] = {"nics": [{"mac": "52:00:00:00:00:01"}], "disks": [{"path": "/a,b"}]}


def device(**what: Any) -> list[str]:
    return ["-device", json.dumps(what, separators=(",", ":"))]


WORDS = [
    "qemu",
    *device(driver="virtio-blk-pci", id="disk0-dev"),
    *device(driver="e1000", id="nic0"),
    *device(driver="virtio-rng-pci", id="rng-dev"),
    "-device",
    "usb-tablet",
    *device(driver="pcie-root-port", id="spare0"),
]


def test_a_device_with_a_place_is_first_so_that_nobody_else_gets_it() -> None:
    found = slots.placed(WORDS, SPEC, {"nic:52:00:00:00:00:01": {"addr": "5.0"}})
    assert found[:3] == ["qemu", *device(driver="e1000", id="nic0", addr="5.0")]
    assert found[3:] == [*WORDS[1:3], *WORDS[5:]]


def test_a_device_in_a_port_comes_when_that_is_there() -> None:
    found = slots.placed(WORDS, SPEC, {"disk:/a,b": {"bus": "spare0"}, "gone": {"addr": "4.0"}})
    assert found == [
        "qemu",
        *WORDS[3:],
        *device(driver="virtio-blk-pci", id="disk0-dev", bus="spare0"),
    ]


def test_nothing_moves_where_nothing_is_on_record() -> None:
    assert slots.placed(WORDS, SPEC, {}) == WORDS


@pytest.mark.parametrize(
    ("bus", "address", "slot"),
    [
        ("/machine/i440fx/pci.0", 40, {"addr": "5.0"}),
        ("/machine/q35/pcie.0", 0xFA, {"addr": "1f.2"}),
        ("/machine/peripheral/spare1/spare1", 0, {"bus": "spare1"}),
        ("/machine/peripheral/bridge/other", 8, None),
        ("/machine/i440fx/pci.0", -1, None),
    ],
)
def test_the_place_of_a_device(bus: str, address: int, slot: Any) -> None:
    assert slots.slot(bus, address) == slot


@pytest.mark.parametrize(
    ("record", "known"),
    [
        ({"slots": {"machine": "pc-1", "of": {"a": {}}}}, {"a": {}}),
        ({"slots": {"machine": "pc-q35-1", "of": {"a": {}}}}, {}),
        ({}, {}),
        (None, {}),
    ],
)
def test_places_are_those_of_one_machine(record: Any, known: Any) -> None:
    assert slots.on_record(record, "pc-1") == known
    assert slots.key("x", {"x": "nic:1"}) == "nic:1" and slots.key("y", {}) == "y"
