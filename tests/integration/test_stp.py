# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The spanning tree, live: two bridges in a loop of two links, with a station at each, and frames that are counted.

::

    station ── west ══ one, two ══ east ── station

Bridges and ports are made by the modules, with the shortest times that the kernel takes; what is true is told by the frames, iproute2 and brctl.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._uplink.bpdu import listen
from ansible_collections.hypervisor.network.plugins.plugin_utils._topology.build import fleet
from ansible_collections.hypervisor.network.tests.conftest import needs_root
from ansible_collections.hypervisor.network.tests.harness.net.netns import (
    inside,
    ip_json,
    run,
)
from ansible_collections.hypervisor.network.tests.harness.net.stp_loop import (
    BRIDGES,
    PORTS,
    QUICK,
    SETTLED,
    Loop,
    closed_loop,
)
from ansible_collections.hypervisor.network.tests.harness.process.waiting import wait_for

STORM = 200


@pytest.fixture(scope="module")
def made(target_path: str) -> Iterator[Loop]:
    needs_root()
    with contextlib.ExitStack() as stack:
        yield stack.enter_context(closed_loop(target_path))


@pytest.fixture
def loop(made: Loop) -> Loop:
    """The loop closed, with STP, west as its root by the lower MAC, and all links alike."""
    made.cut()
    made.bridges(stp_state=True, priority=32768, **QUICK)
    made.modules.done(
        "bridge_port",
        cost=2,
        priority=32,
        ports=[{"name": name, "bridge": bridge} for name, bridge in PORTS.items()],
    )
    made.settled("two-east")
    return made


def test_one_port_blocks_and_a_broadcast_comes_out_once(loop: Loop) -> None:
    assert loop.states() == {
        "one-west": "forwarding",
        "two-west": "forwarding",
        "one-east": "forwarding",
        "two-east": "blocking",
    }
    wait_for(
        lambda: loop.stations["east"].count(loop.stations["west"].send()),
        "the stations' ports forward",
        SETTLED,
    )
    for _each in range(3):
        assert loop.copies() == {"east": 1}


def test_the_other_link_takes_over_when_the_first_is_cut_and_gives_back(loop: Loop) -> None:
    for cut, left in (("one", "two"), ("two", "one")):
        loop.cut(cut)
        wait_for(
            lambda link=left: loop.states()[f"{link}-east"] == "forwarding",
            f"link {left} takes over",
            SETTLED,
        )
        wait_for(
            lambda: loop.stations["east"].count(loop.stations["west"].send()),
            "frames get through again",
        )
        assert loop.copies() == {"east": 1}
    loop.cut()
    loop.settled("two-east")
    assert loop.copies() == {"east": 1}


@pytest.mark.parametrize("root", BRIDGES)
def test_the_priority_chooses_the_root(loop: Loop, root: str) -> None:
    loop.modules.done("linux_bridge", name=root, priority=4096)
    other = next(bridge for bridge in BRIDGES if bridge != root)
    wait_for(
        lambda: loop.told(other)["root_id"] == loop.told(root)["bridge_id"],
        f"{root} becomes the root",
        SETTLED,
    )
    assert loop.told(root)["bridge_id"].startswith("1000.") and loop.told(root)["root_port"] == 0
    assert loop.settled().endswith(f"-{other}") and loop.told(other)["root_port"] != 0
    assert loop.copies() == {"east": 1}


@pytest.mark.parametrize(("dear", "cheap"), [("one", "two"), ("two", "one")])
def test_the_cost_chooses_which_port_blocks(loop: Loop, dear: str, cheap: str) -> None:
    ports = [{"name": f"{dear}-east", "cost": 100}, {"name": f"{cheap}-east", "cost": 10}]
    loop.modules.done("bridge_port", bridge="east", ports=ports)
    assert loop.settled(f"{dear}-east") == f"{dear}-east"
    assert wait_for(
        lambda: loop.told("east")["root_path_cost"] == 10, "the cost of the way to the root"
    )
    assert loop.copies() == {"east": 1}


def test_among_equal_costs_the_priority_of_the_roots_port_chooses(loop: Loop) -> None:
    loop.modules.done("bridge_port", name="two-west", bridge="west", priority=8)
    assert loop.settled("one-east") == "one-east"


def test_without_stp_the_same_loop_is_a_storm(loop: Loop) -> None:
    """The control of all the others: what STP prevents is real here."""
    loop.cut("two")
    loop.bridges(stp_state=False, forward_delay=0)
    try:
        loop.cut()
        wait_for(lambda: set(loop.states().values()) == {"forwarding"}, "all ports forward")
        number = loop.stations["west"].send()
        wait_for(
            lambda: (
                loop.stations["east"].count(number) > STORM
                and loop.stations["west"].count(number) > STORM
            ),
            "one broadcast multiplies",
        )
    finally:
        loop.cut("two")
    wait_for(lambda: _still(loop, number), "the storm is over")
    assert loop.copies() == {"east": 1}


def _still(loop: Loop, number: int) -> bool:
    """Whether no copy comes out any more while a new frame makes its way."""
    before = loop.stations["east"].count(number)
    after = loop.stations["west"].send()
    wait_for(lambda: loop.stations["east"].count(after), "the frame on the other side")
    return loop.stations["east"].count(number) == before


def test_a_bridge_that_is_not_the_root_has_times_of_its_own(loop: Loop) -> None:
    """The kernel shows the root's there, which are in force."""
    own = {"hello_time": 1.5, "max_age": 10, "forward_delay": 4}
    wish = {"bridges": [{"name": "west"}, {"name": "east", **own}]}
    assert [change["after"] for change in loop.modules.done("linux_bridge", **wish)["changes"]] == [
        own
    ]
    assert loop.told("east")["forward_delay"] == 200
    again = loop.modules.done("linux_bridge", **wish)
    assert not again["changed"] and {key: again["bridges"][1][key] for key in own} == own
    loop.modules.done("linux_bridge", name="east", priority=4096)
    wait_for(
        lambda: loop.told("west")["root_id"] == loop.told("east")["bridge_id"],
        "east becomes the root",
        SETTLED,
    )
    assert [loop.told(bridge)["forward_delay"] for bridge in BRIDGES] == [400, 400]
    assert not loop.modules.done("linux_bridge", name="west", **QUICK)["changed"]


def test_a_tree_that_changes_forgets_sooner_and_its_bridges_keep_what_they_were_told(
    loop: Loop,
) -> None:
    """The kernel shows twice the forward delay meanwhile: a second run neither takes that for a difference nor misses one."""
    wish = {"bridges": [{"name": name, "ageing_time": 300} for name in BRIDGES]}
    wait_for(
        lambda: not any(loop.told(name)["topology_change"] for name in BRIDGES),
        "the tree is quiet",
        SETTLED,
    )
    loop.modules.done("linux_bridge", **wish)
    loop.cut("one")
    for name in BRIDGES:
        wait_for(
            lambda name=name: (
                (loop.told(name)["topology_change"], loop.told(name)["ageing_time"]) == (1, 400)
            ),
            f"{name} forgets sooner",
            SETTLED,
        )
    shown = loop.modules.done("bridge_info")
    assert [bridge["options"]["ageing_time"] for bridge in shown["bridges"]] == [None, None]
    assert not any(
        "ageing_time" in bridge for bridge in shown["as_variables"]["bridge_host_bridges"]
    )
    again = loop.modules.done("linux_bridge", **wish)
    assert not again["changed"] and [bridge["ageing_time"] for bridge in again["bridges"]] == [
        300,
        300,
    ]
    assert loop.modules.done("linux_bridge", name="east", ageing_time=200)["changed"]
    assert [loop.told(name)["ageing_time"] for name in BRIDGES] == [30000, 20000]
    loop.modules.done("linux_bridge", **wish)


def test_bridge_info_tells_what_iproute2_and_brctl_tell(loop: Loop) -> None:
    changing = ("topology_change", "topology_change_detected")
    wait_for(
        lambda: not any(loop.told(name)[key] for name in BRIDGES for key in changing),
        "the topology changes no more",
        SETTLED,
    )
    found = {bridge["name"]: bridge for bridge in loop.modules.done("bridge_info")["bridges"]}
    for name in BRIDGES:
        options, told = found[name]["options"], loop.told(name)
        for key in (
            "root_id",
            "bridge_id",
            "root_port",
            "root_path_cost",
            "topology_change_detected",
        ):
            assert (key, options[key]) == (key, told[key])
        shown = run("brctl", "showstp", name, netns=loop.netns)
        assert (
            f"designated root\t{options['root_id']}" in shown
            and f"bridge id\t\t{options['bridge_id']}" in shown
        )
        for port in found[name]["ports"]:
            assert f"{port['name']} ({port['number']})" in shown
            told_port = ip_json(loop.netns, "-d", "link", "show", "dev", port["name"])[0][
                "linkinfo"
            ]["info_slave_data"]
            assert port["state"] == told_port["state"]
            assert port["options"]["designated_root"] == _full(told_port["root_id"])
            assert port["options"]["designated_bridge"] == _full(told_port["bridge_id"])
            for key in ("designated_port", "designated_cost"):
                assert port["options"][key] == told_port[key]
            assert port["options"]["port_id"] == int(told_port["id"], 16) and port["options"][
                "port_no"
            ] == int(told_port["no"], 16)
    east = {port["name"]: port for port in found["east"]["ports"]}
    assert [east[name]["state"] for name in ("one-east", "two-east")] == ["forwarding", "blocking"]
    assert (
        found["east"]["options"]["root_port"] == east["one-east"]["number"]
        and found["west"]["options"]["root_port"] == 0
    )


def test_the_picture_tells_each_ports_role(loop: Loop) -> None:
    """The blocking port is the alternate one while the links are between the two bridges, the tree's root has designated ports only."""

    (host,) = fleet({"hv1": {"info": loop.modules.done("bridge_info")}}).hosts
    found = {node.name: dict(node.facts) for node in host.nodes.values()}
    shown = run("brctl", "showstp", "east", netns=loop.netns)
    (root,) = re.findall(r"root port\t\t\s*(\d+)", shown)
    assert f"one-east ({root})" in shown
    assert {name: found[name]["Spanning tree role"] for name in PORTS} == {
        "one-west": "designated",
        "two-west": "designated",
        "one-east": "root",
        "two-east": "alternate",
    }
    assert found["west"]["Spanning tree"] == "on, it is the root"
    assert found["east"]["Spanning tree"] == f"on, root {loop.told('west')['bridge_id']}"


def _full(bridge_id: str) -> str:
    """iproute2 leaves the zeros out: 8000.2:0:0:0:0:a is 8000.02000000000a."""
    priority, mac = bridge_id.split(".")
    return f"{priority.zfill(4)}.{''.join(part.zfill(2) for part in mac.split(':'))}"


def test_the_timers_run_down_in_seconds(loop: Loop) -> None:
    """Each within what is possible by the times that were set, at the same moment as brctl's."""
    # another port has to come up: listening, then learning
    loop.modules.done("bridge_port", bridge="east", name="two-east", cost=1)
    seen: dict[str, float] = {}
    end = time.monotonic() + SETTLED
    while time.monotonic() < end and {
        "hello_timer",
        "forward_delay_timer",
        "message_age_timer",
        "topology_change_timer",
        "gc_timer",
    } - set(seen):
        for bridge in loop.modules.done("bridge_info")["bridges"]:
            timers = [bridge["options"], *(port["options"] for port in bridge["ports"])]
            for values in timers:
                seen.update(
                    {
                        key: values[key]
                        for key in values
                        if key.endswith("_timer") and values[key] > 0
                    }
                )
    most = {
        "hello_timer": 1,
        "forward_delay_timer": 2,
        "message_age_timer": 6,
        "hold_timer": 1,
        "tcn_timer": 1,
        "topology_change_timer": 8,
        "gc_timer": 400,
    }
    assert {"hello_timer", "forward_delay_timer", "message_age_timer"} <= set(seen)
    assert {key: value for key, value in seen.items() if not 0 < value <= most[key] + 0.05} == {}
    shown = run("brctl", "showstp", "east", netns=loop.netns)
    assert re.search(r"message age timer\t\s*\d+\.\d\d", shown)


def test_who_is_behind_a_port_hears_that_stp_runs_and_how_long_a_port_is_mute(loop: Loop) -> None:
    far = loop.stations["west"].netns
    assert inside(far, listen, "far-west", _index(far, "far-west")) == QUICK["forward_delay"]
    # what the bridge itself says there is no switch's
    assert inside(loop.netns, listen, "port-west", _index(loop.netns, "port-west")) is None


def _index(netns: str, dev: str) -> int:
    return ip_json(netns, "link", "show", "dev", dev)[0]["ifindex"]
