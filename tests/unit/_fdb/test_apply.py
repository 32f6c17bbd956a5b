# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forwarding entries as messages, and the noun that sends them."""

from __future__ import annotations

import errno
import struct
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core import errors
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change
from ansible_collections.hypervisor.network.plugins.module_utils._fdb import apply as fdb_apply
from ansible_collections.hypervisor.network.plugins.module_utils._fdb import plan as fdb_plan
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.socket import Message
from ansible_collections.hypervisor.network.tests.harness.model.fdb_tables import (
    CASES,
    MAC,
    table_of,
    wish_of,
)
from ansible_collections.hypervisor.network.tests.harness.model.triplets import (
    load,
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


class Line:
    """A namespace with a forwarding database that takes what is sent, or refuses to flush with an errno."""

    def __init__(self, table: fdb_plan.Table, refuses: int = 0) -> None:
        self.table, self.refuses = table, refuses
        self.exchanged: set[str] = set()
        self.sent: list[Any] = []

    def snapshot(self, addresses: bool, vlans: bool) -> Any:
        assert addresses and vlans
        return self.table.host

    def fdb(self, links: Any) -> Any:
        return self.table.entries

    def neighbours(self, links: Any) -> Any:
        return ()

    def ways(self, links: Any) -> Any:
        return {"br0": frozenset({2})}

    def still(self, name: str, meant: int | None) -> int:
        """The index, and Refused for what is another device by now."""
        if name in self.exchanged:
            raise errors.Refused(f"{name} is another device now")
        return meant or 0

    def ready(self) -> None:
        self.sent.append("ready")

    def send(self, kind: int, flags: int, body: bytes, what: str) -> None:
        if self.refuses:
            raise errors.KernelError(what, self.refuses)
        self.sent.append((kind, flags, body))

    def send_all(self, some: list[Message]) -> None:
        self.sent += some


def noun_of(case: str, refuses: int = 0) -> tuple[fdb_apply.FdbNoun, Line, Any]:
    line = Line(table_of(load(CASES / case, "current")), refuses)
    clock = iter([100.0, 103.5, 104.0])
    return (
        fdb_apply.FdbNoun(line, lambda: next(clock)),
        line,
        wish_of(load(CASES / case, "desired")),
    )  # type: ignore[arg-type]


def test_a_table_is_the_host_with_its_entries_and_where_its_routes_lead() -> None:
    noun, line, _wish = noun_of("static-is-missing")
    table = noun.read()
    assert table.entries == line.table.entries and table.since is None
    assert dict(table.host.ways) == {"br0": frozenset({2})}


def test_what_was_learned_since_the_first_write_is_told_from_what_was_there() -> None:
    noun, _line, wish = noun_of("static-is-missing")
    before = noun.read()
    noun.apply(noun.plan(before, wish), before)
    assert noun.read().since == 3.5


def test_a_plan_is_sent_in_one_go() -> None:
    noun, line, wish = noun_of("static-is-missing")
    now = noun.read()
    noun.prepare(now)
    changes = noun.plan(now, wish)
    noun.apply(changes, now)
    assert line.sent[0] == "ready" and [one.kind for one in line.sent[1:]] == [28]
    assert noun.wish_back(now, changes) == fdb_plan.wish_back(now, changes)


@pytest.mark.parametrize("refuses", [0, errno.EINVAL, errno.EOPNOTSUPP])
def test_where_the_kernel_flushes_nothing_at_once_it_is_done_one_by_one(refuses: int) -> None:
    noun, line, wish = noun_of("flush-what-was-learned", refuses)
    now = noun.read()
    changes = noun.plan(now, wish)
    noun.apply(changes, now)
    one_by_one = [one for one in line.sent if isinstance(one, Message)]
    assert len(one_by_one) == (len(changes) if refuses else 0)
    assert len(line.sent) == (len(changes) if refuses else 1)


def test_a_flush_that_is_refused_for_another_reason_is_an_error() -> None:
    noun, _line, wish = noun_of("flush-what-was-learned", errno.EPERM)
    now = noun.read()
    with pytest.raises(errors.KernelError, match="Cannot flush dynamic entries of br0"):
        noun.apply(noun.plan(now, wish), now)


WATCHED = {"port": "tap1", "type": "static", "sticky": False, "extern_learn": False}


def watched(before: dict[str, Any], **after: Any) -> list[str]:
    """The ends of the messages of an update, as hex: what they say of the watch."""
    step = fdb_plan.Step("br0", MAC, None, "tap1", {**WATCHED, **after}, norefresh=after.get("norefresh", False))  # fmt: skip
    change = Change("update", "entry", "x", before, after, payload=step)
    sent = fdb_apply.messages(change, {"br0": 1, "tap1": 2})
    return [one.body.split(bytes.fromhex(MAC.replace(":", "")))[1][2:].hex() for one in sent]


def test_the_watch_on_an_entry_in_the_kernels_words() -> None:
    """NDA_FDB_EXT_ATTRS, nested: as C(bridge fdb replace ... activity_notify inactive norefresh) sends it."""
    assert watched({}) == [""]
    assert watched({}, activity_notify=True) == ["0c000e80" + "05000100" + "01000000"]
    assert watched({}, activity_notify=True, inactive=True) == ["0c000e80" + "05000100" + "03000000"]  # fmt: skip
    assert watched({}, norefresh=True) == ["08000e80" + "04000200"]
    # there is no word for being active again but to be watched anew
    again = watched({"inactive": True}, activity_notify=True, inactive=False)
    assert again == ["", "0c000e80" + "05000100" + "01000000"]


@pytest.mark.parametrize("name", ["br0", "tap1", "tap2"])
def test_a_name_that_is_another_devices_by_now_gets_nothing(name: str) -> None:
    noun, line, wish = noun_of("static-moves-to-another-port")
    now = noun.read()
    line.exchanged = {name}
    with pytest.raises(errors.Refused, match=f"{name} is another device now"):
        noun.apply(noun.plan(now, wish), now)
    assert line.sent == []
