# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Neighbours out of lldpd's JSON, networkd's JSON, and frames as IEEE 802.1AB has them; what is none of that is passed over."""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hypervisor.network.plugins.module_utils._info import lldp_words

SWITCH = {"system": "sw1", "chassis": "02:00:00:00:00:99", "port": "Gi0/1", "description": "to hv1"}
LLDPD = {
    "lldp": [
        {
            "interface": [
                {
                    "name": "eth0", "via": "LLDP", "rid": "1", "age": "0 day, 00:00:07",
                    "chassis": [
                        {
                            "id": [{"type": "mac", "value": "02:00:00:00:00:99"}], "name": [{"value": "sw1"}], "descr": [{"value": "A switch"}],
                            "mgmt-ip": [{"value": "10.0.0.1"}], "capability": [{"type": "Bridge", "enabled": True}],
                        }
                    ],
                    "port": [{"id": [{"type": "ifname", "value": "Gi0/1"}], "descr": [{"value": "to hv1"}], "ttl": [{"value": "120"}]}],
                }
            ]
        }
    ]
}  # fmt: skip
NETWORKD = {
    "parameters": {
        "Neighbors": [
            {
                "InterfaceIndex": 2, "InterfaceName": "eth0",
                "Neighbors": [
                    {
                        "ChassisID": "02:00:00:00:00:99", "RawChassisID": [4, 2, 0, 0, 0, 0, 0x99], "PortID": "Gi0/1", "RawPortID": [5],
                        "PortDescription": "to hv1", "SystemName": "sw1", "EnabledCapabilities": 4,
                    }
                ],
            }
        ]
    }
}  # fmt: skip


def tlv(kind: int, value: bytes) -> bytes:
    return struct.pack("!H", kind << 9 | len(value)) + value


def frame(
    chassis: bytes = bytes.fromhex("04 020000000099"),
    port: bytes = b"\x05Gi0/1",
    system: bytes = b"sw1",
) -> bytes:
    parts = [(1, chassis), (2, port), (3, b"\0\x78"), (4, b"to hv1"), (5, system), (7, b"\0\4\0\4"), (0, b"")]  # fmt: skip
    head = bytes.fromhex("0180c200000e 020000000099 88cc")
    return head + b"".join(tlv(*part) for part in parts)


def kept(*frames: bytes) -> bytes:
    return b"".join(struct.pack("<Q", len(one)) + one for one in frames)


def test_each_source_tells_the_same() -> None:
    assert lldp_words.of_lldpd(json.dumps(LLDPD)) == {"eth0": [SWITCH]}
    assert lldp_words.of_networkd(json.dumps(NETWORKD)) == {"eth0": [SWITCH]}
    assert lldp_words.of_frames(kept(frame(), frame())) == [SWITCH, SWITCH]


@pytest.mark.parametrize(
    ("chassis", "port", "said"),
    [
        (b"\x07rack 4", b"\x03\x02\0\0\0\0\x07", ("rack 4", "02:00:00:00:00:07")),
        (b"\x05\x01\x0a\0\0\x01", b"\x07 7\0", ("10.0.0.1", " 7")),
        (b"\x05\x02" + bytes(15) + b"\x01", b"\x01uplink", ("0000:0000:0000:0000:0000:0000:0000:0001", "uplink")),
        (b"\x04short", b"\x05\xff", ("short", "\ufffd")),
        (b"\x05\x09x", b"\x05x", ("\tx", "x")),
    ],
)  # fmt: skip
def test_what_a_chassis_and_a_port_are_called(
    chassis: bytes, port: bytes, said: tuple[str, str]
) -> None:
    found = lldp_words.of_frame(frame(chassis, port))
    assert found is not None and (found["chassis"], found["port"]) == said


def test_who_says_no_port_is_no_neighbour_and_who_says_much_is_cut() -> None:
    assert lldp_words.of_frame(frame(port=b"")) is None
    assert lldp_words.of_frame(frame(chassis=b"", system=b"")) is None
    found = lldp_words.of_frame(frame(system=b"x" * 500))
    assert found is not None and len(found["system"]) == 255
    assert lldp_words.of_frame(frame().replace(b"\x88\xcc", b"\x08\0")) is None
    assert len(lldp_words.of_frames(kept(*[frame()] * 30))) == 16


ODD: list[Any] = [
    [], {}, {"lldp": [{}]}, {"lldp": {}}, {"lldp": [{"interface": [{"name": ["eth0"]}, 7]}]}, {"parameters": []},
    {"parameters": {"Neighbors": [{"Neighbors": [{"PortID": 7}]}]}}, {"lldp": [{"interface": [{"name": "eth0", "port": [{"id": {}}]}]}]},
]  # fmt: skip


@pytest.mark.parametrize("said", ["", "no JSON", "[" * 100_000, *map(json.dumps, ODD)])
def test_what_is_no_answer_tells_nothing(said: str) -> None:
    assert lldp_words.of_lldpd(said) == {} and lldp_words.of_networkd(said) == {}


@given(st.binary(max_size=60), st.integers(0, 80))
def test_whatever_stands_in_a_file_is_read_or_left(noise: bytes, at: int) -> None:
    whole = kept(frame(), frame())
    for one in lldp_words.of_frames(whole[:at] + noise + whole[at:]):
        assert set(one) == set(SWITCH) and one["port"]
