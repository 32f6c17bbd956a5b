# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which device is meant: refused where it is another one, and followed on the way back."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._dhcp.client import Client
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.route import Hop
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import identity, layout
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.apply import UplinkNoun
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.layout import Inet
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.preflight import Spec
from ansible_collections.hypervisor.network.tests.harness.model import simulated

MAC = "52:54:00:00:00:10"
NIC = Link("eth0", 2, "", 1, MAC)


@pytest.mark.parametrize(
    ("there", "by_name", "said"),
    [
        (NIC, 2, ""),
        (None, None, "eth0 was deleted while it was looked at; nothing more"),
        (None, 7, "eth0 was deleted while it was looked at, and another device has its name;"),
        (replace(NIC, name="lan0"), 7, "eth0 was renamed to lan0 while it was looked at;"),
        (replace(NIC, mac="02:00:00:00:00:01"), 2, "eth0 got the MAC 02:00:00:00:00:01 while"),
    ],
)
def test_another_device_is_one_sentence(there: Link | None, by_name: int | None, said: str) -> None:
    sentence = identity.objection(NIC, there, by_name)
    assert sentence.startswith(said) and (sentence == "") == (said == "")


def test_a_device_whose_mac_is_not_meant_may_have_any() -> None:
    assert identity.objection(replace(NIC, mac=None), NIC, 2) == ""


def test_two_that_have_changed_names_are_told_apart_by_their_index() -> None:
    assert identity.renamed({1: "lo", 2: "eth0", 3: "eth1", 4: "gone"}, {1: "lo", 2: "eth1", 3: "eth0"}) == {"eth0": "eth1", "eth1": "eth0"}  # fmt: skip


def test_a_layout_follows_its_devices_and_rules_keep_their_words() -> None:
    now = Inet(
        {"eth0": NIC},
        (simulated.address("eth0", "10.77.0.10/24"),),
        routes=(simulated.route("default", Hop("eth0", "10.77.0.1"), Hop("eth1", "10.88.0.1")),),
        rules=(simulated.rule(iif="eth0"),),
        neighbours=(simulated.neighbour("eth0", "10.77.0.1"),),
        sysctls={"ipv4/conf/eth0/rp_filter": "1"},
        clients=(Client("eth0", "dhclient", ("dhclient", "eth0")),),
    )
    wish = layout.layout_of(now, "eth0", "br0")
    found = identity.follow(replace(wish, made=wish), {"eth0": "lan0", "eth1": "eth0"})
    assert (found.nic, found.bridge, found.master) == ("lan0", "br0", None)
    assert [one.dev for one in (*found.addresses, *found.neighbours)] == ["lan0", "lan0"]
    assert [hop.dev for hop in found.routes[0].hops] == ["lan0", "eth0"]
    assert found.sysctls == {"ipv4/conf/lan0/rp_filter": "1"} and found.rules == now.rules
    assert found.clients[0].argv == ("dhclient", "lan0")
    assert found.made is not None and found.made.nic == "lan0"


class Watched(UplinkNoun):
    """It tells what is looked at and what is done, and does nothing."""

    def __init__(self) -> None:
        super().__init__(SimpleNamespace(), Spec("eth0", "br0"))  # type: ignore[arg-type]
        self.told: list[str] = []

    def _check(self, meant: Link) -> None:
        self.told.append(f"look at {meant.name}")

    def _carry_out(self, change: Change, now: Any) -> None:
        self.told.append(change.action)


def test_a_bridge_that_the_way_back_has_deleted_is_not_looked_for_in_the_steps_after_it() -> None:
    """Seen: the NIC's manager never got it back, because the bridge "was deleted while it was looked at"."""
    noun = Watched()
    now = Inet({"eth0": Link("eth0", 2), "br0": Link("br0", 3, "bridge")}, ())
    noun.apply(
        [
            Change("delete", "bridge", "br0", {}, None),
            Change("release", "manager", "eth0", {}, {}),
        ],
        now,
    )
    assert noun.told == ["look at eth0", "look at br0", "delete", "look at eth0", "release"]
