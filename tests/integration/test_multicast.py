# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The multicast groups of a bridge, as bridge_info and as iproute2 tell them."""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import link as rtnl_link
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.nla import attribute
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.snapshot import Netlink
from ansible_collections.hypervisor.network.tests.conftest import RunModule
from ansible_collections.hypervisor.network.tests.harness.net.netns import batch, inside, run
from ansible_collections.hypervisor.network.tests.harness.process.waiting import wait_for

HOST = """
link add br0 type bridge mcast_igmp_version 3 mcast_mld_version 2
link add v0 type veth peer name v1
link add v2 type veth peer name v3
link set v0 master br0 up
link set v2 master br0 up
link set v1 up
link set v3 up
link set br0 up
"""
GROUPS = """
mdb add dev br0 port v0 grp 239.1.1.1 permanent
mdb add dev br0 port v2 grp 239.1.1.1 temp
mdb add dev br0 port v2 grp 232.1.1.1 src 192.0.2.1 temp
mdb add dev br0 port v0 grp ff0e::5 permanent
mdb add dev br0 port v2 grp 01:00:5e:00:00:55 permanent
link set dev v2 mcast_router 2
"""


def told(netns: str) -> dict[str, Any]:
    """The table as iproute2 tells it."""
    return json.loads(run("bridge", "-n", netns, "-d", "-s", "-j", "mdb", "show", "dev", "br0"))[0]


@pytest.fixture
def shown(netns: str, run_module: RunModule, target_python: str) -> dict[str, Any]:
    """What bridge_info tells of br0, and as C(told) what iproute2 does a moment later, when no group comes by itself any more."""
    # the host alone listens, by the bridge, and only to
    run("sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1", netns=netns)
    batch(netns, HOST)
    # what its link-local address wants
    run("sysctl", "-qw", "net.ipv6.conf.br0.disable_ipv6=0", netns=netns)
    wait_for(lambda: {one["port"] for one in told(netns)["mdb"]} == {"br0"}, "the host listens")
    wait_for(
        lambda: run("bridge", "-n", netns, "link", "show").count("state forwarding") == 2,
        "both ports forward",
    )
    run("bridge", "-n", netns, "-batch", "-", stdin=GROUPS)

    def at_rest() -> dict[str, Any] | None:
        before = told(netns)
        (bridge,) = run_module("bridge_info", {"name": "br0"}, netns, python=target_python)[
            "bridges"
        ]
        after = told(netns)
        return {**bridge, "told": after} if who(before) == who(after) else None

    return wait_for(at_rest, "no group comes any more")


def who(table: dict[str, Any]) -> set[tuple[Any, ...]]:
    return {
        (one["port"], one["grp"], one.get("src"), one["state"] == "permanent")
        for one in table["mdb"]
    }


def test_who_listens_to_which_group_is_what_iproute2_tells(shown: dict[str, Any]) -> None:
    made = {
        ("v0", "239.1.1.1", None, True),
        ("v2", "232.1.1.1", "192.0.2.1", False),
        ("v2", "01:00:5e:00:00:55", None, True),
    }
    assert made < who(shown["told"])
    assert {
        (one["port"], one["group"], one["source"], one["permanent"]) for one in shown["mdb"]
    } == who(shown["told"])


def test_how_long_a_group_is_remembered_is_told_in_seconds(shown: dict[str, Any]) -> None:
    (left,) = [
        one["seconds_left"]
        for one in shown["mdb"]
        if (one["port"], one["group"]) == ("v2", "239.1.1.1")
    ]
    (later,) = [
        float(one["timer"])
        for one in shown["told"]["mdb"]
        if (one["port"], one["grp"]) == ("v2", "239.1.1.1")
    ]
    assert 0 < later <= left <= 260
    assert {one["seconds_left"] for one in shown["mdb"] if one["permanent"]} == {0.0}


def test_the_ports_of_multicast_routers_are_told(shown: dict[str, Any]) -> None:
    assert (
        [one["port"] for one in shown["told"]["router"]["br0"]]
        == shown["mcast_router_ports"]
        == ["v2"]
    )


def at_most(groups: int, port: str) -> None:
    """Let a port have no more groups, as C(bridge link set dev PORT mcast_max_groups N) of iproute2 6.3 and later does."""
    # IFLA_PROTINFO, nested, and IFLA_BRPORT_MCAST_MAX_GROUPS
    limit = attribute(0x8000 | 12, attribute(42, struct.pack("=I", groups)))
    header = struct.pack("=BxHiII", 7, 0, socket.if_nametoindex(port), 0, 0)
    netlink = Netlink()
    netlink.send(rtnl_link.RTM_SETLINK, 0, header + limit, "limit the groups")
    netlink.close()


def test_a_list_that_the_kernel_refuses_in_the_end_leaves_everything_as_it_was(
    netns: str, run_module: RunModule, target_python: str
) -> None:
    run("sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1", netns=netns)
    batch(netns, HOST)
    # what the planner does not know of: how many groups a port may have
    inside(netns, at_most, 4, "v0")
    made = "mdb add dev br0 port v0 grp 239.1.1.1 permanent\nmdb add dev br0 port v0 grp ff0e::5 permanent\n"
    run("bridge", "-n", netns, "-batch", "-", stdin=made)
    before = who(told(netns))
    entries = [
        {"group": "239.1.1.1", "filter_mode": "include", "source_list": ["192.0.2.1"]},
        {"group": "ff0e::5", "state": "absent"},
        *({"group": f"239.1.2.{number}"} for number in range(1, 6)),
    ]
    asked = {"bridge": "br0", "port": "v0", "entries": entries}
    failed = run_module("bridge_mdb", asked, netns, python=target_python)
    assert failed["msg"].startswith("Cannot set the permanent group 239.1.2.")
    assert "Everything this run did was undone" in failed["msg"]
    assert who(told(netns)) == before


def test_one_group_too_many_is_refused_since_the_kernel_would_end_all_snooping(
    netns: str, run_module: RunModule, target_python: str
) -> None:
    run("sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1", netns=netns)
    batch(netns, HOST)
    run("ip", "-n", netns, "link", "set", "br0", "type", "bridge", "mcast_hash_max", "2")
    entries = [{"group": f"239.1.2.{number}"} for number in range(1, 4)]
    asked = {"bridge": "br0", "port": "v0", "entries": entries}
    refused = run_module("bridge_mdb", asked, netns, python=target_python)
    assert "br0 would have 3 groups, and its mcast_hash_max is 2" in refused["msg"]
    assert run_module("bridge_mdb", {**asked, "entries": entries[:2]}, netns, python=target_python)[
        "changed"
    ]
    assert "mcast_snooping 1" in run("ip", "-n", netns, "-d", "link", "show", "br0")


def test_a_group_by_which_neighbours_find_the_host_wants_a_guard(
    netns: str, run_module: RunModule, target_python: str
) -> None:
    """Neighbours ask for an IPv6 address by a group of its own; who is no member of an entry of that group gets no question."""
    batch(netns, HOST + "addr add 2001:db8::10/64 dev br0 nodad\n")
    run("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=0", netns=netns)
    asked = {"bridge": "br0", "port": "v0", "group": "ff02::1:ff00:77"}
    refused = run_module("bridge_mdb", asked, netns, python=target_python, guarded_form=False)
    assert refused["guard_wanted"] and refused["changes"][0]["risk"] == "may_cut_ssh"
    assert "ff02::1:ff00:77" not in {one["grp"] for one in told(netns)["mdb"]}
