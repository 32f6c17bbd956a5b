# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What NetworkManager reads at boot, from what stands: a profile for each bridge, NIC, port and tap, what keeps its hands off other taps, and a
hook for what it has no words for, or does not do: without STP it leaves a bridge its delay of 15 seconds.

Source: nm-settings-keyfile(5), NetworkManager.conf(5), NetworkManager-dispatcher(8).
"""

from __future__ import annotations

import shlex
from typing import Any, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import (
    File,
    Standing,
    Wish,
)
from ansible_collections.hypervisor.network.plugins.module_utils._networkmanager import profiles
from ansible_collections.hypervisor.network.plugins.module_utils._networkmanager.identity import (
    Identity,
)
from ansible_collections.hypervisor.network.plugins.module_utils._networkmanager.profiles import (
    OURS,
    Known,
)

CONNECTIONS = "/etc/NetworkManager/system-connections"
_HOOKS = "/etc/NetworkManager/dispatcher.d"
_CONF = "/etc/NetworkManager/conf.d"
PRIVATE, PUBLIC, PROGRAM = 0o600, 0o644, 0o755
_DELAY = 15.0  # seconds, NetworkManager's and the kernel's
_NOBODY = (None, -1, 0xFFFFFFFF)  # of a tap that anybody, or any group, may open
# Of a port, by iproute2's name, with the kernel's own: what NetworkManager has no word for
_PORT = {
    "guard": False, "root_block": False, "fastleave": False, "learning": True, "flood": True, "mcast_flood": True, "bcast_flood": True,
    "mcast_to_unicast": False, "proxy_arp": False, "proxy_arp_wifi": False, "neigh_suppress": False, "vlan_tunnel": False, "isolated": False,
    "locked": False, "mab": False,
}  # fmt: skip
# Of a bridge, with the kernel's own: what neither it nor the hook sets
_BRIDGE_UNSAID = {
    "nf_call_iptables": False, "nf_call_ip6tables": False, "nf_call_arptables": False, "no_linklocal_learn": False, "mst_enabled": False,
    "fdb_max_learned": 0, "mcast_stats_enabled": False, "vlan_stats_per_port": False, "mcast_igmp_version": 2, "mcast_mld_version": 1,
    "mcast_router": 1, "group_address": "01:80:c2:00:00:00",
}  # fmt: skip


def plan(now: Standing, wish: Wish) -> list[File]:
    """The files, also those that shall go. Raises Refused for what NetworkManager can't say."""
    if not wish.present:
        return _gone(wish)
    found: list[File] = []
    for name in wish.bridges:
        found += _bridge(now, wish, name)
    for name in (*wish.ports, *wish.taps):
        link = now.links[name]
        if link.master is None:
            raise Refused(
                f"{name} is a port of no bridge, so NetworkManager would have nothing to boot it as; put it into a bridge first, or leave it out."
            )
        found.append(File(profile(name), _tap(link) if name in wish.taps else _port(link), PRIVATE))
    return found


def profile(*names: str) -> str:
    """The file of a profile of ours that outlives a boot."""
    return f"{CONNECTIONS}/{profiles.name_of(*names)}.nmconnection"


def conf(bridge: str) -> str:
    """The file that keeps NetworkManager's hands off taps."""
    return f"{_CONF}/{OURS}-{bridge}.conf"


def hook(bridge: str) -> str:
    """The program that NetworkManager calls when a device is up."""
    return f"{_HOOKS}/50-{OURS}-{bridge}"


def _gone(wish: Wish) -> list[File]:
    pairs = [profile(one, nic) for one in wish.bridges for nic in wish.uplinks]
    own = [path for one in wish.bridges for path in (profile(one), conf(one), hook(one))]
    return [
        File(path, None)
        for path in (*own, *pairs, *(profile(one) for one in (*wish.ports, *wish.taps)))
    ]


def _bridge(now: Standing, wish: Wish, name: str) -> list[File]:
    bridge = now.links[name]
    strange = [
        key
        for key, own in _BRIDGE_UNSAID.items()
        if bridge.options.get(key, own) not in (own, None)
    ]
    if strange:
        raise Refused(
            f"NetworkManager has no words for {', '.join(strange)} of {name}, which the next boot would lose; give it back the kernel's own, or leave "
            "that bridge out."
        )
    filtering = bool(bridge.options.get("vlan_filtering"))
    nic = now.uplink_of(name, wish)
    known = _own_addresses(now, name) if nic is None else now.known[nic]
    vlans = bridge.vlans if filtering else None
    found = [
        File(
            profile(name), profiles.bridge(name, bridge.mac, known, bridge.options, vlans), PRIVATE
        )
    ]
    if nic is not None:
        own = now.links[nic]
        said = _port_words(own, own.vlans if filtering else None)
        found.append(File(profile(name, nic), profiles.port(nic, name, known, said), PRIVATE))
    ports = [
        now.links[one]
        for one in (*wish.uplinks, *wish.ports, *wish.taps)
        if now.links[one].master == name
    ]
    found.append(
        File(
            conf(name),
            profiles.hands_off_taps([one for one in wish.taps if now.links[one].master == name]),
            PUBLIC,
        )
    )
    found.append(File(hook(name), _hook(bridge, ports), PROGRAM))
    return found


def _own_addresses(now: Standing, name: str) -> Known:
    """A bridge without an uplink has what it has by now."""
    by_family: dict[str, list[str]] = {"ipv4": [], "ipv6": []}
    for one in now.addresses_of(name):
        by_family["ipv6" if ":" in one.text else "ipv4"].append(one.text)
    groups = {
        family: {
            "method": "manual",
            **{f"address{number}": text for number, text in enumerate(texts, 1)},
        }
        if texts
        else {"method": "disabled"}
        for family, texts in by_family.items()
    }
    return Known("", "", groups, Identity())


def _port(port: Link) -> str:
    return profiles.port(
        port.name,
        port.master or "",
        Known("", "", {}, Identity()),
        _port_words(port, port.vlans),
        alone=True,
    )


def _tap(tap: Link) -> str:
    """A tap that NetworkManager makes, for whom it belongs to."""
    said = {"mode": "1" if tap.options.get("mode") == "tun" else "2"}
    for key, word in (("owner", "owner"), ("group", "group")):
        if tap.options.get(key) not in _NOBODY:
            said[word] = str(tap.options[key])
    for key, word in (("pi", "pi"), ("vnet_hdr", "vnet-hdr"), ("multi_queue", "multi-queue")):
        if tap.options.get(key):
            said[word] = "true"
    return profiles.tap(tap.name, tap.master or "", said, _port_words(tap, tap.vlans))


def _port_words(port: Link, vlans: Mapping[str, str] | None) -> dict[str, str]:
    """[bridge-port]; a cost of NetworkManager's own would be 100."""
    options = port.port or {}
    found = {}
    if options.get("cost") is not None:
        found["path-cost"] = str(options["cost"])
    if options.get("priority", 32) != 32:
        found["priority"] = str(options["priority"])
    if options.get("hairpin"):
        found["hairpin-mode"] = "true"
    return {**found, **profiles.vlan_words(vlans)}


def _hook(bridge: Link, ports: Sequence[Link]) -> str | None:
    """What is set when a device is up; None where NetworkManager says all of it."""
    cases: dict[str, str] = {}
    delay = bridge.options.get("forward_delay", _DELAY)
    if not bridge.options.get("stp_state") and delay != _DELAY:
        cases[bridge.name] = (
            f"ip link set dev {shlex.quote(bridge.name)} type bridge forward_delay {round(delay * 100)}"
        )
    for port in ports:
        words = _differing(port.port or {})
        if words:
            cases[port.name] = f"ip link set dev {shlex.quote(port.name)} type bridge_slave {words}"
    if not cases:
        return None
    lines = "\n".join(f"    {shlex.quote(dev)}) {command} ;;" for dev, command in cases.items())
    return (
        f"#!/bin/sh\n# hypervisor.network: what NetworkManager has no words for of {bridge.name} and its ports\n"
        f'[ "$2" = up ] || exit 0\ncase "$1" in\n{lines}\nesac\n'
    )


def _differing(options: Mapping[str, Any]) -> str:
    return " ".join(
        f"{key} {'on' if options[key] else 'off'}"
        for key, own in _PORT.items()
        if options.get(key) is not None and options[key] != own
    )
