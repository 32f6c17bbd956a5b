# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VLANs: what users write, and what messages about them do to a bridge; the bridge is the one of harness/switch.py."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.hypervisor.network.plugins.module_utils._core import vlan as vlan_words
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    BadInput,
    KernelError,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.reconcile import reconcile
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    Address,
    Link,
    Snapshot,
)
from ansible_collections.hypervisor.network.plugins.module_utils._link import (
    bridge as bridge_planner,
)
from ansible_collections.hypervisor.network.plugins.module_utils._link import port as port_planner
from ansible_collections.hypervisor.network.plugins.module_utils._link.apply import LinkNoun
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import bridge_vlan, nla
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import layout
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import plan as uplink_plan
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.layout import Inet
from ansible_collections.hypervisor.network.tests.harness.switch import (
    BRIDGE,
    DELLINK,
    PVID,
    UNTAGGED,
    Switch,
)

NOTHING: dict[str, Any] = dict.fromkeys(vlan_words.SPEC) | {"vlans_mode": "exact"}


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
    found = vlan_words.wished({"name": "tap1", **NOTHING, **given_})
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
        vlan_words.wished({"name": "tap1", **NOTHING, **given_})
    assert str(caught.value) == sentence


def test_a_driver_that_bridges_by_itself_is_not_a_port() -> None:
    own = struct.pack("=BxHiII", 7, 1, 2, 0, 0) + nla.attribute(
        26, nla.attribute(0, b"\2\0") + nla.attribute(2, struct.pack("=HH", 0, 9))
    )
    assert bridge_vlan.decode([own], {2: "eth0"}) == {}


def test_a_range_is_two_attributes_and_the_bridge_itself_is_named() -> None:
    body = bridge_vlan.request(7, [(3, 3, "pvid untagged"), (100, 199, "tagged")], own=True)
    vlans = (
        nla.attribute(2, struct.pack("=HH", flags, vid))
        for flags, vid in ((6, 3), (8, 100), (16, 199))
    )
    assert body == struct.pack("=BxHiII", 7, 0, 7, 0, 0) + nla.attribute(
        26, nla.attribute(0, b"\2\0") + b"".join(vlans)
    )


def noun(switch: Switch) -> LinkNoun:
    return LinkNoun(switch)  # type: ignore[arg-type]


def port(name: str, **given_: Any) -> dict[str, Any]:
    options = (
        dict.fromkeys(port_planner.SPEC)
        | {"name": name, "bridge": BRIDGE, "state": "present"}
        | NOTHING
    )
    return {"port": [port_planner.checked({**options, **given_})]}


def bridge(**given_: Any) -> dict[str, Any]:
    return {
        "bridge": [
            bridge_planner.checked(
                {
                    **dict.fromkeys(bridge_planner.SPEC),
                    "name": BRIDGE,
                    "state": "present",
                    "force": True,
                    **given_,
                }
            )
        ]
    }


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
        expected = vlan_words.expanded(vlan_words.wished({"name": "p1", **NOTHING, **wish}) or {})
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


@given(st.dictionaries(st.integers(1, 4094), st.sampled_from(["tagged", "untagged"]), max_size=40))
def test_what_is_compact_is_the_same_vlans_in_few_words(vids: dict[int, str]) -> None:
    compact = vlan_words.compact(vids)
    assert vlan_words.expanded(compact) == vids
    ends = vlan_words.ranges(compact)
    assert all(
        later[0] > earlier[1] + 1 or later[2] != earlier[2]
        for earlier, later in zip(ends, ends[1:])
    )


ADDRESS = Address("br0", "192.0.2.1/24", 2)


def reached(dev: str = "br0", own: dict[str, str] | None = None, **more: Link) -> Snapshot:
    """A bridge whose host is reached over one of its devices."""
    options = {"vlan_filtering": True, "vlan_protocol": "802.1Q", "vlan_default_pvid": 1}
    links = {
        "br0": Link(
            "br0",
            1,
            "bridge",
            1,
            options=options,
            vlans=own or {"1": "pvid untagged", "10": "tagged"},
        ),
        **more,
    }
    return Snapshot(links, (Address(dev, "192.0.2.1/24", 2),))


ON_10 = {"br0.10": Link("br0.10", 2, "vlan", 1, lower="br0", options={"id": 10})}
ON_THAT = {**ON_10, "mv0": Link("mv0", 3, "macvlan", 1, lower="br0.10")}
NIC = {
    "eth0": Link(
        "eth0",
        9,
        "",
        0x10001,
        master="br0",
        port={},
        vlans={"1": "pvid untagged", "10": "tagged", "20": "tagged"},
    )
}
TAP = {"eth0": Link("eth0", 9, "tun", 0x10001, master="br0", port={}, vlans=NIC["eth0"].vlans)}


@pytest.mark.parametrize(
    ("now", "vlans", "risk"),
    [
        (reached(), [{"vid": 1, "pvid": True, "untagged": True}], "safe"),
        (reached(), [{"vid": 10}], "may_cut_ssh"),
        (reached(), [{"vid": 1, "pvid": True}, {"vid": 10}], "may_cut_ssh"),
        (
            reached(),
            [{"vid": 1, "untagged": True}, {"vid": 10, "pvid": True, "untagged": True}],
            "may_cut_ssh",
        ),
        (reached("br0.10", **ON_10), [{"vid": 10}], "safe"),
        (reached("br0.10", **ON_10), [{"vid": 1, "pvid": True, "untagged": True}], "may_cut_ssh"),
        (reached("br0.10", **ON_10), [{"vid": 10, "untagged": True}], "may_cut_ssh"),
        (reached("mv0", **ON_THAT), [], "may_cut_ssh"),
        (reached("elsewhere", **ON_10), [], "safe"),
    ],
)
def test_taking_the_hosts_own_vlan_from_the_bridge_may_cut_it_off(
    now: Snapshot, vlans: list[dict[str, Any]], risk: str
) -> None:
    (change,) = noun(Switch()).plan(now, bridge(self_vlans=vlans))
    assert change.risk == risk


@pytest.mark.parametrize(
    ("now", "options", "risk"),
    [
        (reached(**NIC), {"trunk_vlans": ["10", "20"], "native_vlan": 1}, None),
        (reached(**NIC), {"trunk_vlans": ["10", "20", "30"], "native_vlan": 1}, "safe"),
        (reached(**NIC), {"trunk_vlans": ["10"], "native_vlan": 1}, "interrupts"),
        (reached(**NIC), {"trunk_vlans": ["10", "20"]}, "may_cut_ssh"),
        (reached(**NIC), {"trunk_vlans": ["1", "10", "20"]}, "may_cut_ssh"),
        (reached(**NIC), {"trunk_vlans": ["1", "10", "20"], "native_vlan": 20}, "may_cut_ssh"),
        (reached("br0.10", **ON_10, **NIC), {"trunk_vlans": ["10", "20"]}, "interrupts"),
        (
            reached("br0.10", **ON_10, **NIC),
            {"trunk_vlans": ["20"], "native_vlan": 1},
            "may_cut_ssh",
        ),
        (reached("elsewhere", **ON_10, **NIC), {"vlans": []}, "interrupts"),
        (reached(**TAP), {"vlans": []}, "interrupts"),
    ],
)
def test_taking_the_hosts_own_vlan_from_the_uplink_may_cut_it_off(
    now: Snapshot, options: dict[str, Any], risk: str | None
) -> None:
    assert [change.risk for change in noun(Switch()).plan(now, port("eth0", **options))] == (
        [] if risk is None else [risk]
    )


def test_an_uplink_that_comes_back_into_its_bridge_has_its_options_and_vlans_again() -> None:
    now = reached(eth0=replace(NIC["eth0"], port={"isolated": False, "cost": 4}))
    before = Inet(now.links, now.addresses)
    left = {**now.links, "eth0": replace(now.links["eth0"], master=None, port=None, vlans=None)}
    back = uplink_plan.plan(Inet(left, now.addresses), layout.layout_of(before, "eth0", "br0"))
    assert [(change.action, change.after) for change in back] == [
        (
            "attach",
            {
                "bridge": "br0",
                "isolated": False,
                "cost": 4,
                "vlans": {"1": "pvid untagged", "10": "tagged", "20": "tagged"},
            },
        )
    ]


@pytest.mark.parametrize(
    "option", [{"vlan_default_pvid": 0}, {"vlan_filtering": False}, {"vlan_protocol": "802.1ad"}]
)
def test_what_moves_the_vlans_of_all_may_cut_off_a_host_on_a_vlan_device(
    option: dict[str, Any],
) -> None:
    (change,) = noun(Switch()).plan(reached("br0.10", **ON_10), bridge(**option))
    assert change.risk == "may_cut_ssh"
