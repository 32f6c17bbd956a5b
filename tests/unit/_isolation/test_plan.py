# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which probes tenants get, what they send, and what it means where their frames were seen."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
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
from ansible_collections.hypervisor.network.plugins.module_utils._isolation.verdict import (
    verdict,
)
from ansible_collections.hypervisor.network.tests.harness.host.tenants import (
    ACCESS10,
    ACCESS20,
    GOOD,
    HOSTS,
    TRUNK,
    UP,
    host,
    port,
    run_of,
    wish,
)


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


def test_a_port_of_something_else_than_a_bridge_is_refused() -> None:
    bond = Link("bond0", kind="bond", flags=UP)
    slave = replace(GOOD.links["tap1"], master="bond0", port=None)
    with pytest.raises(Refused, match="tap1 of blue is no port of a bridge"):
        isolation_plan.probes(Snapshot({**GOOD.links, "bond0": bond, "tap1": slave}), wish(), "m")


def test_who_has_no_vlan_has_no_tag_that_could_be_forged() -> None:
    green = {"name": "green", "vlan": None, "ports": ["tap1"], "dhcp": False}
    red = {"name": "red", "vlan": 20, "ports": ["tap2"], "dhcp": False}
    asked = wish(tenants=[green, red])
    sent = isolation_plan.shots(GOOD, asked, isolation_plan.probes(GOOD, asked, "m"))
    forged = {(shot.probe.whose, shot.vid) for shot in sent if shot.kind == "tagged"}
    assert forged == {("green", 1), ("green", 20), ("red", 1)}


def test_tags_of_others_and_of_the_host_are_forged() -> None:
    asked = wish()
    sent = isolation_plan.shots(GOOD, asked, isolation_plan.probes(GOOD, asked, "m"))
    forged = {(shot.probe.whose, shot.vid) for shot in sent if shot.kind == "tagged"}
    assert forged == {("blue", 1), ("blue", 20), ("red", 1), ("red", 10)}
    assert {shot.kind for shot in sent if shot.probe.whose == "the host"} == set(
        probe_frames.FLOODED
    )


def test_who_captures_at_the_bridge_takes_in_every_vlan() -> None:
    captured = Snapshot({**GOOD.links, "br0": replace(GOOD.links["br0"], flags=UP | 0x100)})
    assert verdict(run_of(captured, wish(), (0, "arp", "br0", None, 1)))["wrong"] == []


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


BLUE, RED, HOST = 0, 2, 4  # the first probe of each
FLOODS = ("arp", "broadcast", "multicast6", "unicast")  # of a bridge that snoops


def changed(**links: dict[str, Any]) -> Snapshot:
    """The good host with some options of its ports and of its bridge set otherwise; C(link) are fields of the device itself."""
    found = dict(GOOD.links)
    for name, given in links.items():
        more = dict(given)
        link = replace(found[name], **more.pop("link", {}))
        key = "options" if link.kind == "bridge" else "port"
        found[name] = replace(link, **{key: {**(getattr(link, key) or {}), **more}})
    return Snapshot(found)


def due(now: Snapshot, kind: str, sender: int, **asked: Any) -> set[str]:
    """Where a probe's frame of a kind has to come out, but at the probe itself."""
    plugged = isolation_plan.probes(now, wish(**asked), "m")
    names = {probe.name: probe for probe in plugged}
    return {
        dev
        for dev in (*now.links, *names)
        if dev != plugged[sender].name
        and isolation_plan.is_required(now, wish(**asked), plugged[sender], kind, dev, names)
    }


ALL_OF_BLUE = {"tap1", "tap3", "probe1-m", "eth0"}


def test_what_a_tenant_says_to_all_reaches_its_ports_and_the_wire_and_nobody_else() -> None:
    for kind in FLOODS:
        assert due(GOOD, kind, BLUE) == ALL_OF_BLUE
        assert due(GOOD, kind, RED) == {"tap2", "probe3-m", "eth0"}
    for kind in ("multicast", "nd"):
        assert due(GOOD, kind, BLUE) == set(), "a bridge that snoops hands these to who asked"
        assert due(changed(br0={"mcast_snooping": False}), kind, BLUE) == ALL_OF_BLUE
    assert due(GOOD, "known", BLUE) == due(GOOD, "tagged", BLUE) == set()


def test_what_the_host_says_to_all_reaches_the_host_and_the_wire() -> None:
    assert due(GOOD, "arp", HOST) == due(GOOD, "broadcast", HOST) == {"br0", "eth0"}
    assert due(GOOD, "unicast", HOST) == set()
    assert due(GOOD, "arp", HOST, uplinks=[]) == {"br0"}
    assert due(changed(br0={"link": {"flags": 0}}), "arp", HOST) == {"eth0"}
    assert due(changed(eth0={"port_state": "blocking"}), "arp", HOST) == {"br0"}
    assert due(changed(eth0={"link": {"vlans": {"10": "tagged"}}}), "arp", HOST) == {"br0"}


@pytest.mark.parametrize(
    ("switch", "value", "kinds"),
    [
        ("flood", False, {"unicast"}),
        ("mcast_flood", False, {"multicast", "multicast6", "nd"}),
        ("bcast_flood", False, {"arp", "broadcast"}),
        ("neigh_suppress", True, {"arp", "nd"}),
        ("proxy_arp", True, {"arp", "nd"}),
        ("port_state", "blocking", set(probe_frames.FLOODED)),
    ],
)
def test_a_port_need_not_see_what_its_bridge_keeps_from_it(
    switch: str, value: Any, kinds: set[str]
) -> None:
    now = changed(br0={"mcast_snooping": False}, eth0={switch: value})
    missed = {kind for kind in probe_frames.FLOODED if "eth0" not in due(now, kind, BLUE)}
    assert missed == kinds
    assert all("tap1" in due(now, kind, BLUE) for kind in probe_frames.FLOODED)


def test_a_probe_like_such_a_port_need_not_see_it_either() -> None:
    now = changed(tap1={"flood": False}, tap3={"flood": False})
    assert due(now, "unicast", BLUE) == {"eth0"} and due(now, "arp", BLUE) == ALL_OF_BLUE


def test_two_isolated_ports_need_not_hear_each_other() -> None:
    both = changed(tap1={"isolated": True}, tap3={"isolated": True})
    assert due(both, "arp", BLUE) == {"eth0"}
    one = changed(tap3={"isolated": True})  # probe0 is like tap1, and probe1 like tap3
    assert due(one, "arp", 0) == ALL_OF_BLUE and due(one, "arp", 1) == {"tap1", "probe0-m", "eth0"}


def test_what_stays_on_its_bridge_is_not_looked_for_at_another() -> None:
    """A tenant with a port on each of two bridges, of which one filters no VLANs."""
    br1 = Link("br1", kind="bridge", flags=UP)
    tap9 = replace(port("tap9", {}), master="br1")
    now = Snapshot({**GOOD.links, "br1": br1, "tap9": tap9})
    blue = {"name": "blue", "vlan": 10, "ports": ["tap1", "tap9"], "dhcp": False}
    asked = {"tenants": [blue]}
    assert due(now, "arp", 0, **asked) == {"tap1", "probe1-m", "eth0"}
    assert due(now, "arp", 2, **asked) == {"tap9", "probe3-m"}
    plugged = isolation_plan.probes(now, wish(**asked), "m")
    assert [(probe.bridge, probe.whose) for probe in plugged] == [
        ("br0", "blue"), ("br0", "blue"), ("br1", "blue"), ("br1", "blue"), ("br0", "the host")
    ]  # fmt: skip
    sent = isolation_plan.shots(now, wish(**asked), plugged)
    assert {(shot.probe.number, shot.peer) for shot in sent if shot.kind == "known"} == {(0, 1), (1, 0), (2, 3), (3, 2)}  # fmt: skip
    assert {shot.probe.bridge for shot in sent if shot.kind == "tagged"} == {"br0"}


def test_a_tenant_without_a_vlan_is_not_looked_for_on_the_wire() -> None:
    blue = {"name": "blue", "vlan": None, "ports": ["tap1", "tap3"], "dhcp": False}
    assert due(GOOD, "arp", BLUE, tenants=[blue]) == ALL_OF_BLUE - {"eth0"}


def test_a_host_whose_new_ports_are_in_no_vlan_sends_no_probe_of_its_own() -> None:
    for now in (changed(br0={"vlan_default_pvid": 0}), changed(br0={"vlan_filtering": False})):
        assert {probe.whose for probe in isolation_plan.probes(now, wish(), "m")} == {"blue", "red"}


def test_a_probe_is_up_takes_nobodys_place_and_is_not_judged_for_what_its_like_has() -> None:
    asked = isolation_plan.probes(GOOD, wish(), "m")[0].options
    assert {key: asked[key] for key in ("name", "bridge", "state", "up", "steal", "back")} == {
        "name": "probe0-m", "bridge": "br0", "state": "present", "up": True, "steal": False, "back": True,
    }  # fmt: skip


TRUNKED = Snapshot({**GOOD.links, "eth9": port("eth9", TRUNK), "tap9": port("tap9", HOSTS)})


@pytest.mark.parametrize(
    ("sender", "kind", "dev", "vid", "leak"),
    [
        # a tenant's: at its own ports, and with its tag where all tenants are carried
        (BLUE, "arp", "tap1", None, False),
        (BLUE, "arp", "tap3", None, False),
        (BLUE, "arp", "probe1-m", None, False),
        (BLUE, "arp", "tap2", None, True),
        (BLUE, "arp", "probe2-m", None, True),
        (BLUE, "arp", "probe4-m", None, True),
        (BLUE, "arp", "tap9", None, True),
        (BLUE, "arp", "br0", None, True),
        (BLUE, "arp", "eth0", 10, False),
        (BLUE, "arp", "eth0", None, True),
        (BLUE, "arp", "eth0", 20, True),
        (BLUE, "arp", "eth9", 10, False),
        (BLUE, "arp", "eth9", 20, True),
        (RED, "arp", "eth9", 20, False),
        # the host's: wherever no tenant is
        (HOST, "arp", "br0", None, False),
        (HOST, "arp", "eth0", None, False),
        (HOST, "arp", "tap9", None, False),
        (HOST, "arp", "tap1", None, True),
        (HOST, "arp", "probe0-m", None, True),
        # with a tag that it had no right to: nowhere
        (BLUE, "tagged", "tap1", None, True),
        (BLUE, "tagged", "eth0", 10, True),
    ],
)
def test_where_a_frame_must_not_be(
    sender: int, kind: str, dev: str, vid: int | None, leak: bool
) -> None:
    asked = wish(trunks=["eth9"])
    plugged = isolation_plan.probes(TRUNKED, asked, "m")
    names = {probe.name: probe for probe in plugged}
    found = isolation_plan.is_leak(TRUNKED, asked, plugged[sender], kind, dev, vid, names)
    assert found is leak


def test_a_bridge_that_filters_no_vlans_is_everybodys() -> None:
    now = changed(br0={"vlan_filtering": False})
    probe = isolation_plan.probes(now, wish(), "m")[BLUE]
    assert not isolation_plan.is_leak(now, wish(), probe, "arp", "br0", None, {})


def test_ports_and_bridges_are_watched_and_nothing_else() -> None:
    now = Snapshot({**GOOD.links, "lo": Link("lo"), "br1": Link("br1", kind="bridge")})
    assert {link.name for link in isolation_plan.watched(now)} == {*GOOD.links, "br1"}


def test_frames_are_counted_where_the_bridge_was_given_them_and_where_they_came_out() -> None:
    first, second = isolation_plan.probes(GOOD, wish(), "m")[:2]
    seen = Counter(
        {
            (0, "arp", "probe0-m", None): 3,
            (0, "nd", "probe0-m", None): 5,
            (1, "arp", "probe0-m", None): 7,
            (0, "arp", "eth0", 10): 2,
            (1, "arp", "eth0", 10): 1,
        }
    )
    assert isolation_plan.entered(seen, first, "arp") == 3
    assert isolation_plan.entered(seen, second, "arp") == 0
    assert list(isolation_plan.came_out(seen, first)) == [("arp", "eth0", 10, 2)]


def complaints(*strange: Link, **links: dict[str, Any]) -> list[str]:
    now = changed(**links)
    return isolation_plan.settings(
        Snapshot({**now.links, **{one.name: one for one in strange}}), wish()
    )


def test_vlans_that_are_set_as_they_shall_be_are_no_matter() -> None:
    assert complaints() == []
    # another bridge's port, though it is an uplink, and one that is not there
    assert complaints(replace(port("eth0", {}), master="br7")) == []
    gone = Snapshot({name: link for name, link in GOOD.links.items() if name != "eth0"})
    assert isolation_plan.settings(gone, wish()) == []
    free = [{"name": "blue", "vlan": None, "ports": ["tap1", "tap2"], "dhcp": False}]
    assert isolation_plan.settings(GOOD, wish(tenants=free)) == []


CARRIED = {"10": "tagged", "20": "tagged"}
NOBODY: dict[str, Any] = {
    "link": {"vlans": {}}
}  # a bridge that is in no VLAN: the host is not on it


@pytest.mark.parametrize(
    ("links", "words"),
    [
        ({"br0": {"vlan_filtering": False}}, ["br0 filters no VLANs, so VLAN 10 of blue", "br0 filters no VLANs, so VLAN 20 of red"]),
        ({"tap1": {"link": {"vlans": {"10": "untagged"}}}}, ["tap1 of blue should be in VLAN 10 alone, untagged, and has 10 (untagged)."]),
        ({"tap2": {"link": {"vlans": {}}}}, ["tap2 of red should be in VLAN 20 alone, untagged, and has none."]),
        ({"br0": {"link": {"vlans": {**HOSTS, "20": "tagged"}}}}, ["br0 itself, which is the host, is in VLAN 20 of red."]),
        ({"eth0": {"link": {"vlans": {**CARRIED, "10": "untagged"}}}, "br0": NOBODY},
         ["eth0 does not carry VLAN 10 of blue tagged; it has 10 (untagged), 20 (tagged)."]),
        ({"eth0": {"link": {"vlans": CARRIED}}}, ["eth0 does not carry VLAN 1, which the host is in on br0; it has 10 (tagged), 20 (tagged)."]),
    ],
)  # fmt: skip
def test_what_is_set_otherwise_is_named(links: dict[str, Any], words: list[str]) -> None:
    found = complaints(**links)
    assert len(found) == len(words) and all(map(str.startswith, found, words)), found


def test_one_that_cannot_be_looked_at_hides_no_other() -> None:
    """A tenant without a VLAN, and a bridge that filters none, are not the end of the look."""
    br1 = Link("br1", kind="bridge", flags=UP)
    tap9 = replace(port("tap9", {}), master="br1")
    now = Snapshot({**changed(tap2={"link": {"vlans": {}}}).links, "br1": br1, "tap9": tap9})
    green = {"name": "green", "vlan": None, "ports": ["tap1"], "dhcp": False}
    red = {"name": "red", "vlan": 20, "ports": ["tap9", "tap2"], "dhcp": False}
    found = isolation_plan.settings(now, wish(tenants=[green, red]))
    words = ["br1 filters no VLANs", "tap2 of red should be in VLAN 20"]
    assert len(found) == 2 and all(map(str.startswith, found, words)), found
