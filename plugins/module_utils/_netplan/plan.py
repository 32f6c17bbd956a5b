# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. The files that make a bridge of netplan's: a YAML file of ours for each, and beside the files that netplan makes of it what it has no words for.

The administrator's YAML stays as it is. netplan's files are tried in the order of their ids, so the NIC gets one that comes before others; redefining
an id would add to its lists and not replace them. C(stp) and C(forward-delay) are both said, since netplan turns STP on where either is left out.
The YAML is written last and goes first: what stands beside a file that netplan has not made says nothing, so a plug that is pulled finds the old network or
the new one. Sources: netplan's doc/netplan-yaml.md, its src/networkd.c.
"""

from __future__ import annotations

import re
from typing import Iterable, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._managers import owners
from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import (
    File,
    Standing,
    Wish,
)
from ansible_collections.hypervisor.network.plugins.module_utils._networkd import (
    described,
    devices,
    render,
    unit,
)
from ansible_collections.hypervisor.network.plugins.module_utils._networkd import plan as networkd
from ansible_collections.hypervisor.network.plugins.module_utils._networkd.described import (
    Described,
)
from ansible_collections.hypervisor.network.plugins.module_utils._networkd.unit import Section

_UNSAID = f"{render.TOLD}what netplan has no words for"
_PRIVATE = 0o600  # netplan complains of more
# what is said in YAML, and what netplan says by itself
_YAML_KEYS = ("DHCP", "Address", "DNS", "Domains", "LinkLocalAddressing", "IPv6AcceptRA")
_ROUTE_KEYS = {
    "Gateway": "via",
    "Metric": "metric",
    "Table": "table",
    "GatewayOnLink": "on-link",
    "PreferredSource": "from",
    "Scope": "scope",
    "Type": "type",
}
_PARAMETERS = {
    "HelloTimeSec": "hello-time",
    "MaxAgeSec": "max-age",
    "AgeingTimeSec": "ageing-time",
    "Priority": "priority",
}
_DEFAULTS = ("0.0.0.0/0", "::/0", "")


def yaml_file(bridge: str) -> str:
    return f"{owners.NETPLANS}{bridge}.yaml"


def nic_id(nic: str) -> str:
    """The NIC's id: digits come before letters."""
    return f"0hv-{nic}"


def nic_ids(text: str) -> list[str]:
    """The NICs' ids in a YAML file of ours."""
    return re.findall(rf"^    ({nic_id('')}[^:]+):$", text, re.MULTILINE)


def generated(name: str) -> str:
    """The .network file that netplan makes of an id."""
    return f"{owners.GENERATED}{name}.network"


def drop_in(name: str, kind: str = "network") -> str:
    """Our drop-in beside the file that netplan makes of an id."""
    return f"{networkd.KEPT}/10-netplan-{name}.{kind}.d/50-{render.OURS}.conf"


def is_beside_ours(text: str) -> bool:
    """Whether a drop-in of ours stands beside what netplan made of our own YAML, and not of the administrator's."""
    return text.startswith(f"# {_UNSAID}")


def names(text: str, dev: str) -> bool:
    """Whether YAML has a definition of that id."""
    return re.search(rf"""(?:^|[\s{{,])['"]?{re.escape(dev)}['"]?\s*:""", text) is not None


def plan(now: Standing, wish: Wish, theirs: Mapping[str, Described] | None = None) -> list[File]:
    """The files that shall be, and those that shall go. Raises Refused for what nobody has words for.

    C(theirs) are the devices that somebody else's files describe, by name: netplan's own among them, where the YAML is the administrator's.
    """
    theirs = theirs or {}
    gone = [
        File(path, None)
        for dev in wish.names
        for path in (networkd.back(dev), networkd.handed(dev))
    ]
    if not wish.present:
        paths = [yaml_file(bridge) for bridge in wish.bridges]
        paths += [
            drop_in(bridge, kind) for bridge in wish.bridges for kind in ("network", "netdev")
        ]
        paths += [drop_in(nic_id(nic)) for nic in wish.uplinks]
        paths += [
            networkd.lasting(dev, kind)
            for dev in (*wish.ports, *wish.taps)
            for kind in ("network", "netdev")
        ]
        paths += [path for one in theirs.values() for path in described.drop_ins(one)]
        return [*gone, *(File(path, None) for path in dict.fromkeys(paths))]
    found = [*gone]
    rest = wish.without(theirs)
    for name in rest.bridges:
        nic = now.uplink_of(name, wish)
        mac = networkd.mac_of(now, wish, nic) if nic else None
        found += _bridge(now, now.links[name], nic, mac)
    return [*found, *networkd.ports(now, rest), *described.files(now, wish, theirs)]


def _bridge(now: Standing, bridge: Link, nic: str | None, mac: str | None = None) -> Iterable[File]:
    filtering = bool(bridge.options.get("vlan_filtering"))
    config = (
        networkd.own_addresses(now, bridge)
        if nic is None
        else render.host_sections(now.known[nic].config)
    )
    plain, other = _split_routes(config)
    netdev = unit.parse(devices.bridge_netdev(bridge))
    more = [
        *(one.without(*_YAML_KEYS) if one.name == "Network" else one for one in other),
        Section("Network", (("IgnoreCarrierLoss", "yes"),)),
    ]
    if nic is not None:
        known = now.known[nic]
        more += [
            Section("Link", tuple(render.waited_for(known.config))),
            *render.sections(known.identity),
            *networkd.foreign(now, bridge.name, nic),
        ]
        port = [
            *render.of_the_link(known.config),
            *devices.uplink_sections(now.links[nic], known.config, filtering),
        ]
        told = (f"{render.TOLD}{nic} is a port of {bridge.name}", owners.told(known.source))
        yield File(drop_in(nic_id(nic)), unit.render(port, *told))
    more += render.bridge_vlans(bridge.vlans if filtering else None)
    yield File(drop_in(bridge.name), unit.render(more, _UNSAID))
    rest = [
        one.without("STP", "ForwardDelaySec", *_PARAMETERS)
        for one in netdev
        if one.name == "Bridge"
    ]
    text = unit.render(rest, _UNSAID)
    yield File(drop_in(bridge.name, "netdev"), text if any(one.lines for one in rest) else None)
    match = f'macaddress: "{mac}"' if mac else f"name: {nic}"
    text = _yaml(bridge, nic, match, config, plain, netdev)
    yield File(yaml_file(bridge.name), text, _PRIVATE)


def _split_routes(config: Sequence[Section]) -> tuple[list[Section], list[Section]]:
    """The routes that netplan has words for, and all other sections."""
    plain = [one for one in config if one.name == "Route" and {key for key, _value in one.lines} <= {"Destination", *_ROUTE_KEYS}]  # fmt: skip
    return plain, [one for one in config if one not in plain]


def _yaml(
    bridge: Link,
    nic: str | None,
    match: str,
    config: Sequence[Section],
    routes: Sequence[Section],
    netdev: Sequence[Section],
) -> str:
    lines = [
        f"# {render.TOLD}{bridge.name}" + (f", with what {nic} had" if nic else ""),
        "network:",
        "  version: 2",
    ]
    if nic:
        lines += [
            "  ethernets:",
            f"    {nic_id(nic)}:",
            f"      match: {{{match}}}",
            "      link-local: []",
            "      accept-ra: false",
        ]
    lines += [
        "  bridges:",
        f"    {bridge.name}:",
        f"      interfaces: [{nic_id(nic) if nic else ''}]",
    ]
    lines += [f'      macaddress: "{bridge.mac}"'] if bridge.mac else []
    lines += [f"      mtu: {bridge.mtu}"] if bridge.mtu != devices.ETHERNET_MTU else []
    stp = unit.value(netdev, "Bridge", "STP") == "yes"
    said = {"stp": _bool(stp), "forward-delay": unit.value(netdev, "Bridge", "ForwardDelaySec")}
    said.update(
        {
            word: unit.value(netdev, "Bridge", key)
            for key, word in _PARAMETERS.items()
            if unit.value(netdev, "Bridge", key)
        }
    )
    lines.append(
        f"      parameters: {{{', '.join(f'{key}: {value}' for key, value in said.items())}}}"
    )
    return "\n".join([*lines, *_host(config, routes)]) + "\n"


def _host(config: Sequence[Section], routes: Sequence[Section]) -> Iterable[str]:
    """What the bridge is as a host of networks."""
    dhcp = unit.value(config, "Network", "DHCP").lower()
    if dhcp in ("yes", "true", "ipv4", "v4"):
        yield "      dhcp4: true"
    if dhcp in ("yes", "true", "ipv6", "v6"):
        yield "      dhcp6: true"
    addresses = unit.values(config, "Network", "Address")
    if addresses:
        yield f"      addresses: [{_list(addresses)}]"
    local = unit.value(config, "Network", "LinkLocalAddressing")
    if local and local != "ipv6":
        yield f"      link-local: [{'' if local == 'no' else 'ipv4' if local == 'ipv4' else 'ipv4, ipv6'}]"
    accept = unit.value(config, "Network", "IPv6AcceptRA")
    if accept:
        yield f"      accept-ra: {_bool(unit.is_true(accept))}"
    servers, domains = _words(config, "DNS"), _words(config, "Domains")
    if servers or domains:
        yield "      nameservers:"
    if servers:
        yield f"        addresses: [{_list(servers)}]"
    if domains:
        yield f"        search: [{_list(domains)}]"
    if routes:
        yield "      routes:"
    for route in routes:
        yield f"        - {{{', '.join(_route(route))}}}"


def _route(route: Section) -> Iterable[str]:
    words = dict(route.lines)
    to = words.pop("Destination", "")
    yield f"to: {'default' if to in _DEFAULTS else _quoted(to)}"
    for key, value in words.items():
        yield f"{_ROUTE_KEYS[key]}: {_bool(unit.is_true(value)) if key == 'GatewayOnLink' else _quoted(value)}"


def _words(config: Sequence[Section], key: str) -> list[str]:
    return [word for value in unit.values(config, "Network", key) for word in value.split()]


def _list(values: Iterable[str]) -> str:
    return ", ".join(_quoted(one) for one in values)


def _quoted(value: str) -> str:
    return value if value.isdigit() else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _bool(value: bool) -> str:
    return "true" if value else "false"
