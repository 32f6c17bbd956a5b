# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan in which a NIC hands its stanzas to a bridge; the lines themselves are in test_takeover.py and test_handback.py."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.files import Files, files
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.plan import notes, plan
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.validate import checked
from ansible_collections.hypervisor.network.tests.harness.model.stanzas import (
    BACK,
    CASES,
    ITEM,
    LO,
    MORE,
    ROOT,
    edited,
    taken,
)

NIC = "auto eth0\niface eth0 inet static\n    address 10.0.0.2/24\n"


@pytest.mark.parametrize(("before", "options", "after"), CASES.values(), ids=CASES)
def test_a_nic_hands_over_what_it_has(before: str, options: dict[str, Any], after: str) -> None:
    assert taken(before, options=options) == after


def test_a_nic_that_is_handed_over_at_boot_brings_up_its_bridge() -> None:
    assert "auto br0" in taken(LO + NIC)
    assert "auto br0" not in taken(LO + NIC.replace("auto eth0\n", ""))


def test_who_has_no_stanza_can_give_none_unless_a_method_is_given() -> None:
    with pytest.raises(Refused, match="No file that ifupdown reads says how eth0 gets its address"):
        taken(LO)
    made = taken(LO, method="dhcp", family="inet")
    assert "iface eth0 inet manual" in made and "iface br0 inet dhcp" in made


def test_another_method_leaves_what_only_the_old_one_had() -> None:
    made = taken(LO + NIC, method="dhcp", family="inet")
    assert "iface br0 inet dhcp" in made and "address" not in made


def test_an_option_of_a_bridge_that_was_there_gets_the_port() -> None:
    text = edited(
        {ROOT: LO + NIC + "\niface br0 inet manual\n    bridge_ports none\n"}, {"take_over": "eth0"}
    )[ROOT]
    assert "bridge_ports eth0" in text


def test_hooks_that_add_addresses_move_along_unless_all_addresses_are_given() -> None:
    nic = NIC + "    up ip addr add 10.0.0.3/24 dev eth0\n"
    assert "up ip addr add 10.0.0.3/24 dev br0\n" in taken(nic, options={"bridge_stp": False})
    made = taken(nic, options={"address": "10.0.0.9/24"})
    assert "address 10.0.0.9/24\n" in made and "10.0.0.3" not in made


@pytest.mark.parametrize(
    ("more", "kept"),
    [
        ({}, True),
        ({"family": "inet", "method": "dhcp"}, True),
        ({"family": "inet6", "method": "auto"}, True),
        ({"family": "inet", "method": "static", "options": {"address": "10.0.0.9/24"}}, False),
        ({"options": {"metric": 7}}, False),
    ],
    ids=["as it was", "a lease still", "a lease, and IPv6", "a lease no more", "another is given"],
)
def test_the_metric_of_a_lease_stays_where_there_is_a_lease(
    more: dict[str, Any], kept: bool
) -> None:
    item = {"take_over": "eth0", **more}
    made = edited({ROOT: LO + "iface eth0 inet dhcp\n"}, item, metrics={"eth0": 1002})
    assert ("metric 1002\n" in made[ROOT]) is kept
    assert f"iface br0 {more.get('family', 'inet')} {more.get('method', 'dhcp')}\n" in made[ROOT]


@pytest.mark.parametrize(
    ("nic", "bridge", "item", "meanwhile"),
    [
        (NIC, "iface br0 inet manual\n    bridge_ports none\n", {"take_over": "eth0"}, False),
        (
            "iface eth0 inet manual\n",
            "auto br0\niface br0 inet static\n    address 10.0.0.2/24\n    bridge_ports eth0\n",
            BACK,
            True,
        ),
    ],
    ids=["to the bridge, where the NIC's stanza stands", "back to the NIC"],
)
def test_of_two_files_the_one_that_only_loses_goes_first_and_has_the_address_until_the_other_is_there(
    nic: str, bridge: str, item: dict[str, Any], meanwhile: bool
) -> None:
    now = Files(ROOT, {ROOT: nic, MORE: bridge})
    (loser, first), (winner, second) = files(plan(now, [checked({**ITEM, **item})]))
    assert (loser, winner, second.meanwhile) == (MORE, ROOT, None)
    assert "10.0.0.2/24" in str(second.new) and "10.0.0.2/24" not in str(first.new)
    assert ("address 10.0.0.2/24\n" in (first.meanwhile or "")) is meanwhile


@pytest.mark.parametrize(
    ("name", "item", "brought_up"),
    [
        ("eth0", {"take_over": "eth0"}, True),
        ("eth0", {"take_over": "eth0", "auto": False}, False),
        ("br0", {"auto": True}, False),
    ],
    ids=["with the bridge at boot", "by hand", "as its owner wrote it"],
)
def test_an_address_by_an_alias_that_udev_brought_up_comes_with_the_bridge(
    name: str, item: dict[str, Any], brought_up: bool
) -> None:
    text = f"allow-hotplug {name} {name}:1\niface {name} inet dhcp\niface {name}:1 inet static\n    address 10.0.0.9/24\n"
    assert ("allow-auto br0:1\n" in edited({ROOT: text}, item)[ROOT]) is brought_up


@pytest.mark.parametrize(
    ("item", "line"),
    [({"auto": True}, "auto br0 br0:1\n"), ({"options": {"mtu": 1400}}, "auto br0:1\n")],
)
def test_a_bridge_that_begins_at_boot_does_before_its_aliases(
    item: dict[str, Any], line: str
) -> None:
    text = "auto br0:1\niface br0:1 inet static\n    address 10.0.0.9/24\niface br0 inet dhcp\n"
    assert edited({ROOT: text}, item)[ROOT].startswith(line)


def test_a_file_that_gets_nothing_from_another_is_written_at_once() -> None:
    texts = {ROOT: "iface br0 inet manual\n", MORE: NIC}
    items = ({"options": {"mtu": 9000}}, {"name": "eth0", "options": {"mtu": 9000}})
    changes = files(plan(Files(ROOT, texts), [checked({**ITEM, **item}) for item in items]))
    assert [(path, one.meanwhile) for path, one in changes] == [(ROOT, None), (MORE, None)]


def test_a_nic_whose_name_may_be_another_at_the_next_boot_is_told() -> None:
    now = Files(ROOT, {ROOT: LO + NIC}, unsteady={"eth0": "the kernel counts its names"})
    (said,) = notes(now, [checked({**ITEM, "take_over": "eth0"}, True)])
    assert said.startswith(
        "br0 would boot without its port if eth0 had another name then, and the kernel counts"
    )
    assert (
        notes(Files(ROOT, {ROOT: LO + NIC}), [checked({**ITEM, "take_over": "eth0"}, True)]) == []
    )
