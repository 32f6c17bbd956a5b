# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VLANs: what users write, and its one canonical form."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hypervisor.network.plugins.module_utils._core import vlan as vlan_words
from ansible_collections.hypervisor.network.plugins.module_utils._core.arguments import typed
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    BadInput,
    Refused,
    Unsupported,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.tests.harness.model.switch import (
    NO_VLANS,
)


@pytest.mark.parametrize(
    ("given_", "canonical"),
    [
        ({}, None),
        ({"access_vlan": 10}, {"10": "pvid untagged"}),
        ({"trunk_vlans": []}, {}),
        (
            {"trunk_vlans": ["20", "100-199", "200", "150-160"]},
            {"20": "tagged", "100-200": "tagged"},
        ),
        (
            {"trunk_vlans": [" 7 ", 9], "native_vlan": 8},
            {"7": "tagged", "8": "pvid untagged", "9": "tagged"},
        ),
        (
            {"trunk_vlans": ["1-3"], "native_vlan": 2},
            {"1": "tagged", "2": "pvid untagged", "3": "tagged"},
        ),
        ({"trunk_vlans": ["1-4094"]}, {"1-4094": "tagged"}),
        ({"vlans": []}, {}),
        ({"vlans": [{"vid": 5, "pvid": True}]}, {"5": "pvid tagged"}),
        (
            {
                "vlans": [
                    {"vid": "6-9", "untagged": True},
                    {"vid": "5", "pvid": True, "untagged": True},
                    {"vid": "10"},
                ]
            },
            {"5": "pvid untagged", "6-9": "untagged", "10": "tagged"},
        ),
    ],
)
def test_the_forms_of_a_wish_have_one_canonical_form(
    given_: dict[str, Any], canonical: dict[str, str] | None
) -> None:
    found = vlan_words.wished({"name": "tap1", **NO_VLANS, **given_})
    assert found == canonical
    if found is not None:
        assert vlan_words.of_entries(vlan_words.as_list(found), "vlans") == found


@pytest.mark.parametrize(
    ("given_", "sentence"),
    [
        (
            {"access_vlan": 0},
            "tap1: access_vlan 0 is no VLAN: they go from 1 to 4094, since 0 and 4095 are reserved.",
        ),
        (
            {"access_vlan": 4095},
            "tap1: access_vlan 4095 is no VLAN: they go from 1 to 4094, since 0 and 4095 are reserved.",
        ),
        (
            {"trunk_vlans": ["ten"]},
            "tap1: trunk_vlans 'ten' is neither a VLAN nor a range of them; write it like 20 or 100-199.",
        ),
        (
            {"trunk_vlans": ["-5"]},
            "tap1: trunk_vlans '-5' is neither a VLAN nor a range of them; write it like 20 or 100-199.",
        ),
        ({"trunk_vlans": ["9-5"]}, "tap1: trunk_vlans 9-5 ends before it begins; write 5-9."),
        (
            {"trunk_vlans": ["1-4095"]},
            "tap1: trunk_vlans 4095 is no VLAN: they go from 1 to 4094, since 0 and 4095 are reserved.",
        ),
        (
            {"native_vlan": 5},
            "tap1: native_vlan is the untagged VLAN of a trunk; give trunk_vlans with it, or access_vlan instead.",
        ),
        (
            {"access_vlan": 5, "native_vlan": 5},
            "tap1: native_vlan is the untagged VLAN of a trunk; give trunk_vlans with it, or access_vlan instead.",
        ),
        (
            {"access_vlan": 5, "vlans": []},
            "tap1: access_vlan and vlans are both given, and each says all of the port's VLANs; keep one of them.",
        ),
        (
            {"vlans": [{"vid": "5-6", "pvid": True}]},
            "tap1: vlans gives pvid to the range 5-6, but untagged frames belong to one VLAN; name that one by itself.",
        ),
        (
            {"vlans": [{"vid": 5, "pvid": True}, {"vid": 7, "pvid": True}]},
            "tap1: vlans gives pvid to 5 and to 7, but untagged frames belong to one VLAN; keep one.",
        ),
        (
            {"vlans": [{"vid": "5-8"}, {"vid": 7, "untagged": True}]},
            "tap1: vlans names VLAN 7 twice; describe each VLAN once.",
        ),
    ],
)
def test_a_wish_that_means_nothing_is_refused(given_: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BadInput) as caught:
        vlan_words.wished({"name": "tap1", **NO_VLANS, **given_})
    assert str(caught.value) == sentence


def test_an_entry_of_a_task_names_its_vlan_and_is_a_tagged_one_unless_it_says_more() -> None:
    spec = {"vlans": vlan_words.ITEM}
    given_, wrong = typed({"vlans": [{"vid": 20}]}, spec)
    assert not wrong and vlan_words.of_entries(given_["vlans"], "vlans") == {"20": "tagged"}
    assert typed({"vlans": [{"untagged": True}]}, spec)[1] == [
        "missing required arguments: vid found in vlans"
    ]


@given(st.dictionaries(st.integers(1, 4094), st.sampled_from(["tagged", "untagged"]), max_size=40))
def test_what_is_compact_is_the_same_vlans_in_few_words(vids: dict[int, str]) -> None:
    compact = vlan_words.compact(vids)
    assert vlan_words.expanded(compact) == vids
    ends = vlan_words.ranges(compact)
    assert all(
        later[0] > earlier[1] + 1 or later[2] != earlier[2]
        for earlier, later in zip(ends, ends[1:])
    )


VLANS = st.dictionaries(
    st.integers(1, 12), st.sampled_from(["tagged", "untagged"]), max_size=8
).map(vlan_words.compact)


@given(VLANS, VLANS)
def test_taking_away_and_then_giving_leads_to_what_is_wished(
    now: dict[str, str], wish: dict[str, str]
) -> None:
    gone, come = vlan_words.steps(now, wish)
    there = vlan_words.expanded(now)
    for first, last, _words in gone:
        for vid in range(first, last + 1):
            del there[vid]
    there.update(vlan_words.expanded(vlan_words.written(come)))
    assert there == vlan_words.expanded(wish)
    kept = {vid for vid, words in vlan_words.expanded(now).items() if there.get(vid) == words}
    assert not [
        vid for first, last, _words in come for vid in range(first, last + 1) if vid in kept
    ]
    assert vlan_words.lost(now, wish) == set(vlan_words.expanded(now)) - kept


def test_where_nobody_knows_what_is_there_all_else_is_taken_away() -> None:
    gone, come = vlan_words.steps(None, {"10-20": "tagged"})
    assert [row[:2] for row in gone] == [(1, 9), (21, 4094)] and come == [(10, 20, "tagged")]


def test_what_is_merged_over_a_pvid_leaves_the_old_one_as_a_member() -> None:
    now = {"1": "pvid untagged", "5": "pvid tagged", "7": "tagged"}
    assert vlan_words.merged(now, {"9": "pvid untagged"}) == {
        "1": "untagged",
        "5": "tagged",
        "7": "tagged",
        "9": "pvid untagged",
    }
    assert vlan_words.merged({"1": "pvid untagged"}, {"9": "tagged"}) == {
        "1": "pvid untagged",
        "9": "tagged",
    }


def test_lists_are_what_the_option_takes_and_other_keys_stay() -> None:
    device = {"name": "tap1", "vlans": {"5": "pvid untagged", "6-9": "tagged"}, "self_vlans": None}
    assert vlan_words.shown(device) == {
        "name": "tap1",
        "vlans": [
            {"vid": 5, "pvid": True, "untagged": True},
            {"vid": "6-9", "pvid": False, "untagged": False},
        ],
        "self_vlans": None,
    }


def test_the_vlan_of_untagged_frames() -> None:
    assert vlan_words.pvids({"1-4": "tagged", "5": "pvid tagged"}) == {5}
    assert vlan_words.pvids({"1": "untagged"}) == set()


@pytest.mark.parametrize(
    ("vlans", "old", "new", "after"),
    [
        ({"1": "pvid untagged", "9": "tagged"}, 1, 5, {"5": "pvid untagged", "9": "tagged"}),
        ({"1": "untagged", "9": "pvid untagged"}, 1, 5, {"1": "untagged", "9": "pvid untagged"}),
        ({"1": "pvid untagged", "5": "tagged"}, 1, 5, {"1": "pvid untagged", "5": "tagged"}),
        ({"9": "pvid untagged"}, 0, 5, {"5": "pvid untagged", "9": "untagged"}),
        ({"1": "pvid untagged"}, 1, 0, {}),
        ({"1": "pvid untagged"}, 1, 1, {"1": "pvid untagged"}),
    ],
    ids=["goes along", "has left it", "has the new one", "from none", "to none", "no change"],
)
def test_what_a_new_default_makes_of_a_ports_vlans(
    vlans: dict[str, str], old: int, new: int, after: dict[str, str]
) -> None:
    assert vlan_words.rewritten(vlans, old, new) == after


def test_what_joins_a_bridge_gets_its_default() -> None:
    def bridge(**options: Any) -> Link:
        return Link("br0", 1, "bridge", options=options)

    assert vlan_words.of_a_new_port(bridge(vlan_default_pvid=7)) == {"7": "pvid untagged"}
    assert vlan_words.of_a_new_port(bridge(vlan_default_pvid=0)) == {}
    assert vlan_words.of_a_new_port(bridge()) is None and vlan_words.of_a_new_port(None) is None


@pytest.mark.parametrize(
    ("bridge", "vlan"),
    [
        (None, 1),
        ({"name": "br0"}, 1),
        ({"name": "br0", "vlan_default_pvid": None}, 1),
        ({"name": "br0", "vlan_default_pvid": 0}, 0),
        ({"name": "br0", "vlan_default_pvid": 7}, 7),
    ],
)
def test_the_vlan_that_a_bridge_of_a_task_gives_is_the_kernels_unless_it_says_one(
    bridge: dict[str, Any] | None, vlan: int
) -> None:
    assert vlan_words.default_vlan(bridge) == vlan


@pytest.mark.parametrize(
    ("options", "kind", "words"),
    [
        ({}, Unsupported, "CONFIG_BRIDGE_VLAN_FILTERING"),
        ({"vlan_protocol": "802.1Q", "vlan_filtering": False}, Refused, "vlan_filtering: true"),
    ],
)
def test_vlans_that_would_be_ignored_are_refused(
    options: dict[str, Any], kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words) as caught:
        vlan_words.check_filtering("br0", options, "the VLANs of tap1")
    assert caught.type is kind and "the VLANs of tap1 would be ignored" in str(caught.value)


def test_vlans_of_a_bridge_that_filters_are_fine() -> None:
    vlan_words.check_filtering("br0", {"vlan_protocol": "802.1Q", "vlan_filtering": True}, "they")


@pytest.mark.parametrize(
    ("own", "begins", "carried"),
    [
        ({"1": "pvid untagged"}, {"1": "pvid untagged"}, {"1": "pvid untagged"}),
        ({"10": "pvid untagged"}, {}, {"10": "pvid untagged"}),
        # the default would be a second VLAN whose frames leave untagged
        ({"10": "pvid untagged"}, {"1": "pvid untagged"}, {"10": "pvid untagged"}),
        (
            {"1": "tagged", "10": "pvid untagged"},
            {"1": "pvid untagged"},
            {"1": "tagged", "10": "pvid untagged"},
        ),
        (
            {"10": "pvid untagged", "20-29": "tagged"},
            {},
            {"10": "pvid untagged", "20-29": "tagged"},
        ),
        # the host leaves untagged frames to the default, or is in no VLAN at all
        ({"20": "tagged"}, {"1": "pvid untagged"}, {"1": "pvid untagged", "20": "tagged"}),
        ({}, {"1": "pvid untagged"}, {"1": "pvid untagged"}),
        ({}, {}, {}),
    ],
)
def test_an_uplink_carries_what_the_host_is_in(
    own: dict[str, str], begins: dict[str, str], carried: dict[str, str]
) -> None:
    assert vlan_words.of_an_uplink(own, begins) == carried
