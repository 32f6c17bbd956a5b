# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What networkd reads of a NIC that is a port, of the bridge that has its addresses, and of the hold between both.

What the administrator wrote for the NIC is what the bridge gets, section by section, whoever's words they are: only what is about the link itself stays
with the NIC. Beside it stand the NIC's MAC, its identity for DHCP, and what was added by hand. Source: systemd.network(5).
"""

from __future__ import annotations

from typing import Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._managers import owners
from ansible_collections.hypervisor.network.plugins.module_utils._networkd import unit
from ansible_collections.hypervisor.network.plugins.module_utils._networkd.identity import (
    Identity,
    sections,
)
from ansible_collections.hypervisor.network.plugins.module_utils._networkd.unit import Section

OURS = "hypervisor-network"
TOLD = "hypervisor.network: "  # begins the comment of each file of ours
# Of [Network]: what is about the link and its frames, and what is told to it of other devices
_OF_THE_LINK = (
    "VLAN",
    "MACVLAN",
    "MACVTAP",
    "IPVLAN",
    "IPVTAP",
    "Tunnel",
    "Xfrm",
    "LLDP",
    "EmitLLDP",
)
_MASTERS = ("Bridge", "Bond", "VRF", "BatmanAdvanced", "KeepMaster")
_OURS = ("KeepConfiguration", "ConfigureWithoutCarrier", "IgnoreCarrierLoss")
# Sections that are about frames on the wire: systemd.network(5) has one for each queueing discipline
_WIRES = (
    "SR-IOV", "LLDP", "CAN", "IPoIB", "QDisc", "NetworkEmulator", "TokenBucketFilter", "PIE", "FlowQueuePIE", "StochasticFairBlue",
    "StochasticFairnessQueueing", "BFIFO", "PFIFO", "PFIFOHeadDrop", "PFIFOFast", "CAKE", "ControlledDelay", "DeficitRoundRobinScheduler",
    "DeficitRoundRobinSchedulerClass", "EnhancedTransmissionSelection", "GenericRandomEarlyDetection", "FairQueueingControlledDelay", "FairQueueing",
    "TrivialLinkEqualizer", "HierarchyTokenBucket", "HierarchyTokenBucketClass", "HeavyHitterFilter", "QuickFairQueueing", "QuickFairQueueingClass",
    "BandMultiQueueing", "ClassfulMultiQueueing",
)  # fmt: skip
# and those that are about the device itself, or about what it is as a port
_LINKS_SECTIONS = ("Match", "Link", "Bridge", "BridgeVLAN", "BridgeFDB", "BridgeMDB", *_WIRES)
# Of [Link]: for how much of it a boot waits
_ONLINE = ("RequiredForOnline", "RequiredFamilyForOnline")


# Who goes on by the same identity would be asked for an address that the server has just taken back
_UNRELEASED = Section("DHCPv6", (("SendRelease", "no"),))


def hold(config: Sequence[Section], identity: Identity) -> str:
    """The drop-in beside the file in force: no port is taken from its bridge, no address removed, and DHCP goes on by the same identity.

    KeepMaster by itself means a port, which has no link-local address and so no DHCPv6: what was said of that is said again.
    """
    own = unit.value(config, "Network", "LinkLocalAddressing", "ipv6")
    lines = (("KeepMaster", "yes"), ("LinkLocalAddressing", own), ("KeepConfiguration", "yes"))
    return unit.render(
        [Section("Network", lines), *sections(identity), _UNRELEASED],
        TOLD + "hands off while this NIC becomes a port of a bridge",
    )


def nic_file(
    nic: str,
    bridge: str | None,
    config: Sequence[Section],
    more: Sequence[Section] = (),
    before: str = "",
    mac: str | None = None,
) -> str:
    """The .network file of a NIC that is a port, and no host of any network. C(config) is what was said of it before.

    C(more) are sections of the port, C(before) is the path of the file that was in force. C(bridge) is None where networkd knows of no .netdev of it,
    and would take the NIC from a bridge that it is told: the NIC keeps its own then. C(mac) is the one that the NIC was made with, where it shall be
    found by that: a bridge has the same, and was not made with it.
    """
    match = ("PermanentMACAddress", mac) if mac else ("Name", nic)
    master = (
        [("Bridge", bridge)] if bridge else [("KeepMaster", "yes"), ("KeepConfiguration", "yes")]
    )
    own = of_the_link(config)
    above = [line for one in own if one.name == "Network" for line in one.lines]
    network = Section(
        "Network", (*master, ("LinkLocalAddressing", "no"), ("IPv6AcceptRA", "no"), *above)
    )
    link = [one for one in own if one.name != "Network"]
    return unit.render(
        [Section("Match", (match,)), *link, network, *more],
        f"{TOLD}{nic} is a port" + (f" of {bridge}" if bridge else ""),
        *([owners.told(before)] if before else []),
    )


def bridge_file(
    bridge: str,
    mac: str | None,
    config: Sequence[Section],
    identity: Identity,
    foreign: Sequence[Section] = (),
    vlans: Mapping[str, str] | None = None,
    keep: bool = False,
    alone: bool = False,
) -> str:
    """The .network file of a bridge that has what C(config) said of its NIC.

    C(keep): while networkd takes the bridge over, it may remove nothing from it. C(alone): it has no uplink, and its addresses wait for no carrier. Those
    of a NIC do, so that a bridge which boots without its port, since a plug was pulled between two files, takes nothing from the NIC.
    """
    own = [Section("Network", (("KeepConfiguration", "yes"),)), _UNRELEASED] if keep else []
    carrier = [("ConfigureWithoutCarrier", "yes")] if alone else []
    return unit.render(
        [
            Section("Match", (("Name", bridge),)),
            Section("Link", (*([("MACAddress", mac)] if mac else []), *waited_for(config))),
            *host_sections(config),
            Section("Network", (*carrier, ("IgnoreCarrierLoss", "yes"))),
            *sections(identity),
            *foreign,
            *bridge_vlans(vlans),
            *own,
        ],
        f"{TOLD}{bridge}, with " + ("the host's own addresses" if alone else "what its NIC had"),
    )


def waits(said: Sequence[Section]) -> bool:
    """Whether a C(bridge_file) waits for a carrier: its addresses are its NIC's."""
    return bool(said) and not unit.value(said, "Network", "ConfigureWithoutCarrier")


def left_alone(bridge: str) -> str:
    """The .network file of a bridge that networkd would else take by the file of its NIC, whose MAC it has."""
    sections = [Section("Match", (("Name", bridge),)), Section("Link", (("Unmanaged", "yes"),))]
    return unit.render(sections, f"{TOLD}{bridge} is not its NIC")


def of_the_link(config: Sequence[Section]) -> list[Section]:
    """What is said of a device that stays with it when it becomes a port: its link, the devices above it, its frames."""
    return [
        one.only(*_OF_THE_LINK) if one.name == "Network" else one
        for one in config
        if one.name in ("Network", "Link", *_WIRES)
    ]


def waited_for(config: Sequence[Section]) -> list[tuple[str, str]]:
    """Lines of [Link]: how much of a NIC a boot waits for, which is its bridge's by now."""
    return [line for one in config if one.name == "Link" for line in one.only(*_ONLINE).lines]


def host_sections(config: Sequence[Section]) -> list[Section]:
    """What is said of a device as a host of networks, without what is about its link and what we say ourselves."""
    return [
        one.without(*_OF_THE_LINK, *_MASTERS, *_OURS) if one.name == "Network" else one
        for one in config
        if one.name not in _LINKS_SECTIONS
    ]


def bridge_vlans(vlans: Mapping[str, str] | None) -> list[Section]:
    """The VLANs of a port or of the bridge itself, as they stand: networkd removes what is not listed."""
    found = []
    for vids, said in (vlans or {}).items():
        lines = [("VLAN", vids)]
        if "untagged" in said:
            lines.append(("EgressUntagged", vids))
        if "pvid" in said:
            lines.append(("PVID", vids))
        found.append(Section("BridgeVLAN", tuple(lines)))
    return found


def host_file(nic: str, config: Sequence[Section], before: str, identity: Identity) -> str:
    """The .network file of a NIC that is a host's again, until the files that outlive a boot say so too; C(before) is whose words these are.

    The identity is said: networkd forgets the persistent name of a NIC that leaves a bridge, and makes another of its MAC.
    """
    own = Section("Network", (("KeepConfiguration", "yes"),))
    match = Section("Match", (("Name", nic),))
    words = [*of_the_link(config), *host_sections(config), own, *sections(identity), _UNRELEASED]
    told = f"{TOLD}{nic} has its addresses back until the next boot"
    return unit.render([match, *words], told, owners.told(before))
