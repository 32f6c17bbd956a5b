# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. Options of bridges and ports, VLANs, forwarding entries and groups as the commands that a person types; see C(by_hand).

Each says one thing, in words that ip(8) and bridge(8) had before this collection: where one of them knows a word not, it says so and does nothing.
"""

from __future__ import annotations

import shlex
from typing import Any, Collection, Iterable, Iterator, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core import units
from ansible_collections.hypervisor.network.plugins.module_utils._core import vlan as vlan_words
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import (
    attributes as option_tables,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.attributes import Attribute

# What the kernel gives a new bridge and a new port: net/bridge/br_device.c, br_multicast.c, br_if.c. A bridge is made without STP and delay.
_NEW_BRIDGE: Mapping[str, Any] = {
    "forward_delay": 0.0, "hello_time": 2.0, "max_age": 20.0, "ageing_time": 300.0, "stp_state": False, "priority": 32768,
    "vlan_filtering": False, "vlan_protocol": "802.1Q", "group_fwd_mask": 0, "group_address": "01:80:c2:00:00:00", "mcast_router": 1,
    "mcast_snooping": True, "mcast_query_use_ifaddr": False, "mcast_querier": False, "mcast_hash_max": 4096, "mcast_last_member_count": 2,
    "mcast_startup_query_count": 2, "mcast_last_member_interval": 1.0, "mcast_membership_interval": 260.0, "mcast_querier_interval": 255.0,
    "mcast_query_interval": 125.0, "mcast_query_response_interval": 10.0, "mcast_startup_query_interval": 31.25, "nf_call_iptables": False,
    "nf_call_ip6tables": False, "nf_call_arptables": False, "vlan_default_pvid": 1, "vlan_stats_enabled": False, "mcast_stats_enabled": False,
    "mcast_igmp_version": 2, "mcast_mld_version": 1, "vlan_stats_per_port": False, "no_linklocal_learn": False, "mst_enabled": False,
    "fdb_max_learned": 0,
}  # fmt: skip
_NEW_PORT: Mapping[str, Any] = {
    **{one.option: False for one in option_tables.PORT if one.type == "bool"},
    "priority": 32, "learning": True, "flood": True, "mcast_router": 1, "mcast_flood": True, "bcast_flood": True, "group_fwd_mask": 0,
}  # fmt: skip
# what the kernel works out of a port's speed
_OF_SPEED = (2, 4, 19, 100)
_TYPES = {"permanent": "local", "static": "static", "dynamic": "dynamic"}


def bridge(name: str, options: Mapping[str, Any], touched: Collection[str] | None) -> list[str]:
    """The options that a bridge had: those that were C(touched), or (None) all that a bridge made anew has not by itself."""
    had = list(_had(option_tables.BRIDGE, options, touched, _NEW_BRIDGE))
    if not options.get(
        "stp_state"
    ):  # with STP the kernel takes no forward_delay that is too short for it
        had.sort(key=lambda pair: pair[0].option != "stp_state")
    return [
        _line("ip", "link", "set", "dev", name, "type", "bridge", one.option, _word(one, value))
        for one, value in had
    ]


def port(name: str, options: Mapping[str, Any], touched: Collection[str] | None) -> list[str]:
    """The same of a port."""
    lines = []
    for one, value in _had(option_tables.PORT, options, touched, _NEW_PORT):
        # the kernel's own, unless somebody said it
        if touched is None and (
            one.option == "port_state" or (one.option == "cost" and value in _OF_SPEED)
        ):
            continue
        if one.option == "backup_port":
            said = ["backup_port", value] if value else ["nobackup_port"]
            if touched is None and not value:
                continue
        else:
            word = "state" if one.option == "port_state" else one.option
            said = [word, _word(one, value, "on", "off")]
        lines.append(_line("ip", "link", "set", "dev", name, "type", "bridge_slave", *said))
    return lines


def _had(
    table: Iterable[Attribute],
    options: Mapping[str, Any],
    touched: Collection[str] | None,
    new: Mapping[str, Any],
) -> Iterator[tuple[Attribute, Any]]:
    for one in table:
        if one.option in options and (
            options[one.option] != new.get(one.option) if touched is None else one.option in touched
        ):
            yield one, options[one.option]


def _word(one: Attribute, value: Any, yes: str = "1", no: str = "0") -> str:
    """A value as ip(8) takes it: times in hundredths, a port's state as its number."""
    if isinstance(value, bool):
        return yes if value else no
    if one.option == "port_state":
        return str(option_tables.PORT_STATES[value])
    return str(round(value * units.TICKS)) if one.type == "float" else str(value)


def vlans(name: str, had: Mapping[str, str], has: Mapping[str, str], *more: str) -> list[str]:
    """What leads from the VLANs that a port C(has) to those that it had: first what it had, so that it is never in none."""
    gone, come = vlan_words.steps(has, had)
    lines = []
    for first, last, words in come:
        how = [word for word in words.split() if word != vlan_words.TAGGED]
        vid = _vid(first, last)
        lines.append(_line("bridge", "vlan", "add", "dev", name, "vid", vid, *how, *more))
    for first, last, _words in gone:
        lines.append(_line("bridge", "vlan", "del", "dev", name, "vid", _vid(first, last), *more))
    return lines


def _vid(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"


def entry(change: Change) -> list[str]:
    """A forwarding entry as it was."""
    step = change.payload
    had = step.was
    if had is None:
        return [_fdb("del", step, step.after["port"])]
    lines = []
    if step.after is not None and (change.action == "recreate" or step.after["port"] != step.port):
        # the kernel takes the mark of a control plane from no entry
        lines.append(_fdb("del", step, step.after["port"]))
    words = [_TYPES[had["type"]], *(word for word in ("sticky", "extern_learn") if had[word])]
    return [*lines, _fdb("replace", step, step.port, *words)]


def _fdb(verb: str, step: Any, device: str, *words: str) -> str:
    whose = "self" if device == step.bridge else "master"
    vlan = [] if step.vlan is None else ["vlan", step.vlan]
    return _line("bridge", "fdb", verb, step.mac, "dev", device, whose, *words, *vlan)


def group(change: Change) -> list[str]:
    """A multicast group as it was; bridge(8) makes another of one that is there only where it is gone first."""
    step = change.payload
    lines = [] if step.after is None else [_mdb("del", step)]
    if change.action == "create":
        return lines
    had = {**(step.after or {}), **(change.before or {})}
    own = step.port == step.bridge
    words = [] if own else ["permanent" if had["type"] == "permanent" else "temp"]
    if had["source_list"]:
        words += ["filter_mode", had["filter_mode"], "source_list", ",".join(had["source_list"])]
    return [*lines, _mdb("add", step, *words)]


def _mdb(verb: str, step: Any, *words: str) -> str:
    source = [] if step.source is None else ["src", step.source]
    vlan = [] if step.vlan is None else ["vid", step.vlan]
    which = ("dev", step.bridge, "port", step.port, "grp", step.group)
    return _line("bridge", "mdb", verb, *which, *source, *words, *vlan)


def _line(*words: Any) -> str:
    return " ".join(shlex.quote(str(word)) for word in words)
