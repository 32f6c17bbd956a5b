# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. Queueing disciplines, for those that see each frame before a bridge does. Layouts: Linux' include/uapi/linux/rtnetlink.h."""

from __future__ import annotations

import struct
from typing import Iterable, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.nla import (
    text,
    walk,
)

RTM_GETQDISC = 38
_QDISC = struct.Struct("=BxxxiIII")  # family, index, handle, parent, info
_TCA_KIND = 1
QDISC_HEADER = b"\0" * _QDISC.size


def decode_hooks(
    messages: Iterable[bytes], names: Mapping[int, str]
) -> tuple[tuple[str, str], ...]:
    """C((device, "clsact" or "ingress")) where programs or filters see each frame before a bridge does, from RTM_NEWQDISC bodies.

    C(names) are the names of devices by their numbers; a device that is none of them is "".
    """
    found = []
    for body in messages:
        kind = text(walk(body, _QDISC.size).get(_TCA_KIND, b""))
        if kind in ("clsact", "ingress"):
            found.append((names.get(_QDISC.unpack_from(body)[1], ""), kind))
    return tuple(found)
