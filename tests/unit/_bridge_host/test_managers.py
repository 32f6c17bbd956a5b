# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose files say what of a plan: one manager for all, none but ifupdown, and a host with NICs of two."""

from __future__ import annotations

from typing import Any

from ansible_collections.hypervisor.network.plugins.module_utils._bridge_host import managers
from ansible_collections.hypervisor.network.plugins.module_utils._bridge_host import (
    plan as role_plan,
)

BRIDGES = [
    {"name": "br0", "uplink": "eth0", "method": "dhcp"},
    {"name": "br1", "uplink": "eth1"},
    {"name": "inner"},
]
TAPS = [
    {"name": "tap0", "bridge": "br0"},
    {"name": "tap1", "bridge": "br1"},
    {"name": "tap2", "bridge": "inner"},
    {"name": "loose"},
]


def divided(
    owners: dict[str, str | None], host: str | None, beside: str | None = None, **items: Any
) -> tuple[list[str], list[dict[str, Any]], list[dict[str, Any]]]:
    """The names of the stanzas that come, and what each other manager is told of what comes and of what goes."""
    lists = role_plan.plan(**{"bridges": BRIDGES, "taps": TAPS, "guests": [], **items})
    plan, told = managers.divided(lists, owners, host, beside)
    stanzas = [one["name"] for one in plan["present"]["stanzas"]]
    return list(dict.fromkeys(stanzas)), told["present"], told["absent"]


def test_a_host_of_ifupdown_has_stanzas_and_nothing_else() -> None:
    names = ["br0", "br1", "inner", "tap0", "tap1", "tap2", "loose"]
    assert divided({"eth0": None, "eth1": None}, None) == (names, [], [])


def test_a_host_of_one_other_manager_has_no_stanza() -> None:
    stanzas, present, absent = divided(
        {"eth0": "networkd", "eth1": "networkd"}, "networkd",
        tenants=[{"name": "blue", "vlan": 10, "taps": ["tap0"]}],
    )  # fmt: skip
    assert (stanzas, absent) == ([], [])
    assert present == [
        {
            "manager": "networkd",
            "scope": "all",
            "bridges": ["br0", "br1", "inner"],
            "uplinks": ["eth0", "eth1"],
            "ports": [],
            "taps": ["tap0", "tap1", "tap2", "loose"],
        }
    ]


def test_a_nic_of_ifupdown_beside_one_of_networkd() -> None:
    stanzas, present, _absent = divided({"eth0": None, "eth1": "networkd"}, None)
    assert stanzas == ["br0", "inner", "tap0", "tap2", "loose"]
    assert present == [{"manager": "networkd", "scope": "all", "bridges": ["br1"], "uplinks": ["eth1"], "ports": [], "taps": ["tap1"]}]  # fmt: skip


def test_what_is_ifupdowns_is_told_too_where_others_are_to_be_kept_off() -> None:
    """It has its stanzas as before; and goes with them, whoever is there by then."""
    names = ["br0", "br1", "inner", "tap0", "tap1", "tap2", "loose"]
    stanzas, present, absent = divided({"eth0": None, "eth1": None}, None, "ifupdown2")
    assert (stanzas, absent) == (names, [])
    assert present == [
        {
            "manager": "ifupdown2",
            "scope": "hands_off",
            "bridges": ["br0", "br1", "inner"],
            "uplinks": ["eth0", "eth1"],
            "ports": [],
            "taps": ["tap0", "tap1", "tap2", "loose"],
        }
    ]
    _stanzas, present, _absent = divided({"eth0": None, "eth1": "networkd"}, None, "ifupdown")
    assert [(one["manager"], one["scope"], one["bridges"]) for one in present] == [
        ("networkd", "all", ["br1"]), ("ifupdown", "hands_off", ["br0", "inner"]),
    ]  # fmt: skip
    _stanzas, _present, absent = divided({}, None, "ifupdown", bridges=[], taps=[{"name": "tap9", "state": "absent"}])  # fmt: skip
    assert absent == [{"manager": "ifupdown", "scope": "hands_off", "bridges": [], "uplinks": [], "ports": [], "taps": ["tap9"]}]  # fmt: skip


def test_two_managers_beside_each_other() -> None:
    stanzas, present, _absent = divided(
        {"eth0": "networkmanager", "eth1": "networkd"}, "networkmanager"
    )
    assert stanzas == []
    assert [(one["manager"], one["bridges"], one["taps"]) for one in present] == [
        ("networkmanager", ["br0", "inner"], ["tap0", "tap2", "loose"]),
        ("networkd", ["br1"], ["tap1"]),
    ]


def test_what_goes_is_told_to_whom_it_was() -> None:
    gone = [{**one, "state": "absent"} for one in BRIDGES[:2]]
    taps = [{"name": "tap0", "state": "absent"}]
    stanzas, present, absent = divided(
        {"eth0": "networkmanager", "eth1": None}, None, bridges=gone, taps=taps
    )
    assert (stanzas, present) == ([], [])
    assert absent == [{"manager": "networkmanager", "scope": "all", "bridges": ["br0"], "uplinks": ["eth0"], "ports": [], "taps": ["tap0"]}]  # fmt: skip


def test_a_tap_that_goes_by_itself_goes_from_the_files_of_its_manager_too() -> None:
    owners: dict[str, str | None] = {"eth0": "networkd", "eth1": "networkd"}
    taps = [*TAPS[1:], {"name": "tap0", "state": "absent"}]
    _stanzas, _present, absent = divided(owners, "networkd", taps=taps)
    assert absent == [{"manager": "networkd", "scope": "all", "bridges": [], "uplinks": [], "ports": [], "taps": ["tap0"]}]  # fmt: skip


def test_who_gets_a_bridge_without_an_uplink() -> None:
    assert managers.of_the_host({"eth0": None, "eth1": "networkd"}, []) is None
    assert managers.of_the_host({"eth0": "netplan", "eth1": "networkd"}, []) == "netplan"
    assert managers.of_the_host({}, ["networkd", "networkd"]) == "networkd"
    assert managers.of_the_host({}, ["networkd", "networkmanager"]) is None
    assert managers.of_the_host({}, []) is None
