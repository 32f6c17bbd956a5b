# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. The changes of a conversion in words: what a user reads of an address, a route, a rule, a neighbour, a sysctl and a DHCP client."""

from __future__ import annotations

from typing import Any

from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import (
    Change,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Address
from ansible_collections.hypervisor.network.plugins.module_utils._dhcp.client import Client
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import (
    address as rtnl_address,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import route as rtnl_route
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.neigh import Neighbour
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.route import Route, Rule

# What somebody else has added, and what is put where it works: it may fail without stopping the way back
KEEP = "keep"
_SECRETS = ("stable_secret",)
_HIDDEN = "(not shown)"


def address(verb: str, one: Address) -> Change:
    """C(verb) is add, keep or remove."""
    words: dict[str, Any] = {"address": one.text, "dev": one.dev}
    if one.peer:
        words["peer"] = one.peer
    gone = verb == "remove"
    before, after = (words, None) if gone else (None, words)
    name = f"{one.text} dev {one.dev}"
    return Change(verb, "address", name, before, after, payload=one)


def route(verb: str, one: Route, old: Route | None = None) -> Change:
    """C(verb) is add, replace (of C(old)), keep (in place of C(old) where there is one) or remove."""
    before = {"route": str(one)} if verb == "remove" else {"route": str(old)} if old else None
    after = None if verb == "remove" else {"route": str(one)}
    return Change(verb, "route", _route_name(one), before, after, payload=one)


def _route_name(one: Route) -> str:
    """What tells the route from others in a diff; an IPv6 prefix shows its family itself."""
    family = "inet6 " if one.family == rtnl_address.AF_INET6 and one.dst == "default" else ""
    table = f" table {one.table}" if one.table != rtnl_route.TABLE_MAIN else ""
    return family + one.dst + table


def rule(verb: str, one: Rule) -> Change:
    """C(verb) is add, keep or remove."""
    words = {key: value for key, value in (("iif", one.iif), ("oif", one.oif)) if value}
    name = " ".join(f"{key} {value}" for key, value in words.items())
    return _coming_or_going(verb, "rule", name, words, one)


def neighbour(verb: str, one: Neighbour) -> Change:
    """C(verb) is add, keep or remove; one that is answered for (a proxy entry) has no MAC."""
    proxy = "proxy " if one.proxy else ""
    words: dict[str, Any] = {} if one.proxy else {"mac": one.mac}
    name = f"{proxy}{one.address} dev {one.dev}"
    return _coming_or_going(verb, "neighbour", name, words, one)


def sysctl(key: str, before: str | None, after: str) -> Change:
    """The value that is written is the payload: a secret is not told."""
    secret = key.rpartition("/")[2] in _SECRETS
    was, is_ = (_HIDDEN, _HIDDEN) if secret else (before, after)
    return Change(
        "set",
        "sysctl",
        f"net/{key}",
        None if before is None else {"value": was},
        {"value": is_},
        payload=after,
    )


def client(verb: str, one: Client) -> Change:
    """C(verb) is stop or start."""
    words = {"program": one.program, "dev": one.dev}
    before, after = (words, None) if verb == "stop" else (None, words)
    return Change(verb, "dhcp", one.dev, before, after, payload=one)


def _coming_or_going(
    verb: str, kind: str, name: str, words: dict[str, Any], payload: Any
) -> Change:
    before, after = (words, None) if verb == "remove" else (None, words)
    return Change(verb, kind, name, before, after, payload=payload)
