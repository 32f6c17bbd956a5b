# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which probes tenants get, what they send, and what it means where their frames were seen."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    IFF_LOWER_UP,
    IFF_UP,
    Link,
    Snapshot,
)
from ansible_collections.hypervisor.network.plugins.module_utils._isolation import (
    frames as probe_frames,
)
from ansible_collections.hypervisor.network.plugins.module_utils._isolation import (
    plan as isolation_plan,
)
from ansible_collections.hypervisor.network.plugins.module_utils._isolation import (
    spec as isolation_spec,
)
from ansible_collections.hypervisor.network.plugins.module_utils._isolation.verdict import (
    Run,
    verdict,
)

UP = IFF_UP | IFF_LOWER_UP
ACCESS10, ACCESS20, HOSTS = {"10": "pvid untagged"}, {"20": "pvid untagged"}, {"1": "pvid untagged"}
TRUNK = {"1": "pvid untagged", "10": "tagged", "20": "tagged"}


def port(name: str, vlans: dict[str, str], **more: Any) -> Link:
    kind = "" if name.startswith("eth") else "tun"
    return Link(
        name,
        kind=kind,
        flags=UP,
        master="br0",
        vlans=vlans,
        port={"port_state": "forwarding", **more},
    )


def host(*ports: Link, **vlans: dict[str, str]) -> Snapshot:
    bridge = Link(
        "br0",
        kind="bridge",
        flags=UP,
        mtu=9000,
        vlans=vlans.get("own", HOSTS),
        options={"vlan_filtering": True, "vlan_default_pvid": 1},
    )
    return Snapshot({link.name: link for link in (bridge, *ports)})


GOOD = host(
    port("eth0", TRUNK), port("tap1", ACCESS10), port("tap2", ACCESS20), port("tap3", ACCESS10)
)


def wish(**more: Any) -> isolation_spec.Wish:
    tenants = [
        {"name": "blue", "vlan": 10, "ports": ["tap1", "tap3"], "dhcp": False},
        {"name": "red", "vlan": 20, "ports": ["tap2"], "dhcp": False},
    ]
    return isolation_spec.checked(
        {"tenants": tenants, "uplinks": ["eth0"], "trunks": [], "count": 1, "timeout": 10, **more}
    )


def run_of(
    now: Snapshot, asked: isolation_spec.Wish, *strays: tuple[int, str, str, int | None, int]
) -> Run:
    """A run on a host whose bridge does what its VLANs say, and C(strays): (probe, kind, device, VID, count) beside it."""
    plugged = isolation_plan.probes(now, asked, "mark")
    names = {probe.name: probe for probe in plugged}
    sent = isolation_plan.shots(now, asked, plugged)
    seen: Counter[Any] = Counter()
    for shot in sent:
        seen[shot.probe.number, shot.kind, shot.probe.name, None] += 1
        for dev in [*now.links, *names]:
            if dev != shot.probe.name and isolation_plan.is_required(
                now, asked, shot.probe, shot.kind, dev, names
            ):
                vid = shot.probe.tenant.vlan if shot.probe.tenant and dev == "eth0" else None
                seen[shot.probe.number, shot.kind, dev, vid] += 1
        if shot.peer is not None:
            seen[shot.probe.number, shot.kind, plugged[shot.peer].name, None] += 1
    for probe, kind, dev, vid, count in strays:
        seen[probe, kind, dev, vid] += count
    return Run(now, asked, plugged, sent, seen, {})


def test_each_tenant_gets_two_probes_like_its_ports_and_the_host_one() -> None:
    plugged = isolation_plan.probes(GOOD, wish(), "abcdef")
    assert [(probe.name, probe.whose, probe.like) for probe in plugged] == [
        ("probe0-abcdef", "blue", "tap1"), ("probe1-abcdef", "blue", "tap1"), ("probe2-abcdef", "red", "tap2"), ("probe3-abcdef", "red", "tap2"),
        ("probe4-abcdef", "the host", None),
    ]  # fmt: skip
    assert [probe.options.get("vlans") for probe in plugged] == [
        ACCESS10,
        ACCESS10,
        ACCESS20,
        ACCESS20,
        None,
    ]
    assert {probe.mtu for probe in plugged} == {9000}


def test_every_way_in_which_a_tenants_ports_are_set_is_tried() -> None:
    odd = port("tap3", {**ACCESS10, "1": "untagged"})
    plugged = isolation_plan.probes(Snapshot({**GOOD.links, "tap3": odd}), wish(), "m")
    assert [probe.like for probe in plugged if probe.whose == "blue"] == ["tap1", "tap3"]


def test_options_that_bind_a_port_to_its_guest_are_not_copied() -> None:
    locked = port("tap2", ACCESS20, locked=True, guard=True, isolated=True)
    plugged = isolation_plan.probes(Snapshot({**GOOD.links, "tap2": locked}), wish(), "m")
    (options, _again) = [probe.options for probe in plugged if probe.whose == "red"]
    assert options["isolated"] is True and not {"locked", "guard", "port_state"} & set(options)


def test_tags_of_others_and_of_the_host_are_forged() -> None:
    asked = wish()
    sent = isolation_plan.shots(GOOD, asked, isolation_plan.probes(GOOD, asked, "m"))
    forged = {(shot.probe.whose, shot.vid) for shot in sent if shot.kind == "tagged"}
    assert forged == {("blue", 1), ("blue", 20), ("red", 1), ("red", 10)}
    assert {shot.kind for shot in sent if shot.probe.whose == "the host"} == set(
        probe_frames.FLOODED
    )


def test_a_host_that_does_what_it_shall_is_proven() -> None:
    found = verdict(run_of(GOOD, wish()))
    assert found["wrong"] == [] and found["leaks"] == []
    assert found["proven"] == [
        "blue (VLAN 10): 18 frames of 8 kinds reached their own ports, left by eth0 with their tag, and nobody else's.",
        "red (VLAN 20): 18 frames of 8 kinds reached their own ports, left by eth0 with their tag, and nobody else's.",
    ]
    row = next(
        row for row in found["isolation"] if row["sender"] == "blue" and row["kind"] == "arp"
    )
    assert row == {
        "sender": "blue",
        "vlan": 10,
        "kind": "arp",
        "sent": 2,
        "own": 6,
        "required": 6,
        "others": 0,
        "uplinks": 2,
    }


@pytest.mark.parametrize(
    ("stray", "sentence"),
    [
        (
            (0, "arp", "tap2", None, 3),
            "blue leaks: 3 arp frames from a port like tap1 came out at tap2 of red.",
        ),
        (
            (2, "unicast", "tap1", None, 1),
            "red leaks: 1 unicast frames from a port like tap2 came out at tap1 of blue.",
        ),
        (
            (0, "nd", "br0", None, 2),
            "blue leaks: 2 nd frames from a port like tap1 came out at the host.",
        ),
        (
            (0, "nd", "probe4-mark", None, 2),
            "blue leaks: 2 nd frames from a port like tap1 came out at the host.",
        ),
        (
            (0, "arp", "eth0", None, 1),
            "blue leaks: 1 arp frames from a port like tap1 came out at eth0.",
        ),
        (
            (0, "arp", "eth0", 20, 1),
            "blue leaks: 1 arp frames from a port like tap1 came out at eth0, tagged 20.",
        ),
        (
            (0, "tagged", "eth0", 1, 1),
            "blue leaks: 1 tagged frames from a port like tap1 came out at eth0, tagged 1.",
        ),
        (
            (4, "broadcast", "tap2", None, 1),
            "the host leaks: 1 broadcast frames came out at tap2 of red.",
        ),
        (
            (2, "arp", "probe0-mark", None, 1),
            "red leaks: 1 arp frames from a port like tap2 came out at a port like tap1 of blue.",
        ),
    ],
)
def test_a_frame_that_is_where_it_must_not_be(stray: Any, sentence: str) -> None:
    found = verdict(run_of(GOOD, wish(), stray))
    assert found["wrong"] == [sentence] and found["proven"] == []
    assert sum(row["others"] for row in found["isolation"]) == stray[4]


def test_who_captures_at_the_bridge_takes_in_every_vlan() -> None:
    captured = Snapshot({**GOOD.links, "br0": replace(GOOD.links["br0"], flags=UP | 0x100)})
    assert verdict(run_of(captured, wish(), (0, "arp", "br0", None, 1)))["wrong"] == []


def test_a_trunk_may_carry_a_tenant_with_its_tag() -> None:
    now = Snapshot({**GOOD.links, "tap9": port("tap9", TRUNK)})
    assert verdict(run_of(now, wish(trunks=["tap9"]), (0, "arp", "tap9", 10, 1)))["wrong"] == []
    assert verdict(run_of(now, wish(trunks=["tap9"]), (0, "arp", "tap9", None, 1)))["wrong"] != []
    assert verdict(run_of(now, wish(), (0, "arp", "tap9", 10, 1)))["wrong"] != []


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        (
            port("tap2", {**ACCESS20, "1": "untagged"}),
            "tap2 of red should be in VLAN 20 alone, untagged, and has 20 (pvid untagged), 1 (untagged).",
        ),
        (
            port("eth0", {**HOSTS, "10": "tagged"}),
            "eth0 does not carry VLAN 20 of red tagged; it has 1 (pvid untagged), 10 (tagged).",
        ),
        (
            port("eth0", {"10": "tagged", "20": "tagged"}),
            "eth0 does not carry VLAN 1, which the host is in on br0; it has 10 (tagged), 20 (tagged).",
        ),
        (
            replace(GOOD.links["br0"], vlans={**HOSTS, "10": "tagged"}),
            "br0 itself, which is the host, is in VLAN 10 of blue.",
        ),
    ],
)
def test_the_reason_is_told_too(changed: Link, sentence: str) -> None:
    assert isolation_plan.settings(Snapshot({**GOOD.links, changed.name: changed}), wish()) == [
        sentence
    ]


def test_a_frame_that_does_not_arrive_is_told_with_counts() -> None:
    run = run_of(GOOD, wish())
    run.seen[0, "arp", "tap3", None] = 0
    run.seen[1, "unicast", "eth0", 10] = 0
    assert verdict(run)["wrong"] == [
        "blue: 1 of 1 arp frames from a port like tap1 did not come out at tap3.",
        "blue: 1 of 1 unicast frames from a port like tap1 did not come out at eth0 tagged 10.",
    ]


def test_a_host_that_does_not_hear_its_own_network_is_told() -> None:
    run = run_of(GOOD, wish())
    run.seen[4, "arp", "br0", None] = 0
    run.seen[4, "broadcast", "eth0", None] = 0
    assert verdict(run)["wrong"] == [
        "the host: 1 of 1 arp frames did not come out at br0.",
        "the host: 1 of 1 broadcast frames did not come out at eth0.",
    ]


def test_a_host_in_a_vlan_of_its_own_hears_nothing_of_a_new_ports() -> None:
    own = {"99": "pvid untagged"}
    now = host(
        *(link for link in GOOD.links.values() if link.port is not None and link.name != "eth0"),
        port("eth0", {**own, **TRUNK}),
        own=own,
    )
    assert verdict(run_of(now, wish()))["wrong"] == []


def test_a_port_whose_guest_does_not_run_needs_to_see_nothing() -> None:
    idle = replace(GOOD.links["tap3"], flags=IFF_UP, port={"port_state": "disabled"})
    run = run_of(Snapshot({**GOOD.links, "tap3": idle}), wish())
    assert (
        not any(dev == "tap3" for _probe, _kind, dev, _vid in run.seen)
        and verdict(run)["wrong"] == []
    )
