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
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    BadInput,
)
from ansible_collections.hypervisor.network.tests.harness.switch import (
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


@given(st.dictionaries(st.integers(1, 4094), st.sampled_from(["tagged", "untagged"]), max_size=40))
def test_what_is_compact_is_the_same_vlans_in_few_words(vids: dict[int, str]) -> None:
    compact = vlan_words.compact(vids)
    assert vlan_words.expanded(compact) == vids
    ends = vlan_words.ranges(compact)
    assert all(
        later[0] > earlier[1] + 1 or later[2] != earlier[2]
        for earlier, later in zip(ends, ends[1:])
    )
