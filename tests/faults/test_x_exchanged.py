# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A device that is another one by the time of the first write: nothing is given to it, by any module."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hypervisor.network.tests.harness.guard.guarded import (
    at_change,
    change_links,
)
from ansible_collections.hypervisor.network.tests.harness.net.lan import lan
from ansible_collections.hypervisor.network.tests.harness.net.netns import batch, ip_json, run

EXCHANGED: dict[str, tuple[str, dict[str, Any], str]] = {
    "linux_bridge": (
        "link add br7 type bridge\n",
        {"bridge": {"name": "br7", "mtu": 1400}},
        "link set br7 name was\nlink add br7 type bridge\n",
    ),
    "bridge_port": (
        "link add br7 type bridge\nlink add x type veth peer name y\n",
        {"port": {"name": "x", "bridge": "br7"}},
        "link set x name was\nlink add x type bridge\n",
    ),
    "bridge_port, the bridge": (
        "link add br7 type bridge\nlink add x type veth peer name y\n",
        {"port": {"name": "x", "bridge": "br7"}},
        "link set br7 name was\nlink add br7 type bridge\n",
    ),
    "tap_device": (
        "tuntap add tap7 mode tap\n",
        {"tap": {"name": "tap7", "mtu": 1400}},
        "link set tap7 name was\ntuntap add tap7 mode tap\n",
    ),
}


TABLES = {
    "entry": {"bridge": "br7", "port": "x", "mac": "02:aa:00:00:00:01"},
    "group": {"bridge": "br7", "port": "x", "group": "239.1.1.1"},
}
IN_TURN = {
    "the port": "link set x name was\nlink add x type veth peer name z\nlink set x master br7\n",
    "the bridge": "link set br7 name was\nlink add br7 type bridge\nlink set br7 up\n",
    "a port that moved on": "link set x nomaster\n",
}


@pytest.mark.parametrize("what", IN_TURN)
@pytest.mark.parametrize("table", TABLES)
def test_o12_18_entries_and_groups_go_to_no_device_that_got_the_name_meanwhile(table, what):
    with lan(host="", echo=False) as made:
        batch(made.host, "link add br7 type bridge\nlink add x master br7 type veth peer name y\nlink set br7 up\nlink set x up\nlink set y up\n")  # fmt: skip
        meanwhile = at_change(made.host, 0, IN_TURN[what])
        answer = change_links(made.host, 20, before=meanwhile, **{table: TABLES[table]})
        assert answer["error"] and "'" not in answer["error"], answer
        assert "another device now" in answer["error"] or what == "a port that moved on", answer
        everything = run("bridge", "-n", made.host, "fdb") + run("bridge", "-n", made.host, "mdb")
        assert "02:aa:00:00:00:01" not in everything and "239.1.1.1" not in everything


@pytest.mark.parametrize("case", EXCHANGED)
def test_o12_18_a_device_of_every_module_that_is_exchanged_before_the_first_write(case):
    first, wish, commands = EXCHANGED[case]
    with lan(host="", echo=False) as made:
        batch(made.host, first)
        answer = change_links(made.host, 20, before=at_change(made.host, 0, commands), **wish)
        assert answer["error"] and "'" not in answer["error"], answer
        links = {link["ifname"]: link for link in ip_json(made.host, "link", "show")}
        assert [link for link in links.values() if link.get("master")] == []
        assert {link["mtu"] for name, link in links.items() if name != "lo"} == {1500}
