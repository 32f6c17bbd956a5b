# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. The parts of a card (SR-IOV), as the card's own link tells them (linux/if_link.h)."""

from __future__ import annotations

import struct
from typing import Iterable, NamedTuple

from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import link as rtnl_link
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.nla import (
    attribute,
    each,
    text,
    walk,
)

# What a dump that tells them is asked with: IFLA_EXT_MASK, RTEXT_FILTER_VF and RTEXT_FILTER_SKIP_STATS
DUMP = rtnl_link.link_header() + attribute(29, struct.pack("=I", 1 | 8))

_HEADER = len(rtnl_link.link_header())
_VFINFO_LIST, _VF_INFO, _VF_SPOOFCHK, _VF_TRUST = 22, 1, 4, 9
# the part's number, and 0, 1, or all bits where the driver has no such setting
_SETTING = struct.Struct("=II")


class Settings(NamedTuple):
    """Whether a card drops what a part of it sends from other MACs, and lets it take frames for them; None where its driver does not say."""

    spoofchk: bool | None
    trust: bool | None


def decode(messages: Iterable[bytes]) -> dict[str, dict[int, Settings]]:
    """{card: {number of the part: what is set}}, from RTM_NEWLINK bodies."""
    found = {}
    for body in messages:
        link = walk(body, _HEADER)
        if _VFINFO_LIST in link:
            parts = [walk(part) for kind, part in each(link[_VFINFO_LIST]) if kind == _VF_INFO]
            found[text(link[rtnl_link.IFLA_IFNAME])] = {
                _SETTING.unpack_from(part[_VF_SPOOFCHK])[0]: Settings(
                    _setting(part.get(_VF_SPOOFCHK)), _setting(part.get(_VF_TRUST))
                )
                for part in parts
                if len(part.get(_VF_SPOOFCHK, b"")) >= _SETTING.size
            }
    return found


def _setting(payload: bytes | None) -> bool | None:
    if payload is None or len(payload) < _SETTING.size:
        return None
    return {0: False, 1: True}.get(_SETTING.unpack_from(payload)[1])
