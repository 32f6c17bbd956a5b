# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Group C: whoever is killed, and whenever, the host is as before within a second, or as wanted."""

from __future__ import annotations

import os
import random
import select
import signal
import time
from contextlib import ExitStack

import pytest

from ansible_collections.hypervisor.network.tests.conftest import PYTHONS
from ansible_collections.hypervisor.network.tests.harness.guard.guarded import Transactions, convert
from ansible_collections.hypervisor.network.tests.harness.net.dump import differences, settled
from ansible_collections.hypervisor.network.tests.harness.net.lan import lan
from ansible_collections.hypervisor.network.tests.harness.net.netns import run
from ansible_collections.hypervisor.network.tests.harness.process.long_form import LONG
from ansible_collections.hypervisor.network.tests.harness.process.waiting import at_load

AT_ONCE = 1.0  # conversion.md's promise for a module that dies


@pytest.fixture(scope="module")
def messages() -> int:
    """How many messages change something in a conversion of the usual host."""
    return _counted()


def _counted(rp_filter: int = 0) -> int:
    with lan(rp_filter=rp_filter, echo=False) as made, Transactions(made.host):
        low, high = 0, 64
        while low < high:  # killed at a number that it never reaches, it is not killed
            middle = (low + high) // 2
            if convert(made.host, 30, kill_at=middle):
                high = middle
                _roll_back_all(made.host)
            else:
                Transactions(made.host).wait()
                low = middle + 1
        return low


def _roll_back_all(netns: str) -> None:
    hand = Transactions(netns)
    for one in hand.every():
        hand.move(one.name, "applied", "rolling-back")
    hand.wait()


def test_c01_module_killed_at_a_message_is_undone_at_once(messages):
    assert messages > 15
    numbers = range(messages) if LONG else range(0, messages, 3)
    with lan() as made, Transactions(made.host) as hand:
        before = settled(made.host)
        for number in numbers:
            assert convert(made.host, 30, kill_at=number) == {}
            assert hand.wait() <= at_load(AT_ONCE)
            assert all(made.all_reachable().values()), number
            assert differences(before, settled(made.host)) == [], number
            assert hand.state(hand.every()[-1].name) == "rolled-back"


@pytest.mark.skipif(not LONG, reason="it waits 75 s three times: make faults has the patience")
@pytest.mark.parametrize("rp_filter", [0, 1, 2])
def test_c01_a_host_whose_module_was_killed_is_still_reachable_when_its_neighbours_have_forgotten_it(
    rp_filter,
):
    with ExitStack() as stack:
        hosts = [
            stack.enter_context(lan(rp_filter=rp_filter)) for _number in range(_counted(rp_filter))
        ]
        for number, made in enumerate(hosts):
            assert all(made.all_reachable().values())
            hand = stack.enter_context(Transactions(made.host))
            assert convert(made.host, 30, kill_at=number) == {}
            assert hand.wait() <= at_load(AT_ONCE)
        killed = time.monotonic()
        for age in (0, 10, 30, 75):
            # what is waited for is the age itself
            time.sleep(max(0.0, killed + age - time.monotonic()))
            answers = [made.all_reachable() for made in hosts]
            assert [
                number for number, answer in enumerate(answers) if not all(answer.values())
            ] == [], (age, answers)


def test_c02_module_killed_at_random_leaves_the_host_reachable(messages):
    random.seed(2)
    with lan() as made, Transactions(made.host) as hand:
        before = settled(made.host)
        for _number in range(1000 if LONG else 10):
            number = random.randrange(messages + 3)
            if convert(made.host, 30, kill_at=number):
                _roll_back_all(made.host)
            hand.wait()
            assert all(made.all_reachable().values()), number
        assert differences(before, settled(made.host)) == []


def test_c03_a_guard_that_dies_before_it_is_armed_stops_the_module():
    with lan() as made, Transactions(made.host):
        before = settled(made.host)
        answer = convert(
            made.host,
            30,
            before=lambda noun: setattr(noun.guard, "_open_again", lambda: os._exit(1)),
        )
        assert (
            "The guard did not start" in answer["error"]
            and "nothing was changed" in answer["error"]
        )
        assert differences(before, settled(made.host)) == []


def test_c04_a_guard_killed_before_applied_stops_the_module_which_undoes_its_work():
    with lan() as made, Transactions(made.host) as hand:
        before = settled(made.host)

        def kill(_noun: object) -> None:
            guard = Transactions(made.host).guards()[-1]
            handle = os.pidfd_open(guard)
            os.kill(guard, signal.SIGKILL)
            select.select([handle], [], [], 5)

        answer = convert(made.host, 30, during=kill)
        assert "The guard died" in answer["error"] and "as it was before" in answer["error"]
        hand.wait()
        assert differences(before, settled(made.host)) == []


def test_c04_a_guard_killed_after_applied_is_replaced_by_its_watcher():
    with lan() as made, Transactions(made.host) as hand:
        before = settled(made.host)
        answer = convert(made.host, 30)
        assert hand.state(answer["id"]) == "applied"
        os.kill(hand.guards()[-1], signal.SIGKILL)
        assert hand.wait() <= at_load(AT_ONCE)
        assert hand.state(answer["id"]) == "rolled-back"
        assert differences(before, settled(made.host)) == []


def test_c10_python_and_its_libraries_are_gone_before_the_deadline(run_module, target_path):
    python = str(PYTHONS["pyroute2-0.9.7"])
    asked = run(python, "-c", "import sys; print(*sys.path[1:], sep='\\n')").split("\n") + [
        target_path
    ]
    libraries = [
        one
        for one in asked
        if os.path.isdir(one) and not any(one.startswith(f"{other}/") for other in asked if other)
    ]
    with lan() as made, Transactions(made.host) as hand:
        before = settled(made.host)
        apart = made.own_mounts()
        args = {"name": "eth0", "bridge": "br0", "guard_timeout": 10}
        name = run_module("bridge_uplink", args, made.host, wrapper=apart)["transaction"]["id"]
        for library in libraries:
            run(*apart, "mount", "-t", "tmpfs", "none", library)
        with pytest.raises(RuntimeError):
            run(*apart, python, "-c", "import pyroute2")
        assert hand.state(name) == "applied"
        hand.wait()
        assert hand.state(name) == "rolled-back"
        assert differences(before, settled(made.host)) == []


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, signal.SIGINT])
def test_c05_signals_that_end_a_session_do_not_end_the_guard(number):
    with lan(echo=False) as made, Transactions(made.host) as hand:
        answer = convert(made.host, 30)
        for pid in hand.guards():
            os.kill(pid, number)
            assert os.getsid(pid) not in (os.getsid(0), os.getsid(os.getppid()))
        assert len(hand.guards()) == 2
        assert hand.move(answer["id"], "applied", "confirmed")
        hand.wait()
        assert hand.state(answer["id"]) == "confirmed"
