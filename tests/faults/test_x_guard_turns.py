# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module and guard never write at the same time: a deadline in every phase, a module that was stopped, and two deaths in a row."""

from __future__ import annotations

import itertools
import os
import select
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import ReadBackError
from ansible_collections.hypervisor.network.plugins.module_utils._host import places
from ansible_collections.hypervisor.network.tests.harness.guard.guarded import (
    Transactions,
    convert,
    stopped,
)
from ansible_collections.hypervisor.network.tests.harness.net.dhcp import dhcp_lan
from ansible_collections.hypervisor.network.tests.harness.net.dump import differences, settled
from ansible_collections.hypervisor.network.tests.harness.net.lan import Lan, lan
from ansible_collections.hypervisor.network.tests.harness.net.netns import (
    batch,
    folder_of_our_own,
    run,
)
from ansible_collections.hypervisor.network.tests.harness.process.long_form import LONG
from ansible_collections.hypervisor.network.tests.harness.process.waiting import (
    at_load,
    kill_and_wait,
    wait_for,
)

TOO_LONG = "Applying took longer than {:g} s; the guard has given the host back"
AT_ONCE = 1.0
ENDED = {"rolled-back", "rollback-failed", "confirmed"}
# Of the usual conversion's messages: staging, the attachment, routes, what is removed, and all between in the long form
MESSAGES = range(22) if LONG else (0, 7, 12, 18)


def _until_it_is_over(guard: Any) -> None:
    """Take so long that the guard has been back meanwhile."""
    wait_for(lambda: guard.transaction.state in ENDED, "the guard has gone back", 20)


@contextmanager
def nothing_is_written(made: Lan) -> Iterator[None]:
    """The kernel tells of no change of the host's links, addresses and routes meanwhile."""
    child = made.start(made.host, "ip", "-o", "monitor", "link", "address", "route")

    def told_until(mark: str) -> list[str]:
        """What it tells until it tells of this mark; the mark is set again until it hears."""
        lines: list[str] = []
        while not any(mark in line for line in lines):
            batch(made.host, f"link add {mark} type bridge\nlink del {mark}\n")
            while select.select([child.stdout], [], [], 0.2)[0]:
                lines += os.read(child.stdout.fileno(), 1 << 16).decode().splitlines()
        return [line for line in lines if "mark" not in line]

    told_until("mark0")
    yield
    assert told_until("mark1") == []


def _slow_message(noun: Any) -> None:
    """The module sleeps over its attachment, whose turn comes when the host is the guard's again."""
    apply = noun._links.apply

    def slow(changes: Any, now: Any) -> None:
        if changes[0].action == "attach":
            _until_it_is_over(noun.guard)
        apply(changes, now)

    noun._links.apply = slow


def _slow_read_back(noun: Any) -> None:
    read, armed = noun.read, noun.guard

    def slow() -> Any:
        if armed.transaction.id and os.getpid() == here:
            _until_it_is_over(armed)
        return read()

    here = os.getpid()
    noun.read = slow


def _slow_verify(noun: Any) -> None:
    noun.verify = lambda _before, _after: _until_it_is_over(noun.guard)


def _slow_undo(noun: Any) -> None:
    """The module fails at the end, and its way back takes too long."""

    def fail(_before: Any, _after: Any) -> None:
        raise RuntimeError("it does not work")

    noun.verify = fail
    plan, here = noun.plan, os.getpid()

    def slow(now: Any, wish: Any) -> Any:
        if os.getpid() == here and noun.guard.transaction.id:
            if noun.guard.transaction.state == "undoing":
                _until_it_is_over(noun.guard)
        return plan(now, wish)

    noun.plan = slow


@pytest.mark.parametrize("phase", [_slow_message, _slow_read_back, _slow_verify, _slow_undo])
def test_x60_a_deadline_in_any_phase_gives_the_host_back_once(phase: Callable[[Any], None]):
    with lan() as made, Transactions(made.host) as hand:
        before = settled(made.host)
        answer = convert(made.host, 1.5, before=phase)
        assert answer["error"].startswith(TOO_LONG.format(1.5)), answer
        assert hand.wait() <= at_load(AT_ONCE) and hand.state(answer["id"]) == "rolled-back"
        facts = hand.facts(answer["id"])
        assert facts["error"] == "" and facts["why"] == "applying took longer than 1.5 s"
        assert all(made.all_reachable().values())
        assert differences(before, settled(made.host)) == []


@pytest.mark.parametrize("number", MESSAGES)
def test_x61_a_module_that_was_stopped_past_the_deadline_neither_writes_nor_undoes(number):
    with lan() as made, Transactions(made.host) as hand:
        before = settled(made.host)
        with stopped(made.host, 1.0, number) as go_on:
            wait_for(
                lambda: [one for one in hand.every()[:1] if hand.state(one.name) in ENDED],
                "it is rolled back",
            )
            hand.wait()
            assert differences(before, settled(made.host)) == []
            with nothing_is_written(made):
                answer = go_on()
        assert answer["error"].startswith(TOO_LONG.format(1.0)), answer
        assert hand.state(answer["id"]) == "rolled-back"
        assert all(made.all_reachable().values())
        assert differences(before, settled(made.host)) == []


def test_x62_a_module_that_is_stopped_within_a_write_is_ended_before_the_guard_goes_back():
    with lan() as made, Transactions(made.host) as hand:
        before = settled(made.host)

        def stop_within(noun: Any) -> None:
            turn = noun._netlink.turn
            count = itertools.count()

            @contextmanager
            def stopping() -> Iterator[None]:
                with turn():
                    if noun.guard.transaction.id and next(count) == 7:
                        os.kill(os.getpid(), signal.SIGSTOP)
                    yield

            noun._netlink.turn = stopping

        assert convert(made.host, 1.0, before=stop_within) == {}
        assert hand.wait() <= at_load(AT_ONCE)
        (one,) = hand.every()
        assert hand.state(one.name) == "rolled-back"
        assert differences(before, settled(made.host)) == []


@pytest.mark.parametrize("seconds", [4.0, *([12.0] if LONG else [])])
def test_x63_a_dhcp_client_that_never_binds_is_not_started_twice(seconds):
    with dhcp_lan() as host, Transactions(host.lan.host) as hand:
        before = settled(host.lan.host)
        for pid in run("ip", "netns", "pids", host.lan.router).split():
            if b"dnsmasq" in Path("/proc", pid, "cmdline").read_bytes():
                kill_and_wait(int(pid))
        answer = convert(host.lan.host, seconds)
        assert answer["error"].startswith(TOO_LONG.format(seconds)), answer
        hand.wait()
        assert hand.state(answer["id"]) == "rolled-back", hand.facts(answer["id"])
        # one that is still asking is two processes with one command line: who started it waits for it
        assert {client[-1] for client in host.clients()} == {"eth0"}
        assert len(host.sessions()) == 1
        assert differences(before, settled(host.lan.host)) == []


def test_x64_a_module_that_dies_while_it_undoes_is_undone_by_the_guard():
    with lan() as made, Transactions(made.host) as hand:
        before = settled(made.host)

        def die_undoing(noun: Any) -> None:
            def fail(_before: Any, _after: Any) -> None:
                # of the way back, the third message kills
                noun._netlink._left = 3
                raise RuntimeError("it does not work")

            noun.verify = fail

        assert convert(made.host, 30, before=die_undoing) == {}
        assert hand.wait() <= at_load(AT_ONCE)
        (one,) = hand.every()
        assert hand.state(one.name) == "rolled-back" and "died" in hand.facts(one.name)["why"]
        assert differences(before, settled(made.host)) == []


def test_x65_what_the_module_cannot_undo_the_guard_does():
    with lan() as made, Transactions(made.host) as hand:
        before = settled(made.host)

        def cannot_undo(noun: Any) -> None:
            here = os.getpid()

            def fail(_before: Any, _after: Any) -> None:
                raise ReadBackError("It does not work.")

            noun.verify = fail
            wish_back = noun.wish_back

            def broken(*args: Any) -> Any:
                # not while the guard is armed: the commands of the way back are made of it too
                if os.getpid() == here and noun.guard.transaction.id:
                    raise KeyError("eth0")
                return wish_back(*args)

            noun.wish_back = broken

        answer = convert(made.host, 30, before=cannot_undo)
        assert answer["error"].startswith("It does not work. The undo failed as well: "), answer
        assert "KeyError" in answer["error"] and "'eth0'" in answer["error"]
        assert answer["error"].endswith("But the guard has given the host back."), answer
        assert hand.state(answer["id"]) == "rolled-back"
        assert differences(before, settled(made.host)) == []


def test_x66_a_record_that_is_removed_is_not_the_end_of_the_guard():
    with lan() as made, Transactions(made.host) as hand:
        before = settled(made.host)
        answer = convert(made.host, 1.5)
        (one,) = hand.every()
        moved = one.rename(one.with_name(f"{one.name}.gone"))
        began = time.monotonic()
        hand.wait()
        assert time.monotonic() - began > 0.1  # at the deadline, no earlier
        assert answer["error"] is None and differences(before, settled(made.host)) == []
        moved.rename(one)
        hand.move(one.name, "applied", "rolled-back")


def test_x66_a_disk_that_takes_no_rename_is_not_the_end_of_the_guard():
    with lan() as made, Transactions(made.host) as hand:
        before = settled(made.host)
        answer = convert(made.host, 1.5)
        (one,) = hand.every()
        run("mount", "--bind", str(one), str(one))
        try:
            run("mount", "-o", "remount,bind,ro", str(one))
            began = time.monotonic()
            assert hand.wait() and time.monotonic() - began > 0.1  # at the deadline, no earlier
            assert answer["error"] is None and differences(before, settled(made.host)) == []
            assert all(made.all_reachable().values())
            assert hand.state(answer["id"]) == "applied"
        finally:
            run("umount", str(one))
        hand.move(answer["id"], "applied", "rolled-back")


@pytest.mark.parametrize("content", [b"", b'{"began": 17', bytes(range(128, 256))])
def test_x67_a_record_that_cannot_be_read_is_told_and_stops_no_run(uplink, run_module, content):
    # whoever else runs a guard on this machine would set it aside first
    with folder_of_our_own(places.KEPT), lan(echo=False) as made, Transactions(made.host) as hand:
        first = uplink(made.host, guard_timeout=30)["transaction"]["id"]
        assert hand.move(first, "applied", "confirmed")
        hand.wait()
        (one,) = hand.every()
        (one / "confirmed").unlink()
        (one / "armed").write_bytes(content)
        asked = run_module("transaction", {"id": first, "state": "confirmed"}, made.host)
        assert asked["failed"] and "can't be read" in asked["msg"], asked
        result = uplink(made.host, state="absent", guard_timeout=30)
        assert not result["failed"], result
        (told,) = [str(warning) for warning in result["warnings"] if first in str(warning)]
        assert "set aside" in told and f"{first}.unreadable" in told
        aside = one.with_name(f"{first}.unreadable")
        assert not one.exists() and aside.is_dir()
        shutil.rmtree(aside)
        assert hand.move(result["transaction"]["id"], "applied", "confirmed")


def test_x68_where_both_guards_were_killed_it_is_said_that_nobody_goes_back(uplink, run_module):
    with lan() as made, Transactions(made.host) as hand:
        name = uplink(made.host, guard_timeout=60)["transaction"]["id"]
        for pid in hand.guards():  # first the watcher
            kill_and_wait(pid)
        for _again in range(2):
            asked = run_module("transaction", {"id": name, "state": "rolled_back"}, made.host)
            assert asked["failed"] and f"Nobody rolls the transaction {name} back" in asked["msg"]
            assert "reboot" in asked["msg"] and "as it was before" not in asked["msg"]
        assert hand.state(name) == "rolling-back" and all(made.all_reachable().values())


_MORE = """
address add 192.0.2.1 peer 192.0.2.2/32 dev eth0
address add 10.44.0.1/24 broadcast 10.44.0.255 label eth0:more dev eth0 noprefixroute
address add fd66::10/64 dev eth0 nodad valid_lft 7200 preferred_lft 3600
route add 10.44.0.0/16 via 10.77.0.1 metric 7 mtu 1400 src 10.77.0.11
route add 10.45.0.0/16 dev eth0 table 100 scope link
route add default table 101 nexthop via 10.77.0.1 dev eth0 weight 2 nexthop via 10.77.0.3 dev eth0
rule add iif eth0 to 10.1.0.0/16 fwmark 0x7/0xff lookup 100 priority 3000
neighbor add 10.77.0.5 lladdr 02:00:00:00:00:05 dev eth0 nud permanent
neighbor add proxy 10.77.0.99 dev eth0
"""


@pytest.mark.parametrize(("guests", "more"), [(False, ""), (False, _MORE), (True, _MORE)])
def test_o12_14_what_is_told_to_be_typed_brings_the_host_back(uplink, run_module, guests, more):
    with lan() as made, Transactions(made.host) as hand:
        batch(made.host, more)
        before = settled(made.host)
        name = uplink(made.host, guard_timeout=60)["transaction"]["id"]
        if guests:
            batch(made.host, "tuntap add tap7 mode tap\nlink set tap7 master br0\n")
        for pid in hand.guards():
            kill_and_wait(pid)
        asked = run_module("transaction", {"id": name, "state": "rolled_back"}, made.host)
        assert asked["failed"] and f"ip netns exec {made.host} sh" in asked["msg"], asked
        typed = asked["msg"].partition(", in this order: ")[2].rstrip(".")
        run("sh", "-c", typed, netns=made.host)
        assert all(made.all_reachable().values()), typed
        after = settled(made.host)
        assert ("br0" in after["links"]) is guests
        if guests:
            batch(made.host, "link delete tap7\nlink delete br0\n")
            after = settled(made.host)
        assert differences(before, after) == [], typed
        hand.move(name, "rolling-back", "rolled-back")


def test_o12_14_dhcp_clients_are_typed_too(uplink, run_module):
    with dhcp_lan() as host, Transactions(host.lan.host) as hand:
        before = settled(host.lan.host)
        name = uplink(host.lan.host, guard_timeout=90)["transaction"]["id"]
        for pid in hand.guards():
            kill_and_wait(pid)
        asked = run_module("transaction", {"id": name, "state": "rolled_back"}, host.lan.host)
        typed = asked["msg"].partition(", in this order: ")[2].rstrip(".")
        run("sh", "-c", typed, netns=host.lan.host)
        assert {client[-1] for client in host.clients()} == {"eth0"}, typed
        assert len(host.sessions()) == 1
        assert differences(before, settled(host.lan.host)) == [], typed
        hand.move(name, "rolling-back", "rolled-back")
