# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs becomes what boots: files that differ are written and read, and given back where the manager takes something away by that."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Sequence

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    BadInput,
    ReadBackError,
    Refused,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change, Outcome
from ansible_collections.hypervisor.network.plugins.module_utils._core.reconcile import reconcile
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    Link,
    Snapshot,
)
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.apply import Interfaces
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.ifstate import IfState
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.manager import Ifupdown
from ansible_collections.hypervisor.network.plugins.module_utils._managers import foreign
from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import (
    File,
    Standing,
    Wish,
)
from ansible_collections.hypervisor.network.plugins.module_utils._persist import (
    apply as persistence,
)
from ansible_collections.hypervisor.network.plugins.module_utils._persist import given
from ansible_collections.hypervisor.network.tests.harness.model.persisted import (
    MINE,
    Obedient,
    Told,
    host,
)
from ansible_collections.hypervisor.network.tests.harness.model.standing import WISH
from ansible_collections.hypervisor.network.tests.harness.model.tree import write

RUNS = "run/systemd/units/invocation:systemd-networkd.service"


@pytest.fixture(autouse=True)
def _nothing_foreign(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is put back of routes and rules has its own test with a kernel (test_foreign.py)."""
    monkeypatch.setattr(foreign, "kept", lambda _netlink: nullcontext())


def text(root: Path, path: str = MINE) -> str | None:
    place = root / path[1:]
    return place.read_text("utf-8") if place.exists() else None


def test_written_once_and_read_by_the_manager(tmp_path: Path) -> None:
    noun, _told, adapter = host(tmp_path)
    predicted = reconcile(noun, WISH, check_mode=True)
    assert text(tmp_path) is None and adapter.loads == 0
    done = reconcile(noun, WISH)
    assert [str(one) for one in done.changes] == [f"create file {MINE}"] == [str(one) for one in predicted.changes]  # fmt: skip
    assert text(tmp_path) == "ours\n" and adapter.loads == 1 and noun.manager == "networkd"
    assert not reconcile(noun, WISH).changed and adapter.loads == 1


def test_what_was_there_is_kept_and_what_is_below_run_is_not(tmp_path: Path) -> None:
    below_run = "/run/systemd/network/04-mine.network"
    adapter = Obedient([File(MINE, "new\n"), File(below_run, None), File("/etc/netplan/95-a.yaml", "a\n", 0o600)])  # fmt: skip
    noun, _told, _adapter = host(tmp_path, adapter=adapter)
    for path in (MINE, below_run):
        (tmp_path / path[1:]).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path[1:]).write_text("old\n", encoding="utf-8")
    done = reconcile(noun, WISH)
    assert [one.action for one in done.changes] == ["update", "delete", "create"]
    (copy,) = noun.backups_of(done.changes)
    assert Path(copy).name.startswith("etc-systemd-network-05-mine.network.")
    assert Path(copy).read_text("utf-8") == "old\n"
    assert (tmp_path / "etc/netplan/95-a.yaml").stat().st_mode & 0o777 == 0o600
    assert [(one["before"], one["after"]) for one in persistence.diff(done.changes)] == [("old\n", "new\n"), ("old\n", ""), ("", "a\n")]  # fmt: skip


def test_a_tap_that_the_manager_took_is_named(tmp_path: Path) -> None:
    noun, told, adapter = host(tmp_path)
    before, links = told.now, dict(told.now.links)

    def take() -> None:
        loose = {**links, "tap1": replace(links["tap1"], master=None)}
        told.now = replace(before, links=loose) if adapter.loads == 1 else before

    adapter.loaded = take
    with pytest.raises(ReadBackError, match="networkd took tap1 from br0 when it read its files"):
        reconcile(noun, WISH)


def test_the_files_of_a_nic_that_is_still_a_port_stay(tmp_path: Path) -> None:
    """Seen: nobody renewed the lease of the bridge then."""
    noun, _told, _adapter = host(tmp_path)
    reconcile(noun, WISH)
    absent = replace(WISH, present=False)
    noun, _told, _adapter = host(tmp_path, absent)
    assert reconcile(noun, absent, check_mode=True).changed
    with pytest.raises(Refused, match="eth0 is still a port of br0"):
        reconcile(noun, absent)
    assert text(tmp_path) == "ours\n"


@pytest.mark.parametrize("what", ["port", "address", "route", "device"])
def test_a_manager_that_takes_something_away_has_its_files_taken_back(
    tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    noun, told, adapter = host(tmp_path)
    routes = list(told.now.routes)
    monkeypatch.setattr(given.rtnl_route, "decode_routes", lambda _all, _names: tuple(routes))
    links, before = dict(told.now.links), told.now

    def take() -> None:
        if adapter.loads > 1:  # the undo
            told.now = before
            routes[:] = before.routes
        elif what == "port":
            told.now = replace(before, links={**links, "eth0": replace(links["eth0"], master=None)})
        elif what == "address":
            told.now = replace(before, addresses=())
        elif what == "route":
            routes.pop(0)
        else:
            told.now = replace(before, links={key: one for key, one in links.items() if key != "tap1"})  # fmt: skip

    adapter.loaded = take
    message = {
        "port": "eth0 is not the uplink",
        "address": r"took 10.77.0.11/24 from br0",
        "route": "took the route 10.9.0.0/24",
        "device": "no device tap1",
    }
    with pytest.raises((ReadBackError, BadInput), match=message[what]):
        reconcile(noun, WISH)
    assert text(tmp_path) is None and adapter.loads == 2


def test_a_bridge_without_an_uplink_may_lose_its_address_with_its_files(tmp_path: Path) -> None:
    """Seen with netplan: the address of an internal bridge goes with the files that gave it, before the bridge does."""
    noun, _told, _adapter = host(tmp_path)
    reconcile(noun, WISH)
    absent = replace(WISH, present=False)
    noun, told, adapter = host(tmp_path, absent)
    told.now = replace(
        told.now,
        links={"eth0": replace(told.now.links["eth0"], master=None), "br0": told.now.links["br0"]},
    )

    def take() -> None:
        told.now = replace(told.now, addresses=())

    adapter.loaded = take
    assert reconcile(noun, absent).changed and text(tmp_path) is None


def test_absent_asks_for_nothing_that_is_there(tmp_path: Path) -> None:
    noun, told, adapter = host(tmp_path)
    reconcile(noun, WISH)
    absent = replace(WISH, present=False)
    noun, told, adapter = host(tmp_path, absent)
    told.now = replace(told.now, links={"eth0": replace(told.now.links["eth0"], master=None)})
    assert reconcile(noun, absent).changed and text(tmp_path) is None
    assert not reconcile(noun, absent).changed and adapter.loads == 1


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        (replace(WISH, taps=["tap9"]), "There is no device tap9 on this host"),
        (replace(WISH, bridges=["eth0"]), "eth0 is no bridge, and the next boot would make it one"),
        (replace(WISH, taps=["veth1"]), "veth1 is no tap, and the next boot would make it one"),
        (replace(WISH, bridges=["br1"]), r"eth0 is not the uplink of one of the bridges that are named \(br1\)"),
    ],
)  # fmt: skip
def test_what_does_not_run_can_not_boot(tmp_path: Path, wish: object, said: str) -> None:
    noun, _told, _adapter = host(tmp_path, wish)  # type: ignore[arg-type]
    with pytest.raises(BadInput, match=said):
        reconcile(noun, wish)


def test_nobodys_devices_want_a_manager_that_is_named(tmp_path: Path) -> None:
    noun, _told, _adapter = host(tmp_path, owners={})
    with pytest.raises(Refused, match="are managed by nobody"):
        reconcile(noun, WISH)
    noun, _told, _adapter = host(tmp_path, manager="networkd", owners={})
    with pytest.raises(Refused, match="eth0 is not managed by networkd"):
        reconcile(noun, WISH)
    bridges = replace(WISH, uplinks=[])
    noun, _told, _adapter = host(tmp_path, bridges, manager="networkd", owners={})
    assert reconcile(noun, bridges).changed


def ifupdown(root: Path, name: str) -> Ifupdown:
    """ifupdown's adapter, of a host below a folder on which it has eth0."""
    interfaces = root / "etc/network/interfaces"
    interfaces.parent.mkdir(parents=True)
    interfaces.write_text("auto eth0\niface eth0 inet dhcp\n", encoding="utf-8")
    (root / "run/network").mkdir(parents=True)
    noun = Interfaces(str(interfaces), str(root / "kept"), validate=False, cloud=str(root / "none"))
    return Ifupdown(name, noun, IfState(str(root / "run/network")))


@pytest.mark.parametrize("dialect", ["ifupdown", "ifupdown2"])
def test_a_nic_of_interfaces_is_ifupdowns_though_nobody_says_so(
    tmp_path: Path, dialect: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ifupdown2 tells nobody what is up. And the bridge's stanza comes by the same call as networkd's files."""
    monkeypatch.setattr(persistence.owners, "owner", lambda *_where: None)
    monkeypatch.setattr(persistence.owners, "dialect", lambda _root: dialect)
    wish, adapters = replace(WISH, ports=[]), {dialect: ifupdown(tmp_path, dialect)}
    noun = persistence.Persistence(Told(), wish, "auto", str(tmp_path / "kept"), adapters)  # type: ignore[arg-type]
    done = reconcile(noun, wish)
    assert noun.manager == dialect and done.changed
    said = (tmp_path / "etc/network/interfaces").read_text("utf-8")
    assert "iface eth0 inet manual" in said and "iface br0 inet dhcp" in said
    assert (tmp_path / "run/network/ifstate").read_text("ascii").split() == ["br0=br0", "tap1=tap1"]
    assert not reconcile(noun, wish).changed


def test_what_the_manager_can_not_keep_is_refused_before_anything_is_written(
    tmp_path: Path,
) -> None:
    noun, _told, adapter = host(tmp_path)
    adapter.objects = "eth0 can't be held"
    with pytest.raises(Refused, match="^eth0 can't be held.$"):
        reconcile(noun, WISH)
    assert text(tmp_path) is None


def test_what_a_host_to_come_could_not_boot_as_is_refused_before_there_is_anything(
    tmp_path: Path,
) -> None:
    """The NIC is no port yet, and the tap is not there: what the plan says of them is what the manager is asked."""
    wish = replace(WISH, ports=[])
    noun, told, adapter = host(tmp_path, wish, manager="networkd")
    then, nic = told.now, replace(told.now.links["eth0"], master=None)
    told.now = replace(told.now, links={"eth0": nic}, addresses=())
    asked: list[Standing] = []
    planned = adapter.plan

    def plan(now: Standing, wish: Wish) -> Sequence[File]:
        asked.append(now)
        return planned(now, wish)

    adapter.plan = plan
    (change,) = noun.foresee(then, ["a route"])
    assert str(change) == f"create file {MINE}"
    (seen,) = asked
    assert (seen.links, seen.addresses, seen.routes) == (then.links, then.addresses, ["a route"])
    assert seen.known == {"eth0": "known"} and text(tmp_path) is None
    adapter.objects = "eth0 can't be held"
    with pytest.raises(Refused, match="^eth0 can't be held.$"):
        noun.foresee(then, [])


def test_files_that_say_otherwise_than_a_host_to_come_are_foreseen(tmp_path: Path) -> None:
    noun, told, _adapter = host(tmp_path, manager="networkd")
    reconcile(noun, WISH)
    assert noun.foresee(told.now, []) == []
    (tmp_path / MINE[1:]).write_text("theirs\n", encoding="utf-8")
    assert [str(one) for one in noun.foresee(told.now, [])] == [f"update file {MINE}"]
    assert text(tmp_path) == "theirs\n"


def test_a_bridge_whose_tree_changes_is_read_once_that_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen: networkd's file got AgeingTimeSec=4, twice the forward delay, which is what the kernel shows meanwhile."""
    noun, told, _adapter = host(tmp_path)
    bridge = told.now.links["br0"]
    changing = replace(bridge, options={"topology_change": True, "forward_delay": 2.0, "ageing_time": 4.0})  # fmt: skip
    over = told.now
    told.now = replace(over, links={**over.links, "br0": changing})
    assert given.standing(told).links["br0"].options["ageing_time"] is None
    waited: list[str] = []

    def wait(_netlink: object, wishes: list[dict[str, object]]) -> None:
        waited.extend(str(one["name"]) for one in wishes)
        told.now = over

    monkeypatch.setattr(persistence, "wait_for_own_ageing", wait)
    assert noun.read().links["br0"] == bridge and waited == ["br0"]
    noun.read()
    assert waited == ["br0"]


def test_what_a_bridge_told_later_is_its_own_ageing_and_all_else_stays() -> None:
    def bridge(name: str, ageing: float | None) -> Link:
        return Link(name, kind="bridge", options={"ageing_time": ageing, "mcast_querier": True})

    links = {
        "br0": bridge("br0", None),
        "br1": bridge("br1", 60.0),
        "br2": bridge("br2", None),
        "eth0": Link("eth0"),
    }
    later = {"br0": bridge("br0", 300.0), "br1": bridge("br1", 4.0), "eth0": Link("eth0", mtu=1400)}
    assert persistence.with_ageing_of(links, later) == {**links, "br0": later["br0"]}


def test_what_its_manager_believes_after_that_is_told_of_the_wishs_devices(tmp_path: Path) -> None:
    """By the files of standing.py the next reload takes the NIC out of its bridge; networkd runs, and does not have the bridge by ours."""
    noun, told, _adapter = host(tmp_path)
    foretold, done = (reconcile(noun, WISH, check_mode=one) for one in (True, False))
    lasting = "etc/systemd/network/05-hypervisor-network-br0.network"
    write(tmp_path, {RUNS: "", lasting: "[Match]\n"})
    said = noun.disagreements(done)
    assert noun.disagreements(foretold) == {}
    assert list(said) == ["br0", "eth0"]
    assert said["br0"].startswith("systemd-networkd leaves br0 alone")
    assert "takes it out at the next reload" in said["eth0"]
    noun, told, _adapter = host(tmp_path, replace(WISH, bridges=[], uplinks=[]))
    assert noun.disagreements(done) == {}
    noun, told, _adapter = host(tmp_path, replace(WISH, present=False))
    assert noun.disagreements(done) == {}


def test_a_manager_gets_a_moment_to_come_to_rest_where_something_was_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(persistence, "_REST_SECONDS", 600.0)
    noun, told, _adapter = host(tmp_path, replace(WISH, uplinks=[]), patience=600.0)
    lease = tmp_path / "run/systemd/netif/leases/3"
    said = f"ADMIN_STATE=configured\nNETWORK_FILE={MINE}\n"
    write(tmp_path, {RUNS: "", "run/systemd/netif/links/3": said, str(lease): "ADDRESS=10.77.0.12\n"})  # fmt: skip
    assert (
        "has the lease of 10.77.0.12" in noun.disagreements(Outcome((), told.now, told.now))["br0"]
    )
    looks: list[Snapshot] = []

    def look(**_what: bool) -> Snapshot:
        if looks:
            lease.unlink()
        looks.append(told.now)
        return told.now

    told.snapshot = look
    changed = Outcome((Change("update", "file", MINE, None, None),), told.now, None)
    assert noun.disagreements(changed) == {} and len(looks) == 2
