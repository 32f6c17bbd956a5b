# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Group D: two at once, the wrong id, and a confirmation at the deadline."""

from __future__ import annotations

import time

import pytest

from ansible_collections.hypervisor.network.tests.harness.guard.guarded import Transactions, convert
from ansible_collections.hypervisor.network.tests.harness.net.dump import differences, settled
from ansible_collections.hypervisor.network.tests.harness.net.lan import lan
from ansible_collections.hypervisor.network.tests.harness.net.netns import ip_json
from ansible_collections.hypervisor.network.tests.harness.process.long_form import LONG

# seconds that are counted by looking at the clock, because a sleep ends when it likes
EXACTLY = 0.02


def _is_port(netns: str) -> bool:
    (link,) = ip_json(netns, "link", "show", "eth0")
    return link.get("master") == "br0"


def test_d01_a_second_run_is_told_which_transaction_is_pending(uplink):
    with lan(echo=False) as made, Transactions(made.host) as hand:
        first = uplink(made.host, guard_timeout=30)
        before = settled(made.host)
        second = uplink(made.host, guard_timeout=30, state="absent")
        assert (
            second["failed"]
            and first["transaction"]["id"] in second["msg"]
            and "s left" in second["msg"]
        )
        assert len(hand.guards()) == 2
        assert differences(before, settled(made.host)) == []


def test_d02_bridge_info_shows_what_is_pending(uplink, run_module):
    with lan(echo=False) as made, Transactions(made.host) as hand:
        assert run_module("bridge_info", {}, made.host)["transactions"] == []
        name = uplink(made.host, guard_timeout=30)["transaction"]["id"]
        (pending,) = run_module("bridge_info", {}, made.host)["transactions"]
        assert (pending["id"], pending["state"]) == (name, "applied") and 0 < pending[
            "seconds_left"
        ] <= 30
        hand.move(name, "applied", "confirmed")
        assert run_module("bridge_info", {}, made.host)["transactions"] == []


def test_d03_a_confirmation_with_another_id_is_refused(uplink, run_module):
    with lan(echo=False) as made, Transactions(made.host) as hand:
        name = uplink(made.host, guard_timeout=30)["transaction"]["id"]
        for wrong in ("f" * 32, "../" + name, "x", name[:-1]):
            result = run_module("transaction", {"id": wrong, "state": "confirmed"}, made.host)
            assert result["failed"] and "\n" not in result["msg"], result
        assert hand.state(name) == "applied"


@pytest.mark.parametrize("offset", [-0.001, 0.0, 0.001], ids=["1 ms before", "at it", "1 ms after"])
def test_d04_at_the_deadline_exactly_one_side_wins(offset):
    with lan(echo=False) as made, Transactions(made.host) as hand:
        for _number in range(500 if LONG else 5):
            began = time.clock_gettime(time.CLOCK_BOOTTIME)
            answer = convert(made.host, 1.0)
            facts = hand.facts(answer["id"])
            assert began < facts["deadline"]
            moment = facts["deadline"] + offset
            time.sleep(max(0.0, moment - EXACTLY - time.clock_gettime(time.CLOCK_BOOTTIME)))
            while time.clock_gettime(time.CLOCK_BOOTTIME) < moment:
                pass
            won = hand.move(answer["id"], "applied", "confirmed")
            hand.wait()
            assert hand.state(answer["id"]) == ("confirmed" if won else "rolled-back")
            assert _is_port(made.host) == won
            if won:
                back = convert(made.host, 30, present=False)
                hand.move(back["id"], "applied", "confirmed")
                hand.wait()


def test_d05_the_guard_of_a_failed_try_does_not_revert_a_later_success(uplink):
    with lan() as made, Transactions(made.host) as hand:
        first = convert(made.host, 1.0)
        hand.wait()
        assert hand.state(first["id"]) == "rolled-back"
        second = uplink(made.host, guard_timeout=30)["transaction"]["id"]
        assert hand.move(second, "applied", "confirmed")
        hand.wait()
        assert hand.guards() == []
        assert _is_port(made.host) and all(made.all_reachable().values())
