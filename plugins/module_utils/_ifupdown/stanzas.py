# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. Bridges and taps, as items of the role bridge_host, as stanzas of interfaces(5), so that a reboot makes them again.

Each stanza is an item for interfaces_stanza. Words of a user that end up in a line which a shell runs are quoted here.
"""

from __future__ import annotations

import ipaddress
import shlex
from typing import Any, Iterable, Iterator, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core import units
from ansible_collections.hypervisor.network.plugins.module_utils._core import vlan as vlan_words
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown import ifreload
from ansible_collections.hypervisor.network.plugins.module_utils._link import port as port_planner
from ansible_collections.hypervisor.network.plugins.module_utils._link import tap as tap_planner
from ansible_collections.hypervisor.network.plugins.module_utils._link.device import ETHERNET_MTU
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import (
    attributes as option_tables,
)

# bridge-utils-interfaces(5): what Debian's ifupdown hook for bridges can set, and under which name.
_BRIDGE_UTILS = {
    "ageing_time": "bridge_ageing",
    "priority": "bridge_bridgeprio",
    "hello_time": "bridge_hello",
    "max_age": "bridge_maxage",
}
_IPROUTE2 = {"addr_gen_mode": "addrgenmode"}


def bridge_stanzas(
    item: Mapping[str, Any], carried: Sequence[int] = (), taps: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """The stanzas of a bridge: one, or one per family where its addresses are given. C(carried) are the VLANs that its uplink carries tagged.

    C(taps) are those that belong in it: a bridge that is taken down by hand lets go of them, and takes them in again when it comes up.

    Where the item names no method, the stanza says nothing of addresses: they are what C(take_over) finds at the uplink.
    """
    common: dict[str, Any] = {"name": item["name"], "state": "present", "auto": True}
    if item.get("uplink"):
        common["take_over"] = item["uplink"]
    options = _bridge_options(item, carried)
    if taps:
        # the bridge is named, with which the line goes when the NIC gets its stanza back
        options.append(
            [
                "up",
                f"test -d /sys/class/net/{shlex.quote(item['name'])} && ifup --force {_words(taps)} || true",
            ]
        )
    if item.get("method") is None:
        return [
            {
                **common,
                **({} if item.get("uplink") else {"method": "manual"}),
                "family": "inet",
                "options": options,
            }
        ]
    if item["method"] != "static":
        return [{**common, "family": "inet", "method": item["method"], "options": options}]
    stanzas = []
    for family, version in (("inet", 4), ("inet6", 6)):
        addresses = [
            one
            for one in as_list(item.get("address"))
            if ipaddress.ip_interface(one).version == version
        ]
        if addresses:
            # the bridge's own options stand in its first stanza, once
            stanzas.append(
                {
                    **common,
                    "family": family,
                    "method": "static",
                    "options": _static(item, addresses, version) + options,
                }
            )
            options = []
    return stanzas


def tap_stanza(item: Mapping[str, Any], default: int) -> dict[str, Any]:
    """The stanza of a tap: made where it is missing, then plugged in; so boot and `ifup tap1` by hand do the same.

    One with VLANs is plugged in while it is down: it must not be in the VLAN C(default), which its bridge gives it, for a moment.
    """
    name = item["name"]
    options = [
        ["pre-up", f"test -e /sys/class/net/{shlex.quote(name)} || ip {_words(_tuntap(item))}"]
    ]
    quiet = _own_words(item, "addr_gen_mode")  # before the tap is up, and has addresses
    options += [["pre-up", f"ip link set dev {_words([name, *quiet])}"]] if quiet else []
    options += [
        [key, str(item[own])]
        for key, own in (("mtu", "mtu"), ("hwaddress", "mac"))
        if item.get(own) is not None
    ]
    vlans = vlan_words.wished(item) if item.get("bridge") is not None else None
    if vlans is not None:
        # one that is in it already, as when a manager reads its files anew, has a guest that would hear of it
        inside = shlex.quote(f"/sys/class/net/{item['bridge']}/lower_{name}")
        options += [
            ["pre-up", f"test -e {inside} || ip link set dev {_words([name, 'down'])}"],
            ["pre-up", f"ip link set dev {_words([name, 'master', item['bridge']])}"],
        ]
        options += [
            ["pre-up", line]
            for line in _vlan_lines(
                name, vlans, 0 if item.get("vlans_mode") == "merge" else default
            )
        ]
    link = _link(item if vlans is None else {**item, "bridge": None})
    if link:
        options.append(["up", f"ip link set dev {_words([name, *link])}"])
    port = _port_words(item)
    if port:
        options.append(["up", f"bridge link set dev {_words([name, *port])}"])
    return {
        "name": name,
        "state": "present",
        "family": "inet",
        "method": "manual",
        "auto": True,
        "options": options,
    }


def as_list(value: Any) -> list[Any]:
    """A list, also of the one thing that a user wrote without brackets."""
    return [] if value is None else list(value) if isinstance(value, (list, tuple)) else [value]


def _bridge_options(item: Mapping[str, Any], carried: Sequence[int]) -> list[list[str]]:
    uplink = item.get("uplink")
    options = [
        ["bridge_ports", uplink or "none"],
        ["bridge_stp", "on" if item.get("stp_state") else "off"],
    ]
    if item.get("forward_delay") is not None:
        options.append(["bridge_fd", f"{item['forward_delay']:g}"])
    options.append(["bridge_maxwait", f"{item.get('maxwait') or 0:g}"])
    # Without it udev gives the bridge a MAC of its own at boot, and the DHCP server another address.
    if item.get("mac") or uplink:
        options.append(["bridge_hw", units.mac(item["mac"]) if item.get("mac") else uplink])
    options += [
        [word, f"{item[key]:g}"] for key, word in _BRIDGE_UTILS.items() if item.get(key) is not None
    ]
    if item.get("mtu") is not None:
        options += _mtu(item["name"], item["mtu"], uplink)
    if item.get("forwarding"):
        # before it is asked whether it listens to routers, which depends on that
        options.append(["up", ifreload.forwards(item["name"], item["forwarding"])])
    if item.get("accept_ra") is not None and uplink:
        options.append(["up", _routers(item["name"], item["accept_ra"])])
    own = _own_words(item, "txqueuelen", "alias", "addr_gen_mode")
    options += [["up", f"ip link set dev {_words([item['name'], *own])}"]] if own else []
    more = _more_bridge_words(item)
    options += (
        [["up", f"ip link set dev {_words([item['name'], 'type', 'bridge', *more])}"]]
        if more
        else []
    )
    options += [["up", line] for line in _bridge_vlans(item, carried)]
    options += [["up", _quiet_port(uplink, item["name"])]] if uplink else []
    # bridge-utils has brought it up by then
    return options + (
        [["up", f"ip link set dev {_words([item['name'], 'down'])}"]]
        if item.get("up") is False
        else []
    )


def _mtu(bridge: str, mtu: int, uplink: str | None) -> list[list[str]]:
    """The bridge's own MTU: as C(mtu), bridge-utils would give it to the uplink too, which the modules leave alone.

    One that the bridge has by then is no change to the kernel, and the bridge would take that of a smaller port: so it has another for a moment.
    """
    if uplink is None and mtu != ETHERNET_MTU:
        return [["mtu", str(mtu)]]
    steps = (mtu - 1 if mtu > ETHERNET_MTU else mtu + 1, mtu)
    return [["mtu", ""]] + [
        ["up", f"ip link set dev {_words([bridge, 'mtu', str(step)])}"] for step in steps
    ]


def _routers(bridge: str, believed: bool) -> str:
    """Whether the bridge listens to routers; a host that forwards does so only where it is told twice, as bridge_uplink says it."""
    conf = f"net/ipv6/conf/{bridge}"
    if not believed:
        return f"sysctl -qe -w {_words([f'{conf}/accept_ra=0'])} || true"
    path = shlex.quote(f"/proc/sys/{conf}/forwarding")
    return f"if grep -qs '^0' {path}; then sysctl -qe -w {_words([f'{conf}/accept_ra=1'])}; else sysctl -qe -w {_words([f'{conf}/accept_ra=2'])}; fi || true"


def _quiet_port(nic: str, bridge: str) -> str:
    """What makes a NIC that was up before it became a port forget its IPv6 link-local address and its interest in routers.

    bridge_uplink leaves it so, and after a boot it has to be so again. It names the bridge, with which it belongs on the way back.
    """
    conf = f"net/ipv6/conf/{nic}"
    settings = _words([f"{conf}/accept_ra=0", f"{conf}/disable_ipv6=1", f"{conf}/disable_ipv6=0"])
    return f"ip link set dev {_words([nic, 'master', bridge, 'addrgenmode', 'none'])} && sysctl -qe -w {settings} || true"


def _more_bridge_words(item: Mapping[str, Any]) -> list[str]:
    """The options that bridge-utils has no word for, as `ip link set type bridge` takes them: times in hundredths."""
    known = {"stp_state", "forward_delay", *_BRIDGE_UTILS}
    words = []
    for attribute in option_tables.BRIDGE:
        value = item.get(attribute.option)
        if value is not None and attribute.option not in known:
            words += [
                attribute.option,
                str(round(value * units.TICKS))
                if attribute.type == "float"
                else _word(value, "1", "0"),
            ]
    return words


def _bridge_vlans(item: Mapping[str, Any], carried: Iterable[int]) -> Iterator[str]:
    """What the uplink carries for others, and what the host itself is in: the uplink first, so that the host is never in a VLAN without a way out."""
    own = vlan_words.of_entries(item.get("self_vlans") or (), "self_vlans")
    if item.get("uplink"):
        # the bridge is named in each, so that they go with it when the NIC gets its stanza back
        joined = f"ip link set dev {_words([item['uplink'], 'master', item['name']])}"
        default = vlan_words.default_vlan(item) if vlan_words.pvids(own) else 0
        for line in _vlan_lines(
            item["uplink"], {**own, **{str(vid): vlan_words.TAGGED for vid in carried}}, default
        ):
            yield f"{joined} && {line}"
    if item.get("self_vlans") is not None:
        yield from _vlan_lines(item["name"], own, vlan_words.default_vlan(item), "self")


def _vlan_lines(name: str, vlans: vlan_words.Vlans, default: int, *more: str) -> Iterator[str]:
    """The VLANs as `bridge vlan` takes them, and C(default) (0: none) taken away where it is not among them."""
    for vid, words in vlans.items():
        how = [word for word in words.split() if word != vlan_words.TAGGED]
        yield f"bridge vlan add dev {_words([name, 'vid', vid, *how, *more])}"
    if default and default not in vlan_words.expanded(vlans):
        yield f"bridge vlan del dev {_words([name, 'vid', str(default), *more])}"


def _static(item: Mapping[str, Any], addresses: list[str], version: int) -> list[list[str]]:
    gateways = [
        one for one in as_list(item.get("gateway")) if ipaddress.ip_address(one).version == version
    ]
    return [["address", one] for one in addresses] + [["gateway", one] for one in gateways]


def _tuntap(item: Mapping[str, Any]) -> list[str]:
    words = ["tuntap", "add", "dev", item["name"], "mode", item.get("mode") or "tap"]
    for key, word in (("owner", "user"), ("group", "group")):
        if item.get(key) is not None:
            words += [word, str(item[key])]
    return words + [key for key in tap_planner.FLAGS if item.get(key) is True]


def _link(item: Mapping[str, Any]) -> list[str]:
    words = [] if item.get("bridge") is None else ["master", item["bridge"]]
    return (
        words
        + _own_words(item, "txqueuelen", "alias")
        + (["down"] if item.get("up") is False else [])
    )


def _own_words(item: Mapping[str, Any], *keys: str) -> list[str]:
    """What every device has, and ifupdown no word for, as `ip link set` takes it."""
    return [
        word
        for key in keys
        if item.get(key) is not None
        for word in (_IPROUTE2.get(key, key), str(item[key]))
    ]


def _port_words(item: Mapping[str, Any]) -> list[str]:
    """The port options as `bridge link set` takes them. Where it says 'state', the modules say 'port_state'."""
    words = []
    for attribute in option_tables.PORT:
        value = item.get(attribute.option)
        if (
            value is not None
            and attribute.option in port_planner.SPEC
            and attribute.option != "port_state"
        ):
            words += [attribute.option, _word(value, "on", "off")]
    return words


def _word(value: Any, yes: str, no: str) -> str:
    return (yes if value else no) if isinstance(value, bool) else str(value)


def _words(words: Iterable[str]) -> str:
    return " ".join(shlex.quote(word) for word in words)
