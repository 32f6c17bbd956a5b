# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host's network is, as iproute2 tells it, in a form that two moments can be compared in.

The oracle of the conversion tests: no code of the collection takes part in it. What changes by itself (indexes, remaining
lifetimes, timers, counters) is left out; the order of addresses stays, because it decides who is primary.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..process.waiting import wait_for
from .netns import inside, ip_json

_VOLATILE = {
    "ifindex", "link_index", "link_netnsid", "stats", "stats64", "gc_timer", "hello_timer", "tcn_timer", "topology_change_timer",
    "cacheinfo", "age", "used", "refcnt", "group_fwd_mask_str", "hold_timer", "message_age_timer", "forward_delay_timer",
    "mcast_querier_state", "inet6_addr_gen_mode_str", "tso_max_size",
}  # fmt: skip
_LIFETIMES = ("valid_life_time", "preferred_life_time", "expires")
_FOREVER = 4294967295
# Kept in the kernel as they were read once, or not readable at all.
_SYSCTLS_LEFT_OUT = {"stable_secret"}


def settled(netns: str) -> dict[str, Any]:
    """The dump once the kernel's workers are done: no carrier to be told, no duplicate address detection, no local route to come."""
    wait_for(
        lambda: not (_untold(netns) or _tentative(netns) or unrouted(netns)),
        f"the kernel's workers are done with {netns}",
    )
    return dump(netns)


def unrouted(netns: str) -> list[str]:
    """The IPv6 addresses of running devices whose local route the kernel's own worker has yet to add; with C(nodad) nothing else tells of it."""
    routed = {
        (route["dev"], route["dst"])
        for route in ip_json(netns, "-6", "route", "show", "table", "all", "type", "local")
    }
    return [
        address["local"]
        for link, address in _addresses6(netns)
        if "LOWER_UP" in link["flags"]
        and not address.get("tentative")
        and (link["ifname"], address["local"]) not in routed
    ]


def _tentative(netns: str) -> list[str]:
    return [
        address["local"]
        for _link, address in _addresses6(netns)
        if address.get("tentative") and not address.get("dadfailed")
    ]


def _addresses6(netns: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Each IPv6 address with its device. Chosen here, because C(ip -j) tells what its own filters leave out as an empty object."""
    links = [link for link in ip_json(netns, "-6", "address", "show") if link]
    return [(link, address) for link in links for address in link["addr_info"] if address]


def _untold(netns: str) -> list[str]:
    """The devices whose carrier came or went, which is told up to a second later."""
    flags = {link["ifname"]: link["flags"] for link in ip_json(netns, "link", "show")}
    return [
        name
        for name, told in flags.items()
        if "UP" in told and ("LOWER_UP" in told) == ("NO-CARRIER" in told)
    ]


def dump(netns: str) -> dict[str, Any]:
    """Links, addresses, routes of all tables, rules, permanent neighbours and the sysctls of each device."""
    return {
        "links": {link["ifname"]: _calm(link) for link in ip_json(netns, "-d", "link", "show")},
        "addresses": {
            link["ifname"]: [_calm(address) for address in link["addr_info"]]
            for link in ip_json(netns, "-d", "address", "show")
        },
        "routes4": _sorted(ip_json(netns, "-d", "-4", "route", "show", "table", "all")),
        "routes6": _sorted(ip_json(netns, "-d", "-6", "route", "show", "table", "all")),
        "rules4": [_calm(rule) for rule in ip_json(netns, "-4", "rule", "show")],
        "rules6": [_calm(rule) for rule in ip_json(netns, "-6", "rule", "show")],
        "neighbours": _sorted(ip_json(netns, "neighbor", "show", "nud", "permanent")),
        "sysctls": inside(netns, _sysctls),
    }


def differences(one: Any, two: Any, path: str = "") -> list[str]:
    """Where two dumps differ, a line each, so that a failed comparison can be read."""
    if isinstance(one, dict) and isinstance(two, dict):
        lines = []
        for key in sorted({*one, *two}):
            if key not in one:
                lines.append(f"{path}/{key}: only after: {two[key]}")
            elif key not in two:
                lines.append(f"{path}/{key}: only before: {one[key]}")
            else:
                lines += differences(one[key], two[key], f"{path}/{key}")
        return lines
    if isinstance(one, list) and isinstance(two, list):
        lost = [item for item in one if item not in two]
        new = [item for item in two if item not in one]
        if not lost and not new and one != two:
            return [f"{path}: the order or number differs: {one} is now {two}"]
        return [f"{path}: only before: {item}" for item in lost] + [
            f"{path}: only after: {item}" for item in new
        ]
    return [] if one == two else [f"{path}: {one} is now {two}"]


def _calm(thing: Any) -> Any:
    """The thing without what changes by itself; a lifetime that runs reads C(finite)."""
    if isinstance(thing, list):
        return [_calm(item) for item in thing]
    if not isinstance(thing, dict):
        return thing
    calm = {}
    for key, value in thing.items():
        if key in _LIFETIMES:
            calm[key] = "forever" if value == _FOREVER else "finite"
        elif key not in _VOLATILE:
            calm[key] = _calm(value)
    return calm


def _sorted(things: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted((_calm(thing) for thing in things), key=str)


def _sysctls() -> dict[str, dict[str, str]]:
    found = {}
    for family in ("ipv4", "ipv6"):
        for folder in Path("/proc/sys/net", family, "conf").iterdir():
            found[f"{family}/{folder.name}"] = {
                entry.name: entry.read_text(encoding="ascii").strip()
                for entry in sorted(folder.iterdir())
                if entry.name not in _SYSCTLS_LEFT_OUT and entry.stat().st_mode & 0o400
            }
    return found
