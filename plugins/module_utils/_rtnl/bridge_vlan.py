# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. Bridge VLANs as rtnetlink's bytes: what a dump of AF_BRIDGE tells, and what RTM_SETLINK and RTM_DELLINK are told.

By hand, because pyroute2 0.7.x drops the flags of ranges. Layouts: Linux' include/uapi/linux/if_bridge.h (IFLA_BRIDGE_*, struct bridge_vlan_info).
"""

from __future__ import annotations

import struct
from typing import Iterable, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core import vlan as vlan_words
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Lazily
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import (
    address as rtnl_address,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.link import (
    IFLA_AF_SPEC,
    link_header,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.nla import (
    attribute,
    each,
    walk,
)

# What a dump of them is asked with: IFLA_EXT_MASK, RTEXT_FILTER_BRVLAN_COMPRESSED without statistics
DUMP = link_header(family=rtnl_address.AF_BRIDGE) + attribute(29, struct.pack("=I", 4 | 8))

_FLAGS, _VLAN_INFO = 0, 2  # IFLA_BRIDGE_*
_SELF = 2  # BRIDGE_FLAGS_SELF
_PVID, _UNTAGGED, _RANGE_BEGIN, _RANGE_END = 2, 4, 8, 16
_BITS = {
    vlan_words.TAGGED: 0,
    vlan_words.UNTAGGED: _UNTAGGED,
    vlan_words.PVID: _PVID | _UNTAGGED,
    vlan_words.PVID_TAGGED: _PVID,
}
_WORDS = {bits: words for words, bits in _BITS.items()}


def request(index: int, ranges: Iterable[vlan_words.Range], own: bool) -> bytes:
    """The body of a message about these VLANs of a port, or with C(own) of the bridge itself. To take VLANs away their words may be empty."""
    data = attribute(_FLAGS, struct.pack("=H", _SELF)) if own else b""
    for first, last, words in ranges:
        bits = _BITS.get(words, 0)
        ends = (
            ((first, bits),)
            if first == last
            else ((first, bits | _RANGE_BEGIN), (last, bits | _RANGE_END))
        )
        data += b"".join(
            attribute(_VLAN_INFO, struct.pack("=HH", flags, vid)) for vid, flags in ends
        )
    return link_header(index, family=rtnl_address.AF_BRIDGE) + attribute(IFLA_AF_SPEC, data)


def decode(messages: Iterable[bytes], names: Mapping[int, str]) -> dict[str, vlan_words.Vlans]:
    """The VLANs of ports, and of bridges themselves, by device, from RTM_NEWLINK bodies of AF_BRIDGE; decoded when somebody looks.

    C({"eth0": {"1": "pvid untagged", "10-19": "tagged"}}), the canonical form of C(_core/vlan). C(names) are the names of devices by their numbers.
    """
    found: dict[str, vlan_words.Vlans] = {}
    for body in messages:
        (index,) = struct.unpack_from("=i", body, 4)
        spec = walk(body, len(link_header())).get(IFLA_AF_SPEC, b"")
        # a driver that bridges by itself says so, and means its own
        if index in names and _FLAGS not in walk(spec):
            found[names[index]] = Lazily(lambda spec=spec: vlan_words.written(_ranges(spec)))
    return found


def _ranges(spec: bytes) -> list[vlan_words.Range]:
    ranges = []
    first = 0
    for kind, payload in each(spec):
        if kind != _VLAN_INFO:
            continue
        flags, vid = struct.unpack("=HH", payload)
        if flags & _RANGE_BEGIN:
            first = vid
        else:
            ranges.append(
                (first if flags & _RANGE_END else vid, vid, _WORDS[flags & (_PVID | _UNTAGGED)])
            )
    return ranges
