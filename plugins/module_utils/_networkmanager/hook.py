# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. The program that NetworkManager calls when a device is up: it sets what a profile has no words for, and what NetworkManager does not do, such as
a bridge's delay without STP, which it leaves at 15 seconds.

One line for each device, in the words of ip-link(8). What would come too late, or leave a guest in a wrong VLAN meanwhile, is refused by plan.py.
Sources: NetworkManager-dispatcher(8), Linux' br_dev_setup and br_multicast_init for what the kernel has by itself.
"""

from __future__ import annotations

import shlex
from typing import Any, Iterator, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core import units
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link

_DELAY = 15.0  # seconds, NetworkManager's and the kernel's
_CLOCK = 0.05  # seconds: 31.25 is 31.24 where the kernel counts 250 a second
_ETHERNET_MTU, _QUEUE = 1500, 1000
# By iproute2's name, with the kernel's own; two of those where they differ with its version
_BRIDGE = {
    "group_address": "01:80:c2:00:00:00", "no_linklocal_learn": False, "fdb_max_learned": 0, "mcast_router": 1, "mcast_query_use_ifaddr": False,
    "mcast_hash_max": (512, 4096), "mcast_last_member_count": 2, "mcast_startup_query_count": 2, "mcast_last_member_interval": 1.0,
    "mcast_membership_interval": 260.0, "mcast_querier_interval": 255.0, "mcast_query_interval": 125.0, "mcast_query_response_interval": 10.0,
    "mcast_startup_query_interval": 31.25, "mcast_stats_enabled": False, "mcast_igmp_version": 2, "mcast_mld_version": 1, "nf_call_iptables": False,
    "nf_call_ip6tables": False, "nf_call_arptables": False,
}  # fmt: skip
_PORT = {
    "guard": False, "root_block": False, "fastleave": False, "learning": True, "flood": True, "mcast_flood": True, "bcast_flood": True,
    "mcast_to_unicast": False, "proxy_arp": False, "proxy_arp_wifi": False, "neigh_suppress": False, "vlan_tunnel": False, "isolated": False,
    "locked": False, "mab": False, "mcast_router": 1, "group_fwd_mask": 0, "backup_port": "",
}  # fmt: skip


def text(
    bridge: Link, ports: Sequence[Link], boots: Mapping[str, Mapping[str, Any]] | None = None
) -> str | None:
    """The program; None where NetworkManager says and does all of it.

    C(boots) are by device what profiles of somebody else's make of its options and its C(mtu); a profile of ours says those of the device itself.
    """
    cases = {}
    # in an order of its own: the kernel's is another after a boot
    for link in (bridge, *sorted(ports, key=lambda one: one.name)):
        said = (boots or {}).get(link.name, {})
        words = list(_of_bridge(link, ports, said) if link is bridge else _of_port(link, said))
        if words:
            cases[link.name] = words
    if not cases:
        return None
    lines = "\n".join(
        f"    {shlex.quote(dev)}) {'; '.join(f'ip link set dev {shlex.quote(dev)} {one}' for one in words)} ;;"
        for dev, words in cases.items()
    )
    return (
        f"#!/bin/sh\n# hypervisor.network: what NetworkManager has no words for of {bridge.name} and its ports\n"
        f'[ "$2" = up ] || exit 0\ncase "$1" in\n{lines}\nesac\n'
    )


def _of_bridge(bridge: Link, ports: Sequence[Link], said: Mapping[str, Any]) -> Iterator[str]:
    if bridge.mtu > min((one.mtu for one in ports), default=bridge.mtu):
        # what it has by its profile is no change to the kernel, and the smallest port would take it down
        another = bridge.mtu - 1 if bridge.mtu > _ETHERNET_MTU else bridge.mtu + 1
        yield from (f"mtu {another}", f"mtu {bridge.mtu}")
        said = {**said, "mtu": bridge.mtu}
    yield from _of_device(bridge, said.get("mtu"))
    delay = bridge.options.get("forward_delay", _DELAY)
    late = [f"forward_delay {round(delay * units.TICKS)}"]
    words = late if not bridge.options.get("stp_state") and delay != _DELAY else []
    words += _differing(bridge.options, {**_BRIDGE, **_options(said)}, ("1", "0"))
    if words:
        yield f"type bridge {' '.join(words)}"


def _of_port(port: Link, said: Mapping[str, Any]) -> Iterator[str]:
    yield from _of_device(port, said.get("mtu", _ETHERNET_MTU if port.kind == "tun" else None))
    words = _differing(port.port or {}, {**_PORT, **_options(said)}, ("on", "off"))
    if words:
        yield f"type bridge_slave {' '.join(words)}"


def _options(said: Mapping[str, Any]) -> dict[str, Any]:
    return {key: own for key, own in said.items() if key != "mtu"}


def _of_device(link: Link, mtu: int | None) -> Iterator[str]:
    """What every device has: a profile says the MTU of a bridge and of a NIC, C(mtu) is what it has at boot of one that does not."""
    words = [f"mtu {link.mtu}"] if mtu not in (None, link.mtu) else []
    words += [f"txqueuelen {link.txqueuelen}"] if link.txqueuelen != _QUEUE else []
    words += [f"alias {shlex.quote(link.alias)}"] if link.alias else []
    if words:
        yield " ".join(words)


def _differing(
    options: Mapping[str, Any], table: Mapping[str, Any], switch: tuple[str, str]
) -> list[str]:
    return [
        f"{key} {shlex.quote(_word(options[key], switch))}"
        for key, own in table.items()
        if not _is_own(options.get(key), own)
    ]


def _is_own(value: Any, own: Any) -> bool:
    if isinstance(value, float):
        return abs(value - own) < _CLOCK
    return value is None or value == own or (isinstance(own, tuple) and value in own)


def _word(value: Any, switch: tuple[str, str]) -> str:
    """A value as ip(8) takes it: times in hundredths of a second, switches as numbers of a bridge and as words of a port."""
    if isinstance(value, bool):
        return switch[0] if value else switch[1]
    return str(round(value * units.TICKS)) if isinstance(value, float) else str(value)
