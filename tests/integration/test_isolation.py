# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Live frames between tenants that no VLAN keeps apart, on every kernel: what leaks is counted, what does not is zero.

The oracle are the kernel's counters of received frames at the far ends of the ports. Tenants in VLANs are looked at on a hypervisor of the lab.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._isolation.frames import FLOODED
from ansible_collections.hypervisor.network.tests.harness.net.dump import differences, dump
from ansible_collections.hypervisor.network.tests.harness.net.netns import batch, ip_json, run

PORTS = ("port1", "port2", "port3")
BLUE = {"name": "blue", "ports": ["port1", "port3"]}
RED = {"name": "red", "ports": ["port2"]}
COUNT = 2
SENT = COUNT * 2  # by the two probes of a tenant
SERVER = (
    "--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--bind-interfaces", "--no-ping", "--no-resolv", "--no-hosts", "--user=root",
    "--pid-file=", "--dhcp-authoritative", "--dhcp-range=10.20.0.100,10.20.0.150,120s", "--interface=far3",
)  # fmt: skip


@pytest.fixture
def switch(netns: str) -> str:
    """A namespace with a bridge and three ports with cables in them, where nobody else says a word: a bridge that snoops joins groups itself."""
    run(
        "sysctl",
        "-qw",
        "net.ipv6.conf.all.disable_ipv6=1",
        "net.ipv6.conf.default.disable_ipv6=1",
        netns=netns,
    )
    batch(netns, "link add br0 up type bridge mcast_snooping 0\n")
    for port in PORTS:
        far = port.replace("port", "far")
        batch(
            netns, f"link add {port} up master br0 type veth peer name {far}\nlink set {far} up\n"
        )
    return calm(netns)


def calm(netns: str) -> str:
    """Wait for the kernel's worker that tells which devices are up."""
    while [
        link
        for link in ip_json(netns, "link", "show")
        if link["operstate"] != "UP" and link["ifname"] != "lo"
    ]:
        time.sleep(0.01)
    return netns


def put_apart(netns: str) -> None:
    """Red gets a bridge of its own."""
    batch(netns, "link add br1 up type bridge mcast_snooping 0\nlink set port2 master br1\n")
    calm(netns)


def received(netns: str) -> dict[str, int]:
    links = ip_json(netns, "-s", "link", "show")
    return {
        link["ifname"]: link["stats64"]["rx"]["packets"]
        for link in links
        if link["ifname"].startswith("far")
    }


def learned(netns: str) -> list[str]:
    """The forwarding entries without what others may have taught it meanwhile."""
    return sorted(
        line
        for line in run("bridge", "-n", netns, "fdb", "show").splitlines()
        if "permanent" in line or "probe" in line
    )


def counted(run_module: Any, netns: str, **more: Any) -> tuple[dict[str, Any], dict[str, int]]:
    """What the module says, and how many frames came to the far ends meanwhile."""
    before, state, fdb = received(netns), dump(netns), learned(netns)
    result = run_module("bridge_isolation", {"tenants": [BLUE, RED], "count": COUNT, **more}, netns)
    assert (
        differences(state, dump(netns)) == []
        and learned(netns) == fdb
        and result.get("changed", False) is False
    )
    return result, {name: count - before[name] for name, count in received(netns).items()}


def at(result: dict[str, Any], sender: str, port: str) -> dict[str, int]:
    """What leaked from a tenant to a real port, by kind."""
    (leak,) = [
        one
        for one in result["leaks"]
        if (one["sender"], one["port"], one["probe"]) == (sender, port, False)
    ]
    return leak["counts"]


def test_without_anything_between_them_every_kind_leaks_both_ways_and_is_counted(
    run_module: Any, switch: str
) -> None:
    result, came = counted(run_module, switch)
    assert result["failed"] and "\n" not in result["msg"]
    everything = dict.fromkeys(FLOODED, SENT)
    assert (
        at(result, "blue", "port2")
        == at(result, "red", "port1")
        == at(result, "red", "port3")
        == everything
    )
    assert (
        f"blue leaks: {SENT} arp, {SENT} broadcast" in result["msg"]
        and "came out at port2 of red." in result["msg"]
    )
    # all that both tenants flooded came to each; what went to a learned station did not
    assert came == dict.fromkeys(("far1", "far2", "far3"), 2 * SENT * len(FLOODED))
    assert [row["seen"] for row in result["matrix"]] == [
        {
            "blue": 3 * SENT * 6 + SENT,
            "red": 3 * SENT * 6,
            "the host": result["matrix"][0]["seen"]["the host"],
            "no tenant": 0,
        },
        {
            "blue": 4 * SENT * 6,
            "red": 2 * SENT * 6 + SENT,
            "the host": result["matrix"][1]["seen"]["the host"],
            "no tenant": 0,
        },
    ]


def test_a_group_need_not_come_out_where_the_bridge_snoops(run_module: Any, switch: str) -> None:
    """Nobody has joined it, so with a querier on the network it would not; here there is none, and it does."""
    put_apart(switch)
    run("ip", "-n", switch, "link", "set", "br0", "type", "bridge", "mcast_snooping", "1")
    result, _came = counted(run_module, switch)
    rows = {
        row["kind"]: (row["own"], row["required"])
        for row in result["isolation"]
        if row["sender"] == "blue"
    }
    assert rows["multicast"] == rows["nd"] == (3 * SENT, 0)
    assert rows["multicast6"] == rows["arp"] == (3 * SENT, 3 * SENT)


def test_two_bridges_keep_them_apart(run_module: Any, switch: str) -> None:
    put_apart(switch)
    result, came = counted(run_module, switch)
    assert not result["failed"], result["msg"]
    assert result["leaks"] == [] and [row["others"] for row in result["isolation"]] == [0] * 14
    assert came == dict.fromkeys(("far1", "far2", "far3"), SENT * len(FLOODED))
    assert result["proven"][0].startswith("blue: 28 frames of 7 kinds reached their own ports")


def test_isolated_ports_keep_them_apart_and_nobody_is_reached(run_module: Any, switch: str) -> None:
    for port in PORTS:
        run("bridge", "-n", switch, "link", "set", "dev", port, "isolated", "on")
    result, came = counted(run_module, switch)
    assert not result["failed"], result["msg"]
    assert [(row["own"], row["required"], row["others"]) for row in result["isolation"]] == [
        (0, 0, 0)
    ] * 14
    assert came == {"far1": 0, "far2": 0, "far3": 0}


def test_one_way_only_is_a_leak_too(run_module: Any, switch: str) -> None:
    """Who is not isolated hears those who are, and they hear it."""
    for port in ("port1", "port3"):
        run("bridge", "-n", switch, "link", "set", "dev", port, "isolated", "on")
    run("bridge", "-n", switch, "link", "set", "dev", "port2", "bcast_flood", "off")
    result, _came = counted(run_module, switch)
    assert set(at(result, "blue", "port2")) == set(FLOODED) - {"arp", "broadcast"}
    assert set(at(result, "red", "port1")) == set(FLOODED)


def test_a_port_of_nobody_is_somebody_else(run_module: Any, switch: str) -> None:
    result, _came = counted(run_module, switch, tenants=[BLUE])
    assert [leak["port"] for leak in result["leaks"]] == [
        "port2"
    ] and "came out at port2." in result["msg"]


def test_a_tenant_that_does_not_reach_its_own_is_told(run_module: Any, switch: str) -> None:
    put_apart(switch)
    run(
        "nft",
        "-f",
        "-",
        netns=switch,
        stdin="table bridge t { chain c { type filter hook forward priority 0; oifname port3 ether type arp drop; }; }\n",
    )
    result, _came = counted(run_module, switch)
    assert result["wrong"] == [
        f"blue: {SENT} of {SENT} arp frames from a port like port1 did not come out at port3."
    ]


def test_a_jumbo_bridge_keeps_its_mtu_and_its_mac(run_module: Any, switch: str) -> None:
    batch(
        switch,
        "".join(
            f"link set {name} mtu 9000\n"
            for port in PORTS
            for name in (port, port.replace("port", "far"))
        ),
    )
    counted(run_module, switch)  # looks at both
    assert {link["mtu"] for link in ip_json(switch, "link", "show", "br0")} == {9000}


@pytest.fixture
def server(switch: str) -> Iterator[None]:
    if shutil.which("dnsmasq") is None:
        pytest.skip("there is no dnsmasq here: run it through make")
    run("ip", "address", "add", "10.20.0.1/24", "dev", "far3", netns=switch)
    with subprocess.Popen(
        ["ip", "netns", "exec", switch, "dnsmasq", *SERVER, "--dhcp-leasefile=/dev/null"]
    ) as process:
        try:
            yield
        finally:
            process.kill()


def test_a_dhcp_server_answers_its_own_tenant(run_module: Any, switch: str, server: None) -> None:
    put_apart(switch)
    tenants = [{**BLUE, "dhcp": True}, {**RED, "dhcp": True}]
    result, _came = counted(run_module, switch, tenants=tenants, timeout=4)
    assert result["wrong"] == ["red: no DHCP server offered an address within 4 s."]
    (offer,) = result["offers"]
    (far,) = ip_json(switch, "link", "show", "far3")
    assert (offer["tenant"], offer["server"], offer["mac"], offer["port"]) == (
        "blue",
        "10.20.0.1",
        far["address"],
        "port3",
    )
    assert offer["address"].startswith("10.20.0.1")


def test_an_offer_of_another_tenants_server_is_told(
    run_module: Any, switch: str, server: None
) -> None:
    tenants = [
        {"name": "blue", "ports": ["port1", "port2"], "dhcp": True},
        {"name": "red", "ports": ["port3"]},
    ]
    result, _came = counted(run_module, switch, tenants=tenants)
    assert any("which is on port3 of red." in sentence for sentence in result["wrong"])


def test_vlans_on_a_bridge_that_filters_none_mean_nothing(run_module: Any, switch: str) -> None:
    result, _came = counted(run_module, switch, tenants=[{**BLUE, "vlan": 10}, {**RED, "vlan": 20}])
    assert (
        "br0 filters no VLANs, so VLAN 10 of blue means nothing there; set its vlan_filtering."
        in result["wrong"]
    )
    assert at(result, "blue", "port2")["arp"] == SENT


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"tenants": [BLUE, {**RED, "ports": ["port1"]}]}, "port1 is a port of blue and of red"),
        ({"tenants": [BLUE, {**RED, "name": "blue"}]}, "'blue' is listed twice"),
        ({"tenants": [{"name": "blue", "ports": []}]}, "blue has no ports"),
        ({"tenants": [{**BLUE, "vlan": 4095}]}, "vlan 4095"),
        ({"uplinks": ["port1"]}, "port1 is listed as a port of blue and as an uplink"),
        ({"count": 0}, "count 0"),
        ({"timeout": 1000}, "timeout 1000"),
        ({"tenants": [{"name": "blue", "ports": ["far1"]}]}, "far1 of blue is no port of a bridge"),
    ],
)
def test_refused_in_one_sentence_before_a_frame_is_sent(
    run_module: Any, switch: str, more: dict[str, Any], words: str
) -> None:
    result, came = counted(run_module, switch, **more)
    assert result["failed"] and words in result["msg"] and "\n" not in result["msg"]
    assert not any(came.values())
