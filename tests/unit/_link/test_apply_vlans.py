# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever VLANs are wished for on the way: what messages about them do to a bridge, the one of harness/model/switch.py."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.hypervisor.network.plugins.module_utils._core import vlan as vlan_words
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import KernelError
from ansible_collections.hypervisor.network.plugins.module_utils._core.reconcile import reconcile
from ansible_collections.hypervisor.network.tests.harness.model.switch import (
    DELLINK,
    NO_VLANS,
    PVID,
    UNTAGGED,
    Switch,
    bridge,
    noun,
    port,
)

MANY = settings(max_examples=400, deadline=None)
FEW = st.integers(1, 3)  # so that they meet
VIDS = st.one_of(FEW, st.integers(1, 4094), st.sampled_from([1, 4094]))
RANGES = st.tuples(VIDS, st.integers(0, 300)).map(
    lambda pair: f"{pair[0]}-{min(4094, pair[0] + pair[1])}"
)


@st.composite
def raw(draw: st.DrawFn) -> list[dict[str, Any]]:
    """A valid list of VLANs."""
    vids = draw(st.lists(VIDS, unique=True, max_size=5))
    pvid = draw(st.sampled_from([None, *vids]))
    return [
        {"vid": vid, "pvid": vid == pvid, "untagged": vid == pvid or draw(st.booleans())}
        for vid in vids
    ]


PORTS = st.one_of(
    VIDS.map(lambda vid: {"access_vlan": vid}),
    st.lists(st.one_of(VIDS.map(str), RANGES), max_size=5).map(lambda vids: {"trunk_vlans": vids}),
    st.tuples(st.lists(RANGES, max_size=3), VIDS).map(
        lambda pair: {"trunk_vlans": pair[0], "native_vlan": pair[1]}
    ),
    raw().map(lambda entries: {"vlans": entries}),
)
DEFAULTS = st.integers(0, 3)
MODES = st.sampled_from(["exact", "merge"])
WISHES = st.one_of(
    st.builds(lambda options, mode: port("p1", vlans_mode=mode, **options), PORTS, MODES),
    raw().map(lambda entries: bridge(self_vlans=entries)),
    DEFAULTS.map(lambda vid: bridge(vlan_default_pvid=vid)),
    st.tuples(DEFAULTS, raw()).map(
        lambda pair: bridge(vlan_default_pvid=pair[0], self_vlans=pair[1])
    ),
)


def vids_of(switch: Switch) -> dict[str, dict[int, int]]:
    return {name: dict(vids) for name, vids in switch.all.items()}


@MANY
@given(st.lists(WISHES, min_size=1, max_size=4))
def test_any_wish_is_fulfilled_and_then_nothing_is_left_to_plan(
    wishes: list[dict[str, Any]],
) -> None:
    switch = Switch("p1", "p2")
    for wish in wishes:
        reconcile(noun(switch), wish)
        assert not reconcile(noun(switch), wish).changed


@given(PORTS, PORTS)
def test_exactly_what_is_wished_for_whatever_was_there(
    first: dict[str, Any], second: dict[str, Any]
) -> None:
    switch = Switch("p1")
    for wish in (first, second, first):
        reconcile(noun(switch), port("p1", **wish))
        expected = vlan_words.expanded(vlan_words.wished({"name": "p1", **NO_VLANS, **wish}) or {})
        bits = {
            "tagged": 0,
            "untagged": UNTAGGED,
            "pvid untagged": PVID | UNTAGGED,
            "pvid tagged": PVID,
        }
        assert switch.ports["p1"] == {vid: bits[words] for vid, words in expected.items()}


@given(PORTS, PORTS)
def test_nothing_leaks_on_the_way_and_what_stays_is_never_missing(
    first: dict[str, Any], second: dict[str, Any]
) -> None:
    switch = Switch("p1")
    reconcile(noun(switch), port("p1", **first))
    before = dict(switch.ports["p1"])
    switch.sent.clear()
    reconcile(noun(switch), port("p1", **second))
    after = switch.ports["p1"]
    kinds = [kind for kind, _vids in switch.sent]
    assert kinds == sorted(kinds, key=lambda kind: kind != DELLINK) and len(kinds) <= 2
    for _kind, seen in switch.sent:
        vids = seen["p1"]
        assert set(before) & set(after) <= set(vids)
        assert set(vids) <= set(before) or set(vids) <= set(after), (
            "old and new VLANs at the same time"
        )
        kept = [vid for vid, bits in before.items() if bits & PVID and after.get(vid, 0) & PVID]
        assert all(vids[vid] & PVID for vid in kept)


@MANY
@given(st.lists(WISHES, max_size=3), WISHES, st.integers(1, 5))
def test_a_failure_at_any_write_leaves_the_vlans_of_all_as_they_were(
    earlier: list[dict[str, Any]], wish: dict[str, Any], at: int
) -> None:
    switch = Switch("p1", "p2")
    for one in earlier:
        reconcile(noun(switch), one)
    before, default = vids_of(switch), switch.options["vlan_default_pvid"]
    switch.sent.clear()
    switch.fail_at = at
    try:
        reconcile(noun(switch), wish)
    except KernelError as error:
        assert "undone" in str(error)
        assert (vids_of(switch), switch.options["vlan_default_pvid"]) == (before, default)


def test_ports_that_had_the_new_default_before_keep_it_on_the_way_back() -> None:
    """Else the kernel would take them along with the default."""
    switch = Switch("p1", "p2")
    reconcile(noun(switch), port("p1", access_vlan=2))
    before = vids_of(switch)
    switch.sent.clear()
    switch.fail_at = 2
    with pytest.raises(KernelError, match="undone"):
        reconcile(
            noun(switch),
            bridge(vlan_default_pvid=2, self_vlans=[{"vid": 1, "pvid": True, "untagged": True}]),
        )
    assert vids_of(switch) == before


@MANY
@given(st.lists(WISHES, max_size=3), DEFAULTS)
def test_what_a_new_default_does_is_foreseen(earlier: list[dict[str, Any]], new: int) -> None:
    switch = Switch("p1")
    for one in earlier:
        reconcile(noun(switch), one)
    now = noun(switch).read().links
    old = switch.options["vlan_default_pvid"]
    reconcile(noun(switch), bridge(vlan_default_pvid=new))
    after = noun(switch).read().links
    assert {name: vlan_words.rewritten(link.vlans, old, new) for name, link in now.items()} == {
        name: dict(link.vlans) for name, link in after.items()
    }
