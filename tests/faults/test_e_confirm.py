# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Group E over SSH: a task that changes the NIC it is connected through, confirms over a new connection, and tells when it can't."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.tests.harness.dump import differences, settled
from ansible_collections.hypervisor.network.tests.harness.guarded import Transactions
from ansible_collections.hypervisor.network.tests.harness.lan import Lan, lan
from ansible_collections.hypervisor.network.tests.harness.netns import ip_json, run
from ansible_collections.hypervisor.network.tests.harness.remote import Remote, kill
from ansible_collections.hypervisor.network.tests.harness.waiting import wait_for

SOON = 60.0

# New connections of the client are dropped, those that stand go on: what a stateful firewall does that knows another MAC or port.
_NO_NEW = """
table inet cut {
    chain forward {
        type filter hook forward priority 0;
        tcp dport 2222 tcp flags & (syn | ack) == syn counter drop
    }
}
"""


@contextmanager
def _controlled(folder: Path, delay: float = 0.0) -> Iterator[tuple[Lan, Remote, Transactions]]:
    with lan() as made, Transactions(made.host) as hand:
        yield made, Remote(made, folder, delay), hand


def _ended(made: Lan) -> bool:
    return any(link.get("master") == "br0" for link in ip_json(made.host, "link", "show"))


def test_e00_a_task_confirms_over_a_connection_of_its_own(tmp_path):
    with _controlled(tmp_path) as (made, remote, hand):
        code, output = remote.play()
        assert code == 0 and "changed=1" in output, output
        (one,) = hand.every()
        assert hand.state(one.name) == "confirmed"
        assert all(made.all_reachable().values())
        before = settled(made.host)
        code, output = remote.play()
        assert code == 0 and "changed=0" in output, output
        assert differences(before, settled(made.host)) == [] and len(hand.every()) == 1


def test_e02_no_new_connection_after_the_change_and_the_host_is_as_before(tmp_path):
    with _controlled(tmp_path) as (made, remote, hand):
        before = settled(made.host)
        child = remote.start(guard_timeout=12)
        wait_for(lambda: _ended(made), "eth0 is a port", SOON)
        try:
            run("nft", "-f", "-", netns=made.router, stdin=_NO_NEW)
        except RuntimeError as error:
            child.kill()
            pytest.skip(f"this machine's kernel filters nothing: {error}")
        wait_for(lambda: hand.every() and hand.state(hand.every()[0].name) == "rolled-back", "it is rolled back", SOON)
        run("nft", "delete", "table", "inet", "cut", netns=made.router)
        output, _nothing = child.communicate(timeout=60)
        (one,) = hand.every()
        assert child.returncode != 0 and "failed=1" in output, output
        assert one.name in output and "The host is as it was before (nobody confirmed it within 12 s)" in output, output
        assert all(made.all_reachable().values())
        assert differences(before, settled(made.host)) == []


def _interrupt(child: subprocess.Popen[str]) -> None:
    os.killpg(child.pid, signal.SIGINT)


@pytest.mark.parametrize("stop", [_interrupt, kill], ids=["Ctrl-C", "kill -9"])
def test_c09_a_controller_that_is_stopped_never_confirms(tmp_path, stop):
    with _controlled(tmp_path) as (made, remote, hand):
        before = settled(made.host)
        child = remote.start(guard_timeout=10)
        wait_for(hand.every, "a transaction", SOON)
        stop(child)
        child.communicate(timeout=60)
        hand.wait(30)
        (one,) = hand.every()
        assert hand.state(one.name) == "rolled-back"
        assert all(made.all_reachable().values())
        assert differences(before, settled(made.host)) == []


def test_x03_a_time_that_is_too_short_for_this_network_is_refused(tmp_path):
    with _controlled(tmp_path, delay=2.0) as (made, remote, hand):
        before = settled(made.host)
        code, output = remote.play(guard_timeout=10)
        assert code != 0 and "guard_timeout 10 is too short" in output, output
        assert hand.every() == [] and differences(before, settled(made.host)) == []
