# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role refuses before its first change: each in one sentence that names the things and the cure."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.filter.bridge_host_refusals import FilterModule

refusals = FilterModule().filters()["bridge_host_refusals"]
BR0 = {"name": "br0", "uplink": "eth0"}
TAP1 = {"name": "tap1", "bridge": "br0"}
VM1 = {"name": "vm1", "nics": [{"tap": "tap1", "mac": "52:00:00:00:00:01"}]}
STATIC = {**BR0, "method": "static", "address": ["192.0.2.10/24"], "gateway": ["192.0.2.1"]}


def of_variables(
    bridges: Any = (), taps: Any = (), guests: Any = (), tenants: Any = ()
) -> list[str]:
    return refusals(
        {
            "bridges": list(bridges),
            "taps": list(taps),
            "guests": list(guests),
            "tenants": list(tenants),
        }
    )


def is_one_sentence(found: list[str], *words: str) -> None:
    assert len(found) == 1, found
    assert found[0].endswith((".", ". ")) and "\n" not in found[0]
    for word in words:
        assert word in found[0]


def test_the_example_of_the_readme_is_fine() -> None:
    bridge = {**BR0, "method": "dhcp", "stp_state": False, "forward_delay": 0, "maxwait": 0}
    tap2, vm2 = (
        {"name": "tap2", "bridge": "br0"},
        {
            "name": "vm2",
            "emulator": "qemu-system-i386",
            "memory": 512,
            "boot": "n",
            "nics": [{"tap": "tap2"}],
        },
    )
    assert of_variables([bridge], [TAP1, tap2], [VM1, vm2]) == []
    assert of_variables([STATIC]) == []
    assert of_variables() == []


@pytest.mark.parametrize(
    "name", ["bridge-with-16-b", "%d", "-x", ".", "..", "a/b", "br0\n", "br:0", "", "brücke", "a b"]
)
def test_names_that_the_kernel_or_a_shell_would_trip_over(name: str) -> None:
    is_one_sentence(of_variables([{"name": name}]), "name")
    is_one_sentence(of_variables([BR0], [{"name": name, "bridge": "br0"}]), "name")
    is_one_sentence(of_variables([{"name": "br0", "uplink": name}]), "uplink")


@pytest.mark.parametrize(
    "name", ["VM1", "a,readonly=on", "../../etc/x", "-S", "$(id)", "v" * 32, ""]
)
def test_names_of_guests_that_qemu_or_a_path_would_trip_over(name: str) -> None:
    is_one_sentence(of_variables(guests=[{"name": name}]), "guest name")


def test_one_nic_in_two_bridges_names_both() -> None:
    is_one_sentence(of_variables([BR0, {"name": "br1", "uplink": "eth0"}]), "eth0", "br0", "br1")


def test_a_nic_may_go_from_an_absent_bridge_to_another() -> None:
    assert of_variables([{**BR0, "state": "absent"}, {"name": "br1", "uplink": "eth0"}]) == []


@pytest.mark.parametrize(
    "lists",
    [
        ([BR0, BR0], [], []),
        ([BR0], [TAP1, TAP1], []),
        ([BR0], [TAP1], [{"name": "vm1"}, {"name": "vm1"}]),
    ],
)
def test_what_is_listed_twice_is_named(lists: tuple) -> None:
    found = of_variables(*lists)
    assert any("listed twice" in sentence for sentence in found)


def test_a_bridge_and_a_tap_of_one_name() -> None:
    is_one_sentence(of_variables([BR0], [{"name": "br0"}]), "'br0'", "bridge", "tap")


def test_a_bridge_as_its_own_uplink() -> None:
    is_one_sentence(of_variables([{"name": "br0", "uplink": "br0"}]), "its own uplink")


def test_the_same_mac_twice_names_both_guests_in_any_notation() -> None:
    taps = [TAP1, {"name": "tap2", "bridge": "br0"}]
    same = {
        "name": "vm2",
        "nics": [{"tap": "tap2", "mac": "52-00-00-00-00-01".replace("-", ":").upper()}],
    }
    is_one_sentence(of_variables([BR0], taps, [VM1, same]), "vm1", "vm2", "52:00:00:00:00:01")


def test_a_guest_with_the_mac_of_the_bridge() -> None:
    is_one_sentence(
        of_variables([{**BR0, "mac": "52:00:00:00:00:01"}], [TAP1], [VM1]), "br0", "vm1"
    )


@pytest.mark.parametrize("mac", ["01:00:5e:00:00:01", "00:00:00:00:00:00"])
def test_a_mac_that_no_card_can_have(mac: str) -> None:
    is_one_sentence(
        of_variables([BR0], [TAP1], [{"name": "vm1", "nics": [{"tap": "tap1", "mac": mac}]}]),
        "vm1",
        mac,
    )


@pytest.mark.parametrize("delay", [0, 1.99])
def test_stp_with_a_delay_that_the_kernel_would_raise(delay: float) -> None:
    is_one_sentence(
        of_variables([{**BR0, "stp_state": True, "forward_delay": delay}]),
        "br0",
        "STP",
        "at least 2",
    )
    assert of_variables([{**BR0, "stp_state": True, "forward_delay": 2}]) == []


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.999/24",
        "10.0.0.1/33",
        "0.0.0.0/0",
        "224.0.0.1/24",
        "10.0.0.0/24",
        "10.0.0.255/24",
        "127.0.0.1/8",
        "ff02::1/64",
        "::/0",
        "10.0.0.1",
    ],
)
def test_addresses_that_no_host_has(address: str) -> None:
    is_one_sentence(
        of_variables([{**BR0, "method": "static", "address": [address]}]), "br0", address
    )


@pytest.mark.parametrize("address", ["10.0.0.1/32", "10.0.0.0/31", "10.0.0.1/24", "2001:db8::1/64"])
def test_addresses_that_a_host_can_have(address: str) -> None:
    assert of_variables([{**BR0, "method": "static", "address": [address]}]) == []


def test_a_gateway_outside_of_all_networks() -> None:
    is_one_sentence(
        of_variables([{**STATIC, "gateway": ["198.51.100.1"]}]),
        "br0",
        "198.51.100.1",
        "192.0.2.0/24",
    )
    is_one_sentence(of_variables([{**STATIC, "gateway": ["router"]}]), "router")
    assert of_variables([{**STATIC, "gateway": ["192.0.2.1", "fe80::1"]}]) == []


def test_static_without_an_address_and_an_address_without_static() -> None:
    is_one_sentence(of_variables([{**BR0, "method": "static"}]), "no address")
    is_one_sentence(
        of_variables([{**BR0, "method": "dhcp", "address": ["192.0.2.10/24"]}]),
        "without method static",
    )


def test_a_method_without_an_uplink() -> None:
    is_one_sentence(of_variables([{"name": "br0", "method": "dhcp"}]), "br0", "no uplink")


def test_a_guest_needs_a_listed_tap_in_a_bridge_for_itself() -> None:
    is_one_sentence(of_variables([BR0], [], [VM1]), "vm1", "tap1", "does not list")
    is_one_sentence(of_variables([BR0], [{"name": "tap1"}], [VM1]), "vm1", "tap1", "no bridge")
    is_one_sentence(
        of_variables([BR0], [{**TAP1, "state": "absent"}], [VM1]), "vm1", "tap1", "absent"
    )
    is_one_sentence(
        of_variables([BR0], [TAP1], [VM1, {"name": "vm2", "nics": [{"tap": "tap1"}]}]),
        "vm1",
        "vm2",
        "tap1",
    )
    assert of_variables([BR0], [{**TAP1, "state": "absent"}], [{**VM1, "state": "absent"}]) == []


def test_a_tap_cannot_stay_in_a_bridge_that_goes() -> None:
    is_one_sentence(of_variables([{**BR0, "state": "absent"}], [TAP1]), "tap1", "br0", "absent")


def test_a_wrong_type_is_one_sentence() -> None:
    is_one_sentence(of_variables([{"name": "br0", "mtu": "large"}]), "br0", "mtu")


def test_a_misspelt_option_is_told_with_the_one_that_was_meant() -> None:
    is_one_sentence(
        [f"{one[:-1]}." for one in of_variables([{"name": "br0", "forward_dealy": 0}])],
        "br0",
        "forward_dealy",
        "'forward_delay'",
    )
    is_one_sentence(
        [
            f"{one[:-1]}."
            for one in of_variables(guests=[{"name": "vm1", "nics": [{"tap": "t", "macc": "x"}]}])
        ],
        "vm1",
        "nics",
        "'mac'",
    )
    is_one_sentence(of_variables([{"name": "br0", "qqq": 0}]), "br0", "qqq", "uplink")


def test_an_item_without_a_name_is_told() -> None:
    is_one_sentence(of_variables([{"uplink": "eth0"}]), "name")


def test_every_refusal_is_told_at_once() -> None:
    assert (
        len(
            of_variables(
                [BR0, {"name": "br1", "uplink": "eth0", "stp_state": True, "forward_delay": 0}],
                [{"name": "%d"}],
            )
        )
        == 3
    )


LINES = [
    "/sys/class/net/eth0/uevent:INTERFACE=eth0",
    "/sys/class/net/eth0/uevent:IFINDEX=2",
    "/sys/class/net/wlan0/uevent:DEVTYPE=wlan",
    "/sys/class/net/wlan0/uevent:INTERFACE=wlan0",
    "/sys/class/net/wlan0/uevent:IFINDEX=3",
    "/sys/class/net/virbr0/uevent:DEVTYPE=bridge",
    "/sys/class/net/virbr0/uevent:INTERFACE=virbr0",
    "/sys/class/net/virbr0/uevent:IFINDEX=22",
]


def of_nics(uplink: str, *lines: str, **item: Any) -> list[str]:
    return refusals(
        {"bridges": [{"name": "br0", "uplink": uplink, **item}], "taps": [], "guests": []},
        nics=[*LINES, *lines],
    )


@pytest.mark.parametrize(
    "line",
    [
        "",
        "/run/NetworkManager/devices/2:managed=false",
        "/run/systemd/netif/links/2:ADMIN_STATE=unmanaged",
    ],
)
def test_a_nic_that_nobody_else_manages_is_fine(line: str) -> None:
    assert of_nics("eth0", line) == []


def test_a_nic_of_another_number_may_be_managed() -> None:
    assert (
        of_nics(
            "eth0",
            "/run/NetworkManager/devices/22:managed=true",
            "/run/systemd/netif/links/3:ADMIN_STATE=configured",
        )
        == []
    )


def test_a_missing_nic_is_told_with_those_that_there_are() -> None:
    is_one_sentence(of_nics("enp9s0"), "no NIC enp9s0", "eth0, virbr0, wlan0")


def test_a_wireless_nic() -> None:
    is_one_sentence(of_nics("wlan0"), "wlan0 is wireless", "access point", "wired NIC")


def test_a_bridge_as_an_uplink() -> None:
    is_one_sentence(of_nics("virbr0"), "virbr0 is a bridge")


def test_a_managed_nic_is_told_with_the_command_that_hands_it_over() -> None:
    is_one_sentence(
        of_nics("eth0", "/run/NetworkManager/devices/2:managed=true"),
        "NetworkManager",
        "nmcli device set eth0 managed no",
    )
    is_one_sentence(
        of_nics("eth0", "/run/systemd/netif/links/2:ADMIN_STATE=configured"),
        "systemd-networkd",
        "systemctl disable --now systemd-networkd",
    )


@pytest.mark.parametrize(
    ("uplink", "line", "name"),
    [
        ("eth0", "/run/NetworkManager/devices/2:managed=true", "networkmanager"), ("eth0", "/run/systemd/netif/links/2:ADMIN_STATE=configured", "networkd"),
        ("wlan0", "", "wireless"),
    ],
)  # fmt: skip
def test_what_is_overridden_by_name_is_left_to_the_module(
    uplink: str, line: str, name: str
) -> None:
    assert of_nics(uplink, line, override=[name]) == []
    is_one_sentence(of_nics(uplink, line, override=["bond"]), uplink)


def of_host(
    item: dict, taps: list, bridges: dict[str, list[str]], addresses: dict[str, str]
) -> list[str]:
    info = {
        "bridges": [
            {"name": name, "ports": [{"name": port} for port in ports]}
            for name, ports in bridges.items()
        ],
        "addresses": [
            {"dev": dev, "address": address, "scope": "global"}
            for dev, address in addresses.items()
        ],
    }
    return refusals({"bridges": [item], "taps": taps, "guests": []}, info=info)


def test_a_nic_that_is_a_port_of_another_bridge() -> None:
    is_one_sentence(of_host(BR0, [], {"virbr0": ["eth0"]}, {}), "eth0", "virbr0", "br0")
    assert of_host(BR0, [], {"br0": ["eth0"], "virbr0": []}, {}) == []


def test_a_bridge_that_goes_must_say_where_its_addresses_go() -> None:
    gone = {"name": "br0", "state": "absent"}
    is_one_sentence(
        of_host(gone, [], {"br0": []}, {"br0": "192.0.2.10/24"}), "br0", "192.0.2.10/24", "uplink"
    )
    assert (
        of_host({**gone, "uplink": "eth0"}, [], {"br0": ["eth0"]}, {"br0": "192.0.2.10/24"}) == []
    )
    assert of_host({**gone, "force": True}, [], {"br0": ["veth7"]}, {"br0": "192.0.2.10/24"}) == []
    assert of_host(gone, [], {}, {}) == []


def test_a_bridge_that_goes_while_it_has_foreign_ports() -> None:
    gone = {**BR0, "state": "absent"}
    is_one_sentence(
        of_host(gone, [], {"br0": ["eth0", "tap1", "veth7"]}, {}), "br0", "tap1, veth7", "force"
    )
    assert of_host(gone, [{"name": "tap1", "state": "absent"}], {"br0": ["eth0", "tap1"]}, {}) == []


def test_an_address_that_the_nic_does_not_have() -> None:
    is_one_sentence(
        of_host(STATIC, [], {}, {"eth0": "192.0.2.99/24"}), "br0", "192.0.2.10/24", "192.0.2.99/24"
    )
    assert of_host(STATIC, [], {}, {"eth0": "192.0.2.10/24"}) == []
    assert of_host(STATIC, [], {"br0": ["eth0"]}, {"br0": "192.0.2.10/24"}) == []


TAP2, TAP3 = {"name": "tap2", "bridge": "br0"}, {"name": "tap3", "bridge": "br0"}
VM2 = {"name": "vm2", "nics": [{"tap": "tap2"}]}
BLUE, RED = (
    {"name": "blue", "vlan": 10, "guests": ["vm1"]},
    {"name": "red", "vlan": 20, "guests": ["vm2"]},
)


def of_tenants(*tenants: Any, bridge: Any = None, tap2: Any = None) -> list[str]:
    return of_variables(
        [bridge or BR0], [TAP1, {**TAP2, **(tap2 or {})}, TAP3], [VM1, VM2], tenants
    )


def test_tenants_that_are_apart_are_fine() -> None:
    assert of_tenants(BLUE, RED) == []
    assert (
        of_tenants(
            {**BLUE, "taps": ["tap3"], "dhcp": True},
            RED,
            tap2={"access_vlan": 20},
            bridge={**BR0, "vlan_filtering": True},
        )
        == []
    )
    assert (
        of_tenants(
            {**BLUE, "vlan": "10"},
            bridge={**BR0, "self_vlans": [{"vid": 99, "pvid": True, "untagged": True}]},
        )
        == []
    )
    assert of_tenants(BLUE, tap2={"trunk_vlans": ["10", "20-30"]}) == [], (
        "a guest that routes between tenants"
    )


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (of_tenants(BLUE, {**RED, "vlan": 10}), ("blue", "red", "VLAN 10")),
        (of_tenants({**BLUE, "vlan": 0}), ("blue", "VLAN 0", "1 to 4094")),
        (of_tenants({**BLUE, "vlan": 4095}), ("blue", "VLAN 4095")),
        (of_tenants({**BLUE, "vlan": 1}), ("blue", "VLAN 1", "the host's own on br0")),
        (
            of_tenants(BLUE, bridge={**BR0, "vlan_default_pvid": 10}),
            ("VLAN 10", "the host's own on br0"),
        ),
        (
            of_tenants(BLUE, bridge={**BR0, "self_vlans": [{"vid": "5-15"}]}),
            ("VLAN 10", "the host's own on br0"),
        ),
        (
            of_tenants(
                {**BLUE, "vlan": 1},
                bridge={**BR0, "self_vlans": [{"vid": 99, "pvid": True, "untagged": True}]},
            ),
            ("VLAN 1", "every port begins with on br0"),
        ),
        (of_tenants(BLUE, {**RED, "guests": ["vm1", "vm2"]}), ("vm1", "blue", "red")),
        (of_tenants(BLUE, {**RED, "taps": ["tap1"]}), ("tap1", "blue", "red")),
        (of_tenants({**BLUE, "guests": ["vm9"]}), ("vm9", "bridge_host_guests")),
        (of_tenants({**BLUE, "taps": ["tap9"]}), ("tap9", "bridge_host_taps")),
        (of_tenants(BLUE, BLUE), ("'blue' is listed twice",)),
        (
            of_tenants(BLUE, bridge={**BR0, "vlan_filtering": False}),
            ("br0 says vlan_filtering: false",),
        ),
        (
            of_tenants(BLUE, bridge={**BR0, "vlan_default_pvid": 0}),
            ("br0 says vlan_default_pvid: 0", "cut off"),
        ),
        (of_tenants(RED, tap2={"trunk_vlans": ["20"]}), ("tap2", "trunk_vlans", "20 alone")),
        (
            of_tenants(RED, tap2={"vlans": [{"vid": 20, "pvid": True, "untagged": True}]}),
            ("tap2", "says vlans"),
        ),
        (
            of_tenants(RED, tap2={"access_vlan": 30}),
            ("tap2", "access_vlan 30", "the tenant's VLAN is 20"),
        ),
        (of_tenants(RED, tap2={"vlans_mode": "merge"}), ("tap2", "merge", "untagged")),
        (
            of_tenants(BLUE, tap2={"access_vlan": 10}),
            ("tap2", "untagged in VLAN 10 of the tenant blue"),
        ),
        (of_tenants(BLUE, tap2={"access_vlan": 5000}), ("tap2", "access_vlan 5000")),
        (of_tenants(RED, tap2={"bridge": "br7"}), ("tap2", "br7", "bridge_host_bridges")),
        (of_variables([BR0], [], [{"name": "vm1"}], [BLUE]), ("vm1", "no NIC")),
        (of_tenants({"name": "blue", "vlan": "ten"}), ("blue", "vlan")),
    ],
)
def test_tenants_that_are_not_apart(found: list[str], words: tuple[str, ...]) -> None:
    is_one_sentence(found, *words)


def test_a_guest_that_goes_may_still_be_listed_in_its_tenant() -> None:
    taps, guests = [{**TAP1, "state": "absent"}, TAP2, TAP3], [{**VM1, "state": "absent"}, VM2]
    assert of_variables([BR0], taps, guests, [BLUE, RED]) == []


def test_a_vlan_that_the_host_has_already_is_not_a_tenants() -> None:
    info = {
        "bridges": [
            {
                "name": "br0",
                "ports": [],
                "self_vlans": [{"vid": 1, "pvid": True, "untagged": True}, {"vid": "8-12"}],
            }
        ],
        "addresses": [],
    }
    wish = {"bridges": [BR0], "taps": [TAP1], "guests": [VM1], "tenants": [BLUE]}
    is_one_sentence(refusals(wish, info=info), "VLAN 10 on br0", "self_vlans")
    assert refusals({**wish, "tenants": [{**BLUE, "vlan": 20}]}, info=info) == []
    keeps = {**BR0, "self_vlans": [{"vid": 1, "pvid": True, "untagged": True}]}
    assert refusals({**wish, "bridges": [keeps]}, info=info) == []
