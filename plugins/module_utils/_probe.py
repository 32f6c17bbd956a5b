# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask gateways whether they answer: ARP and neighbour discovery by the kernel itself, told over netlink to probe now."""

from __future__ import annotations

import contextlib
import socket
from dataclasses import dataclass
from typing import Container, Iterable, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils import _inet
from ansible_collections.hypervisor.network.plugins.module_utils._errors import KernelError
from ansible_collections.hypervisor.network.plugins.module_utils._inet import Neighbour, Route
from ansible_collections.hypervisor.network.plugins.module_utils._netlink import (
    NLM_F_CREATE,
    NLM_F_REPLACE,
    RTMGRP_NEIGH,
    Netlink,
    index_of,
    names_of,
    wait,
)
from ansible_collections.hypervisor.network.plugins.module_utils._snapshot import Link

_DISCARD_PORT = 9
_FAMILIES = {_inet.AF_INET: "IPv4", _inet.AF_INET6: "IPv6"}


@dataclass(frozen=True)
class Gateway:
    """A default gateway: its family in words (IPv4, IPv6), its address, and the device it is behind."""

    family: str
    address: str
    dev: str

    def __str__(self) -> str:
        return f"{self.family} gateway {self.address}"


def gateways(routes: Iterable[Route], devs: Container[str | None]) -> list[Gateway]:
    """The default gateways behind C(devs), the first of each family."""
    found: dict[str, Gateway] = {}
    for route in routes:
        for hop in route.hops:
            if (
                route.dst == "default"
                and route.table == _inet.TABLE_MAIN
                and hop.gateway
                and hop.dev in devs
            ):
                family = _FAMILIES[route.family]
                found.setdefault(family, Gateway(family, hop.gateway, str(hop.dev)))
    return list(found.values())


def silent(
    netlink: Netlink, links: Mapping[str, Link], asked: Iterable[Gateway], seconds: float = 3.0
) -> list[Gateway]:
    """Which of the gateways do not answer ARP or ND within C(seconds)."""
    asked = list(asked)
    answered = answering(netlink, links, asked, seconds)
    return [one for one in asked if one not in answered]


def answering(
    netlink: Netlink, links: Mapping[str, Link], asked: Iterable[Gateway], seconds: float = 3.0
) -> list[Gateway]:
    """Which of them do."""
    asked = list(asked)
    waiting = {one for one in asked if one.dev in links}
    lost = set(asked) - waiting
    unasked = set(waiting)
    known = _forget_questions(netlink, links, waiting) if waiting else {}

    def all_answered() -> bool:
        nonlocal known
        for one in unasked:
            _ask(netlink, known.get((one.dev, one.address)), one.address, index_of(one.dev, links))
        known = _known(netlink.dump(_inet.RTM_GETNEIGH), links)
        there = {
            who
            for who, one in known.items()
            if one.state & (_inet.NUD_REACHABLE | _inet.NUD_PERMANENT)
        }
        waiting.difference_update([one for one in waiting if (one.dev, one.address) in there])
        # one that was being asked in vain already is given up before it has heard of us: it is asked anew
        unasked.clear()
        unasked.update(one for one in waiting if (one.dev, one.address) not in known)
        return not waiting

    if waiting:
        wait(RTMGRP_NEIGH, seconds, all_answered)
    return [one for one in asked if one not in waiting | lost]


def _known(table: Iterable[bytes], links: Mapping[str, Link]) -> dict[tuple[str, str], Neighbour]:
    return {(one.dev, one.address): one for one in _inet.decode_neighbours(table, names_of(links))}


def _forget_questions(
    netlink: Netlink, links: Mapping[str, Link], asked: Iterable[Gateway]
) -> dict[tuple[str, str], Neighbour]:
    """What the kernel asks since before it could be heard, it would ask again only a second later. Returns what else it knows."""
    table = list(netlink.dump(_inet.RTM_GETNEIGH))
    vain = _inet.asked_in_vain(table, names_of(links))
    for one in asked:
        if (one.dev, one.address) in vain:
            with contextlib.suppress(KernelError):  # it was heard of meanwhile, or given up
                netlink.send(_inet.RTM_DELNEIGH, 0, vain[one.dev, one.address], f"ask {one} anew")
    return _known(table, links)


def _ask(netlink: Netlink, known: Neighbour | None, address: str, index: int) -> None:
    """Have the kernel ask now: an entry it has is set to probing, one it lacks is made by a packet for it."""
    if known is not None and not known.state & _inet.NUD_PERMANENT:
        body = _inet.reneighbour(known, index, _inet.NUD_PROBE)
        try:
            netlink.send(_inet.RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, body, f"probe {address}")
            return
        except KernelError:
            pass  # it vanished meanwhile
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as poke:
        target = (
            (address, _DISCARD_PORT, 0, index)
            if family == socket.AF_INET6
            else (address, _DISCARD_PORT)
        )
        try:
            poke.sendto(b"", target)
        except OSError:
            pass  # no route to it: then it will not answer either
