# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an audit, a picture, a doctor's run and an adoption run on a host leaves there: nothing, by the disk, the counters, the processes and ip monitor."""

from __future__ import annotations

import itertools
import json
import os
import select
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hypervisor.network.tests.conftest import RunModule
from ansible_collections.hypervisor.network.tests.harness.host.role_host import ENTER, Host
from ansible_collections.hypervisor.network.tests.harness.net.lan import set_sysctls
from ansible_collections.hypervisor.network.tests.harness.net.netns import (
    batch,
    inside,
    ip_json,
    run,
)
from ansible_collections.hypervisor.network.tests.harness.process.waiting import wait_for

# what the playbooks audit, topology, doctor and adopt run; host_plan with a wish that the host is far from
ASKED: dict[str, dict[str, Any]] = {
    "bridge_info": {},
    "qemu_guest_info": {},
    "bridge_doctor": {},
    "bridge_doctor_probe": {"listen": 1},
    "host_plan": {
        "bridges": [{"name": "br0", "stp_state": True}, {"name": "br7"}],
        "taps": [{"name": "tap7", "bridge": "br7"}],
        "guests": [{"name": "vm7", "nics": [{"tap": "tap7", "mac": "52:00:00:00:00:07"}]}],
        "guard_timeout": 0,
    },
}


def disk(folder: Path) -> dict[str, tuple[int, ...]]:
    """Every file and folder, by which nobody wrote unseen: its number, when it was changed, and how long it is."""
    return {
        str(path): (stat.st_ino, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, stat.st_mode)
        for top in ("run", "etc", "var")
        for path in sorted((folder / top).rglob("*"))
        if path.parent.name != "mount"
        and path.name != "mount"  # of mount(8), by which the test has its folders
        for stat in [path.lstat()]
    }


def counters(netns: str) -> dict[str, Any]:
    return {link["ifname"]: link["stats64"] for link in ip_json(netns, "-s", "link", "show")}


def processes(netns: str) -> set[str]:
    return set(run("ip", "netns", "pids", netns).split())


@pytest.fixture
def quiet(host: Host) -> Host:
    """A host with a bridge, a tap, and nobody who speaks."""
    inside(host.netns, set_sysctls, {"ipv6/conf/all/disable_ipv6": 1, "ipv6/conf/default/disable_ipv6": 1})  # fmt: skip
    batch(
        host.netns,
        "link set eth0 down\nlink add br0 type bridge stp_state 0 mcast_snooping 0\nlink set br0 up\n"
        "link add port0 up master br0 type veth peer name far0\nlink set far0 up\n"
        "tuntap add tap1 mode tap\nlink set tap1 master br0 up\n",
    )
    states = {"br0": "UP", "port0": "UP", "tap1": "DOWN"}
    # what the kernel tells a moment after a carrier came is told
    wait_for(
        lambda: (
            states.items()
            <= {
                link["ifname"]: link["operstate"] for link in ip_json(host.netns, "link", "show")
            }.items()
        ),
        "the links to settle",
    )
    return host


@pytest.mark.parametrize("module", ASKED)
def test_nothing_is_written_sent_started_or_changed(
    quiet: Host, run_module: RunModule, module: str
) -> None:
    within = ("ip", "netns", "exec", quiet.netns, "sh", "-c", ENTER, str(quiet.folder))

    def seen() -> tuple[Any, ...]:
        return disk(quiet.folder), counters(quiet.netns), processes(quiet.netns)

    with subprocess.Popen(
        ["ip", "-n", quiet.netns, "monitor", "all"], stdout=subprocess.PIPE
    ) as monitor:
        try:
            assert monitor.stdout is not None
            os.set_blocking(monitor.stdout.fileno(), False)
            told, marks = b"", itertools.count(60000)

            def hears() -> bool:
                """Whether the monitor has told all until now: it tells of this."""
                nonlocal told
                mark = f"mtu {next(marks)}"
                batch(quiet.netns, f"link set lo {mark}\n")
                end = time.monotonic() + 1
                while mark.encode() not in told and time.monotonic() < end:
                    select.select([monitor.stdout], [], [], 0.1)
                    told += monitor.stdout.read() or b""
                return mark.encode() in told

            wait_for(hears, "the monitor to hear")
            told = b""
            before = seen()
            result = run_module(module, ASKED[module], wrapper=within)
            assert seen() == before
            wait_for(hears, "the monitor to have told all")
        finally:
            monitor.kill()
    assert not result["failed"], result
    others = [
        line
        for line in told.split(b"\n")
        if line[:1].strip() and b": lo: " not in line and b": lo " not in line
    ]
    assert others == []
    if module == "host_plan":
        assert "br7" in json.dumps(result["changes"])
