# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. Bridges, ports and taps as they stand, in systemd-networkd's words, and what of them it has no words for.

What the kernel has by itself is left out, but for STP and its delay, which networkd and netplan have defaults of their own for. Sources:
systemd.netdev(5) [Bridge] and [Tap], systemd.network(5) [Bridge], Linux' br_dev_setup and br_multicast_init.
"""

from __future__ import annotations

from typing import Any, Iterator, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._networkd import render, unit
from ansible_collections.hypervisor.network.plugins.module_utils._networkd.unit import Section

# the kernel's own, in the units of _rtnl/attributes
_BRIDGE = {
    "hello_time": (2.0, "HelloTimeSec"), "max_age": (20.0, "MaxAgeSec"), "ageing_time": (300.0, "AgeingTimeSec"), "priority": (32768, "Priority"),
    "group_fwd_mask": (0, "GroupForwardMask"), "mcast_querier": (False, "MulticastQuerier"), "mcast_snooping": (True, "MulticastSnooping"),
    "mcast_igmp_version": (2, "MulticastIGMPVersion"), "vlan_filtering": (False, "VLANFiltering"), "vlan_protocol": ("802.1Q", "VLANProtocol"),
    "vlan_default_pvid": (1, "DefaultPVID"),
}  # fmt: skip
_BRIDGE_UNSAID = {
    "group_address": "01:80:c2:00:00:00", "mcast_router": 1, "mcast_query_use_ifaddr": False, "mcast_hash_max": (512, 4096), "mcast_last_member_count": 2,
    "mcast_startup_query_count": 2, "mcast_last_member_interval": 1.0, "mcast_membership_interval": 260.0, "mcast_querier_interval": 255.0,
    "mcast_query_interval": 125.0, "mcast_query_response_interval": 10.0, "mcast_startup_query_interval": 31.25, "nf_call_iptables": False,
    "nf_call_ip6tables": False, "nf_call_arptables": False, "vlan_stats_enabled": False, "mcast_stats_enabled": False, "mcast_mld_version": 1,
    "vlan_stats_per_port": False, "no_linklocal_learn": False, "mst_enabled": False, "fdb_max_learned": 0,
}  # fmt: skip
_PORT = {
    "priority": (32, "Priority"), "hairpin": (False, "HairPin"), "fastleave": (False, "FastLeave"), "learning": (True, "Learning"),
    "flood": (True, "UnicastFlood"), "proxy_arp": (False, "ProxyARP"), "proxy_arp_wifi": (False, "ProxyARPWiFi"), "mcast_flood": (True, "MulticastFlood"),
    "mcast_to_unicast": (False, "MulticastToUnicast"), "neigh_suppress": (False, "NeighborSuppression"), "isolated": (False, "Isolated"),
}  # fmt: skip
_PORT_NEGATED = {"guard": "UseBPDU", "root_block": "AllowPortToBeRoot"}
_PORT_ROUTERS = {0: "no", 2: "permanent"}  # 1, query, is the kernel's own
_ROUTER = "query"
# said of each bridge by us; who does not say them gets these of the kernel
_ALWAYS = {"stp_state": (False, "STP"), "forward_delay": (15.0, "ForwardDelaySec")}
_PORT_UNSAID = {
    "bcast_flood": True,
    "locked": False,
    "mab": False,
    "group_fwd_mask": 0,
    "vlan_tunnel": False,
    "backup_port": "",
}
# what the kernel makes of a port's speed: a cost of somebody's own is another
_COSTS = (1, 2, 4, 5, 10, 19, 100, 250)
ETHERNET_MTU = 1500
_NOBODY = (None, -1, 0xFFFFFFFF)  # of a tap that anybody, or any group, may open
_TAP = (("multi_queue", "MultiQueue"), ("vnet_hdr", "VNetHeader"), ("pi", "PacketInfo"))
_QEMUS = ("vnet_hdr", "pi")  # of a tap in use they are what its process chose
_TAP_OWNERS = (("owner", "User"), ("group", "Group"))
_CLOCK = 0.05  # seconds: 31.25 is 31.24 where the kernel counts 250 a second


def bridge_netdev(bridge: Link) -> str:
    """The .netdev file of a bridge. Raises Refused for an option that networkd has no words for."""
    _refuse_unsaid(bridge.name, bridge.options, _BRIDGE_UNSAID)
    lines = [
        ("STP", _word(bridge.options.get("stp_state", False))),
        ("ForwardDelaySec", _word(bridge.options.get("forward_delay", 0.0))),
    ]
    lines += _differing(bridge.options, _BRIDGE)
    own = [("Name", bridge.name), ("Kind", "bridge")]
    own += [("MACAddress", bridge.mac)] if bridge.mac else []
    own += [("MTUBytes", str(bridge.mtu))] if bridge.mtu != ETHERNET_MTU else []
    return unit.render(
        [Section("NetDev", tuple(own)), Section("Bridge", tuple(lines))],
        f"{render.TOLD}the bridge {bridge.name}",
    )


def port_sections(port: Link, filtering: bool) -> list[Section]:
    """What is said of a port: its options, and its VLANs where its bridge filters them. Raises Refused for what networkd has no words for."""
    options = port.port or {}
    _refuse_unsaid(port.name, options, _PORT_UNSAID)
    lines = _differing(options, _PORT)
    lines += [(word, "no") for key, word in _PORT_NEGATED.items() if options.get(key)]
    if options.get("mcast_router", 1) in _PORT_ROUTERS:
        lines.append(("MulticastRouter", _PORT_ROUTERS[options["mcast_router"]]))
    if options.get("cost", _COSTS[0]) not in _COSTS:
        lines.append(("Cost", str(options["cost"])))
    return [
        Section("Bridge", tuple(lines)),
        *render.bridge_vlans(port.vlans if filtering else None),
    ]


def uplink_sections(nic: Link, config: Sequence[Section], filtering: bool) -> list[Section]:
    """What is said of an uplink beside what C(config) says of its link: its MTU where that is another, and what it is as a port."""
    said = unit.value(config, "Link", "MTUBytes", str(ETHERNET_MTU))
    own = [] if said == str(nic.mtu) else [Section("Link", (("MTUBytes", str(nic.mtu)),))]
    return [*own, *port_sections(nic, filtering)]


def tap_netdev(tap: Link) -> str:
    """The .netdev file of a tap: who may open it, and how."""
    lines = [(word, "yes") for key, word in _TAP if tap.options.get(key)]
    lines += [
        (word, str(tap.options[key]))
        for key, word in _TAP_OWNERS
        if tap.options.get(key) not in _NOBODY
    ]
    kind = tap_kind(tap)
    own = Section("NetDev", (("Name", tap.name), ("Kind", kind)))
    return unit.render(
        [own, Section(kind.capitalize(), tuple(lines))], f"{render.TOLD}the {kind} {tap.name}"
    )


def tap_kind(tap: Link) -> str:
    """networkd's word for the kind of a tap."""
    return "tun" if tap.options.get("mode") == "tun" else "tap"


def port_file(port: Link, filtering: bool) -> str:
    """The .network file of a tap or another port: what protects it from a file that takes any device, and makes it a port at boot."""
    link = [("RequiredForOnline", "no")]
    link += [("MTUBytes", str(port.mtu))] if port.mtu != ETHERNET_MTU else []
    network = [("Bridge", port.master)] if port.master else []
    sections = [
        Section("Match", (("Name", port.name),)),
        Section("Link", tuple(link)),
        Section("Network", (*network, ("LinkLocalAddressing", "no"), ("IPv6AcceptRA", "no"))),
    ]
    more = port_sections(port, filtering) if port.master else []
    told = (
        f"{port.name} is a port of {port.master}"
        if port.master
        else f"{port.name} is nobody's port"
    )
    return unit.render([*sections, *more], render.TOLD + told)


def bridge_amended(said: Sequence[Section], bridge: Link) -> list[tuple[str, str]]:
    """Lines of [Bridge] by which a .netdev file that somebody else wrote makes the bridge as it stands; none where it does.

    Raises Refused for an option that networkd has no words for.
    """
    _refuse_unsaid(bridge.name, bridge.options, _BRIDGE_UNSAID)
    return list(_amended(said, bridge.options, {**_ALWAYS, **_BRIDGE}))


def port_amended(said: Sequence[Section], port: Link) -> list[tuple[str, str]]:
    """Lines of [Bridge] by which a .network file that somebody else wrote makes the port as it stands. Raises Refused."""
    options = port.port or {}
    _refuse_unsaid(port.name, options, _PORT_UNSAID)
    lines = list(_amended(said, options, _PORT))
    for key, word in _PORT_NEGATED.items():
        allowed = not options.get(key)
        if unit.is_true(unit.value(said, "Bridge", word, "yes")) != allowed:
            lines.append((word, _word(allowed)))
    router = _PORT_ROUTERS.get(options.get("mcast_router", 1), _ROUTER)
    if unit.value(said, "Bridge", "MulticastRouter", _ROUTER) != router:
        lines.append(("MulticastRouter", router))
    cost, told = options.get("cost", _COSTS[0]), unit.value(said, "Bridge", "Cost")
    if str(cost) != told and (told or cost not in _COSTS):
        lines.append(("Cost", str(cost)))
    return lines


def tap_amended(said: Sequence[Section], tap: Link) -> list[tuple[str, str]]:
    """Lines of [Tap] by which a .netdev file that somebody else wrote makes the tap as it stands; C(said) has users and groups by number."""
    kind = tap_kind(tap).capitalize()
    lines = [
        (word, _word(bool(tap.options.get(key))))
        for key, word in _TAP
        if not (tap.running and key in _QEMUS)
        and unit.is_true(unit.value(said, kind, word, "no")) != bool(tap.options.get(key))
    ]
    for key, word in _TAP_OWNERS:
        own = "" if tap.options.get(key) in _NOBODY else str(tap.options[key])
        if unit.value(said, kind, word) != own:
            lines.append((word, own))
    return lines


def _amended(
    said: Sequence[Section], options: Mapping[str, Any], table: Mapping[str, tuple[Any, str]]
) -> Iterator[tuple[str, str]]:
    for key, (own, word) in table.items():
        told = unit.like(unit.value(said, "Bridge", word), own)
        now = options.get(key)
        # what this kernel does not know, nobody's words change
        if now is not None and not _is_own(now, own if told is None else told):
            yield word, _word(now)


def _differing(
    options: Mapping[str, Any], table: Mapping[str, tuple[Any, str]]
) -> list[tuple[str, str]]:
    return [
        (word, _word(options[key]))
        for key, (own, word) in table.items()
        if options.get(key) not in (None, own)
    ]


def _refuse_unsaid(dev: str, options: Mapping[str, Any], table: Mapping[str, Any]) -> None:
    strange = sorted(key for key, own in table.items() if not _is_own(options.get(key), own))
    if strange:
        raise Refused(
            f"systemd-networkd has no words for {', '.join(f'{key} {_word(options[key])}' for key in strange)} of {dev}, which the next boot would lose; "
            "give it back the kernel's own, or leave that device out."
        )


def _is_own(value: Any, own: Any) -> bool:
    """Whether a value is the kernel's, which differs with its version and, in the last digit of a time, with its clock."""
    if isinstance(value, float):
        return abs(value - own) < _CLOCK
    return value is None or value == own or (isinstance(own, tuple) and value in own)


def _word(value: Any) -> str:
    """A value as systemd reads it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    return str(value).lower() if value in ("802.1Q", "802.1ad") else str(value)
