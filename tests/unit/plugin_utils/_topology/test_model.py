# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every picture is made of."""

from __future__ import annotations

import pytest

from ansible_collections.hypervisor.network.plugins.plugin_utils._topology import model
from ansible_collections.hypervisor.network.tests.harness.model.pictured import HOSTILE


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("vm1", "vm1"),
        ("line\nend", "line\\x0aend"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("שלום", "שלום"),
        ("\udcff", "\\udcff"),
        (12, "12"),
    ],
)
def test_a_text_is_one_line_that_reads_as_it_is_written(text: object, shown: str) -> None:
    assert model.shown(text) == shown


def test_what_others_write_is_printable_afterwards() -> None:
    assert all(model.shown(one).isprintable() for one in HOSTILE)


def test_a_node_and_an_edge_are_there_once() -> None:
    host = model.Host("hv1")
    first = host.add(model.Node(model.device("br0"), model.BRIDGE, "br0"))
    assert host.add(model.Node(model.device("br0"), model.BRIDGE, "other")) is first
    host.join("a", "b", "VLAN 10")
    host.join("a", "b", mark=model.MISSING)
    assert host.edges == [model.Edge("a", "b", "VLAN 10")]


def test_a_guest_may_have_the_name_of_a_device() -> None:
    assert model.guest("br0") != model.device("br0")


def test_facts_are_those_that_say_something() -> None:
    assert model.facts([("MTU", 0), ("MAC", None), ("Alias", ""), ("Name", "a\tb")]) == [
        ("MTU", "0"),
        ("Name", "a\\x09b"),
    ]


def test_tenants_are_numbered_over_all_hosts_by_name() -> None:
    hosts = [model.Host("hv1"), model.Host("hv2")]
    for host, tenant in zip(hosts, ("red", "blue")):
        host.add(model.Node("guest/vm", model.GUEST, "vm", tenant=tenant))
        host.add(model.Node("dev/br0", model.BRIDGE, "br0"))
    assert model.fleet_of(hosts).numbers() == {"blue": 0, "red": 1}


def test_what_is_no_list_of_mappings_is_none() -> None:
    assert list(model.sized("text")) == list(model.sized(None)) == []
    assert list(model.sized([{"a": 1}, "b"])) == [{"a": 1}]
