# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of where the frames came out: proven, leaking, lost, offered by a stranger."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    Link,
    Snapshot,
)
from ansible_collections.hypervisor.network.plugins.module_utils._isolation import (
    plan as isolation_plan,
)
from ansible_collections.hypervisor.network.plugins.module_utils._isolation.verdict import (
    verdict,
)
from ansible_collections.hypervisor.network.tests.harness.host.tenants import (
    ACCESS20,
    GOOD,
    HOSTS,
    TRUNK,
    port,
    run_of,
    wish,
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


def offered(port: str | None, dhcp: str = "blue") -> dict[str, Any]:
    """A run in which the probe of one tenant asked for an address, and was offered one from behind a port."""
    tenants = [
        {"name": name, "vlan": vlan, "ports": ports, "dhcp": name == dhcp}
        for name, vlan, ports in (("blue", 10, ["tap1", "tap3"]), ("red", 20, ["tap2"]))
    ]
    run = run_of(GOOD, wish(tenants=tenants), dhcp=dhcp)
    asking = next(probe.number for probe in run.plugged if probe.whose == dhcp)
    offer = {"server": "10.0.0.1", "address": "10.0.0.7", "mac": "02:00:00:00:00:01", "port": port}
    return verdict(replace(run, offers={asking: [offer]} if port != "nobody" else {}))


def test_an_address_that_a_tenants_own_server_offers_is_proof() -> None:
    told = offered("tap3")
    assert told["wrong"] == [] and told["offers"][0]["tenant"] == "blue"
    assert "blue was offered 10.0.0.7 by the DHCP server 10.0.0.1." in told["proven"]


def test_an_address_that_another_tenants_guest_offers_is_wrong() -> None:
    told = offered("tap2")
    assert told["proven"] == []
    assert (
        "blue was offered 10.0.0.7 by 02:00:00:00:00:01, which is on tap2 of red." in told["wrong"]
    )


def test_a_tenant_that_is_offered_nothing_is_told() -> None:
    assert "blue: no DHCP server offered an address within 10 s." in offered("nobody")["wrong"]


def test_a_server_that_no_port_is_known_of_is_nobodys_guest() -> None:
    assert offered(None)["wrong"] == []
