# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects of rtnetlink as a kernel told them, each beside the line that iproute2 printed of it; tests/unit/fixtures/inet/capture.py made them."""

from __future__ import annotations

import re
import struct
from pathlib import Path
from typing import Iterator

import yaml

FIXTURES = Path(__file__).parents[2] / "unit" / "fixtures" / "inet"
TABLES = {"main": 254, "local": 255}
NAMES: dict[int, str] = {}


def load(kind: str) -> list[tuple[str, bytes]]:
    """What iproute2 printed of each object, and the object."""
    found = yaml.safe_load((FIXTURES / f"{kind}.yml").read_text(encoding="utf-8"))
    NAMES.update(found["names"])
    return [(one["ip"], bytes.fromhex(one["hex"])) for one in found["objects"]]


ROUTES = [
    (text, body)
    for text, body in load("routes")
    if not ("table local" in text and "proto kernel" in text)
]
ADDRESSES = load("addresses")
RULES = load("rules")
NEIGHBOURS = load("neighbours")
FDB = load("fdb")


def word(text: str, name: str) -> str | None:
    """The word after a name in iproute2's line."""
    found = re.search(rf"(?:^| ){name} (\S+)", text)
    return found[1] if found else None


def attributes(body: bytes, offset: int) -> Iterator[tuple[int, bytes]]:
    """Every attribute, as linux/netlink.h lays it out; written again here so that the decoder is not its own judge."""
    while offset < len(body):
        length, kind = struct.unpack_from("=HH", body, offset)
        yield kind, body[offset + 4 : offset + length]
        offset += length + -length % 4
