# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What verify finds: nothing on a host that is as planned, and one sentence with what was seen for each thing that is not."""

from __future__ import annotations

import copy
from typing import Any, Callable

import pytest

from ansible_collections.hypervisor.network.plugins.filter.bridge_host_findings import FilterModule
from ansible_collections.hypervisor.network.plugins.filter.bridge_host_plan import bridge_host_plan
from ansible_collections.hypervisor.network.plugins.plugin_utils._bridge_host import (
    findings as findings_of,
)

judge = FilterModule().filters()["bridge_host_findings"]
PLAN = bridge_host_plan(
    {
        "bridges": [{"name": "br0", "uplink": "eth0"}],
        "taps": [{"name": "tap1", "bridge": "br0"}],
        "guests": [{"name": "vm1", "nics": [{"tap": "tap1", "mac": "52:00:00:00:00:01"}]}],
    }
)
MAC = {
    "mac": "52:00:00:00:00:01",
    "port": "tap1",
    "vlan": None,
    "local": False,
    "static": False,
    "age": 0.5,
}


def findings(*arguments: Any, **more: Any) -> list[str]:
    return judge(*arguments, **more)["wrong"]


def route(dst: str, dev: str, gateway: str | None = None, table: int = 254) -> dict[str, Any]:
    return {"family": "inet", "dst": dst, "dev": dev, "gateway": gateway, "table": table}


def host(dev: str) -> dict[str, Any]:
    """What bridge_info tells of a host whose address and routes are on a device."""
    return {
        "bridges": [],
        "routes": [
            route("default", dev, "10.77.0.1"),
            route("10.77.0.0/24", dev),
            route("10.77.0.5/32", dev, table=255),
            route("default", "wg0", table=51),
        ],
        "addresses": [
            {"dev": dev, "address": "10.77.0.5/24", "scope": "global"},
            {"dev": "lo", "address": "127.0.0.1/8", "scope": "host"},
        ],
    }


BEFORE = host("eth0")


@pytest.fixture
def now() -> dict[str, Any]:
    made = host("br0")
    made["bridges"] = [
        {
            "name": "br0",
            "up": True,
            "ports": [{"name": "eth0"}, {"name": "tap1", "holder_pid": 4711}],
            "fdb": [copy.deepcopy(MAC)],
        }
    ]
    return made


def test_a_host_as_planned_has_none(now: dict) -> None:
    assert findings(PLAN, now, BEFORE) == []


def test_what_is_as_planned_is_told(now: dict) -> None:
    assert judge(PLAN, now, BEFORE)["proven"] == [
        "br0 has the ports eth0, tap1.",
        "br0 has the address 10.77.0.5/24.",
        "The route to default leaves by br0.",
        "The route to 10.77.0.0/24 leaves by br0.",
        "vm1's MAC 52:00:00:00:00:01 was learned on tap1.",
    ]


def test_a_second_run_compares_with_the_bridge_itself(now: dict) -> None:
    assert findings(PLAN, now, copy.deepcopy(now)) == []


def test_a_host_without_a_default_route_needs_none_afterwards(now: dict) -> None:
    now["routes"] = [one for one in now["routes"] if one["dst"] != "default"]
    before = {**BEFORE, "routes": [one for one in BEFORE["routes"] if one["dst"] != "default"]}
    assert findings(PLAN, now, before) == []


def test_a_routers_way_of_before_may_be_heard_later_where_the_host_has_one_of_its_own(
    now: dict,
) -> None:
    heard = {**route("default", "eth0", "10.77.0.254"), "protocol": "ra"}
    before = {**BEFORE, "routes": [*BEFORE["routes"], heard]}
    assert findings(PLAN, now, before) == []
    now["routes"] = [one for one in now["routes"] if one["dst"] != "default"]
    assert any("via 10.77.0.254" in one for one in findings(PLAN, now, before))


def broken(*path: Any, to: Any) -> Callable[[dict], None]:
    def breaks(info: dict) -> None:
        *steps, last = path
        for step in steps:
            info = info[step]
        info[last] = to

    return breaks


@pytest.mark.parametrize(
    ("breaks", "sentence"),
    [
        (broken("bridges", to=[]), "There is no bridge br0; the bridges are none."),
        (broken("bridges", 0, "up", to=False), "br0 is down."),
        (broken("bridges", 0, "ports", to=[{"name": "tap1"}]), "eth0 is not a port of br0, whose ports are tap1."),
        (broken("bridges", 0, "ports", to=[{"name": "eth0"}]), "tap1 is not a port of br0, whose ports are eth0."),
        (broken("routes", 0, "dev", to="eth0"), "A route still leaves by eth0 and not by br0: default via 10.77.0.1 dev eth0."),
        (
            broken("routes", 0, "gateway", to="10.77.0.9"),
            "The route 'default via 10.77.0.1 dev eth0' of before is not on br0; to default now: default via 10.77.0.9 dev br0; default dev wg0.",
        ),
        (
            broken("routes", to=[route("default", "br0", "10.77.0.1")]),
            "The route '10.77.0.0/24 dev eth0' of before is not on br0; to 10.77.0.0/24 now: there is none.",
        ),
        (broken("addresses", to=[]), "br0 lacks the address 10.77.0.5/24 that the host had before; it has none."),
        (
            broken("bridges", 0, "fdb", 0, "port", to="eth0"),
            "vm1: its MAC 52:00:00:00:00:01 should be learned on tap1, and the table of br0 has it on eth0.",
        ),
        (
            broken("bridges", 0, "fdb", 0, "local", to=True),
            "vm1: its MAC 52:00:00:00:00:01 should be learned on tap1, and the table of br0 has it on tap1 (local).",
        ),
        (
            broken("bridges", 0, "fdb", 0, "mac", to="52:00:00:00:00:99"),
            "vm1: its MAC 52:00:00:00:00:01 is not in the table of br0; on tap1 it has learned 52:00:00:00:00:99.",
        ),
    ],
)  # fmt: skip
def test_each_thing_that_is_not_as_planned_is_told_with_what_was_seen(
    now: dict, breaks: Callable[[dict], None], sentence: str
) -> None:
    breaks(now)
    assert sentence in findings(PLAN, now, BEFORE)


def test_an_address_that_stayed_on_the_nic_is_told(now: dict) -> None:
    now["addresses"].append({"dev": "eth0", "address": "10.77.0.6/24", "scope": "global"})
    assert "eth0 still has the address 10.77.0.6/24, which belongs on br0." in findings(
        PLAN, now, BEFORE
    )


def test_a_guest_that_is_not_running_is_not_looked_for(now: dict) -> None:
    now["bridges"][0]["fdb"] = []
    for state in ("stopped", "paused"):
        plan = copy.deepcopy(PLAN)
        plan["present"]["guests"][0]["state"] = state
        assert findings(plan, now, BEFORE) == []


def test_a_guest_that_ran_before_may_be_silent_while_it_holds_its_tap(now: dict) -> None:
    now["bridges"][0]["fdb"] = []
    silent = "vm1 holds tap1, and has been silent for longer than br0 remembers its MAC 52:00:00:00:00:01."
    assert (
        findings(PLAN, now, BEFORE, started=[]) == []
        and judge(PLAN, now, BEFORE, [])["proven"][-1] == silent
    )
    assert len(findings(PLAN, now, BEFORE, started=["vm1"])) == 1
    now["bridges"][0]["ports"][1]["holder_pid"] = None
    assert findings(PLAN, now, BEFORE, started=[]) == [
        "vm1: no process holds tap1, so its MAC 52:00:00:00:00:01 can't be learned there."
    ]


def test_what_was_to_go_is_gone_and_the_nic_has_everything_again(now: dict) -> None:
    gone = bridge_host_plan(
        {
            "bridges": [{"name": "br0", "uplink": "eth0", "state": "absent"}],
            "taps": [],
            "guests": [],
        }
    )
    assert judge(gone, BEFORE, now) == {
        "proven": [
            "br0 is gone.",
            "eth0 has the address 10.77.0.5/24.",
            "The route to default leaves by eth0.",
            "The route to 10.77.0.0/24 leaves by eth0.",
        ],
        "wrong": [],
        "risky": [],
    }
    assert judge(gone, now, now)["wrong"] == [
        "br0 is still there.",
        "eth0 lacks the address 10.77.0.5/24 that the host had before; it has none.",
        "The route 'default via 10.77.0.1 dev br0' of before is not on eth0; to default now: default via 10.77.0.1 dev br0; default dev wg0.",
        "The route '10.77.0.0/24 dev br0' of before is not on eth0; to 10.77.0.0/24 now: 10.77.0.0/24 dev br0.",
    ]


def test_an_uplink_that_carries_vlans_is_told_once(now: dict) -> None:
    tenants = [{"name": "blue", "vlan": 10, "taps": ["tap1"]}]
    plan = bridge_host_plan(
        {
            "bridges": [{"name": "br0", "uplink": "eth0"}],
            "taps": [{"name": "tap1", "bridge": "br0"}],
            "tenants": tenants,
        }
    )
    assert judge(plan, now, BEFORE)["proven"][0] == "br0 has the ports eth0, tap1."


def test_every_given_option_is_held_against_the_kernel(now: dict) -> None:
    plan = bridge_host_plan(
        {
            "bridges": [
                {"name": "br0", "uplink": "eth0", "mtu": 1400, "mac": "02-00-00-00-00-B0", "ageing_time": 60, "priority": 4096, "alias": "lan"},
                {"name": "br1", "method": "static", "address": ["10.9.0.1/24"]},
            ],
            "taps": [{"name": "tap1", "bridge": "br0", "isolated": True, "mtu": 1300, "access_vlan": 20, "port_state": "forwarding"}],
        }
    )  # fmt: skip
    options = {"forward_delay": 0, "stp_state": False, "ageing_time": 60, "priority": 32768}
    bridge = now["bridges"][0]
    bridge.update(mtu=1500, mac="02:00:00:00:00:b1", alias="", stp_state=False, options=options)
    vlans = [{"vid": 1, "pvid": True, "untagged": True}]
    port = {"isolated": False, "port_state": "forwarding"}
    bridge["ports"][1].update(mtu=1300, options=port, vlans=vlans)
    now["bridges"].append({"name": "br1", "up": True, "ports": [], "fdb": [], "options": {}})
    assert findings(plan, now, BEFORE) == [
        "br0 shall have mac 02:00:00:00:00:b0, and has 02:00:00:00:00:b1.",
        "br0 shall have mtu 1400, and has 1500.",
        "br0 shall have alias lan, and has .",
        "br0 shall have priority 4096, and has 32768.",
        "br1 lacks the address 10.9.0.1/24; it has none.",
        "tap1 shall have isolated True, and has False.",
        "tap1 shall have vlans {'20': 'pvid untagged'}, and has {'1': 'pvid untagged'}.",
    ]
    bridge.update(mtu=1400, mac="02:00:00:00:00:b0", alias="lan")
    options["priority"] = 4096
    now["addresses"].append({"dev": "br1", "address": "10.9.0.1/24", "scope": "global"})
    port["isolated"], vlans[0]["vid"] = True, 20
    assert findings(plan, now, BEFORE) == []
    assert "br1 has the address 10.9.0.1/24." in judge(plan, now, BEFORE)["proven"]


def test_a_port_that_another_manager_would_take_is_told(now: dict) -> None:
    """Not of an uplink that was converted although x has it, and not of what is none of the role's."""
    now["takers"] = {name: f"{name} is managed by x" for name in ("eth0", "tap1", "tap99")}
    for override, told in ({}, ["eth0", "tap1"]), ({"override": ["networkmanager"]}, ["tap1"]):
        plan = bridge_host_plan(
            {
                "bridges": [{"name": "br0", "uplink": "eth0", **override}],
                "taps": [{"name": "tap1", "bridge": "br0"}],
            }
        )
        assert judge(plan, now, BEFORE)["risky"] == [f"{one} is managed by x." for one in told]


def test_what_a_manager_believes_that_is_not_so_is_told_of_each_device_of_ours(now: dict) -> None:
    plan = bridge_host_plan(
        {
            "bridges": [{"name": "br0", "uplink": "eth0"}],
            "taps": [{"name": "tap1", "bridge": "br0"}],
        }
    )
    now["takers"] = {"tap1": "tap1 is managed by x"}  # says more of the tap
    now["disagreements"] = {name: f"x leaves {name} alone" for name in ("eth0", "tap1", "br0", "br9")}  # fmt: skip
    assert judge(plan, now, BEFORE)["risky"] == [
        "tap1 is managed by x.",
        "x leaves br0 alone.",
        "x leaves eth0 alone.",
    ]


@pytest.mark.parametrize(
    ("item", "believes", "words"),
    [
        ({"uplink": "eth0"}, True, "say accept_ra: false where"),
        ({}, True, "set net.ipv6.conf.br0.accept_ra to 0 by sysctl."),
        ({"uplink": "eth0", "accept_ra": True}, True, None),
        ({"uplink": "eth0", "accept_ra": False}, False, None),
        ({}, None, None),
    ],
)
def test_a_bridge_that_believes_any_guests_router_advertisement_is_told(
    now: dict, item: dict, believes: bool | None, words: str | None
) -> None:
    plan = bridge_host_plan(
        {"bridges": [{"name": "br0", **item}], "taps": [{"name": "tap1", "bridge": "br0"}]}
    )
    now["bridges"][0]["believes_routers"] = believes
    risky = judge(plan, now, BEFORE)["risky"]
    assert [words in one for one in risky] == ([] if words is None else [True])


def test_a_bridge_without_taps_has_no_guest_that_could_advertise(now: dict) -> None:
    now["bridges"][0]["believes_routers"] = True
    plan = bridge_host_plan({"bridges": [{"name": "br0", "uplink": "eth0"}]})
    assert judge(plan, now, BEFORE)["risky"] == []


def test_the_vlans_of_a_tenants_port_are_left_to_the_proof_by_frames() -> None:
    port = {"name": "tap1", "vlans": [{"vid": 1, "pvid": True, "untagged": True}]}
    seen = {"br0": {"name": "br0", "ports": [port]}}
    wish = {
        "bridges": [],
        "taps": [],
        "ports": [{"name": "tap1", "bridge": "br0", "access_vlan": 10}],
    }
    assert [well for well, _said in findings_of._options(wish, seen, (), ())] == [False]
    assert list(findings_of._options(wish, seen, (), ("tap1",))) == []
