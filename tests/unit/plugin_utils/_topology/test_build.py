# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet's model, from what a filter is given: whole, in part, or not what it should be."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from ansible_collections.hypervisor.network.plugins.plugin_utils._topology import build
from ansible_collections.hypervisor.network.plugins.plugin_utils._topology.model import BAD, Host
from ansible_collections.hypervisor.network.tests.harness.model import pictured


def only(**given: Any) -> Host:
    return build.fleet({"hv1": given}).hosts[0]


WHOLE = pictured.host(5, odd=False)


def test_a_fleet_is_its_hosts_with_their_tenants() -> None:
    fleet = build.fleet(pictured.fleet(2, 9))
    assert [host.name for host in fleet.hosts][-1] == "hv-gone.example.com"
    assert [tenant.name for tenant in fleet.tenants] == sorted(pictured.TENANTS)
    assert not any(node.mark for node in fleet.hosts[0].nodes.values())


def test_guests_may_be_a_result_or_its_list() -> None:
    listed = only(**{**WHOLE, "guests": WHOLE["guests"]["guests"]})
    assert listed.nodes.keys() == only(**WHOLE).nodes.keys()


@pytest.mark.parametrize(
    ("info", "trouble"),
    [
        (None, "It did not answer."),
        ({"unreachable": True, "msg": "no\nroute"}, "It did not answer: no\\x0aroute"),
        ("text", "It did not answer."),
    ],
)
def test_a_host_that_did_not_answer_says_why(info: Any, trouble: str) -> None:
    host = only(info=info, wish=WHOLE["wish"])
    assert host.trouble == trouble
    assert {node.mark for node in host.nodes.values()} == {"unknown"}


def test_a_host_of_which_nothing_was_given_is_there() -> None:
    (host,) = build.fleet({"hv1": None}).hosts
    assert host.name == "hv1" and host.trouble and not host.nodes


def test_variables_that_nobody_can_read_do_not_hide_what_is_there() -> None:
    host = only(info=WHOLE["info"], wish={"bridges": [{"name": "br0", "colour": "red"}]})
    assert "br0 has no option 'colour'" in host.trouble and "dev/br0" in host.nodes


FOUND = {"id": "tap_down", "severity": "error", "finding": "tap0 is down.", "device": "tap0"}


def test_a_finding_is_told_once_where_it_belongs() -> None:
    guests = {**FOUND, "device": None, "guest": "vm0000", "severity": "warning"}
    host = only(**WHOLE, findings={"findings": [FOUND, FOUND, guests]})
    assert host.nodes["dev/tap0"].findings == [
        {"id": "tap_down", "severity": "error", "finding": "tap0 is down."}
    ]
    assert host.nodes["dev/tap0"].health == BAD
    assert len(host.nodes["guest/vm0000"].findings) == 1
    assert host.nodes["guest/vm0000"].health != BAD


def test_a_finding_has_its_evidence_as_text() -> None:
    evidence = {"port_state": "disabled", "ports": ["a\u202eb"], "vlan\n": [10], "mac": None}
    host = only(**WHOLE, findings=[{**FOUND, "evidence": evidence}])
    (found,) = host.nodes["dev/tap0"].findings
    assert found["evidence"] == (
        'port_state: disabled, ports: ["a\\u202eb"], vlan\\x0a: [10], mac: null'
    )
    for none in ({}, None, "text"):
        host = only(**WHOLE, findings=[{**FOUND, "evidence": none}])
        assert "evidence" not in host.nodes["dev/tap0"].findings[0]


def test_a_finding_has_the_tasks_that_cure_it_as_yaml_to_be_pasted() -> None:
    cure = [
        {"m.bridge_port": {"name": "a\u202eb", "up": True, "vlans": [10]}},
        {"m.b": {"name": "on"}},
    ]
    host = only(**WHOLE, findings=[{**FOUND, "cure": cure}])
    (found,) = host.nodes["dev/tap0"].findings
    assert yaml.safe_load(found["cure"]) == cure
    assert found["cure"].isascii() and found["cure"].startswith("- m.bridge_port:")
    for none in ([], None, "text"):
        host = only(**WHOLE, findings=[{**FOUND, "cure": none}])
        assert "cure" not in host.nodes["dev/tap0"].findings[0]


def test_a_finding_of_nothing_that_is_drawn_is_the_hosts() -> None:
    assert only(info=WHOLE["info"], findings=[{**FOUND, "device": "x"}]).trouble == "tap0 is down."
