# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. The host's own addresses on a bridge: those of a network that no NIC brings, as between the host and its guests."""

from __future__ import annotations

from typing import Any, Iterable, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core import units
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    BadInput,
    Refused,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change, Plan
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    Address,
    Snapshot,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import (
    address as rtnl_address,
)

SPEC: dict[str, dict[str, Any]] = {
    "addresses": {"type": "list", "elements": "str"},
    "addresses_mode": {"type": "str", "choices": ["merge", "exact"], "default": "merge"},
}
# of a wish, what says how and is no option of the device; the last is for the way back only
HOW = ("addresses_mode", "addresses_gone")
_IFA_F_PERMANENT = 0x80


def checked(item: Mapping[str, Any]) -> dict[str, Any]:
    """The addresses in canonical form, where they are given. Raises BadInput."""
    if item.get("addresses") is None:
        return {}
    try:
        texts = [str(units.host_address(one)) for one in item["addresses"]]
    except BadInput as error:
        raise BadInput(f"{item['name']}: {error}") from None
    local = [text for text in texts if text.startswith("fe80:")]
    if local:
        raise BadInput(
            f"{item['name']}: address {local[0]} is a link-local one, which the kernel makes by itself; leave it out."
        )
    return {
        "addresses": list(dict.fromkeys(texts)),
        "addresses_mode": item.get("addresses_mode") or "merge",
    }


def check_free(now: Snapshot, wish: Mapping[str, Any]) -> None:
    """Refuse an address that another device of the host has: which of the two networks is meant could not be told. Raises Refused."""
    for text in wish.get("addresses") or ():
        dev = now.device_of(text.partition("/")[0])
        if dev not in (None, wish["name"]) and not wish["force"]:
            raise Refused(
                f"{wish['name']} shall have the address {text}, which is {dev}'s already; choose another, or say force: true for the same on both."
            )


def planned(
    now: Snapshot, wish: Mapping[str, Any]
) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """What the bridge has and what it shall have, each under C(addresses); the second is empty where nothing changes.

    With C(addresses_mode) exact all others go that nobody leases: those with a lifetime, and link-local ones, are the business of who gave them.
    """
    wanted = wish.get("addresses")
    if wanted is None:
        return {}, {}
    has = now.addresses_of(wish["name"])
    gone = set(wish.get("addresses_gone") or ())
    if wish.get("addresses_mode") == "exact":
        gone |= {one.text for one in has if one.flags & _IFA_F_PERMANENT}
    before = [one.text for one in has]
    stay = [text for text in before if text in wanted or text not in gone]
    after = stay + [text for text in wanted if text not in before]
    return {"addresses": before}, {} if after == before else {"addresses": after}


def with_those_back(wishes: Iterable[Mapping[str, Any]], changes: Plan) -> list[dict[str, Any]]:
    """The wishes that undo changes, with the addresses of before and without those that the run gave; what others gave meanwhile stays."""
    given: dict[str, dict[str, Any]] = {}
    for change in changes:
        if change.before is not None and "addresses" in (change.after or {}):
            before, after = change.before["addresses"], (change.after or {})["addresses"]
            gone = [one for one in after if one not in before]
            given[change.name] = {"addresses": before, "addresses_gone": gone}
    return [{**wish, **given.get(wish["name"], {})} for wish in wishes]


def lost_by(now: Snapshot, change: Change) -> list[Address]:
    """The addresses that a device loses by a change of something else: all where it goes or is made again, and those of IPv6 where it goes down.

    Then those that a router or a lease gave are their business. Source: Linux' net/ipv6/addrconf.c, addrconf_ifdown.
    """
    has = now.addresses_of(change.name)
    if change.action in ("delete", "recreate"):
        return has
    link = now.links.get(change.name)
    if (change.after or {}).get("up") is not False or link is None or not link.up:
        return []
    gone, _come = steps(change)
    by_hand = [one for one in has if one.lasts and not rtnl_address.advertised(one)]
    return [one for one in by_hand if ":" in one.text and one.text not in gone]


def lost(now: Snapshot, wished: Iterable[Address], made: Iterable[str]) -> list[Change]:
    """On the way back: the addresses that went with a device, or go now with one of C(made), which is made again."""
    made = set(made)
    there = {(one.dev, one.text) for one in now.addresses if one.dev not in made}
    return [
        Change("add", "address", one.text, None, {"dev": one.dev}, payload=one)
        for one in wished
        if (one.dev, one.text) not in there
    ]


def steps(change: Change) -> tuple[list[str], list[str]]:
    """The addresses that go, and those that have to be there then: all of them where some went, since IPv4's secondaries go with their primary."""
    before = (change.before or {}).get("addresses") or []
    after = (change.after or {}).get("addresses") or []
    gone = [one for one in before if one not in after]
    return gone, after if gone else [one for one in after if one not in before]


def go(change: Change) -> bool:
    """Whether the bridge shall have fewer of them than before, so that nobody may miss them."""
    return bool(
        change.kind == "bridge" and "addresses" in (change.after or {}) and steps(change)[0]
    )
