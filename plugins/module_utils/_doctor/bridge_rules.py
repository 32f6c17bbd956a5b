# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. The bridge, its way out, and the gateway behind that."""

from __future__ import annotations

from typing import Iterator

from ansible_collections.hypervisor.network.plugins.module_utils._core import vlan as vlan_words
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._doctor.case import (
    BRIDGE,
    ERROR,
    GATEWAY,
    INFO,
    UPLINK,
    WARNING,
    Finding,
    Host,
    Way,
    task,
)
from ansible_collections.hypervisor.network.plugins.module_utils._doctor.port_rules import state


def learned(host: Host, way: Way) -> Iterator[Finding]:
    """Whether the bridge knows the guest where it is."""
    link = host.link(way.tap)
    if link is None or link.master is None or way.mac is None:
        return
    seen = host.learned(way.mac)
    elsewhere = sorted(
        {one.port for one in seen if one.port != link.name and one.bridge == link.master}
    )
    if elsewhere:
        yield Finding(
            "mac_learned_elsewhere", BRIDGE, ERROR, link.name,
            f"{link.master} has seen {way.mac} behind {elsewhere[0]} and not behind {link.name}: another has that MAC too, or frames come back by a loop.",
            {"mac": way.mac, "ports": elsewhere}, [task("bridge_fdb", bridge=link.master, mac=way.mac, port=elsewhere[0], state="absent")],
        )  # fmt: skip
    others = sorted({one.bridge for one in seen if one.bridge != link.master})
    if others:
        yield Finding(
            "mac_in_two_bridges", BRIDGE, WARNING, link.name,
            f"{others[0]} has seen {way.mac} too, which is on {link.master}: two guests with one MAC, or two bridges on one wire.",
            {"mac": way.mac, "bridges": others},
        )  # fmt: skip
    if not seen and way.guest is not None and way.guest.status == "running" and link.running:
        yield Finding(
            "not_heard", BRIDGE, INFO, link.name,
            f"{link.master} has not heard {way.mac} for {link_ageing(host, link):g} seconds or more: the guest's card is not up, or has another MAC.",
            {"mac": way.mac},
        )  # fmt: skip


def link_ageing(host: Host, link: Link) -> float:
    """How long the port's bridge keeps what it heard, in seconds."""
    bridge = host.link(link.master)
    return float((bridge.options.get("ageing_time") if bridge else None) or 0)


def bridge(host: Host, link: Link) -> Iterator[Finding]:
    """The bridge itself."""
    if not link.up:
        yield Finding(
            "bridge_down", BRIDGE, ERROR, link.name, f"{link.name} is down.", {"up": False}, [task("linux_bridge", name=link.name, up=True)]
        )  # fmt: skip
    most, count = link.options.get("fdb_max_learned"), link.options.get("fdb_n_learned")
    if most and count is not None and count >= most:
        yield Finding(
            "fdb_full", BRIDGE, ERROR, link.name,
            f"{link.name} has learned {count} MACs and may learn {most}, so it floods what is for newer ones.", {"learned": count, "limit": most},
            [task("linux_bridge", name=link.name, fdb_max_learned=2 * most)],
        )  # fmt: skip
    for chain in host.drops.get(link.name, ()):
        yield Finding(
            "packet_filter_drops", BRIDGE, ERROR, link.name, f"{chain} drops what {link.name} passes from port to port.", {"chain": chain}
        )  # fmt: skip
    if link.options.get("vlan_filtering"):
        yield from _own_vlans(host, link)
    ports = host.now.ports_of(link.name)
    if ports and not host.uplinks(link.name) and not host.now.addresses_of(link.name):
        yield Finding(
            "no_way_out", UPLINK, INFO, link.name,
            f"{link.name} has no uplink and no address of the host: its guests reach one another, and nobody else.", {"ports": [one.name for one in ports]},
        )  # fmt: skip


def _own_vlans(host: Host, link: Link) -> Iterator[Finding]:
    """Whether the host itself is in the VLANs that it has addresses in: untagged by the bridge, tagged by VLAN devices on that."""
    own = link.vlans or {}
    if host.now.addresses_of(link.name) and vlan_words.PVID not in own.values():
        yield Finding(
            "host_in_no_vlan", BRIDGE, WARNING, link.name,
            f"What the host itself sends untagged is in no VLAN of {link.name}, so nobody on it reaches the host's addresses there.",
            {"self_vlans": dict(own)},
        )  # fmt: skip
    for device in host.now.links.values():
        vid = device.options.get("id") if device.kind == "vlan" else None
        if device.lower != link.name or vid is None:
            continue
        words = vlan_words.expanded(own).get(vid)
        # what leaves untagged for the host is no VLAN device's
        if (words is None or words.endswith(vlan_words.UNTAGGED)) and (
            host.now.addresses_of(device.name) or device.master
        ):
            wanted = vlan_words.merged(own, {str(vid): vlan_words.TAGGED})
            yield Finding(
                "host_in_no_vlan", BRIDGE, WARNING, device.name,
                f"{device.name} is for what is tagged with VLAN {vid} on {link.name}, which the host itself is not in, or only untagged: "
                f"nobody there reaches it.",
                {"vlan": vid, "self_vlans": dict(own)}, [task("linux_bridge", name=link.name, self_vlans=vlan_words.as_list(wanted))] if words is None else [],
            )  # fmt: skip


def uplink(host: Host, link: Link) -> Iterator[Finding]:
    """A port through which a bridge leaves the host."""
    if not link.up:
        yield Finding(
            "uplink_down", UPLINK, ERROR, link.name, f"{link.name} is down.", {"up": False},
            [task("bridge_port", name=link.name, bridge=link.master, up=True)],
        )  # fmt: skip
    elif not link.running:
        yield Finding(
            "uplink_no_carrier", UPLINK, ERROR, link.name, f"{link.name} has no carrier: its cable, or the switch's port.", {"carrier": False}
        )  # fmt: skip
    else:
        yield from state(host, link, UPLINK)
    if link.wireless:
        yield Finding(
            "uplink_wireless", UPLINK, WARNING, link.name,
            f"{link.name} is wireless: guests get through it only where it is the access point itself, or where that takes WDS (4addr); "
            "any other drops frames from other MACs than the station's.", {"wireless": True},
        )  # fmt: skip
    addresses = [one.text for one in host.now.addresses_of(link.name)]
    if addresses:
        yield Finding(
            "uplink_has_addresses", UPLINK, WARNING, link.name,
            f"{link.name} has {addresses[0]} although it is a port of {link.master}, where that does not work.", {"addresses": addresses},
            [task("bridge_uplink", name=link.name, bridge=link.master)],
        )  # fmt: skip
    for sentence in host.managers.get(link.name, ()):
        yield Finding(
            "other_manager", UPLINK, WARNING, link.name, f"{sentence}.", {"manager": sentence}
        )


def mtus(host: Host, way: Way) -> Iterator[Finding]:
    """A bridge drops what does not fit the port that it goes out of, and tells nobody."""
    link = host.link(way.tap)
    for wire in (
        host.uplinks(link.master) if link is not None and link.master in host.now.links else ()
    ):
        guests = way.nic.get("mtu") or link.mtu
        if guests > wire.mtu:
            yield Finding(
                "mtu_too_big", UPLINK, WARNING, link.name,
                f"{link.name}'s guest may send {guests} bytes and {wire.name} carries {wire.mtu}: larger frames vanish.",
                {"guest": guests, "uplink": wire.mtu}, [task("tap_device", name=link.name, mtu=wire.mtu)] if link.mtu > wire.mtu else [],
            )  # fmt: skip
        elif link.mtu < wire.mtu:
            yield Finding(
                "mtu_too_small", UPLINK, WARNING, link.name,
                f"{link.name} takes {link.mtu} bytes and {wire.name} brings up to {wire.mtu}: larger frames for the guest vanish.",
                {"tap": link.mtu, "uplink": wire.mtu}, [task("tap_device", name=link.name, mtu=wire.mtu)],
            )  # fmt: skip


def gateway(host: Host, link: Link) -> Iterator[Finding]:
    """Who the host's own gateway on this bridge is, as far as it was heard: a guest that poses as it takes everybody's frames."""
    wires = {one.name for one in host.uplinks(link.name)}
    for address in host.gateways.get(link.name, ()):
        macs = {one.mac for one in host.neighbours if one.address == address and one.mac}
        for entry in host.fdb:
            if (
                entry.mac in macs
                and entry.bridge == link.name
                and not entry.local
                and wires - {entry.port} == wires
            ):
                yield Finding(
                    "gateway_behind_a_guest", GATEWAY, WARNING, entry.port,
                    f"The gateway {address} is {entry.mac}, which is behind {entry.port} and not behind the uplink.",
                    {"gateway": address, "mac": entry.mac, "port": entry.port},
                )  # fmt: skip
