# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What is around a bridge and takes its frames: other managers, the host's own checks, and what its wire lets through, as far as a host can know."""

from __future__ import annotations

import ipaddress
from typing import Iterator

from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._doctor.case import (
    BRIDGE,
    ERROR,
    PORT,
    UPLINK,
    WARNING,
    Finding,
    Host,
    Part,
    Way,
    Wire,
    task,
)

_IPV4, _MAIN = 2, 254  # AF_INET, RT_TABLE_MAIN
# of parts of Intel's 82576 and I350, whose card refuses them (Linux' igb_set_vf_promisc), trusted or not: measured with QEMU's
_NEVER_PROMISCUOUS = ("igbvf",)


def taken(host: Host, way: Way) -> Iterator[Finding]:
    """Another manager of networks that would take the tap out of its bridge, at its next reload or when a guest starts."""
    link = host.link(way.tap)
    sentence = host.takers.get(link.name) if link is not None and link.port is not None else None
    if link is not None and sentence is not None:
        # as a port of a bridge that networkd did not make, it would be taken by a file of its own too
        cure = [task("bridge_persist", scope="hands_off", manager="ifupdown", taps=[link.name])]
        yield Finding(
            "other_manager_takes_tap", PORT, WARNING, link.name, f"{sentence}.", {"manager": sentence},
            cure if "systemd-networkd" in sentence else [],
        )  # fmt: skip


def querier(host: Host, way: Way) -> Iterator[Finding]:
    """A port that is sent groups only where they were joined, in a bridge that believes nobody's joining.

    Without a querier the bridge takes every group for unknown (Linux' br_multicast_querier_exists), and floods it; not to this port.
    """
    link = host.link(way.tap)
    bridge = host.link(link.master) if link is not None else None
    if link is None or bridge is None or (link.port or {}).get("mcast_flood") is not False:
        return
    snoops = bridge.options.get("mcast_snooping") and not bridge.options.get("mcast_querier")
    if snoops and bridge.name not in host.queried:
        yield Finding(
            "no_querier", PORT, WARNING, link.name,
            f"{bridge.name} snoops and has heard of no querier, so {link.name}, which gets no unknown groups, gets none that its guest joined either.",
            {"mcast_snooping": True, "mcast_querier": False, "mcast_flood": False}, [task("linux_bridge", name=bridge.name, mcast_querier=True)],
        )  # fmt: skip


def rp_filter(host: Host, link: Link) -> Iterator[Finding]:
    """A host that drops what it is sent over a bridge, since it would answer by another way."""
    for address in host.now.addresses_of(link.name) if link.name in host.strict else ():
        if address.family != _IPV4:
            continue
        network = str(ipaddress.ip_network(address.text, strict=False))
        ways = [one for one in host.routes if (one.dst, one.table) == (network, _MAIN)]
        best = min(ways, key=lambda one: one.metric or 0, default=None)
        devices = [hop.dev for hop in best.hops] if best is not None else []
        if devices and link.name not in devices:
            yield Finding(
                "rp_filter_drops", BRIDGE, WARNING, link.name,
                f"The host's way to {network} is {devices[0]}, so it drops what guests of {link.name} send it from there (rp_filter).",
                {"rp_filter": 1, "network": network, "dev": devices[0]},
            )  # fmt: skip


def wire(host: Host, link: Link) -> Iterator[Finding]:
    """What an uplink, or whoever is behind it, drops of frames that are not the host's own."""
    known = host.wires.get(link.name, Wire())
    # IFF_PROMISC tells nothing: the kernel sets it for every port, and asks no driver whether it can
    if known.own_frames_only:
        yield Finding(
            "promiscuity_refused", UPLINK, ERROR, link.name,
            f"{link.name} is a macvlan, which takes frames for its own MAC alone: no answer comes to a guest; "
            "have a veth into a bridge of the device below it in its place, or a macvlan of mode passthru.",
            {"kind": "macvlan", "lower": link.lower},
        )  # fmt: skip
    part = known.part
    if part is not None and _is_deaf(part):
        yield Finding(
            "promiscuity_refused", UPLINK, ERROR, link.name,
            f"{link.name} is a part of {part.card or 'another card'} (SR-IOV) that no setting lets take frames for other MACs ({part.driver}): "
            "no answer comes to a guest; have the card itself, or another card, in its place.",
            {"driver": part.driver, "card": part.card, "vf": part.number},
        )  # fmt: skip
    if part is not None and (part.spoofchk is not False or not (part.trust or _is_deaf(part))):
        yield Finding(
            "upstream_card_checks", UPLINK, WARNING, link.name, _checked(link.name, part),
            {"card": part.card, "vf": part.number, "spoofchk": part.spoofchk, "trust": part.trust},
        )  # fmt: skip
    if part is None and host.cloud is not None and not link.kind:
        yield Finding(
            "upstream_cloud", UPLINK, WARNING, link.name,
            f"This machine is {host.cloud}'s, whose network drops frames from other MACs than {link.name}'s own unless it was told otherwise there.",
            {"vendor": host.cloud},
        )  # fmt: skip


def _is_deaf(part: Part) -> bool:
    return part.driver in _NEVER_PROMISCUOUS


def _checked(name: str, part: Part) -> str:
    """What a card does to frames of a part of it, and what has it let them pass."""
    ways, wanted = ("from", "spoofchk off") if _is_deaf(part) else ("from and to", "spoofchk off trust on")  # fmt: skip
    sentence = f"{name} is a part of {part.card or 'another card'} (SR-IOV), which drops frames {ways} other MACs"
    if part.card is None or part.number is None:
        return f"{sentence}, unless somebody set {wanted} for it where the card is."
    said = {True: "on", False: "off", None: "not told"}
    return (
        f"{sentence} (spoofchk is {said[part.spoofchk]}, trust is {said[part.trust]}): "
        f"'ip link set {part.card} vf {part.number} {wanted}' has it let them pass, until the next boot."
    )
