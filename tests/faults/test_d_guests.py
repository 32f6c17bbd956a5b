# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""D07 and D08: many guests started at once, and one twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from ansible_collections.hypervisor.network.tests.harness.host.guests import (
    Guests,
    qemus,
)
from ansible_collections.hypervisor.network.tests.harness.net.netns import ip_json


def test_d07_many_guests_started_at_once(netns, run_module):
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
