# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A user's items: each option of the type that its module documents, none that no module has."""

from __future__ import annotations

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._bridge_host import items
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import BadInput
from ansible_collections.hypervisor.network.tests.harness.model.role_lists import (
    is_one_sentence,
    of_variables,
    plan,
)


def test_words_of_templates_and_ini_files_become_what_they_mean() -> None:
    bridge = plan(
        [{"name": "br0", "stp_state": "no", "mtu": "1500", "forward_delay": "0", "alias": None}]
    )["present"]["bridges"][0]
    assert bridge == {
        "up": True,
        "name": "br0",
        "mtu": 1500,
        "stp_state": False,
        "forward_delay": 0.0,
    }


def test_a_misspelt_option_is_refused_by_name() -> None:
    with pytest.raises(BadInput, match="forward_dealy"):
        plan([{"name": "br0", "forward_dealy": 0}])


def test_a_wrong_type_is_one_sentence() -> None:
    is_one_sentence(of_variables([{"name": "br0", "mtu": "large"}]), "br0", "mtu")


def test_a_misspelt_option_is_told_with_the_one_that_was_meant() -> None:
    is_one_sentence(
        [f"{one[:-1]}." for one in of_variables([{"name": "br0", "forward_dealy": 0}])],
        "br0",
        "forward_dealy",
        "'forward_delay'",
    )
    is_one_sentence(
        [
            f"{one[:-1]}."
            for one in of_variables(guests=[{"name": "vm1", "nics": [{"tap": "t", "macc": "x"}]}])
        ],
        "vm1",
        "nics",
        "'mac'",
    )
    is_one_sentence(
        [
            f"{one[:-1]}."
            for one in of_variables(guests=[{"name": "vm1", "cloud_init": {"userdata": "x"}}])
        ],
        "vm1",
        "cloud_init",
        "'user_data'",
    )
    is_one_sentence(of_variables([{"name": "br0", "qqq": 0}]), "br0", "qqq", "uplink")


def test_an_item_without_a_name_is_told() -> None:
    is_one_sentence(of_variables([{"uplink": "eth0"}]), "name")


def test_what_goes_is_told_from_what_is_to_be_there() -> None:
    stays, goes = {"name": "vm1"}, {"name": "vm2", "state": "absent"}
    assert items.kept(stays) and items.dropped([stays, goes]) == [goes]


def test_taps_of_a_guest_are_those_of_its_nics() -> None:
    assert items.taps_of({"name": "vm1", "nics": [{"tap": "tap1"}, {"tap": "tap2"}]}) == [
        "tap1",
        "tap2",
    ]
    assert items.taps_of({"name": "vm1"}) == [] == items.taps_of({"name": "vm1", "nics": None})


def test_an_item_has_no_defaults_so_that_the_module_decides() -> None:
    every = [*items.BRIDGE.values(), *items.TAP.values(), *items.GUEST.values()]
    assert not [option for option in every if "default" in option]
    assert items.BRIDGE["name"]["required"] and "netns" not in items.TAP
