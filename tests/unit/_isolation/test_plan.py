# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which probes tenants get, what they send, and what it means where their frames were seen."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    IFF_UP,
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
