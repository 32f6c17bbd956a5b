# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role refuses before its first change: each in one sentence that names the things and the cure."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.filter.bridge_host_refusals import (
    bridge_host_refusals,
)
from ansible_collections.hypervisor.network.plugins.module_utils._bridge_host import refusals
from ansible_collections.hypervisor.network.tests.harness.model.role_lists import (
    BR0,
    STATIC,
    TAP1,
    VM1,
    is_one_sentence,
    of_variables,
)


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


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (5, "bridge_host_guard_timeout 5 is outside 10 to 900 seconds; give one within, or 0 for no guard."),
        ("901", "bridge_host_guard_timeout 901 is outside 10 to 900 seconds; give one within, or 0 for no guard."),
        (True, "bridge_host_guard_timeout 1 is outside"),
        ("a minute", "bridge_host_guard_timeout 'a minute' is no number of seconds; give 10 to 900, or 0 for no guard."),
        ([60], "bridge_host_guard_timeout [60] is no number of seconds"),
    ],
)  # fmt: skip
def test_a_guard_timeout_that_the_modules_would_refuse_later(given: Any, words: str) -> None:
    (said,) = bridge_host_refusals({"guard_timeout": given})
    assert said.startswith(words)


@pytest.mark.parametrize("given", [0, "0", 10, "60", 900.0])
def test_a_guard_timeout_that_is_one(given: Any) -> None:
    assert bridge_host_refusals({"guard_timeout": given}) == []


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
    return bridge_host_refusals(
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


def test_a_manager_that_hands_a_nic_over_itself_is_no_reason() -> None:
    lines = [*LINES, "/run/systemd/netif/links/2:ADMIN_STATE=configured"]
    assert refusals.of_nics({"eth0": ()}, lines, ("systemd-networkd", "NetworkManager")) == []
    assert refusals.of_nics({"eth0": ()}, lines, ("NetworkManager",)) != []
    lines = [*LINES, "/run/NetworkManager/devices/2:managed=true"]
    assert refusals.of_nics({"eth0": ()}, lines, ("systemd-networkd", "NetworkManager")) == []


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
    return bridge_host_refusals({"bridges": [item], "taps": taps, "guests": []}, info=info)


def test_a_bridge_without_an_uplink_has_addresses_of_the_hosts_own_and_no_gateway() -> None:
    own = {"name": "br1", "method": "static", "address": ["10.9.0.1/24"]}
    assert of_variables([own]) == []
    assert of_host(own, [], {}, {"eth0": "192.0.2.10/24"}) == []
    is_one_sentence(of_variables([{**own, "gateway": ["10.9.0.2"]}]), "br1", "gateway", "uplink")


def test_a_nic_that_is_a_port_of_another_bridge() -> None:
    is_one_sentence(of_host(BR0, [], {"virbr0": ["eth0"]}, {}), "eth0", "virbr0", "br0")
    assert of_host(BR0, [], {"br0": ["eth0"], "virbr0": []}, {}) == []


def test_a_bridge_that_goes_must_say_where_its_addresses_go() -> None:
    gone = {"name": "br0", "state": "absent"}
    is_one_sentence(
        of_host(gone, [], {"br0": ["eth0"]}, {"br0": "192.0.2.10/24"})[:1],
        "br0",
        "192.0.2.10/24",
        "uplink",
    )
    assert of_host(gone, [], {"br0": []}, {"br0": "192.0.2.10/24"}) == []  # its own
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
