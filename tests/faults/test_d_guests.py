# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""D07 and D08: many guests started and stopped at once, and one started twice."""

from __future__ import annotations

import fcntl
import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.rundir import RunDirectory
from ansible_collections.hypervisor.network.tests.harness.host.guests import (
    Guests,
    qemus,
)
from ansible_collections.hypervisor.network.tests.harness.net.netns import ip_json

GRACE = 4.0  # seconds


def test_d07_many_guests_started_at_once_and_stopped_side_by_side(netns, run_module):
    count = 6
    made = Guests(netns, run_module, count)
    try:
        with ThreadPoolExecutor(count) as pool:
            started = list(
                pool.map(
                    lambda number: made.run(f"vm{number}", nics=[{"tap": f"tap{number}"}]),
                    range(1, count + 1),
                )
            )
        assert [result["failed"] for result in started] == [False] * count, started
        assert len({result["guest"]["pid"] for result in started}) == count
        links = ip_json(netns, "link", "show", "master", "br0")
        assert sorted(link["ifname"] for link in links if "LOWER_UP" in link["flags"]) == [
            f"tap{number}" for number in range(1, count + 1)
        ]
        # none of them knows ACPI, so each takes all of its time, and that of all is the time of one
        begin = time.monotonic()
        wish = [{"name": made.name(f"vm{number}")} for number in range(1, count + 1)]
        stopped = run_module("qemu_guest", {"guests": wish, "state": "stopped", "shutdown_timeout": GRACE}, netns)  # fmt: skip
        assert time.monotonic() - begin < (count - 1) * GRACE
        for guest in stopped["guests"]:
            said = [(step["step"], step["outcome"]) for step in guest["stop_steps"]]
            assert said == [("system_powerdown", "still running"), ("SIGTERM", "ended")]
            assert guest["stop_steps"][0]["seconds"] >= GRACE and guest["status"] == "stopped"
    finally:
        made.remove()


def test_d08_a_second_start_changes_nothing_and_the_monitor_stays_the_firsts(guests):
    first = guests.done()
    socket_before = (guests.folder() / "qmp.sock").stat().st_ino
    second = guests.done()
    assert not second["changed"] and second["pid"] == first["pid"]
    assert (guests.folder() / "qmp.sock").stat().st_ino == socket_before
    assert guests.info()["status"] == "running"


def test_d08_two_starts_at_once_make_one_guest(guests):
    with ThreadPoolExecutor(2) as pool:
        results = [future.result() for future in [pool.submit(guests.run) for _number in range(2)]]
    won = [result for result in results if not result["failed"]]
    assert won, results
    assert {result["guest"]["pid"] for result in won} == set(qemus(guests.name()))
    for result in results:
        if result["failed"]:
            assert "another run" in result["msg"].lower()
    assert guests.info()["pid"] == won[0]["guest"]["pid"]


def test_d08_a_run_that_is_refused_takes_nothing_from_the_one_that_works(tmp_path):
    """It removed the directory that the other one had locked and had nothing in yet: that one's start failed as well."""
    first, second = (RunDirectory("vm1", str(tmp_path / "run")) for _run in range(2))
    with first.busy():
        with pytest.raises(Refused, match="Another run works"), second.busy():
            pytest.fail("two runs at once")
        first.store("process.json", {})
        with pytest.raises(Refused, match="Another run works"), second.busy():
            pytest.fail("two runs at once")
        first.drop("process.json")
    assert not first.exists


@pytest.mark.parametrize("before", ["open", "flock"])
def test_d08_a_directory_that_goes_while_it_is_locked_is_locked_anew(tmp_path, monkeypatch, before):
    """The run that had it ended, and removed it: a lock on what no other run finds is none."""
    directory = RunDirectory("vm1", str(tmp_path / "run"))
    module = os if before == "open" else fcntl
    real, gone = getattr(module, before), []

    def after_the_other(*given, **named):
        if not gone and (before == "flock" or given[0] == directory.trusted):
            gone.append(os.rmdir(directory.trusted))
        return real(*given, **named)

    monkeypatch.setattr(module, before, after_the_other)
    with directory.busy():
        assert gone and directory.exists
        with pytest.raises(Refused, match="Another run works"), directory.busy():
            pytest.fail("two runs at once")
    assert not directory.exists
