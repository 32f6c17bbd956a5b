# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bridge that has the MTU that is asked for, and that nobody ever gave one: the kernel would have it follow its ports, and tells nobody."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hypervisor.network.tests.harness.host.role_host import Host
from ansible_collections.hypervisor.network.tests.harness.host.steps import (
    carry_out,
    disagreements,
    look,
)
from ansible_collections.hypervisor.network.tests.harness.net.netns import batch, ip_json
from ansible_collections.hypervisor.network.tests.harness.process.modules import Modules

# by name: the bridges and taps that are there, and what is asked for
CASES: dict[str, tuple[str, list[dict[str, Any]], list[dict[str, Any]]]] = {
    "a smaller one joins": (
        "link add br1 type bridge\n",
        [{"name": "br1", "mtu": 1500}],
        [{"name": "tap1", "bridge": "br1", "mtu": 1400}],
    ),
    "a port becomes smaller": (
        "link add br1 type bridge\ntuntap add tap1 mode tap\nlink set tap1 master br1\n",
        [{"name": "br1", "mtu": 1500}],
        [{"name": "tap1", "bridge": "br1", "mtu": 1400}],
    ),
    "the smallest one leaves for another": (
        "link add br1 type bridge\nlink add br2 type bridge\ntuntap add tap1 mode tap\n"
        "link set tap1 mtu 1400\nlink set tap1 master br1\n",
        [{"name": "br1", "mtu": 1400}, {"name": "br2"}],
        [{"name": "tap1", "bridge": "br2", "steal": True}],
    ),
    "a new bridge": (
        "",
        [{"name": "br1", "mtu": 1500}],
        [{"name": "tap1", "bridge": "br1", "mtu": 1400}],
    ),
    "an uplink that takes less": (
        "link add br1 type bridge stp_state 0 forward_delay 0\nlink set br1 up\n"
        "link set eth0 mtu 1400\n",
        [{"name": "br1", "uplink": "eth0", "mtu": 1500}],
        [],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_it_keeps_it_and_a_second_run_changes_nothing(
    host: Host, modules: Modules, case: str
) -> None:
    there, bridges, taps = CASES[case]
    if there:
        batch(host.netns, there)
    job = {"bridge_host_bridges": bridges, "bridge_host_taps": taps}
    foreseen = look(modules, job, persist=False)
    done = carry_out(modules, foreseen["plan"], persist=False)
    assert disagreements(foreseen["changes"], done) == [], "\n".join(foreseen["lines"])
    (made,) = ip_json(host.netns, "link", "show", "br1")
    assert made["mtu"] == bridges[0]["mtu"]
    assert look(modules, job, persist=False)["changes"] == []


def test_one_that_nobody_asks_for_an_mtu_follows_its_ports(host: Host, modules: Modules) -> None:
    batch(host.netns, "link add br1 type bridge\n")
    job = {
        "bridge_host_bridges": [{"name": "br1"}, {"name": "br2", "mtu": 1500}],
        "bridge_host_taps": [{"name": "tap1", "bridge": "br1", "mtu": 1400}],
    }
    carry_out(modules, look(modules, job, persist=False)["plan"], persist=False)
    mtus = {link["ifname"]: link["mtu"] for link in ip_json(host.netns, "link", "show")}
    assert (mtus["br1"], mtus["br2"]) == (1400, 1500)
    assert look(modules, job, persist=False)["changes"] == []
