# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Group A for bridges, ports and taps: what can't be meant is refused in one sentence, in check mode too, and nothing is sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.hypervisor.network.tests.conftest import PYTHONS, needs_root
from ansible_collections.hypervisor.network.tests.harness.net.dump import differences, settled
from ansible_collections.hypervisor.network.tests.harness.net.netns import (
    Namespaces,
    batch,
    ip_json,
)
from ansible_collections.hypervisor.network.tests.harness.process.modules import Modules

HOST = """
link add br0 address 02:00:00:00:00:b0 type bridge
link add br1 address 02:00:00:00:00:b1 type bridge
link set br0 up
tuntap add tap1 mode tap
link set tap1 master br0
tuntap add tun1 mode tun
link add v0 type veth peer name v1
address add 10.8.0.1/24 dev v1
address add 10.9.0.1/24 dev br0
link add v2 type veth peer name v3
link add mv0 link v2 type macvlan
"""
MODULES = ("linux_bridge", "bridge_port", "tap_device")
# The kernel takes %d and makes "0" of it, and it takes -x.
NAMES = [
    "a-name-of-16-byt", "ä" * 8, "%d", "br%d", "-x", ".", "..", "a/b", "br0\n", "br 0", "br:0", "", "brücke", "\N{RIGHT-TO-LEFT OVERRIDE}0rb",
    "all", "default", "$(id)", "{{ 7*7 }}", "x" * 300, "../../etc/x",
]  # fmt: skip


@pytest.fixture(scope="module")
def host(target_path: str) -> Iterator[Modules]:
    needs_root()
    with Namespaces("input") as names:
        batch(names["input"], HOST)
        with Modules(names["input"], str(PYTHONS["pyroute2-0.9.7"]), target_path) as modules:
            yield modules


@pytest.fixture(scope="module")
def before(host: Modules) -> dict[str, Any]:
    return settled(host.netns)


@pytest.fixture
def refused(host: Modules, before: dict[str, Any]) -> Any:
    """Run a module in check mode and for real: it must fail in one line with these words, send nothing, and leave the host as it was."""

    def run(module: str, *words: str, **args: Any) -> None:
        for check in (True, False):
            answer = host.order(module, args, check=check)
            assert answer["traceback"] is None, answer["traceback"]
            assert answer["result"]["failed"], answer
            message = answer["result"]["msg"]
            assert "\n" not in message and all(word in message for word in words), message
            assert answer["writes"] == 0, message
        assert differences(before, settled(host.netns)) == []

    return run


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a01_a02_a_name_that_is_no_device_name_is_refused(
    refused: Any, module: str, name: str
) -> None:
    more = {"bridge": "br0"} if module == "bridge_port" else {}
    refused(module, name=name, **more)
    refused(module, name=name, state="absent")
    plural = {"linux_bridge": "bridges", "bridge_port": "ports", "tap_device": "taps"}[module]
    refused(module, **{plural: [{"name": "fine"}, {"name": name}]}, **more)
    if module == "bridge_port":
        refused(module, "bridge", name="tap1", bridge=name)


@pytest.mark.parametrize(
    ("port", "words"),
    [
        ("br0", ["port of itself"]),
        ("br1", ["br1 is a bridge itself"]),
        ("lo", ["loopback"]),
        ("tun1", ["TUN"]),
        ("v1", ["10.8.0.1/24", "bridge_uplink"]),
        ("v2", ["mv0"]),
        ("nic9", ["no device nic9"]),
    ],
)
def test_a05_what_no_bridge_takes_is_refused(refused: Any, port: str, words: list[str]) -> None:
    refused("bridge_port", *words, name=port, bridge="br0")


def test_a05_a_port_of_another_bridge_is_refused_and_stays_there(
    host: Modules, refused: Any
) -> None:
    refused("bridge_port", "br0", "steal", name="tap1", bridge="br1")
    assert ip_json(host.netns, "link", "show", "tap1")[0]["master"] == "br0"


@pytest.mark.parametrize("bridge", ["nobr", "v0", "tap1"])
def test_a05_what_is_no_bridge_takes_no_port(refused: Any, bridge: str) -> None:
    refused("bridge_port", bridge, name="v0" if bridge != "v0" else "v3", bridge=bridge)


@pytest.mark.parametrize("mtu", [-1, 0, 67, 65536, 70000, 10**12])
@pytest.mark.parametrize("module", ["linux_bridge", "tap_device"])
def test_a06_an_mtu_that_no_device_has_is_refused(refused: Any, module: str, mtu: int) -> None:
    refused(module, "mtu", str(mtu), name="new0", mtu=mtu)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"stp_state": True, "forward_delay": 0}, ["stp_state", "forward_delay", "2 seconds"]),
        ({"stp_state": True, "forward_delay": 1.99}, ["forward_delay is 1.99"]),
        ({"forward_delay": 100}, ["forward_delay 100", "0 to 30"]),
        ({"forward_delay": -1}, ["forward_delay -1"]),
        ({"forward_delay": "nan"}, ["forward_delay"]),
        ({"forward_delay": "inf"}, ["forward_delay"]),
        ({"hello_time": 0.5}, ["hello_time 0.5", "1 to 10"]),
        ({"max_age": 5}, ["max_age 5", "6 to 40"]),
        ({"priority": 70000}, ["priority 70000", "65535"]),
        ({"priority": -1}, ["priority -1"]),
        ({"ageing_time": -1}, ["ageing_time -1"]),
        ({"ageing_time": 1e10}, ["ageing_time"]),
        ({"group_fwd_mask": 1}, ["group_fwd_mask 1"]),
        ({"group_address": "01:80:c2:00:00:01"}, ["group_address 01:80:c2:00:00:01"]),
        ({"mcast_query_interval": 0.5}, ["mcast_query_interval 0.5"]),
        ({"mcast_router": 3}, ["mcast_router 3"]),
        ({"mcast_igmp_version": 1}, ["mcast_igmp_version 1"]),
        ({"vlan_default_pvid": 4095}, ["vlan_default_pvid 4095"]),
        ({"txqueuelen": -1}, ["txqueuelen -1"]),
        ({"alias": "x" * 256}, ["alias", "255 bytes"]),
        ({"alias": "1500\n    up touch /tmp/pwn"}, ["alias", "control character"]),
    ],
)
def test_a07_a_value_that_the_kernel_refuses_or_bends_is_refused_by_name(
    refused: Any, options: dict[str, Any], words: list[str]
) -> None:
    for name in ("br1", "new0"):
        refused("linux_bridge", name, *words, name=name, **options)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"cost": 0}, ["cost 0"]),
        ({"cost": 65536}, ["cost 65536"]),
        ({"priority": 64}, ["priority 64"]),
        ({"group_fwd_mask": 2}, ["group_fwd_mask 2"]),
        ({"mcast_router": 3}, ["mcast_router 3", "by itself", "give 1"]),
        ({"mcast_router": 4}, ["mcast_router 4"]),
    ],
)
def test_a07_a_port_value_that_the_kernel_refuses_is_refused_by_name(
    refused: Any, options: dict[str, Any], words: list[str]
) -> None:
    refused("bridge_port", "tap1", *words, name="tap1", bridge="br0", **options)


@pytest.mark.parametrize("module", ["linux_bridge", "tap_device"])
@pytest.mark.parametrize(
    "mac",
    ["01:00:5e:00:00:01", "ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00", "02:00:00:00:00", "br0", ""],
)
def test_a08_a_mac_that_no_device_may_have_is_refused(refused: Any, module: str, mac: str) -> None:
    refused(module, "mac", name="new0", mac=mac)


def test_a08_a_tun_has_no_mac(refused: Any) -> None:
    refused("tap_device", "tun1", "mac", name="tun1", mac="02:00:00:00:00:01")


@pytest.mark.parametrize(
    ("module", "plural"),
    [("linux_bridge", "bridges"), ("bridge_port", "ports"), ("tap_device", "taps")],
)
def test_a09_the_same_device_twice_is_refused_by_name(
    refused: Any, module: str, plural: str
) -> None:
    more = (
        [{"bridge": "br0"}, {"bridge": "br1"}]
        if module == "bridge_port"
        else [{"mtu": 1400}, {"mtu": 1500}]
    )
    refused(
        module,
        "'tap7' is listed twice",
        **{
            plural: [
                {"name": "tap7", **more[0]},
                {"name": "tap8", **more[0]},
                {"name": "tap7", **more[1]},
            ]
        },
    )


@pytest.mark.parametrize(
    ("module", "args"),
    [
        ("linux_bridge", {"name": "br1", "mtu": "ten"}),
        ("linux_bridge", {"name": "br1", "up": "perhaps"}),
        ("linux_bridge", {"name": "br1", "forward_delay": [1]}),
        ("linux_bridge", {"name": "br1", "vlan_protocol": "802.1x"}),
        ("linux_bridge", {"name": "br1", "state": "running"}),
        ("linux_bridge", {"name": "br1", "frobnicate": True}),
        ("linux_bridge", {"bridges": "br1"}),
        ("linux_bridge", {"bridges": [{"name": "br1", "netns": "x"}]}),
        ("linux_bridge", {"bridges": [{"name": "br1", "mtu": None}, {"mtu": 1400}]}),
        ("linux_bridge", {"name": "br1", "bridges": []}),
        ("linux_bridge", {}),
        ("bridge_port", {"name": "v0", "bridge": "br0", "cost": "much"}),
        ("bridge_port", {"name": "v0", "bridge": "br0", "port_state": "on"}),
        ("bridge_port", {"name": "v0"}),
        ("tap_device", {"name": "t", "mode": "tep"}),
        ("tap_device", {"name": "t", "owner": "no-such-user"}),
        ("tap_device", {"name": "t", "group": "-1"}),
        ("tap_device", {"name": "t", "owner": "4294967295"}),
        ("tap_device", {"name": "t", "owner": ["root"]}),
    ],
)
def test_a10_a_wrong_type_or_word_is_one_line(
    refused: Any, module: str, args: dict[str, Any]
) -> None:
    refused(module, **args)


def test_a11_a_bridge_with_ports_and_addresses_is_not_deleted_without_force(refused: Any) -> None:
    refused("linux_bridge", "br0", "tap1", "10.9.0.1/24", "force", name="br0", state="absent")
    refused(
        "linux_bridge", "br0", "tap1", bridges=[{"name": "br1"}, {"name": "br0"}], state="absent"
    )


def test_a_name_taken_by_another_kind_is_refused(refused: Any) -> None:
    refused("linux_bridge", "tap1", "'tun'", name="tap1")
    refused("linux_bridge", "v0", "'veth'", name="v0", state="absent", force=True)
    refused("tap_device", "br0", "'bridge'", name="br0")
    refused("tap_device", "br0", "'bridge'", name="br0", state="absent", force=True)


@pytest.mark.parametrize(
    "name", ["no-such-namespace", "../../proc/1/ns/net", "/run/netns/x", "", ".", "a\nb"]
)
def test_x05_a_namespace_that_is_none_is_refused(refused: Any, name: str) -> None:
    for module in MODULES:
        refused(
            module,
            "n",
            name="new0",
            netns=name,
            **({"bridge": "br0"} if module == "bridge_port" else {}),
        )
