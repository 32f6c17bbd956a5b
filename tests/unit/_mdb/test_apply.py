# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The noun that sends multicast groups, with a kernel that answers as old and new ones do."""

from __future__ import annotations

import errno
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core import errors
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Snapshot
from ansible_collections.hypervisor.network.plugins.module_utils._mdb import plan as mdb_plan
from ansible_collections.hypervisor.network.plugins.module_utils._mdb.apply import MdbNoun
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import mdb as rtnl_mdb
from ansible_collections.hypervisor.network.tests.harness.model.mdb_tables import table_of, wish_of
from ansible_collections.hypervisor.network.tests.unit._rtnl.test_mdb import entry, table

NEW, GONE = rtnl_mdb.RTM_NEWMDB, rtnl_mdb.RTM_DELMDB
ONE = {"bridge": "br0", "port": "tap1", "group": "239.1.1.1"}
THERE = table(entry(bytes([239, 1, 1, 1]), 0x0800, state=1, port=2), bridge=1)


class Line:
    """A netlink socket on the host of mdb_tables; C(answers) are the errnos to what is sent, one after the other."""

    def __init__(self, *answers: int, groups: Any = ()) -> None:
        self.answers = list(answers)
        self.groups = groups
        self.exchanged: set[str] = set()
        self.sent: list[tuple[int, bytes]] = []
        self.opened = 0

    def still(self, name: str, meant: int | None) -> int:
        """The index, and Refused for what is another device by now."""
        if name in self.exchanged:
            raise errors.Refused(f"{name} is another device now")
        return meant or 0

    def ready(self) -> None:
        self.opened += 1

    def snapshot(self, addresses: bool, vlans: bool) -> Snapshot:
        return table_of({}).host

    def ways(self, _links: Any) -> dict[str, Any]:
        return {"br0": frozenset({2})}

    def dump_where_known(self, _kind: int, _body: bytes) -> Any:
        return self.groups

    def send(self, kind: int, _flags: int, body: bytes, what: str) -> None:
        self.sent.append((kind, body))
        answer = self.answers.pop(0) if self.answers else 0
        if answer:
            raise errors.KernelError(what, answer)


def carried_out(line: Line, **wish: Any) -> list[int]:
    noun = MdbNoun(line)  # type: ignore[arg-type]
    now = noun.read()
    noun.apply(noun.plan(now, wish_of({**ONE, **wish})), now)
    return [kind for kind, _body in line.sent]


def test_a_group_is_set_at_its_port() -> None:
    line = Line()
    assert carried_out(line) == [NEW]
    assert line.sent[0][1] == rtnl_mdb.entry(1, 2, "239.1.1.1", None, None, True)


def test_what_is_told_of_senders_is_never_sent_for_the_host_nor_for_one_sender() -> None:
    for more in ({"port": "br0"}, {"source": "192.0.2.1"}):
        line = Line()
        carried_out(line, **more)
        assert line.sent[0][1] == rtnl_mdb.entry(
            1, 1 if "port" in more else 2, "239.1.1.1", None, more.get("source"), "source" in more
        )


def test_a_kernel_that_replaces_nothing_deletes_and_makes_it() -> None:
    assert carried_out(Line(errno.EEXIST, groups=[THERE]), type="temporary") == [NEW, GONE, NEW]


def test_a_group_that_is_gone_meanwhile_is_fine_and_one_that_stays_is_not() -> None:
    line = Line(errno.EINVAL, groups=[THERE])
    noun = MdbNoun(line)  # type: ignore[arg-type]
    now = noun.read()
    changes = noun.plan(now, wish_of({**ONE, "state": "absent"}))
    line.groups = []
    noun.apply(changes, now)
    with pytest.raises(
        errors.KernelError, match="Cannot delete the group 239.1.1.1 at tap1 of br0"
    ):
        carried_out(Line(errno.EINVAL, groups=[THERE]), state="absent")


def test_another_refusal_is_an_error() -> None:
    with pytest.raises(errors.KernelError, match="Cannot set the permanent group"):
        carried_out(Line(errno.EPERM))


@pytest.mark.parametrize(("answer", "taken"), [(errno.ENODEV, True), (errno.EINVAL, False)])
def test_whether_the_kernel_takes_lists_is_asked_of_a_port_that_does_not_exist(answer: int, taken: bool) -> None:  # fmt: skip
    line = Line(answer)
    noun = MdbNoun(line, ["br0"])  # type: ignore[arg-type]
    if taken:
        noun.prepare(noun.read())
    else:
        with pytest.raises(errors.Unsupported, match=r"Linux 6\.2"):
            noun.prepare(noun.read())
    (sent,) = line.sent
    assert sent[1] == rtnl_mdb.entry(1, 0x7FFFFFFF, "239.0.0.1", None, None, True, "exclude")


def test_a_kernel_without_snooping_has_no_groups() -> None:
    noun = MdbNoun(Line(groups=None))  # type: ignore[arg-type]
    assert noun.read().groups is None


def test_a_table_tells_where_routes_lead_and_how_long_ago_the_first_write_was() -> None:
    clock = iter([100.0, 103.5])
    noun = MdbNoun(Line(), clock=lambda: next(clock))  # type: ignore[arg-type]
    now = noun.read()
    assert dict(now.host.ways) == {"br0": frozenset({2})} and now.since is None
    changes = noun.plan(now, wish_of(ONE))
    noun.apply(changes, now)
    assert noun.read().since == 3.5
    assert noun.wish_back(now, changes) == mdb_plan.wish_back(now, changes)


def test_another_process_goes_on_with_a_socket_of_its_own() -> None:
    noun, line = MdbNoun(Line()), Line()  # type: ignore[arg-type]
    noun.use(line)  # type: ignore[arg-type]
    assert noun.netlink is line and line.opened == 1


@pytest.mark.parametrize("name", ["br0", "tap1"])
def test_a_name_that_is_another_devices_by_now_gets_nothing(name: str) -> None:
    line = Line()
    line.exchanged = {name}
    with pytest.raises(errors.Refused, match=f"{name} is another device now"):
        carried_out(line)
    assert line.sent == []
