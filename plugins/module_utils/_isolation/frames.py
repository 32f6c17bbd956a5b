# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. Ethernet frames that prove what a bridge lets through: bytes out, and marks of them in.

Every frame carries a mark, so that nothing else on a living network is counted, and harms nobody: its source is a locally administered
address of this run, it asks for addresses that nobody has (192.0.2.0/24 of RFC 5737, a random link-local one), or goes to the discard port.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Any

# What a probe sends, in the order of the tables. "known" goes to a station that the bridge has learned, "tagged" carries a tag that the sender wrote
# itself, "dhcp" is a DHCPDISCOVER.
FLOODED = ("arp", "broadcast", "multicast", "multicast6", "unicast", "nd")
KINDS = (*FLOODED, "known", "tagged", "dhcp")

ETH_P_8021Q, ETH_P_8021AD = 0x8100, 0x88A8
_ETH_P_IP, _ETH_P_ARP, _ETH_P_IPV6 = 0x0800, 0x0806, 0x86DD
_ETH_P_EXPERIMENTAL = 0x88B5  # IEEE 802: local experimental ethertype 1
_UDP, _ICMP6, _NO_NEXT_HEADER = 17, 58, 59
_DISCARD, _BOOTPC, _BOOTPS = 9, 68, 67
_LEAST = 60  # bytes of an Ethernet frame without its checksum
_BROADCAST = b"\xff" * 6
_ANYBODY = IPv4Address("0.0.0.0").packed
_EVERYBODY = IPv4Address("255.255.255.255").packed
_NEIGHBOUR_SOLICITATION, _SOURCE_ADDRESS, _EXPERIMENT = 135, 1, 253  # RFC 4861, RFC 4727
_COOKIE = b"\x63\x82\x53\x63"  # RFC 2131
_DISCOVER, _OFFER = 1, 2


@dataclass(frozen=True)
class Mark:
    """Whose frame it is: C(run) are 8 random bytes, C(probe) the number of its sender, C(kind) one of KINDS."""

    run: bytes
    probe: int
    kind: str

    def encode(self) -> bytes:
        return self.run + struct.pack("!HB", self.probe, KINDS.index(self.kind))


def station(run: bytes, probe: int) -> bytes:
    """The MAC of a probe's station: unicast, locally administered; the first four bytes are those of the run."""
    return bytes([run[0] & 0xFC | 0x02]) + run[1:4] + struct.pack("!H", probe)


def found(data: bytes, run: bytes) -> tuple[int, str] | None:
    """The probe and the kind of a frame of this run; None where it is another's."""
    at = data.find(run, 14)
    if at < 0 or len(data) < at + len(run) + 3:
        return None
    probe, kind = struct.unpack_from("!HB", data, at + len(run))
    return (probe, KINDS[kind]) if kind < len(KINDS) else None


def tag(data: bytes) -> int | None:
    """The VID that stands in the frame itself; None where none does."""
    kind, tci = struct.unpack_from("!HH", data, 12)
    return tci & 0xFFF if kind in (ETH_P_8021Q, ETH_P_8021AD) else None


def built(mark: Mark, *, peer: bytes = b"", vid: int = 0) -> bytes:
    """The frame of a mark. C(peer) is the station that a "known" one goes to, C(vid) the tag that a "tagged" one carries."""
    source, text = station(mark.run, mark.probe), mark.encode()
    random = mark.run[4:]
    link_local = b"\xfe\x80" + b"\0" * 6 + source[:3] + b"\xff\xfe" + source[3:]
    if mark.kind == "arp":
        asked = IPv4Address("192.0.2.1").packed
        return _ethernet(
            _BROADCAST,
            source,
            _ETH_P_ARP,
            struct.pack("!HHBBH", 1, _ETH_P_IP, 6, 4, 1)
            + source
            + _ANYBODY
            + b"\0" * 6
            + asked
            + text,
        )
    if mark.kind == "broadcast":
        return _ethernet(_BROADCAST, source, _ETH_P_IP, _udp4(_EVERYBODY, _DISCARD, _DISCARD, text))
    if mark.kind == "multicast":  # an organisation's own group, RFC 2365
        group = b"\xef\xff" + random[:2]
        return _ethernet(
            b"\x01\x00\x5e\x7f" + random[:2],
            source,
            _ETH_P_IP,
            _udp4(group, _DISCARD, _DISCARD, text),
        )
    if mark.kind == "multicast6":
        everybody = IPv6Address("ff02::1").packed
        return _ethernet(
            b"\x33\x33\0\0\0\x01",
            source,
            _ETH_P_IPV6,
            _ip6(link_local, everybody, _NO_NEXT_HEADER, 1, text),
        )
    if mark.kind == "nd":
        # backwards: only the mark itself may read as one
        target = b"\xfe\x80" + b"\0" * 6 + mark.run[::-1]
        group = IPv6Address("ff02::1:ff00:0").packed[:13] + target[13:]
        asking = _solicitation(link_local, group, target, source, text)
        return _ethernet(
            b"\x33\x33\xff" + target[13:],
            source,
            _ETH_P_IPV6,
            _ip6(link_local, group, _ICMP6, 255, asking),
        )
    if mark.kind == "unicast":
        return _ethernet(
            bytes([mark.run[7] & 0xFC | 0x02]) + mark.run[:5], source, _ETH_P_EXPERIMENTAL, text
        )
    if mark.kind == "known":
        return _ethernet(peer, source, _ETH_P_EXPERIMENTAL, text)
    if mark.kind == "tagged":
        return _ethernet(
            _BROADCAST, source, ETH_P_8021Q, struct.pack("!HH", vid, _ETH_P_EXPERIMENTAL) + text
        )
    return _ethernet(
        _BROADCAST,
        source,
        _ETH_P_IP,
        _udp4(_EVERYBODY, _BOOTPC, _BOOTPS, _discover(source, random, text)),
    )


def offered(data: bytes, mark: Mark) -> dict[str, str] | None:
    """What a DHCP server offers the station of this mark: C(server) and C(address), and the C(mac) that it sent from; None for any other frame."""
    if (
        len(data) < 14 + 20 + 8 + 240
        or struct.unpack_from("!H", data, 12)[0] != _ETH_P_IP
        or data[23] != _UDP
    ):
        return None
    udp = 14 + (data[14] & 0xF) * 4
    bootp = data[udp + 8 :]
    if (
        struct.unpack_from("!HH", data, udp) != (_BOOTPS, _BOOTPC)
        or bootp[4:8] != mark.run[4:]
        or bootp[28:34] != station(mark.run, mark.probe)
    ):
        return None
    options = dhcp_options(bootp[240:])
    if options.get(53) != bytes([_OFFER]):
        return None
    server = options.get(54, data[26:30])
    return {
        "server": str(IPv4Address(server[:4])),
        "address": str(IPv4Address(bootp[16:20])),
        "mac": data[6:12].hex(":"),
    }


def _ethernet(target: bytes, source: bytes, kind: int, payload: bytes) -> bytes:
    return (target + source + struct.pack("!H", kind) + payload).ljust(_LEAST, b"\0")


def _udp4(target: bytes, source_port: int, target_port: int, payload: bytes) -> bytes:
    # no checksum: IPv4 allows that
    datagram = struct.pack("!HHHH", source_port, target_port, 8 + len(payload), 0) + payload
    header = (
        struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(datagram), 0, 0, 1, _UDP, 0) + _ANYBODY + target
    )
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + datagram


def _ip6(source: bytes, target: bytes, following: int, hops: int, payload: bytes) -> bytes:
    return (
        struct.pack("!IHBB", 0x60000000, len(payload), following, hops) + source + target + payload
    )


def _solicitation(source: bytes, group: bytes, target: bytes, mac: bytes, text: bytes) -> bytes:
    """A neighbour solicitation; the mark is in an option that is for experiments, which everybody skips."""
    options = bytes([_SOURCE_ADDRESS, 1]) + mac + bytes([_EXPERIMENT, 2]) + text.ljust(14, b"\0")
    body = bytes([_NEIGHBOUR_SOLICITATION, 0, 0, 0, 0, 0, 0, 0]) + target + options
    pseudo = source + group + struct.pack("!II", len(body), _ICMP6)
    return body[:2] + struct.pack("!H", checksum(pseudo + body)) + body[4:]


def _discover(mac: bytes, xid: bytes, text: bytes) -> bytes:
    """A DHCPDISCOVER; the mark is its client identifier, so no lease of anybody is taken for its own."""
    head = struct.pack("!BBBB", 1, 1, 6, 0) + xid + b"\0" * 20 + mac.ljust(16, b"\0") + b"\0" * 192
    options = bytes([53, 1, _DISCOVER, 61, len(text) + 1, 0]) + text + bytes([55, 2, 1, 3, 255])
    return (head + _COOKIE + options).ljust(300, b"\0")


def dhcp_options(data: bytes) -> dict[int, bytes]:
    """The options of a DHCP message, C({number: bytes}); of what is cut short, what there is. C(data) begins behind the cookie. Source: RFC 2132."""
    options: dict[int, Any] = {}
    at = 0
    while at + 1 < len(data) and data[at] != 255:
        if data[at]:
            options[data[at]] = data[at + 2 : at + 2 + data[at + 1]]
            at += 2 + data[at + 1]
        else:
            at += 1
    return options


def checksum(data: bytes) -> int:
    """The Internet's: RFC 1071."""
    total = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
