# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forwarding entries: the planner as golden triplets (fixtures/fdb), bad input, and the messages.

C(current.yml) holds links as those of harness/triplets, entries in the words of C(bridge fdb), and the neighbours of the host by bridge;
C(desired.yml) the parameters as a user types them; C(changes.yml) the plan in words, or the error's class and sentence. Nothing here writes them.
"""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core import errors
from ansible_collections.hypervisor.network.plugins.module_utils._core.module import items_of
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change, Outcome
from ansible_collections.hypervisor.network.plugins.module_utils._fdb import apply as fdb_apply
from ansible_collections.hypervisor.network.plugins.module_utils._fdb import plan as fdb_plan
from ansible_collections.hypervisor.network.plugins.module_utils._fdb import spec as fdb_spec
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.neigh import (
    NTF_EXT_LEARNED,
    NTF_STICKY,
    Forwarding,
    Neighbour,
    peers,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.socket import Message
from ansible_collections.hypervisor.network.tests.harness.triplets import (
    FIXTURES,
    load,
    snapshot_of,
)

CASES = FIXTURES / "fdb"
MAC = "52:54:00:00:00:01"


def entry(text: str) -> Forwarding:
    """An entry as C(bridge fdb show) prints it: C(MAC dev PORT [vlan 10] master BRIDGE [static] [sticky] [used SECONDS])."""
    mac, *words = text.split()
    says = {word: words[number + 1] for number, word in enumerate(words[:-1])}
    flags = NTF_STICKY * ("sticky" in words) | NTF_EXT_LEARNED * ("extern_learn" in words)
    vlan = int(says["vlan"]) if "vlan" in says else None
    local = "permanent" in words
    return Forwarding(
        says["master"],
        says["dev"],
        mac,
        vlan,
        local,
        local or "static" in words,
        float(says.get("used", 0)),
        flags,
    )


def table_of(current: dict[str, Any]) -> fdb_plan.Table:
    host = snapshot_of(current)
    entries = tuple(entry(text) for text in current.get("entries", []))
    neighbours = [
        Neighbour(dev, "192.0.2.1", 2, mac, 2) for dev, mac in current.get("neighbours", [])
    ]
    return fdb_plan.Table(replace(host, peers=peers(neighbours, entries)), entries)


def wish_of(desired: dict[str, Any]) -> dict[str, Any]:
    filters = {
        key: value.get("default") for key, value in fdb_spec.FLUSH["flush"]["options"].items()
    }
    if desired.get("flush") is not None:
        desired = {**desired, "flush": {**filters, **desired["flush"]}}
    params = {
        "entries": None,
        "flush": None,
        **{key: value.get("default") for key, value in fdb_spec.SPEC.items()},
        **desired,
    }
    return fdb_spec.checked(items_of(params, fdb_spec.SPEC, "entries", ("netns", "flush")), params)


@pytest.mark.parametrize("case", sorted(CASES.iterdir()), ids=lambda case: case.name)
def test_current_and_desired_give_exactly_these_changes(case: Path) -> None:
    expected = load(case, "changes")
    now = table_of(load(case, "current"))
    if isinstance(expected, dict):
        with pytest.raises(errors.HypervisorNetworkError) as caught:
            fdb_plan.plan(now, wish_of(load(case, "desired")))
        assert (type(caught.value).__name__, str(caught.value)) == (
            expected["error"],
            expected["says"],
        )
    else:
        assert [
            change.as_dict() for change in fdb_plan.plan(now, wish_of(load(case, "desired")))
        ] == expected


def applied(now: fdb_plan.Table, changes: list[Change]) -> fdb_plan.Table:
    """The table after a plan, by the words of its changes alone, as a kernel that does what it is told."""
    found = {(one.bridge, one.mac, one.vlan): one for one in now.entries}
    for change in changes:
        mac, _in, bridge, *vlan = change.name.split()
        key = (bridge, mac, int(vlan[1]) if vlan else None)
        if change.after is None:
            del found[key]
            continue
        says = {
            "port": None,
            "type": "dynamic",
            "sticky": False,
            "extern_learn": False,
            **(fdb_plan.values(found[key]) if key in found else {}),
            **change.after,
        }
        if change.action == "recreate" and "extern_learn" not in change.after:
            says["extern_learn"] = False
        words = [
            f"{mac} dev {says['port']} master {bridge}",
            says["type"],
            *(word for word in ("sticky", "extern_learn") if says[word]),
        ]
        found[key] = entry(" ".join(words))._replace(vlan=key[2])
    return replace(now, entries=tuple(found.values()))


PLANS = [case for case in sorted(CASES.iterdir()) if isinstance(load(case, "changes"), list)]


@pytest.mark.parametrize("case", PLANS, ids=lambda case: case.name)
def test_a_plan_that_is_carried_out_leaves_nothing_to_plan(case: Path) -> None:
    now, wish = table_of(load(case, "current")), wish_of(load(case, "desired"))
    assert fdb_plan.plan(applied(now, fdb_plan.plan(now, wish)), wish) == []


@pytest.mark.parametrize("case", PLANS, ids=lambda case: case.name)
def test_the_way_back_leads_to_what_was(case: Path) -> None:
    now, wish = table_of(load(case, "current")), wish_of(load(case, "desired"))
    changes = fdb_plan.plan(now, wish)
    after = applied(now, changes)
    back = applied(after, fdb_plan.plan(after, fdb_plan.wish_back(now, changes)))
    assert {
        (one.bridge, one.mac, one.vlan, *fdb_plan.values(one).items()) for one in back.entries
    } == {(one.bridge, one.mac, one.vlan, *fdb_plan.values(one).items()) for one in now.entries}


@pytest.mark.parametrize("case", PLANS, ids=lambda case: case.name)
def test_check_mode_describes_what_the_run_would_make(case: Path) -> None:
    now, wish = table_of(load(case, "current")), wish_of(load(case, "desired"))
    changes = tuple(fdb_plan.plan(now, wish))
    predicted = fdb_plan.describe(Outcome(changes, now, now), wish["entries"])
    after = fdb_plan.describe(Outcome(changes, now, applied(now, list(changes))), wish["entries"])
    assert predicted == after and len(after) == len(wish["entries"])


BAD = [
    ({}, "Nothing is named: give 'mac', a list in 'entries', or 'flush'."),
    ({"mac": MAC, "entries": []}, "Both 'mac' and 'entries' are given"),
    ({"flush": {}}, "'flush' is given without 'bridge'"),
    ({"bridge": "br0", "flush": {"vlan": 4095}}, "flush: vlan 4095 is no VLAN"),
    ({"bridge": "br0", "flush": {"port": "-x"}}, "port '-x'"),
    ({"bridge": "br0", "entries": [{"port": "tap1"}]}, "An item of 'entries' has no mac."),
    ({"mac": MAC, "port": "tap1"}, "'bridge' is missing"),
    ({"bridge": "br0", "mac": MAC}, "'port' is missing"),
    ({"bridge": "%d", "mac": MAC, "port": "tap1"}, "bridge '%d'"),
    ({"bridge": "br0", "mac": MAC, "port": "a/b"}, "port 'a/b'"),
    ({"bridge": "br0", "mac": "tap1", "port": "tap1"}, "mac 'tap1' is not a MAC address"),
    ({"bridge": "br0", "mac": "00:00:00:00:00:00", "port": "tap1"}, "is all zero"),
    ({"bridge": "br0", "mac": "01:00:5e:00:00:fb", "port": "tap1"}, "multicast"),
    ({"bridge": "br0", "mac": "ff:ff:ff:ff:ff:ff", "state": "absent"}, "multicast"),
    ({"bridge": "br0", "mac": MAC, "port": "tap1", "vlan": 0}, f"{MAC}: vlan 0 is no VLAN"),
    (
        {"bridge": "br0", "mac": MAC, "port": "tap1", "type": "permanent", "sticky": True},
        "leave sticky out",
    ),
    (
        {"bridge": "br0", "mac": MAC, "port": "tap1", "type": "static", "extern_learn": True},
        "extern_learn is given with type static",
    ),
    (
        {"bridge": "br0", "mac": MAC, "port": "tap1", "sticky": True, "extern_learn": True},
        "extern_learn is given with sticky",
    ),
    ({"bridge": "br0", "mac": MAC, "port": "br0"}, "only permanent entries"),
]


@pytest.mark.parametrize(("desired", "words"), BAD)
def test_what_can_not_be_meant_is_refused_in_one_sentence(
    desired: dict[str, Any], words: str
) -> None:
    with pytest.raises(errors.BadInput) as caught:
        wish_of(desired)
    assert (
        words in str(caught.value)
        and "\n" not in str(caught.value)
        and str(caught.value).endswith(".")
    )


def flushing(since: float | None, *entries: str) -> list[str]:
    now = table_of(load(CASES / "flush-what-was-learned", "current"))
    now = replace(now, entries=tuple(entry(text) for text in entries), since=since)
    return [change.name for change in fdb_plan.plan(now, wish_of({"bridge": "br0", "flush": {}}))]


def test_what_was_learned_again_after_the_flush_is_no_leftover() -> None:
    old, new = f"{MAC} dev tap1 master br0 used 5", "52:54:00:00:00:02 dev tap1 master br0 used 0.5"
    assert flushing(None, old, new) == [f"{MAC} in br0", "52:54:00:00:00:02 in br0"]
    assert flushing(0.6, old, new) == [f"{MAC} in br0"]


def test_what_somebody_put_there_during_the_flush_is_not_taken_for_learned() -> None:
    assert flushing(0.6, f"{MAC} dev tap1 master br0 sticky used 0.5") == [f"{MAC} in br0"]


def test_an_undo_deletes_a_dynamic_entry_that_the_run_has_just_made() -> None:
    now = table_of(load(CASES / "dynamic-has-aged-out", "current"))
    changes = fdb_plan.plan(now, wish_of(load(CASES / "dynamic-has-aged-out", "desired")))
    after = replace(applied(now, changes), since=1.0)
    assert [change.action for change in fdb_plan.plan(after, fdb_plan.wish_back(now, changes))] == [
        "delete"
    ]


def test_an_undo_leaves_what_was_learned_anew_and_what_went_with_its_port() -> None:
    current = load(CASES / "flush-what-was-learned", "current")
    now = table_of(current)
    changes = fdb_plan.plan(
        now, wish_of({"bridge": "br0", "flush": {"port": "tap1", "sticky": False}})
    )
    moved = replace(now, entries=(entry(f"{MAC} dev tap2 master br0 used 1"),), since=2.0)
    assert fdb_plan.plan(moved, fdb_plan.wish_back(now, changes)) == []
    del current["links"]["tap1"]
    assert (
        fdb_plan.plan(table_of({**current, "entries": []}), fdb_plan.wish_back(now, changes)) == []
    )


INDEXES = {"br0": 7, "tap1": 8, "tap2": 9}


def sent(case: str) -> list[Message]:
    now = table_of(load(CASES / case, "current"))
    return [
        one
        for change in fdb_plan.plan(now, wish_of(load(CASES / case, "desired")))
        for one in fdb_apply.messages(change, INDEXES)
    ]


def header(index: int, state: int, flags: int) -> bytes:
    """struct ndmsg of an AF_BRIDGE entry."""
    return struct.pack("=BxxxiHBx", 7, index, state, flags)


def lladdr(last: int) -> bytes:
    return struct.pack("=HH6s2x", 10, 2, bytes([0x52, 0x54, 0, 0, 0, last]))


def test_a_static_entry_is_created_or_replaced_through_its_port() -> None:
    (message,) = sent("static-is-missing")
    assert (message.kind, message.flags, message.body) == (
        28,
        0x500,
        header(8, 0x40, 0x04) + lladdr(1),
    )
    assert message.what == f"set the static entry {MAC} in br0 to tap1" and message.fine == ()


def test_a_static_entry_that_moves_stays_sticky() -> None:
    (message,) = sent("static-moves-to-another-port")
    assert message.body == header(9, 0x40, 0x44) + lladdr(1)


def test_an_entry_of_the_bridge_itself_is_its_own() -> None:
    (message,) = sent("permanent-on-the-bridge-itself")
    assert message.body == header(7, 0x80, 0x02) + lladdr(1)


def test_a_vlan_is_an_attribute_and_each_vlan_a_message() -> None:
    vlan = [struct.pack("=HHH2x", 6, 5, number) for number in (10, 11)]
    (message,) = sent("vlan-one")
    assert message.body == header(8, 0x40, 0x04) + lladdr(1) + vlan[0]
    assert [one.body for one in sent("vlan-left-out-means-each-of-the-port")] == [
        header(8, 0x40, 0x04) + lladdr(1) + more for more in (b"", vlan[1])
    ]


def test_the_mark_of_a_control_plane_is_set_on_a_new_entry_only() -> None:
    gone, new = sent("extern-learn-of-a-static-one-makes-it-again")
    assert (gone.kind, gone.body, gone.fine) == (29, header(8, 0, 0x04) + lladdr(1), (2,))
    assert (new.kind, new.body) == (28, header(8, 0x02, 0x14) + lladdr(1))


def test_a_marked_static_entry_comes_back_in_two_messages() -> None:
    """The kernel makes one of two messages only, and an undo has to."""
    after = {"port": "tap1", "type": "static", "sticky": False, "extern_learn": True}
    change = Change(
        "create", "entry", "x", None, after, payload=fdb_plan.Step("br0", MAC, None, None, after)
    )
    assert [one.body for one in fdb_apply.messages(change, INDEXES)] == [
        header(8, 0x02, 0x14) + lladdr(1),
        header(8, 0x40, 0x04) + lladdr(1),
    ]


def test_a_flush_is_one_message_with_what_it_compares_in_masks() -> None:
    flush = wish_of({"bridge": "br0", "flush": {"port": "tap1", "vlan": 10, "sticky": True}})[
        "flush"
    ]
    masks = struct.pack("=HHH2xHHB3x", 6, 16, 0xC0, 5, 17, 0x50)
    expected = (
        header(7, 0, 0x42) + masks + struct.pack("=HHi", 8, 8, 8) + struct.pack("=HHH2x", 6, 5, 10)
    )
    assert fdb_apply.flush_message(flush, INDEXES) == expected
    static = wish_of({"bridge": "br0", "flush": {"type": "static"}})["flush"]
    assert fdb_apply.flush_message(static, INDEXES) == header(7, 0x40, 0x02) + struct.pack(
        "=HHH2xHHB3x", 6, 16, 0xC0, 5, 17, 0x10
    )


@pytest.mark.parametrize(
    ("desired", "at_once"),
    [
        ({"flush": {}}, True),
        ({"flush": {"type": "permanent"}}, False),
        ({"flush": {"type": "static"}, "mac": "52:54:00:00:00:03", "port": "tap1"}, None),
    ],
)
def test_a_flush_that_would_take_more_than_it_should_is_made_one_by_one(
    desired: dict[str, Any], at_once: bool | None
) -> None:
    now = table_of(load(CASES / "flush-what-was-learned", "current"))
    changes = fdb_plan.plan(now, wish_of({"bridge": "br0", **desired}))
    assert {change.payload.flush is not None for change in changes} == (
        set() if at_once is None else {at_once}
    )
