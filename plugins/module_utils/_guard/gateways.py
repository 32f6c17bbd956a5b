# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask gateways whether they answer: ARP and neighbour discovery by the kernel itself, told over netlink to probe now."""

from __future__ import annotations

import contextlib
import socket
from dataclasses import dataclass
from typing import Container, Iterable, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import KernelError
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import (
    address as rtnl_address,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import neigh as rtnl_neigh
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import route as rtnl_route
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.neigh import Neighbour
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.route import Route
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.snapshot import (
    RTMGRP_NEIGH,
    Netlink,
    index_of,
    names_of,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.socket import (
    NLM_F_CREATE,
    NLM_F_REPLACE,
    wait,
)

_DISCARD_PORT = 9
# for an answer of the MAC that is known; after that everybody is asked
_BY_MAC_SECONDS = 1.0
_FAMILIES = {rtnl_address.AF_INET: "IPv4", rtnl_address.AF_INET6: "IPv6"}


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
                and route.table == rtnl_route.TABLE_MAIN
                and hop.gateway
                and hop.dev in devs
            ):
                family = _FAMILIES[route.family]
                found.setdefault(family, Gateway(family, hop.gateway, str(hop.dev)))
    return list(found.values())


def they_do_not(found: Sequence[Gateway], verb: str = "") -> tuple[str, str]:
    """Subject, without its article, and predicate of a sentence on gateways, one at least: (IPv4 gateway 192.0.2.1, does not answer) with this C(verb)."""
    do = "does not" if len(found) == 1 else "do not"
    return " and the ".join(str(one) for one in found), f"{do} {verb}".rstrip()


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
    """Which of the gateways answer ARP or ND within C(seconds)."""
    asked = list(asked)
    waiting = {one for one in asked if one.dev in links}
    lost = set(asked) - waiting
    unasked = set(waiting)
    known = _forget_questions(netlink, links, waiting) if waiting else {}

    def all_answered() -> bool:
        nonlocal known
        for one in unasked:
            _ask(netlink, known.get((one.dev, one.address)), one.address, index_of(one.dev, links))
        known = _known(netlink.dump(rtnl_neigh.RTM_GETNEIGH), links)
        there = {
            who
            for who, one in known.items()
            if one.state & (rtnl_neigh.NUD_REACHABLE | rtnl_neigh.NUD_PERMANENT)
        }
        waiting.difference_update([one for one in waiting if (one.dev, one.address) in there])
        # one that was being asked in vain already is given up before it has heard of us: it is asked anew
        unasked.clear()
        unasked.update(one for one in waiting if (one.dev, one.address) not in known)
        return not waiting

    first = min(_BY_MAC_SECONDS, seconds / 2)
    if waiting and not wait(RTMGRP_NEIGH, first, all_answered):
        forgotten = _forget(netlink, links, known, waiting)
        unasked.update(forgotten)
        gone = {(one.dev, one.address) for one in forgotten}
        known = {who: one for who, one in known.items() if who not in gone}
        wait(RTMGRP_NEIGH, seconds - first, all_answered)
    return [one for one in asked if one not in waiting | lost]


def _known(table: Iterable[bytes], links: Mapping[str, Link]) -> dict[tuple[str, str], Neighbour]:
    return {
        (one.dev, one.address): one for one in rtnl_neigh.decode_neighbours(table, names_of(links))
    }


def _forget_questions(
    netlink: Netlink, links: Mapping[str, Link], asked: Iterable[Gateway]
) -> dict[tuple[str, str], Neighbour]:
    """What the kernel asks since before it could be heard, it would ask again only a second later. Returns what else it knows."""
    table = list(netlink.dump(rtnl_neigh.RTM_GETNEIGH))
    vain = rtnl_neigh.asked_in_vain(table, names_of(links))
    for one in asked:
        if (one.dev, one.address) in vain:
            with contextlib.suppress(KernelError):  # it was heard of meanwhile, or given up
                netlink.send(
                    rtnl_neigh.RTM_DELNEIGH, 0, vain[one.dev, one.address], f"ask {one} anew"
                )
    return _known(table, links)


def _forget(
    netlink: Netlink,
    links: Mapping[str, Link],
    known: Mapping[tuple[str, str], Neighbour],
    silent: Iterable[Gateway],
) -> list[Gateway]:
    """Take those out again whose MAC is known and does not answer, and return them: another may have the address by now.

    By itself the kernel asks that MAC alone, three times in as many seconds, and gives up (mcast_resolicit is 0).
    """
    found = [one for one in silent if (one.dev, one.address) in known]
    for one in found:
        body = rtnl_neigh.reneighbour(known[one.dev, one.address], index_of(one.dev, links))
        with contextlib.suppress(KernelError):  # given up meanwhile
            netlink.send(rtnl_neigh.RTM_DELNEIGH, 0, body, f"ask everybody for {one}")
    return found


def _ask(netlink: Netlink, known: Neighbour | None, address: str, index: int) -> None:
    """Have the kernel ask now: an entry it has is set to probing, one it lacks is made by a packet for it."""
    if known is not None and not known.state & rtnl_neigh.NUD_PERMANENT:
        body = rtnl_neigh.reneighbour(known, index, rtnl_neigh.NUD_PROBE)
        try:
            netlink.send(
                rtnl_neigh.RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, body, f"probe {address}"
            )
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
