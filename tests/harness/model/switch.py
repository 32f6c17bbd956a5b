# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A kernel's bridge in a few lines: what messages about VLANs do to it, and the dump that tells of them.

Read from Linux' net/bridge/{br_netlink,br_vlan}.c; of the collection only the table of attributes is used, to read a changed vlan_default_pvid.
C(Switch) stands in for C(_rtnl/snapshot.Netlink): LinkNoun reads it and writes to it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from ansible_collections.hypervisor.network.plugins.module_utils._core import vlan as vlan_words
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import KernelError
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    Address,
    Link,
    Snapshot,
)
from ansible_collections.hypervisor.network.plugins.module_utils._link import (
    bridge as bridge_planner,
)
from ansible_collections.hypervisor.network.plugins.module_utils._link import port as port_planner
from ansible_collections.hypervisor.network.plugins.module_utils._link.apply import LinkNoun
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import (
    attributes as option_tables,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import bridge_vlan, nla
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import link as rtnl_link

UP, CARRIER = 0x1, 0x10000
PVID, UNTAGGED, BEGIN, END = 2, 4, 8, 16
NEWLINK, DELLINK, SETLINK = 16, 17, 19
_IFLA_MASTER = 10
BRIDGE = "br0"
NO_VLANS: dict[str, Any] = dict.fromkeys(vlan_words.SPEC) | {"vlans_mode": "exact"}
Vids = dict[int, int]


def pieces(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The attributes one after the other."""
    while data:
        length, kind = struct.unpack_from("=HH", data)
        yield kind & 0x3FFF, data[4:length]
        data = data[(length + 3) & ~3 :]


class Switch:
    """A bridge that filters VLANs, and its ports. C(own) and C(ports) hold flags by VID; the PVID is at most one of them."""

    def __init__(self, *ports: str, default: int = 1) -> None:
        first = {default: PVID | UNTAGGED} if default else {}
        self.own: Vids = dict(first)
        self.ports: dict[str, Vids] = {name: dict(first) for name in ports}
        self.options = {
            "vlan_filtering": True,
            "vlan_protocol": "802.1Q",
            "vlan_default_pvid": default,
            "vlan_stats_per_port": False,
            "stp_state": False,
        }
        self.addresses: tuple[Address, ...] = ()
        self.sent: list[tuple[int, dict[str, Vids]]] = []
        self.fail_at = 0

    @property
    def all(self) -> dict[str, Vids]:
        return {BRIDGE: self.own, **self.ports}

    def ways(self, links: object) -> dict[str, frozenset[int]]:
        return {}

    def neighbours(self, links: object) -> tuple[()]:
        return ()

    fdb = neighbours

    def snapshot(self, addresses: bool = False, vlans: bool = False) -> Snapshot:
        links = {BRIDGE: Link(BRIDGE, 1, "bridge", UP, options=dict(self.options))}
        links.update(
            {
                name: Link(name, 2 + number, "veth", UP | CARRIER, master=BRIDGE, port={})
                for number, name in enumerate(self.ports)
            }
        )
        names = {link.index: name for name, link in links.items()}
        told = bridge_vlan.decode([self._dump(index, name) for index, name in names.items()], names)
        return Snapshot(
            {name: Link(**{**vars(link), "vlans": told[name]}) for name, link in links.items()},
            self.addresses,
        )

    def _dump(self, index: int, name: str) -> bytes:
        """br_fill_ifvlaninfo_compressed: ranges of the same flags."""
        vids, data = self.all[name], b""
        for vid in sorted(vids):
            after, before = vids.get(vid + 1) == vids[vid], vids.get(vid - 1) == vids[vid]
            if not (after and before):
                bits = vids[vid] | (BEGIN if after else END if before else 0)
                data += nla.attribute(2, struct.pack("=HH", bits, vid))
        return (
            struct.pack("=BxHiII", 7, 1, index, 0, 0)
            + nla.attribute(3, name.encode() + b"\0")
            + (nla.attribute(26, data) if data else b"")
        )

    def still(self, name: str, meant: int | None) -> int:
        return self.snapshot().links[name].index

    def link(self, index: int) -> Link:
        return next(one for one in self.snapshot().links.values() if one.index == index)

    def ready(self) -> None:
        """There is nothing to load."""

    def send(self, kind: int, _flags: int, body: bytes, what: str) -> None:
        if len(self.sent) + 1 == self.fail_at:
            self.fail_at = 0
            raise KernelError(what, 1)
        family, index = struct.unpack_from("=BxHi", body)[0], struct.unpack_from("=i", body, 4)[0]
        (target,) = [vids for number, vids in enumerate(self.all.values(), 1) if number == index]
        attributes = dict(pieces(body[16:]))
        if family == 7:
            self._vlans(kind, target, attributes[26], own=index == 1)
        elif _IFLA_MASTER in attributes:
            self._join(target)
        else:
            info = dict(pieces(attributes[18]))
            assert (kind, index, info[1]) == (NEWLINK, 1, b"bridge\0"), what
            self._change(rtnl_link.decode_options(option_tables.BRIDGE, info[2]))
        self.sent.append((kind, {name: dict(vids) for name, vids in self.all.items()}))

    def _join(self, target: Vids) -> None:
        """nbp_vlan_init."""
        target.clear()
        if self.options["vlan_default_pvid"]:
            target[self.options["vlan_default_pvid"]] = PVID | UNTAGGED

    def _vlans(self, kind: int, target: Vids, data: bytes, own: bool) -> None:
        first = None
        told = list(pieces(data))
        assert own == (told[0] == (0, b"\2\0")), (
            "only the bridge itself is spoken to with BRIDGE_FLAGS_SELF"
        )
        for number, payload in told:
            if number != 2:
                continue
            bits, vid = struct.unpack("=HH", payload)
            assert 1 <= vid <= 4094 and kind in (SETLINK, DELLINK)
            if bits & BEGIN:
                assert not bits & PVID, "EINVAL: a range has no PVID"
                first = vid
                continue
            assert (first is None) == (not bits & END)
            for each in range(vid if first is None else first, vid + 1):
                self._remove(target, each) if kind == DELLINK else self._add(
                    target, each, bits & (PVID | UNTAGGED)
                )
            first = None
        assert first is None, "a range without an end"

    @staticmethod
    def _add(target: Vids, vid: int, bits: int) -> None:
        if bits & PVID:
            target.update({other: flags & ~PVID for other, flags in target.items()})
        target[vid] = bits

    @staticmethod
    def _remove(target: Vids, vid: int) -> None:
        target.pop(vid, None)

    def _change(self, options: dict[str, object]) -> None:
        old, new = self.options["vlan_default_pvid"], options.get("vlan_default_pvid")
        self.options.update(options)
        if new is None or new == old:
            return
        for target in self.all.values():
            moves = target.get(old) == PVID | UNTAGGED
            if not new:  # br_vlan_disable_default_pvid
                if moves:
                    self._remove(target, old)
            elif (not old or moves) and new not in target:  # __br_vlan_set_default_pvid
                self._add(target, new, PVID | UNTAGGED)
                self._remove(target, old)


def noun(switch: Switch) -> LinkNoun:
    """What reads the switch and writes to it."""
    return LinkNoun(switch)  # type: ignore[arg-type]


def port(name: str, **given_: Any) -> dict[str, Any]:
    """A wish for a port of the switch."""
    options = (
        dict.fromkeys(port_planner.SPEC)
        | {"name": name, "bridge": BRIDGE, "state": "present"}
        | NO_VLANS
    )
    return {"port": [port_planner.checked({**options, **given_})]}


def bridge(**given_: Any) -> dict[str, Any]:
    """A wish for the switch itself."""
    return {
        "bridge": [
            bridge_planner.checked(
                {
                    **dict.fromkeys(bridge_planner.SPEC),
                    "name": BRIDGE,
                    "state": "present",
                    "force": True,
                    **given_,
                }
            )
        ]
    }
