# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hypervisors of the lab whose network netplan, networkd or NetworkManager manages: what such a host has, by the words of iproute2, resolvectl, networkctl
and nmcli.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .hypervisors import NEW_CONNECTION, REPO, Lab

Role = Mapping[str, Sequence[Mapping[str, Any]]]
NIC = "enp0s3"
BRIDGE = "br0"
TAP = "tap1"
SITES = REPO / "tests" / "faults" / "lab" / "sites.yml"
# Two addresses, IPv6, routes of two tables, a rule, a resolver
STATIC: Mapping[str, Any] = {
    "addresses": ["10.77.0.11/24", "192.168.99.12/24", "fd77::12/64"],
    "gateways": ["10.77.0.1", "fd77::1"],
    "nameservers": ["10.77.0.1"],
    "routes": [
        {"to": "10.99.0.0/16", "via": "192.168.99.1", "metric": 50},
        {"to": "10.98.0.0/16", "via": "10.77.0.1", "table": 100},
    ],
    "rules": [{"from": "10.5.0.0/16", "table": 100, "priority": 1000}],
}
# What the inventories make of such a host
DEFAULT: Role = {
    "bridge_host_bridges": [{"name": BRIDGE, "uplink": NIC}],
    "bridge_host_taps": [{"name": TAP, "bridge": BRIDGE}],
}
_FOLDERS = "etc/netplan etc/systemd/network etc/NetworkManager etc/network/interfaces etc/network/interfaces.d"
# Its files, folders and modes, and what is in them
_FILES = (
    f"cd / && find {_FOLDERS} -printf '%M %u %p\\n' 2> /dev/null | sort;"
    f" cd / && find {_FOLDERS} -type f -exec sha256sum {{}} + 2> /dev/null | sort"
)
# The manager reads its files anew, and then begins anew; prints each word of the kernel on a port without its bridge
_UPSET = f"""
ip -o monitor link > /run/upset & watch=$!
until [ -s /run/upset ]; do ip link set lo alias upset; done
if systemctl --quiet is-active NetworkManager; then
    nmcli connection reload && nmcli general reload && systemctl restart NetworkManager
    nm-online --quiet --timeout=90 || echo {BRIDGE} is not online
elif ! systemctl --quiet is-active systemd-networkd; then
    ! command -v ifreload > /dev/null || ifreload -a
else
    networkctl reload && systemctl restart systemd-networkd
    /usr/lib/systemd/systemd-networkd-wait-online --interface={BRIDGE} --timeout=90 || echo {BRIDGE} is not online
fi
kill $watch
grep -E ': ({NIC}|tap[0-9]+):' /run/upset | grep -v 'master '
bridge link | grep -c 'master '
"""
# Of the device where resolved knows it, else of the host, if anybody wrote one down
_RESOLVER = (
    "if command -v resolvectl > /dev/null; then resolvectl dns {dev} | cut -d: -f2-;"
    " elif [ -e /etc/resolv.conf ]; then cat /etc/resolv.conf; fi"
)
_BRIDGE_WORDS = (
    "stp_state",
    "forward_delay",
    "ageing_time",
    "priority",
    "vlan_filtering",
    "vlan_default_pvid",
)
_PORT_WORDS = ("cost", "isolated", "guard", "mcast_flood", "learning", "flood")
_ROUTERS = ("ra", "redirect")  # which come and go with what routers say


@dataclass(frozen=True)
class Seen:
    """What a device of a host has, and what the host has beside it. C(others) are devices that have an address too."""

    addresses: tuple[str, ...]
    routes: tuple[str, ...]
    rules: tuple[str, ...]
    resolver: str
    others: tuple[str, ...]


def seen(lab: Lab, host: str, dev: str) -> Seen:
    """By a connection of its own: the one that is kept open may have an address of before."""
    has = {
        link["ifname"]: tuple(
            sorted(
                f"{one['local']}/{one['prefixlen']}"
                for one in link["addr_info"]
                if one["scope"] == "global"
            )
        )
        for link in _json(lab, host, "ip -j address show")
    }
    routes = [
        _route(one)
        for family in ("-4", "-6")
        for one in _json(lab, host, f"ip -j {family} route show table all dev {dev}")
        if one.get("table") != "local"
        and one.get("protocol") not in _ROUTERS
        and "expires" not in one
        and not one["dst"].startswith(("fe80:", "multicast", "ff00:"))
    ]
    rules = [
        f"{one['priority']}: {one['src']} {one.get('table')}"
        for one in _json(lab, host, "ip -j rule show")
    ]
    resolver = lab.ssh(host, _RESOLVER.format(dev=dev), *NEW_CONNECTION).strip()
    others = tuple(sorted(name for name, own in has.items() if own and name != dev))
    return Seen(has.get(dev, ()), tuple(sorted(routes)), tuple(rules), resolver, others)


def _json(lab: Lab, host: str, command: str) -> list[dict[str, Any]]:
    return json.loads(lab.ssh(host, command, *NEW_CONNECTION) or "[]")


def _route(one: dict[str, Any]) -> str:
    words = (one["dst"], one.get("gateway", ""), one.get("metric", ""), one.get("table", "main"))
    return " ".join(str(word) for word in words)


@dataclass(frozen=True)
class Made:
    """Bridges and their ports, with those of their options and VLANs that somebody asks for. C(ports) are by name: their bridge, and their words."""

    bridges: Mapping[str, str]
    ports: Mapping[str, str]


def bridges(lab: Lab, host: str) -> Made:
    links = _json(lab, host, "ip -j -d link show")
    vlans = {one["ifname"]: one["vlans"] for one in _json(lab, host, "bridge -j vlan show")}
    # one that filters none has VLANs without a meaning: NetworkManager empties its list
    own, ports = {}, {}
    for one in links:
        name, about = one["ifname"], one.get("linkinfo", {})
        if about.get("info_kind") == "bridge":
            said = about["info_data"]
            filtered = vlans.get(name, []) if said["vlan_filtering"] else "of no VLAN"
            own[name] = f"{_words(said, _BRIDGE_WORDS)} {filtered}"
        if "master" in one:
            words = _words(about["info_slave_data"], _PORT_WORDS)
            ports[name] = f"{one['master']} mtu {one['mtu']} {words} {vlans.get(name, [])}"
    return Made(own, ports)


def _words(said: Mapping[str, Any], names: Sequence[str]) -> str:
    return " ".join(f"{name} {said.get(name)}" for name in names)


def absent(role: Role) -> Role:
    """The same, to be taken away."""
    gone = {
        "bridge_host_bridges": ("name", "uplink"),
        "bridge_host_taps": ("name",),
    }
    return {
        kind: [
            {"state": "absent", **{key: one[key] for key in keys if key in one}}
            for one in role[kind]
        ]
        for kind, keys in gone.items()
    }


def files(lab: Lab, host: str) -> str:
    """The files that the managers read at boot: their names, modes and checksums."""
    return lab.ssh(host, _FILES, *NEW_CONNECTION)


def upset(lab: Lab, host: str) -> list[str]:
    """What was said of ports that lost their bridge while networkd read its files and was restarted, and how many ports there are then."""
    return lab.ssh(host, f"{{ {_UPSET} }} 2> /dev/null; true", *NEW_CONNECTION).splitlines()


def site(lab: Lab, host: str, **variables: Any) -> list[str]:
    """Run site.yml on one host: the names of the tasks that changed something."""
    more = ("-e", json.dumps(variables)) if variables else ()
    records = lab.playbook("site.yml", "--limit", host, *more)
    return [one["task"].rpartition(" : ")[2] for one in records if one["changed"]]
