# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The harness itself: a conversion that is known to lose packets is seen to lose them, and nothing stays behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.tests.conftest import needs_root
from ansible_collections.hypervisor.network.tests.harness.guard.wanted import comparable, moved
from ansible_collections.hypervisor.network.tests.harness.host.methods import ip_batch, shell
from ansible_collections.hypervisor.network.tests.harness.lab.leftovers import sweep_labs
from ansible_collections.hypervisor.network.tests.harness.net.dump import differences, settled
from ansible_collections.hypervisor.network.tests.harness.net.lan import lan, stalled
from ansible_collections.hypervisor.network.tests.harness.net.netns import (
    PREFIX,
    Namespaces,
    batch,
    remove,
    run,
)

pytestmark = pytest.mark.usefixtures("root")


@pytest.fixture
def root() -> None:
    needs_root()


def test_naive_shell_is_seen_to_lose_packets_of_both_families():
    with lan() as made:
        counted = made.under_load(shell(made))
    assert counted["udp4"]["lost"] >= 1 and counted["udp4"]["outage_ms"] > 0
    assert counted["udp6"]["lost"] >= 100
    assert stalled(counted) >= 100


def test_a_host_without_its_default_route_is_seen_to_be_unreachable():
    with lan() as made:
        assert all(made.all_reachable().values())
        batch(made.host, "route delete default\n")
        assert not made.reachable("10.77.0.10", 0.2)
        assert made.reachable("fd77::10", 0.2)


def test_the_wanted_dump_is_what_ip_batch_in_the_safe_order_makes():
    with lan() as made:
        before = settled(made.host)
        ip_batch(made)()
        after = comparable(settled(made.host))
    after["addresses"]["eth0"] = []  # this method leaves eth0 its link-local address
    after["routes6"] = [
        route
        for route in after["routes6"]
        if not (route.get("dev") == "eth0" and route["dst"].startswith("fe80"))
    ]
    assert differences(moved(before), after) == []


@pytest.mark.parametrize(
    "line",
    [
        "address delete 10.77.0.11/24 dev eth0",
        "route replace 10.99.0.0/16 via 10.77.0.1 metric 50",
        "route delete default table 100",
        "rule delete priority 1000",
        "neighbor add 10.77.0.7 lladdr 02:00:00:00:00:07 dev eth0 nud permanent",
        "link set eth0 mtu 1400",
    ],
)
def test_two_dumps_tell_a_change(line):
    with lan(echo=False) as made:
        before = settled(made.host)
        assert differences(before, settled(made.host)) == []
        batch(made.host, line + "\n")
        assert differences(before, settled(made.host))


def test_a_run_in_the_background_ends_on_term_and_leaves_nothing(tmp_path):
    """A shell has what it starts in the background ignore SIGINT."""
    (tmp_path / "conftest.py").write_text(
        "from ansible_collections.hypervisor.network.tests.conftest import *\n"
    )
    (tmp_path / "test_long.py").write_text(
        "import threading\n"
        "def test_long(netns):\n"
        "    print(netns, flush=True)\n"
        "    threading.Event().wait(60)\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", str(tmp_path)]
    deaf = ["sh", "-c", "trap '' INT; exec \"$@\"", "sh", *command]
    started = subprocess.Popen(deaf, stdout=subprocess.PIPE, text=True)
    with started:
        name = next(line for line in started.stdout if line.startswith(PREFIX)).strip()
        assert Path("/run/netns", name).exists()
        started.terminate()
        assert started.wait(30) == pytest.ExitCode.INTERRUPTED
    assert not Path("/run/netns", name).exists()


def test_a_lab_of_a_killed_run_is_swept_and_one_that_is_owned_is_not(tmp_path):
    gone = subprocess.Popen(["true"])
    gone.wait()
    left, owned = f"hvtest{gone.pid}", f"hvtest{os.getpid()}"
    try:
        for name in (left, owned):
            (tmp_path / "lab" / name).mkdir(parents=True)
            run("ip", "netns", "add", name)
        run("dnsmasq", "--port=0", f"--pid-file={tmp_path}/lab/{left}/dnsmasq.pid", netns=left)
        assert sweep_labs(tmp_path / "lab") == [left]
        assert not Path("/run/netns", left).exists() and not (tmp_path / "lab" / left).exists()
        assert Path("/run/netns", owned).exists() and (tmp_path / "lab" / owned).exists()
    finally:
        for name in (left, owned):
            remove(name)


def test_namespaces_of_a_killed_process_are_swept_by_the_next():
    code = (
        "import os\n"
        "from ansible_collections.hypervisor.network.tests.harness.net.netns import Namespaces\n"
        "Namespaces('left').__enter__()\n"
        "os.kill(os.getpid(), 9)\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    child.wait()
    left = Path("/run/netns", f"{PREFIX}{child.pid}-0-left")
    assert left.exists()
    with Namespaces("next"):
        assert not left.exists()
