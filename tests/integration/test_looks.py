# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an audit, a picture and a doctor's run do to a host whose connection is no network's: nothing, by the kernel's counters, its disk and its processes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hypervisor.network.tests.harness.host.role_host import Host
from ansible_collections.hypervisor.network.tests.harness.host.steps import carry_out, look
from ansible_collections.hypervisor.network.tests.harness.net.dump import settled
from ansible_collections.hypervisor.network.tests.harness.net.lan import set_sysctls
from ansible_collections.hypervisor.network.tests.harness.net.netns import inside, ip_json, run
from ansible_collections.hypervisor.network.tests.harness.process.modules import Modules

PLAYBOOKS = Path(__file__).resolve().parents[2] / "playbooks"
JOB = {
    "bridge_host_bridges": [{"name": "br0", "uplink": "eth0", "stp_state": False}],
    "bridge_host_taps": [{"name": "tap1", "bridge": "br0"}, {"name": "tap2", "bridge": "br0"}],
}
# each adds one by itself, and so does a frame that somebody sent
COUNTERS = ("/proc/net/snmp", "/proc/net/snmp6", "/proc/net/netstat")


def counted(host: Host) -> dict[str, Any]:
    """What the host's devices have sent, and every counter of its protocols."""
    found: dict[str, Any] = {
        path: dict(enumerate(run("cat", path, netns=host.netns).splitlines())) for path in COUNTERS
    }
    for link in ip_json(host.netns, "-s", "link", "show"):
        # what comes in is others': an ARP request of the router's for its client
        found[link["ifname"]] = link["stats64"]["tx"]
    return found


def state(host: Host) -> dict[str, Any]:
    return {
        "links, addresses, routes, sysctls": settled(host.netns),
        "disk": host.disk(),
        "processes": run("ip", "netns", "pids", host.netns),
        "counters": counted(host),
    }


@pytest.mark.parametrize("playbook", ["audit", "topology", "doctor"])
def test_who_only_looks_leaves_every_counter_file_and_process_as_it_was(
    host: Host, modules: Modules, tmp_path: Path, playbook: str
) -> None:
    # a bridge joins the group of those who snoop, and its report is sent once and not once more within a second
    inside(host.netns, set_sysctls, {"ipv4/igmp_qrv": 1})
    carry_out(modules, look(modules, JOB)["plan"])
    modules.__exit__()  # it is a process of that host
    # nobody is to speak by himself meanwhile
    for netns in (host.netns, host.lan.switch, host.lan.router, host.lan.client):
        inside(netns, set_sysctls, {"ipv6/conf/all/disable_ipv6": 1})
        # who was heard a moment ago is asked by ARP whether he is still there
        run("ip", "neigh", "flush", "all", netns=netns)
    inventory = tmp_path / "hosts.json"
    inventory.write_text(json.dumps({"hypervisors": {"hosts": {"localhost": {}}}}), encoding="utf-8")  # fmt: skip
    before = state(host)
    words = ("-i", str(inventory), "-e", f"topology_folder={tmp_path}")
    play = host.role(JOB, *words, playbook=str(PLAYBOOKS / f"{playbook}.yml"))
    assert "localhost" in play.output and "unreachable=0" in play.output, play.output[-3000:]
    assert "failed=0" in play.output or playbook == "audit", play.output[-3000:]
    after = state(host)
    assert {what for what in before if after[what] != before[what]} == set(), {
        (name, key): (was[key], after["counters"][name][key])
        for name, was in before["counters"].items()
        for key in was
        if after["counters"][name][key] != was[key]
    }
    # the oracle of the counters: one frame that somebody sends is seen in them
    run("ping", "-c1", "-W1", "10.77.0.1", netns=host.netns)
    assert counted(host) != before["counters"]
