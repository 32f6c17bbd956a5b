# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""E10: a fleet that is converted five hosts at a time. A host's guard never fires because others take their time; it fires where the host was cut off."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from ansible_collections.hypervisor.network.tests.conftest import PYTHONS, ROOT
from ansible_collections.hypervisor.network.tests.harness.host.fleet import fleet
from ansible_collections.hypervisor.network.tests.harness.host.managed import failures, managed
from ansible_collections.hypervisor.network.tests.harness.process.long_form import LONG

HOSTS, LOST, TIMEOUT = (50, 5, 30) if LONG else (6, 1, 15)


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
        made.needs_a_filter()
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
        made.needs_a_filter()
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


SITE = yaml.safe_load((ROOT / "playbooks" / "site.yml").read_text("utf-8"))
WISH = {
    "bridge_host_bridges": [{"name": "br0", "uplink": "eth0"}],
    "bridge_host_guard_timeout": 15,
}


def test_site_stops_at_a_rollback_says_how_far_the_fleet_is_and_goes_on_from_there(
    tmp_path: Path,
) -> None:
    """Its batches are h01, h02, and the rest: h03 and h04."""
    job = [{**SITE[0], "vars": WISH}]
    with managed(4, tmp_path, str(PYTHONS["pyroute2-0.9.7"])) as made:
        made.needs_a_filter()
        with made.cut_off("h02"):
            stopped = made.play(job)
        (message,) = failures(stopped).values()
        assert "no new connection could confirm it" in message, stopped.output[-4000:]
        assert message.endswith(
            "-- Of the fleet, done: h01; as before: h02; in part: none; untouched: h03, h04. The next run goes on from there."
        )
        assert {role: made.states(role) for role in made.hosts} == {
            "h01": ["confirmed"], "h02": ["rolled-back"], "h03": [], "h04": [],
        }  # fmt: skip

        # the host beside it in its batch comes to its end, on disk too
        with made.cut_off("h03"):
            stopped = made.play(job)
        (message,) = [one for one in failures(stopped).values() if "Of the fleet" in one]
        assert "done: h01, h02, h04; as before: h03; in part: none; untouched: none." in message
        assert [role for role in made.hosts if not made.converted(role)] == ["h03"]
        assert all("iface br0" in made.interfaces(role) for role in ("h01", "h02", "h04"))

        done = made.play(job)
        assert done.status == 0 and made.converted("h03"), done.output[-4000:]
        assert set(re.findall(r"^changed: \[(\w+)\]", done.output, re.M)) == {"h03"}
