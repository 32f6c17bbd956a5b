# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. Neighbours that a daemon has heard by LLDP: its JSON or the frames that it keeps, in one form. Source: IEEE 802.1AB-2016, 8.5.

What a neighbour says of itself is bytes from anybody: text is decoded with replacement and cut, and what is not of this form is passed over.
"""

from __future__ import annotations

import json
import struct
from typing import Any, Iterator, Mapping

# C(system) is the neighbour's name, C(chassis) what tells it from all others; C(port) is the one that the wire ends at
Neighbour = dict[str, str]
Heard = dict[str, list[Neighbour]]

_ETHERTYPE = b"\x88\xcc"
_END, _CHASSIS, _PORT, _PORT_DESCRIPTION, _SYSTEM = 0, 1, 2, 4, 5
_MACS = {
    _CHASSIS: 4,
    _PORT: 3,
}  # subtypes that are a MAC, and those that are an address with its family before it
_ADDRESSES = {_CHASSIS: 5, _PORT: 4}
_FAMILIES = {1: 4, 2: 16}  # of IANA's address family numbers, with their bytes
_MOST_CHARACTERS, _MOST_NEIGHBOURS = 255, 16


def of_lldpd(text: str) -> Heard:
    """What C(lldpctl -f json0) prints, by device."""
    found: Heard = {}
    for one in _dicts(_first(_parsed(text), "lldp").get("interface")):
        chassis, port = _first(one, "chassis"), _first(one, "port")
        _add(
            found, one.get("name"),
            neighbour(
                _value(chassis, "name"), _value(chassis, "id"), _value(port, "id"), _value(port, "descr")
            ),
        )  # fmt: skip
    return found


def of_networkd(text: str) -> Heard:
    """What networkd answers to C(io.systemd.Network.GetLLDPNeighbors), by device."""
    found: Heard = {}
    said = _parsed(text).get("parameters")
    for link in _dicts(said.get("Neighbors") if isinstance(said, Mapping) else None):
        for one in _dicts(link.get("Neighbors")):
            words = ("SystemName", "ChassisID", "PortID", "PortDescription")
            _add(found, link.get("InterfaceName"), neighbour(*(one.get(word) for word in words)))
    return found


def of_frames(data: bytes) -> list[Neighbour]:
    """The frames that networkd keeps of a device, each after its length of eight bytes; as many as are whole."""
    found: list[Neighbour] = []
    while len(data) > 8 and len(found) < _MOST_NEIGHBOURS:
        length = struct.unpack_from("<Q", data)[0]
        frame, data = data[8 : 8 + length], data[8 + length :]
        if len(frame) == length:
            found += filter(None, [of_frame(frame)])
    return found


def of_frame(frame: bytes) -> Neighbour | None:
    """What an LLDP frame says; None where it is none."""
    if frame[12:14] != _ETHERTYPE:
        return None
    said = dict(_tlvs(frame[14:]))
    return neighbour(
        _text(said.get(_SYSTEM, b"")),
        _identity(_CHASSIS, said.get(_CHASSIS, b"")),
        _identity(_PORT, said.get(_PORT, b"")),
        _text(said.get(_PORT_DESCRIPTION, b"")),
    )


def neighbour(system: Any, chassis: Any, port: Any, description: Any) -> Neighbour | None:
    """One neighbour, None where it does not even say which port it is."""
    words = [one[:_MOST_CHARACTERS] if isinstance(one, str) else "" for one in (system, chassis, port, description)]  # fmt: skip
    found = dict(zip(("system", "chassis", "port", "description"), words))
    return found if found["port"] and (found["system"] or found["chassis"]) else None


def _tlvs(data: bytes) -> Iterator[tuple[int, bytes]]:
    while len(data) >= 2:
        head = struct.unpack_from("!H", data)[0]
        kind, length = head >> 9, head & 0x1FF
        if kind == _END:
            return
        yield kind, data[2 : 2 + length]
        data = data[2 + length :]


def _identity(kind: int, value: bytes) -> str:
    subtype, rest = value[:1], value[1:]
    if subtype == bytes([_MACS[kind]]) and len(rest) == 6:
        return rest.hex(":")
    if subtype == bytes([_ADDRESSES[kind]]) and len(rest) == 1 + _FAMILIES.get(rest[:1][0] if rest else 0, -1):  # fmt: skip
        return ".".join(map(str, rest[1:])) if rest[0] == 1 else rest[1:].hex(":", 2)
    return _text(rest)


def _text(data: bytes) -> str:
    return data.rstrip(b"\0").decode("utf-8", "replace")


def _parsed(text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, Mapping) else {}


def _dicts(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _first(one: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    return next(iter(_dicts(one.get(key))), {})


def _value(one: Mapping[str, Any], key: str) -> Any:
    return _first(one, key).get("value")


def _add(found: Heard, dev: Any, one: Neighbour | None) -> None:
    if isinstance(dev, str) and one is not None and len(found.setdefault(dev, [])) < _MOST_NEIGHBOURS:  # fmt: skip
        found[dev].append(one)
