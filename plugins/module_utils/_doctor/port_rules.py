# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. From the tap into its bridge: membership, the port's state and options, and its VLANs."""

from __future__ import annotations

from typing import Iterator

from ansible_collections.hypervisor.network.plugins.module_utils._core import vlan as vlan_words
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._doctor.case import (
    ERROR,
    INFO,
    PORT,
    UPLINK,
    VLAN,
    WARNING,
    Finding,
    Host,
    Way,
    task,
)

_PASSING = ("listening", "learning")


def port(host: Host, way: Way) -> Iterator[Finding]:
    """Whether the tap is a port of the bridge that it should be in, and lets frames through."""
    link, wanted = host.link(way.tap), way.nic.get("bridge")
    if link is None:
        return
    if link.port is None or link.master is None:
        yield Finding(
            "tap_in_no_bridge", PORT, ERROR, link.name, f"{link.name} is in no bridge.", {"master": link.master},
            [task("bridge_port", name=link.name, bridge=wanted)] if wanted else [],
        )  # fmt: skip
        return
    if wanted is not None and link.master != wanted:
        yield Finding(
            "wrong_bridge", PORT, ERROR, link.name,
            f"{link.name} is a port of {link.master}, and {way.whose} is to be on {wanted}.", {"master": link.master, "wanted": wanted},
            [task("bridge_port", name=link.name, bridge=wanted, steal=True)],
        )  # fmt: skip
    yield from state(host, link, PORT)
    yield from _options(host, way, link)


def state(host: Host, link: Link, step: str) -> Iterator[Finding]:
    """The port's state, which the spanning tree decides, or somebody's hand."""
    own, bridge = link.port or {}, host.link(link.master)
    said = own.get("port_state")
    stp = bool(bridge and bridge.options.get("stp_state"))
    told = {"port_state": said, "stp_state": stp}
    if said in _PASSING:
        left = own.get("forward_delay_timer")
        yield Finding(
            "port_not_yet_forwarding", step, ERROR, link.name,
            f"{link.name} is {said}: the bridge waits for its forward delay before it lets frames through, {left or 0:g} seconds more in this state.",
            {**told, "forward_delay_timer": left},
        )  # fmt: skip
    elif said == "blocking":
        yield Finding(
            "port_blocking", step, ERROR, link.name,
            f"{link.name} is blocked by the spanning tree of {link.master}, which sees a second way to the same bridge.",
            {**told, "designated_bridge": own.get("designated_bridge"), "root_id": bridge.options.get("root_id") if bridge else None},
        )  # fmt: skip
    elif said == "disabled" and link.up and link.running and (bridge is None or bridge.up):
        # without a carrier, or where the bridge is down, it is the kernel that disables it
        cure = (
            []
            if stp
            else [task("bridge_port", name=link.name, bridge=link.master, port_state="forwarding")]
        )
        yield Finding(
            "port_disabled", step, ERROR, link.name, f"{link.name} is disabled as a port of {link.master}.", told, cure
        )  # fmt: skip


def _options(host: Host, way: Way, link: Link) -> Iterator[Finding]:
    own = link.port or {}
    heard = [one for one in host.learned(way.mac) if one.port == link.name and not one.locked]

    def cured(**options: object) -> list:
        return [task("bridge_port", name=link.name, bridge=link.master, **options)]

    if own.get("locked") and not heard:
        yield Finding(
            "port_locked", PORT, ERROR, link.name,
            f"{link.name} is locked, and no entry lets {way.mac or 'the MAC behind it'} in.", {"locked": True, "mac": way.mac},
            [task("bridge_fdb", bridge=link.master, mac=way.mac, port=link.name, type="static")] if way.mac else cured(locked=False),
        )  # fmt: skip
    elif own.get("learning") is False and not heard:
        yield Finding(
            "learning_off", PORT, WARNING, link.name,
            f"{link.name} does not learn and has no entry for {way.mac or 'the MAC behind it'}, so frames for it are flooded to every port that takes them.",
            {"learning": False}, cured(learning=True),
        )  # fmt: skip
    if own.get("flood") is False and not heard:
        yield Finding(
            "flood_off", PORT, ERROR, link.name,
            f"{link.name} gets no frames for unknown MACs, and the bridge does not know {way.mac or 'the MAC behind it'}.", {"flood": False},
            cured(flood=True),
        )  # fmt: skip
    if own.get("bcast_flood") is False:
        yield Finding(
            "bcast_flood_off", PORT, ERROR, link.name, f"{link.name} gets no broadcasts, so no ARP request and no DHCP answer to all reaches the guest.",
            {"bcast_flood": False}, cured(bcast_flood=True),
        )  # fmt: skip
    if own.get("mcast_flood") is False:
        yield Finding(
            "mcast_flood_off", PORT, WARNING, link.name,
            f"{link.name} gets no groups that nobody joined, and with them no neighbour solicitations of IPv6.", {"mcast_flood": False},
            cured(mcast_flood=True),
        )  # fmt: skip
    if own.get("neigh_suppress"):
        yield Finding(
            "neigh_suppress", PORT, WARNING, link.name,
            f"The bridge answers ARP in place of {link.name}'s guest: whom it does not know itself nobody finds.", {"neigh_suppress": True},
            cured(neigh_suppress=False),
        )  # fmt: skip
    if own.get("isolated"):
        yield from _isolated(host, link, cured(isolated=False))


def _isolated(host: Host, link: Link, cure: list) -> Iterator[Finding]:
    walls = [one.name for one in host.uplinks(str(link.master)) if (one.port or {}).get("isolated")]
    if walls:
        yield Finding(
            "isolated_from_uplink", PORT, ERROR, link.name,
            f"{link.name} and the uplink {walls[0]} are both isolated, so no frame passes between them.", {"isolated": [link.name, *walls]},
            [task("bridge_port", name=walls[0], bridge=link.master, isolated=False)],
        )  # fmt: skip
    else:
        yield Finding(
            "port_isolated", PORT, INFO, link.name, f"{link.name} is isolated: it reaches the uplink and the host, and no other isolated port.",
            {"isolated": True}, cure,
        )  # fmt: skip


def vlan(host: Host, way: Way) -> Iterator[Finding]:
    """Whether the guest's frames have a VLAN, and the way out carries it."""
    link = host.link(way.tap)
    bridge = host.link(link.master) if link else None
    if link is None or bridge is None or not bridge.options.get("vlan_filtering"):
        return
    vlans = vlan_words.expanded(link.vlans or {})
    pvid = next(iter(vlan_words.pvids(link.vlans or {})), None)
    if not vlans or (pvid is None and vlan_words.UNTAGGED in vlans.values()):
        default = bridge.options.get("vlan_default_pvid") or None
        yield Finding(
            "vlan_none", VLAN, ERROR, link.name,
            f"{link.name} has no VLAN for untagged frames, so {bridge.name} drops what the guest sends.", {"vlans": dict(link.vlans or {})},
            [task("bridge_port", name=link.name, bridge=bridge.name, access_vlan=default)] if default else [],
        )  # fmt: skip
        return
    leaks = sorted(vid for vid, words in vlans.items() if words == vlan_words.UNTAGGED)
    if pvid is not None and leaks:
        yield Finding(
            "pvid_leak", VLAN, WARNING, link.name,
            f"{link.name} gets frames of VLAN {leaks[0]} untagged and answers into VLAN {pvid}: two networks leak into each other.",
            {"vlans": dict(link.vlans or {})}, [task("bridge_port", name=link.name, bridge=bridge.name, access_vlan=pvid)],
        )  # fmt: skip
    wanted = {pvid} if pvid is not None else set(vlans)
    for uplink in host.uplinks(bridge.name):
        yield from _carried(host, link, uplink, wanted)


def _carried(host: Host, link: Link, uplink: Link, wanted: set[int]) -> Iterator[Finding]:
    lost = sorted(wanted - set(vlan_words.expanded(uplink.vlans or {})))
    if lost:
        yield Finding(
            "vlan_not_on_uplink", VLAN, ERROR, uplink.name,
            f"The uplink {uplink.name} does not carry VLAN {lost[0]}, which {link.name} is in.",
            {"vlan": lost, "uplink_vlans": dict(uplink.vlans or {})},
            [task("bridge_port", name=uplink.name, bridge=uplink.master, vlans=[{"vid": vid} for vid in lost], vlans_mode="merge")],
        )  # fmt: skip
    for other in host.now.links.values():
        vid = other.options.get("id") if other.kind == "vlan" else None
        if other.lower == uplink.name and vid in wanted:
            yield Finding(
                "vlan_device_takes_it", UPLINK, ERROR, other.name,
                f"{other.name} takes the frames of VLAN {vid} off {uplink.name} before the bridge sees them.", {"vlan": vid, "lower": uplink.name},
            )  # fmt: skip
