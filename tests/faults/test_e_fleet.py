# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""E10: a fleet that is converted five hosts at a time. A host's guard never fires because others take their time; it fires where the host was cut off."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.tests.harness.host.fleet import Fleet, fleet
from ansible_collections.hypervisor.network.tests.harness.net.netns import run
from ansible_collections.hypervisor.network.tests.harness.process.long_form import LONG

HOSTS, LOST, TIMEOUT = (50, 5, 30) if LONG else (6, 1, 15)


def _needs_a_filter(made: Fleet) -> None:
    try:
        run("nft", "list", "tables", netns=made.switch)
    except (RuntimeError, FileNotFoundError) as error:
        pytest.skip(f"this machine's kernel filters nothing: {error}")


def test_e10_a_fleet_is_converted_without_a_spurious_rollback(tmp_path: Path) -> None:
    with fleet(HOSTS, tmp_path) as made:
        assert made.play(TIMEOUT) == (0, {})
        assert [
            role
            for role in made.hosts
            if made.states(role) != ["confirmed"] or not made.converted(role)
        ] == []


def test_e10_exactly_the_hosts_that_were_cut_off_roll_back_and_the_play_names_them(
    tmp_path: Path,
) -> None:
    with fleet(HOSTS, tmp_path) as made:
        _needs_a_filter(made)
        lost = list(made.hosts)[3 :: max(1, HOSTS // LOST)][:LOST]
        with made.cut_off(*lost):
            code, failed = made.play(TIMEOUT)
        assert code != 0 and sorted(failed) == lost, failed
        for role in lost:
            (name,) = made.transactions(role)
            message = failed[role]
            assert (
                "\n" not in message
                and name in message
                and "no new connection could confirm it" in message
            ), message
            assert (
                f"The host is as it was before (nobody confirmed it within {TIMEOUT} s)" in message
            ), message
        assert {role: made.states(role) for role in made.hosts} == {
            role: ["rolled-back" if role in lost else "confirmed"] for role in made.hosts
        }
        assert [role for role in made.hosts if not made.converted(role)] == lost

        # Another run tries those again, and leaves the others alone
        assert made.play(TIMEOUT) == (0, {})
        assert {role: made.states(role) for role in made.hosts} == {
            role: ["rolled-back"] * (role in lost) + ["confirmed"] for role in made.hosts
        }
        assert [role for role in made.hosts if not made.converted(role)] == []


@pytest.mark.skipif(not LONG, reason="two deadlines more: make faults waits for them")
def test_e10_hosts_that_rolled_back_twice_wait_for_a_person(tmp_path: Path) -> None:
    with fleet(6, tmp_path) as made:
        _needs_a_filter(made)
        lost = list(made.hosts)[:1]
        for _again in range(2):
            with made.cut_off(*lost):
                code, failed = made.play(TIMEOUT)
            assert code != 0 and sorted(failed) == lost, failed
        code, failed = made.play(TIMEOUT)
        assert code != 0 and sorted(failed) == lost and "say force: true" in failed[lost[0]], failed
        assert made.states(lost[0]) == ["rolled-back"] * 2
        assert made.play(TIMEOUT, force=True) == (0, {})
        assert made.converted(lost[0])
