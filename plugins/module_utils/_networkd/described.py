# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. Devices that files of somebody else's describe already: bridges, their uplinks and taps of a host that was set up by hand in networkd's way, or by
netplan's. Where these say what runs there is nothing to write; where they say something else, a drop-in of ours beside each says that, and no more.

So those files stay in force, with all that they say of addresses and routes, and without ours the host is as its administrator wrote it.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import Iterator, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core import vlan as vlan_words
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    BadInput,
    Refused,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import (
    File,
    Standing,
    Wish,
    alike,
)
from ansible_collections.hypervisor.network.plugins.module_utils._networkd import (
    devices,
    render,
    unit,
)
from ansible_collections.hypervisor.network.plugins.module_utils._networkd.unit import Section

_KEPT = "/etc/systemd/network"
_TOLD = f"{render.TOLD}what runs, and is not said by "
_NO_MAC, _DIGITS = "none", 12
_SEVERAL = re.compile(r"[*?\[\s]")


@dataclass(frozen=True)
class Described:
    """C(source) is the path of the .network file in force for a device, C(network) what it and its drop-ins say; C(made_by) that of the .netdev file that
    makes the device, C(device) what that says, with users and groups by number. Empty where there is none. C(own_mac) is the MAC that a bridge gets
    from networkd where nothing says one, C(udevs_mac) the one that it gets where none is said to be given.
    """

    source: str = ""
    network: Sequence[Section] = ()
    made_by: str = ""
    device: Sequence[Section] = ()
    own_mac: str | None = None
    udevs_mac: str | None = None


def beside(source: str) -> str:
    """The path of our drop-in beside a file."""
    return f"{_KEPT}/{posixpath.basename(source)}.d/50-{render.OURS}.conf"


def drop_ins(found: Described) -> list[str]:
    """The paths of ours beside the files of a device."""
    return [beside(one) for one in (found.made_by, found.source) if one]


def master(found: Sequence[Section]) -> str:
    """The bridge that a file makes a device a port of; empty for none."""
    return unit.value(found, "Network", "Bridge")


def files(now: Standing, wish: Wish, theirs: Mapping[str, Described]) -> list[File]:
    """Our drop-ins beside the files that describe devices of the wish: without a text where these say what runs. Raises Refused for what can't be said so."""
    found = []
    for name, one in theirs.items():
        link = now.links[name]
        if name in wish.bridges:
            device, network = _of_a_bridge(now, wish, link, one)
        else:
            device, network = _of_a_port(now, link, one, name in wish.taps)
        if any(own.lines for own in network) and not _is_alone(one.network):
            raise Refused(
                f"{one.source} describes {name} among others, and {name} runs otherwise than it says; give {name} a file of its own, whose name comes before "
                "that one, and have it read with 'networkctl reload'."
            )
        for source, said in ((one.made_by, device), (one.source, network)):
            if source:
                text = unit.render(said, f"{_TOLD}{source}")
                found.append(File(beside(source), text if any(own.lines for own in said) else None))
    return found


def _of_a_bridge(
    now: Standing, wish: Wish, bridge: Link, one: Described
) -> tuple[list[Section], list[Section]]:
    """What the .netdev file of a bridge does not say, and what its .network file does not."""
    mac, device_mac, link_mac = (
        bridge.mac or "",
        _mac(unit.value(one.device, "NetDev", "MACAddress")),
        _mac(unit.value(one.network, "Link", "MACAddress")),
    )
    boots = link_mac or device_mac or one.own_mac
    same = mac == boots or (
        boots == _NO_MAC
        and mac in [one.udevs_mac, *(port.mac for port in now.ports_of(bridge.name))]
    )
    own = [] if same or not mac else [("MACAddress", mac)]
    device = [
        Section("NetDev", tuple(own)),
        Section("Bridge", tuple(devices.bridge_amended(one.device, bridge))),
    ]
    link = own if link_mac else []
    told = unit.value(one.network, "Link", "MTUBytes") or unit.value(one.device, "NetDev", "MTUBytes")  # fmt: skip
    by_itself = min((port.mtu for port in now.ports_of(bridge.name)), default=devices.ETHERNET_MTU)
    if (unit.size(told) or by_itself) != bridge.mtu:
        link = [*link, ("MTUBytes", str(bridge.mtu))]
    network = [
        Section("Link", tuple(link)),
        *_vlans(bridge, bridge, one),
        *([] if now.uplink_of(bridge.name, wish) else _addresses(now, bridge, one)),
    ]
    return device, network


def _mac(text: str) -> str:
    """A MAC as the kernel's words have it; systemd also reads 52-54-00-77-00-01 and 5254.0077.0001."""
    digits = re.sub("[-.:]", "", text).lower()
    return digits if len(digits) != _DIGITS else ":".join(re.findall("..", digits))


def _addresses(now: Standing, bridge: Link, one: Described) -> Iterator[Section]:
    """Of a bridge without an uplink: those that somebody gave it for good, where the file has others."""
    runs = [each.text for each in now.addresses_of(bridge.name) if each.lasts]
    if not alike(runs, addresses(one.network)):
        yield Section("Network", (("Address", ""), *(("Address", text) for text in runs)))


def addresses(network: Sequence[Section]) -> list[str]:
    """The addresses that a .network file gives."""
    return [
        *unit.values(network, "Network", "Address"),
        *unit.values(network, "Address", "Address"),
    ]


def _of_a_port(
    now: Standing, port: Link, one: Described, is_tap: bool
) -> tuple[list[Section], list[Section]]:
    """The same of a port: an uplink, a tap, or another device."""
    device = []
    if is_tap:
        kind = devices.tap_kind(port).capitalize()
        device = [Section(kind, tuple(devices.tap_amended(one.device, port)))]
    said = unit.size(unit.value(one.network, "Link", "MTUBytes")) or devices.ETHERNET_MTU
    link = [] if said == port.mtu else [("MTUBytes", str(port.mtu))]
    into = [] if master(one.network) == (port.master or "") else [("Bridge", port.master or "")]
    network = [Section("Link", tuple(link)), Section("Network", tuple(into))]
    if port.master:
        own = Section("Bridge", tuple(devices.port_amended(one.network, port)))
        network += [own, *_vlans(now.links[port.master], port, one)]
    return device, network


def _is_alone(network: Sequence[Section]) -> bool:
    """Whether a file is about one device."""
    keys = [line for one in network if one.name == "Match" for line in one.lines]
    return any(
        key in ("Name", "MACAddress", "PermanentMACAddress") and not _SEVERAL.search(value)
        for key, value in keys
    )


def _vlans(bridge: Link, dev: Link, one: Described) -> Iterator[Section]:
    """The VLANs that stand, where the file says others; words that it has can't be taken back beside it. Raises Refused."""
    if not bridge.options.get("vlan_filtering") or dev.vlans is None:
        return
    told = said_vlans(one.network)
    runs = vlan_words.expanded(dev.vlans)
    boots = told or vlan_words.expanded(vlan_words.of_a_new_port(bridge) or {})
    if runs == boots:
        return
    surplus = [vid for vid, words in told.items() if _is_surplus(words, runs.get(vid))]
    if (
        surplus
        or not runs
        or (vlan_words.pvids(vlan_words.compact(told)) and not vlan_words.pvids(dev.vlans))
    ):
        which = ", ".join(vlan_words.compact(dict.fromkeys(surplus or told or boots, "")))
        raise Refused(
            f"{one.source} says other VLANs of {dev.name} than it has as it runs, and a file beside that one takes none away; say there what shall be, or give "
            f"{dev.name} what that file says of VLAN {which}."
        )
    yield from render.bridge_vlans(dev.vlans)


def _is_surplus(told: str, runs: str | None) -> bool:
    """Whether a file has words of a VLAN that nothing beside it takes back: that it is there, and that it leaves untagged."""
    return runs is None or (
        told.endswith(vlan_words.UNTAGGED) and not runs.endswith(vlan_words.UNTAGGED)
    )


def said_vlans(network: Sequence[Section]) -> dict[int, str]:
    """The VLANs that a .network file gives, as C(vlan_words.expanded) has them; what is none networkd passes over."""
    vids: dict[int, set[str]] = {}
    pvid = 0
    for section in network:
        for key, value in section.lines if section.name == "BridgeVLAN" else ():
            if key == "PVID":
                pvid = unit.number(value) or 0
            for vid in _range(value):
                vids.setdefault(vid, set())
                if key == "EgressUntagged":
                    vids[vid].add(vlan_words.UNTAGGED)
    return {
        vid: " ".join((*(("pvid",) if vid == pvid else ()), vlan_words.UNTAGGED if words else vlan_words.TAGGED))
        for vid, words in sorted(vids.items())
    }  # fmt: skip


def _range(text: str) -> Sequence[int]:
    try:
        return list(vlan_words.expanded(vlan_words.of_entries([{"vid": text}], "VLAN")))
    except BadInput:
        return ()
