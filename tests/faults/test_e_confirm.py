# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Group E over SSH: a task that changes the NIC it is connected through, confirms over a new connection, and tells when it can't."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.tests.harness.guard.guarded import Transactions, convert
from ansible_collections.hypervisor.network.tests.harness.host.remote import Remote, kill
from ansible_collections.hypervisor.network.tests.harness.net.dump import differences, settled
from ansible_collections.hypervisor.network.tests.harness.net.lan import Lan, lan
from ansible_collections.hypervisor.network.tests.harness.net.netns import batch, ip_json, run
from ansible_collections.hypervisor.network.tests.harness.process.long_form import LONG
from ansible_collections.hypervisor.network.tests.harness.process.waiting import wait_for

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


_LOSSY = """
table inet lossy {
    chain forward {
        type filter hook forward priority 0;
        tcp dport 2222 numgen random mod 10 < 3 counter drop
        tcp sport 2222 numgen random mod 10 < 3 counter drop
    }
}
"""


@contextmanager
def _controlled(folder: Path, delay: float = 0.0) -> Iterator[tuple[Lan, Remote, Transactions]]:
    with lan() as made, Transactions(made.host) as hand:
        yield made, Remote(made, folder, delay), hand


def _filter(made: Lan, table: str, child: subprocess.Popen[str]) -> None:
    """A packet filter on the way from the controller; without one the case is skipped, and runs wherever the kernel has nf_tables."""
    try:
        run("nft", "-f", "-", netns=made.router, stdin=table)
    except RuntimeError as error:
        kill(child)
        pytest.skip(f"this machine's kernel filters nothing: {error}")


def _ended(made: Lan) -> bool:
    return any(link.get("master") == "br0" for link in ip_json(made.host, "link", "show"))


def test_e00_a_task_confirms_over_a_connection_of_its_own(tmp_path):
    # the host's IPv6 is static: a bridge that believes any guest's router advertisement would be told
    wish = {"accept_ra": False}
    with _controlled(tmp_path) as (made, remote, hand):
        code, output = remote.play(**wish)
        assert code == 0 and "changed=1" in output and "WARNING" not in output, output
        (one,) = hand.every()
        assert hand.state(one.name) == "confirmed"
        assert all(made.all_reachable().values())
        before = settled(made.host)
        code, output = remote.play(**wish)
        assert code == 0 and "changed=0" in output, output
        assert differences(before, settled(made.host)) == [] and len(hand.every()) == 1


@pytest.mark.parametrize("become", [False, True], ids=["root", "sudo"])
def test_x53_a_host_that_is_reached_by_another_nic_is_told_what_the_confirmation_does_not_show(
    tmp_path, become
):
    with lan() as made, Transactions(made.host) as hand:
        run(
            "ip",
            "-n",
            made.host,
            "link",
            "add",
            "eth1",
            "up",
            "type",
            "veth",
            "peer",
            "name",
            "mgmt",
            "netns",
            made.client,
        )
        batch(made.client, "link set mgmt up\naddress add 10.66.0.2/24 dev mgmt\n")
        batch(made.host, "address add 10.66.0.1/24 dev eth1\n")
        code, output = Remote(made, tmp_path, address="10.66.0.1", become=become).play()
        assert code == 0 and "This host is reached by eth1" in " ".join(output.split()), output
        assert hand.state(hand.every()[0].name) == "confirmed"


def test_o12_16_a_session_that_came_by_the_nic_itself_confirms_nothing_for_sudo_either(tmp_path):
    with lan() as made, Transactions(made.host) as hand:
        answer = convert(made.host, 60)
        batch(made.host, "address add 10.77.0.60/24 dev eth0\n")
        for address, told in (("10.77.0.60", True), ("10.77.0.10", False)):
            folder = tmp_path / address
            folder.mkdir()
            remote = Remote(made, folder, address=address, become=True)
            code, output = remote.play("transaction", id=answer["id"], state="confirmed")
            words = " ".join(output.split())
            assert ("This connection came to 10.77.0.60, which is still on eth0." in words) is told
            assert (code != 0) is told, output
            assert hand.state(answer["id"]) == ("applied" if told else "confirmed")
            remote.stop()


def test_e02_no_new_connection_after_the_change_and_the_host_is_as_before(tmp_path):
    with _controlled(tmp_path) as (made, remote, hand):
        before = settled(made.host)
        child = remote.start(guard_timeout=12)
        wait_for(lambda: _ended(made), "eth0 is a port", SOON)
        _filter(made, _NO_NEW, child)
        wait_for(
            lambda: [hand.state(one.name) for one in hand.every()] == ["rolled-back"],
            "it is rolled back",
            SOON,
        )
        run("nft", "delete", "table", "inet", "cut", netns=made.router)
        output, _nothing = child.communicate(timeout=60)
        (one,) = hand.every()
        assert child.returncode != 0 and "failed=1" in output, output
        assert (
            one.name in output
            and "The host is as it was before (nobody confirmed it within 12 s)" in output
        ), output
        assert all(made.all_reachable().values())
        assert differences(before, settled(made.host)) == []


def test_e06_a_slow_network_that_lets_nobody_in_for_a_while_is_tried_again_until_it_does(tmp_path):
    with _controlled(tmp_path, delay=2.0) as (made, remote, hand):
        child = remote.start(guard_timeout=90)
        wait_for(lambda: _ended(made), "eth0 is a port", SOON)
        _filter(made, _NO_NEW, child)
        # three questions of one try, and one more of the next
        wait_for(
            lambda: re.search(
                r"counter packets ([4-9]|\d\d)",
                run("nft", "list", "table", "inet", "cut", netns=made.router),
            ),
            "a second try",
            SOON,
        )
        run("nft", "delete", "table", "inet", "cut", netns=made.router)
        output, _nothing = child.communicate(timeout=120)
        assert child.returncode == 0, output
        (one,) = hand.every()
        assert hand.state(one.name) == "confirmed"


@pytest.mark.skipif(
    not LONG, reason="what is lost at random takes its time to arrive: make faults waits for it"
)
def test_e06_three_of_ten_packets_lost_and_it_is_confirmed(tmp_path):
    with _controlled(tmp_path, delay=1.0) as (made, remote, hand):
        child = remote.start(guard_timeout=600)
        wait_for(lambda: _ended(made), "eth0 is a port", SOON)
        _filter(made, _LOSSY, child)
        output, _nothing = child.communicate(timeout=600)
        assert child.returncode == 0, output
        assert hand.state(hand.every()[0].name) == "confirmed"


def _interrupt(child: subprocess.Popen[str]) -> None:
    os.killpg(child.pid, signal.SIGINT)


@pytest.mark.parametrize("stop", [_interrupt, kill], ids=["Ctrl-C", "kill -9"])
def test_c09_a_controller_that_is_stopped_never_confirms(tmp_path, stop):
    with _controlled(tmp_path) as (made, remote, hand):
        before = settled(made.host)
        child = remote.start(guard_timeout=20)
        wait_for(hand.every, "a transaction", SOON)
        stop(child)
        child.communicate(timeout=60)
        hand.wait(60)
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
