# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. A way back as the commands that a person types: for a record whose guards were killed, so that nobody else goes back.

Each stands for itself: one that fails, because what it does is done already, stops none behind it. Sources: ip(8), sysctl(8), pkill(1), linux/fib_rules.h.
"""

from __future__ import annotations

import re
import shlex
import socket as _names  # AF_ numbers and inet_ntop: no socket is opened
import struct
from typing import Any, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change, Plan
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Address
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import (
    address as rtnl_address,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import route as rtnl_route
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.nla import (
    number,
    text,
    walk,
)

_IFA_LABEL, _IFA_BROADCAST, _IFA_CACHEINFO = 3, 4, 6
_RTA_METRICS = 8
_METRICS = {2: "mtu", 8: "advmss", 10: "hoplimit", 11: "initcwnd", 14: "initrwnd"}
_FOREVER = 0xFFFFFFFF
_ADDRESS_HEADER, _ROUTE_HEADER, _RULE_HEADER = 8, 12, 12
_FLAGS = {
    rtnl_address.IFA_F_NOPREFIXROUTE: "noprefixroute",
    rtnl_address.IFA_F_MANAGETEMPADDR: "mngtmpaddr",
}
# attributes of rules (linux/fib_rules.h) that are numbers, in ip's words
_RULE_NUMBERS = {6: "priority", 15: "table"}
_RULE_WORDS = {1: "to", 2: "from", 3: "iif", 17: "oif"}
_FRA_FWMARK, _FRA_SUPPRESS, _FRA_FWMASK, _FRA_PROTOCOL = 10, 14, 16, 21
_TO_TABLE = 1
_SECRET = "stable_secret"
# the kind of a change whose payload is its commands
TYPED = "typed"
_SET, _DELETE = ("ip", "link", "set", "dev"), ("ip", "link", "delete", "dev")


def commands(changes: Plan) -> list[str]:
    """The changes of a way back, in their order, as lines of a shell."""
    return [line for change in changes for line in _KINDS.get(change.kind, _nothing)(change)]


def _nothing(_change: Change) -> list[str]:
    return []


def _words(*words: Any) -> str:
    return " ".join(shlex.quote(str(word)) for word in words if word not in ("", None))


def _device(change: Change) -> list[str]:
    """A bridge, a TAP, or a link: what it is, and nothing of its options."""
    if change.action == "delete" and change.kind == "bridge":  # one that others are on stays
        ports = shlex.quote(f"/sys/class/net/{change.name}/brif")
        return [f"ls -A {ports} | grep -q . || {_words(*_DELETE, change.name)}"]
    if change.action == "delete":
        return [_words(*_DELETE, change.name)]
    after = change.after or {}
    options = [
        word
        for key, name in (("mac", "address"), ("mtu", "mtu"))
        if after.get(key) is not None
        for word in (name, after[key])
    ]
    if after.get("up") is not None:
        options.append("up" if after["up"] else "down")
    made = []
    if change.action == "create" and change.kind == "bridge":
        made.append(
            f"{_words('ip', 'link', 'add', 'name', change.name)} type bridge stp_state 0 forward_delay 0"
        )
    return [*made, _words(*_SET, change.name, *options)] if options else made


def _port(change: Change) -> list[str]:
    bridge = (change.after or {}).get("bridge")
    return [_words(*_SET, change.name, *(("master", bridge) if bridge else ("nomaster",)))]


def _address(change: Change) -> list[str]:
    one: Address = change.payload
    near = ("peer", f"{one.peer}/{one.text.partition('/')[2]}") if one.peer else ()
    local = one.text.partition("/")[0] if one.peer else one.text
    if change.action == "remove":
        return [_words("ip", "address", "delete", local, *near, "dev", one.dev)]
    found = walk(one.raw, _ADDRESS_HEADER) if one.raw else {}
    label = text(found[_IFA_LABEL]).partition(":")[1:] if _IFA_LABEL in found else ("", "")
    words = ["ip", "address", "replace", local, *near, "dev", one.dev]
    if _IFA_BROADCAST in found:
        words += ["broadcast", _names.inet_ntop(one.family, found[_IFA_BROADCAST])]
    if label[0]:
        words += ["label", f"{one.dev}:{label[1]}"]
    words += ["scope", rtnl_route.SCOPES.get(one.scope, one.scope)]
    words += [word for flag, word in _FLAGS.items() if one.flags & flag]
    if _IFA_CACHEINFO in found:
        preferred, valid = struct.unpack_from("=II", found[_IFA_CACHEINFO])
        if valid != _FOREVER:
            words += [
                "valid_lft",
                valid,
                "preferred_lft",
                "forever" if preferred == _FOREVER else preferred,
            ]
    # without duplicate address detection first, which would mute it for a second
    mute = one.family == rtnl_address.AF_INET6
    lines = [_words(*words, "nodad")] if mute else []
    last = _words(*words, "nodad") if one.flags & rtnl_address.IFA_F_NODAD else _words(*words)
    return list(dict.fromkeys([*lines, last]))


def _route(change: Change) -> list[str]:
    one: rtnl_route.Route = change.payload
    family = "-6" if one.family == rtnl_address.AF_INET6 else "-4"
    verb = (
        "delete"
        if change.action == "remove"
        else "replace"
        if change.before is not None
        else "append"
    )
    words: list[Any] = ["ip", family, "route", verb, one.dst]
    if len(one.hops) == 1:
        words += _hop(one, one.hops[0])
    words += ["proto", one.protocol, "table", one.table]
    if family == "-4":
        words += ["scope", one.scope, *(("tos", one.tos) if one.tos else ())]
    words += ["src", one.src] if one.src else []
    words += ["metric", one.metric] if one.metric else []
    if verb != "delete" and one.raw:
        metrics = walk(walk(one.raw, _ROUTE_HEADER).get(_RTA_METRICS, b""))
        words += [
            word
            for kind, name in _METRICS.items()
            if kind in metrics
            for word in (name, number(metrics[kind]))
        ]
    if len(one.hops) > 1:
        for hop in one.hops:
            words += ["nexthop", *_hop(one, hop), "weight", hop.weight]
    return [_words(*words)]


def _hop(route: rtnl_route.Route, hop: rtnl_route.Hop) -> list[str]:
    via: list[str] = []
    if hop.gateway:
        other = ":" in hop.gateway and route.family != rtnl_address.AF_INET6
        via = ["via", *(["inet6"] if other else []), hop.gateway]
    return [*via, "dev", str(hop.dev), *(["onlink"] if hop.onlink else [])]


def _rule(change: Change) -> list[str]:
    raw = change.payload.raw
    family, to_length, from_length, tos = raw[:4]
    words: list[Any] = [
        "ip",
        "-6" if family == rtnl_address.AF_INET6 else "-4",
        "rule",
        "delete" if change.action == "remove" else "add",
    ]
    lengths = {"to": to_length, "from": from_length}
    found = walk(raw, _RULE_HEADER)
    if _FRA_FWMARK in found:
        mask = number(found.get(_FRA_FWMASK)) or _FOREVER
        words += ["fwmark", f"{number(found[_FRA_FWMARK]):#x}/{mask:#x}"]
    for kind, value in sorted(found.items()):
        if kind in _RULE_NUMBERS:
            words += [_RULE_NUMBERS[kind], number(value)]
        elif kind in _RULE_WORDS:
            word = _RULE_WORDS[kind]
            said = (
                text(value)
                if word not in lengths
                else f"{_names.inet_ntop(family, value)}/{lengths[word]}"
            )
            words += [word, said]
        elif kind not in (_FRA_FWMARK, _FRA_FWMASK, _FRA_PROTOCOL) and (kind, number(value)) != (
            _FRA_SUPPRESS,
            _FOREVER,
        ):
            return []  # what it asks for has no words here
    words += ["tos", tos] if tos else []
    return [_words(*words)] if raw[7] == _TO_TABLE else []


def _neighbour(change: Change) -> list[str]:
    one = change.payload
    proxy = ["proxy"] if one.proxy else []
    if change.action == "remove":
        return [_words("ip", "neighbor", "delete", *proxy, one.address, "dev", one.dev)]
    if not one.lasting:
        return []  # the host hears of it again
    how = [] if one.proxy else ["lladdr", one.mac, "nud", "permanent"]
    return [_words("ip", "neighbor", "replace", *proxy, one.address, *how, "dev", one.dev)]


def _sysctl(change: Change) -> list[str]:
    # the kernel takes no secret from a device, so the NIC has its own still, and nobody need read it
    if change.name.endswith(_SECRET):
        return []
    return [_words("sysctl", "-qw", f"{change.name}={change.payload}")]


def _dhcp(change: Change) -> list[str]:
    one = change.payload
    if change.action == "start":
        return [_words(*one.argv)]
    # not in another network, and never by its own order to stop, which gives the lease back
    who = f"^([^ ]*/)?{re.escape(one.program)}:? (.*[ =i])?{re.escape(one.dev)}( |$)"
    return [f"pkill -KILL --ns $$ --nslist net -f {shlex.quote(who)}"]


def _typed(change: Change) -> list[str]:
    return list(change.payload)


_KINDS: Mapping[str, Any] = {
    TYPED: _typed,
    "bridge": _device,
    "tap": _device,
    "link": _device,
    "port": _port,
    "address": _address,
    "route": _route,
    "rule": _rule,
    "neighbour": _neighbour,
    "sysctl": _sysctl,
    "dhcp": _dhcp,
}
