# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's variables as the lists of its steps."""

from __future__ import annotations

import pytest

from ansible_collections.hypervisor.network.tests.harness.model.role_lists import (
    BR0,
    QUIET,
    options_of,
    plan,
    there,
)


def test_nothing_listed_is_nothing_to_do() -> None:
    found = plan()
    assert found["empty"] and not found["new"]
    assert not any(
        [
            found["packages"],
            found["nics"],
            found["user"],
            *found["present"].values(),
            *found["absent"].values(),
        ]
    )


def test_a_bridge_goes_to_its_modules() -> None:
    found = plan([BR0])
    assert not found["empty"] and found["nics"] == ["eth0"]
    assert found["present"]["bridges"] == [
        {"name": "br0", "stp_state": False, "forward_delay": 0.0}
    ]
    assert found["present"]["uplinks"] == [{"name": "eth0", "bridge": "br0"}]
    assert found["present"]["stanzas"] == [
        {
            "name": "br0", "state": "present", "auto": True, "take_over": "eth0", "family": "inet", "method": "dhcp",
            "options": [["bridge_ports", "eth0"], ["bridge_stp", "off"], ["bridge_fd", "0"], ["bridge_maxwait", "0"], ["bridge_hw", "eth0"],
                        ["up", QUIET]],
        }
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("said", "override"),
    [
        ([], ["cloud_init"]),
        (["filter"], ["filter", "cloud_init"]),
        (["cloud_init"], ["cloud_init"]),
    ],
)
def test_what_is_persisted_switches_cloud_init_off_so_it_stops_no_uplink(
    said: list[str], override: list[str]
) -> None:
    bridge = {**BR0, "override": said} if said else BR0
    (found,) = plan([bridge], uncloud=True)["present"]["uplinks"]
    assert found == {"name": "eth0", "bridge": "br0", "override": override}
    (found,) = plan([{**bridge, "state": "absent"}], uncloud=True)["absent"]["uplinks"]
    assert found.get("override", []) == said


@pytest.mark.parametrize(
    ("item", "info", "up"),
    [
        ({"uplink": "eth0"}, {}, None),
        ({"uplink": "eth0"}, there("br0"), True),
        ({}, {}, True),
        ({"uplink": "eth0", "up": False}, {}, False),
    ],
    ids=["new with an uplink", "there with an uplink", "new without one", "asked to stay down"],
)
def test_a_new_bridge_goes_up_with_its_uplink(item: dict, info: dict, up: bool | None) -> None:
    assert plan([{"name": "br0", **item}], info=info)["present"]["bridges"][0].get("up") is up


@pytest.mark.parametrize(
    ("item", "info", "wish", "lines"),
    [
        (
            {},
            {},
            {"stp_state": False, "forward_delay": 0},
            {"bridge_stp": ["off"], "bridge_fd": ["0"]},
        ),
        (
            {},
            there("br0"),
            {"stp_state": False, "forward_delay": 15.0},
            {"bridge_stp": ["off"], "bridge_fd": ["15"]},
        ),
        (
            {},
            there("br0", stp_state=True),
            {"stp_state": True, "forward_delay": 15.0},
            {"bridge_stp": ["on"], "bridge_fd": ["15"]},
        ),
        (
            {"stp_state": True},
            {},
            {"stp_state": True, "forward_delay": 15},
            {"bridge_stp": ["on"], "bridge_fd": ["15"]},
        ),
        (
            {"forward_delay": 2.5},
            there("br0"),
            {"stp_state": False, "forward_delay": 2.5},
            {"bridge_stp": ["off"], "bridge_fd": ["2.5"]},
        ),
    ],
    ids=["new", "exists", "exists with STP", "new with STP", "given"],
)
def test_a_new_bridge_forwards_at_once_and_one_that_exists_stays(
    item: dict, info: dict, wish: dict, lines: dict
) -> None:
    found = plan([{"name": "br0", **item}], info=info)["present"]
    assert {key: found["bridges"][0].get(key) for key in wish} == wish
    assert {key: options_of(found["stanzas"][0]).get(key) for key in lines} == lines


def test_a_tap_goes_to_its_modules() -> None:
    found = plan(
        [BR0],
        [
            {
                "name": "tap1",
                "bridge": "br0",
                "owner": "qemu",
                "mtu": 1400,
                "mac": "02:00:00:00:00:01",
                "isolated": True,
                "cost": 10,
            }
        ],
    )["present"]
    assert found["taps"] == [
        {"up": True, "name": "tap1", "owner": "qemu", "mtu": 1400, "mac": "02:00:00:00:00:01"}
    ]
    assert found["ports"] == [{"name": "tap1", "bridge": "br0", "cost": 10, "isolated": True}]
    assert found["stanzas"][1] == {
        "name": "tap1", "state": "present", "family": "inet", "method": "manual", "auto": True,
        "options": [
            ["pre-up", "test -e /sys/class/net/tap1 || ip tuntap add dev tap1 mode tap user qemu"],
            ["mtu", "1400"],
            ["hwaddress", "02:00:00:00:00:01"],
            ["up", "ip link set dev tap1 master br0"],
            ["up", "bridge link set dev tap1 cost 10 isolated on"],
        ],
    }  # fmt: skip


def test_a_bridge_takes_in_its_own_taps_when_it_comes_up() -> None:
    taps = [{"name": "tap1", "bridge": "br1"}, {"name": "tap2", "bridge": "br2"}, {"name": "tap3"}]
    found = plan([{"name": "br1"}, {"name": "br2"}, {"name": "br3"}], taps)["present"]
    lines = {one["name"]: options_of(one).get("up", []) for one in found["stanzas"][:3]}
    assert [[line.partition("--force ")[2] for line in lines[name]] for name in ("br1", "br2", "br3")] == [
        ["tap1 || true"],
        ["tap2 || true"],
        [],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("item", "addresses"),
    [
        ({"method": "static", "address": ["192.0.2.1/24", "2001:db8::1/64"]}, ["192.0.2.1/24", "2001:db8::1/64"]),
        ({}, None),
        ({**BR0, "method": "static", "address": ["192.0.2.10/24"]}, None),
    ],
    ids=["of the host alone", "of nobody", "of an uplink, with which it comes"],
)  # fmt: skip
def test_the_hosts_own_addresses_are_the_bridges_where_no_uplink_brings_them(
    item: dict, addresses: list | None
) -> None:
    assert plan([{"name": "br0", **item}])["present"]["bridges"][0].get("addresses") == addresses


@pytest.mark.parametrize(
    ("item", "named"),
    [({}, ["192.0.2.1/24"]), ({"name": "br2"}, None), ({"uplink": "eth0"}, None)],
    ids=["its own", "another bridge's", "of an uplink, which gets them back"],
)
def test_with_a_bridge_that_goes_its_global_addresses_go(item: dict, named: list | None) -> None:
    there_now = [
        {"dev": "br1", "address": "192.0.2.1/24", "scope": "global"},
        {"dev": "br1", "address": "fe80::1/64", "scope": "link"},
        {"dev": "eth1", "address": "192.0.2.9/24", "scope": "global"},
    ]
    gone = {"name": "br1", "state": "absent", **item}
    assert plan([gone], addresses=there_now)["absent"]["bridges"][0].get("addresses") == named


@pytest.mark.parametrize("listed", ["bridges", "taps", "guests"])
def test_one_list_alone_is_something_to_do(listed: str) -> None:
    assert not plan(**{listed: [{"name": "x1"}]})["empty"]


def test_a_tap_belongs_to_the_user_of_its_guest() -> None:
    guests = [
        {"name": "vm1", "user": "hv-guest", "nics": [{"tap": "tap1"}]},
        {"name": "vm2", "nics": [{"tap": "tap2"}]},
    ]
    taps = [
        {"name": "tap1", "bridge": "br0"},
        {"name": "tap2", "bridge": "br0"},
        {"name": "tap3", "bridge": "br0", "owner": "other"},
    ]
    found = plan([BR0], taps, guests)["present"]
    assert [tap.get("owner") for tap in found["taps"]] == ["hv-guest", "hypervisor-guest", "other"]
    assert "user hv-guest" in found["stanzas"][1]["options"][0][1]


def test_a_nic_without_a_mac_gets_the_one_that_qemu_guest_gives() -> None:
    guests = plan(
        guests=[{"name": "vm1", "nics": [{"tap": "a", "mac": "52:00:00:00:00:01"}, {"tap": "b"}]}]
    )["present"]["guests"]
    assert [nic["mac"] for nic in guests[0]["nics"]] == ["52:00:00:00:00:01", "52:54:38:e9:5e:d1"]


def test_a_guest_without_a_nic_is_not_waited_for_on_the_wire() -> None:
    first, second = plan(guests=[{"name": "vm1"}, {"name": "vm2", "nics": [{"tap": "a"}]}])[
        "present"
    ]["guests"]
    assert first["wait_for"] == ["running"] and "wait_for" not in second


def test_what_is_absent_leaves_by_its_modules_and_its_uplink_gets_all_back() -> None:
    found = plan(
        [{**BR0, "state": "absent"}],
        [{"name": "tap1", "bridge": "br0", "state": "absent"}],
        [{"name": "vm1", "state": "absent"}],
    )
    assert found["new"] and not any(found["present"].values())
    assert found["absent"] == {
        "guests": [{"name": "vm1", "state": "absent"}],
        "taps": [{"name": "tap1", "state": "absent"}],
        "uplinks": [{"name": "eth0", "bridge": "br0", "state": "absent"}],
        "stanzas": [
            {"name": "tap1", "state": "absent"},
            {"name": "br0", "state": "absent", "hand_back": "eth0"},
        ],
        "bridges": [{"name": "br0", "state": "absent"}],
    }


def test_a_guest_that_goes_says_of_its_cards_and_disks_what_is_listed_and_no_more() -> None:
    """As with the guests that stay: the module takes no null where it has choices."""
    guest = {"name": "vm1", "state": "absent", "nics": [{"tap": "a"}], "disks": [{"path": "/srv/a"}]}  # fmt: skip
    (gone,) = plan(guests=[guest])["absent"]["guests"]
    assert None not in [*gone["nics"][0].values(), *gone["disks"][0].values()]


@pytest.mark.parametrize(
    ("info", "new"),
    [
        ({}, True),
        (there("br0", "eth0"), True),
        (there("br0", "eth0", "tap1"), False),
        (there("br0", "tap1"), True),
        (there("other", "eth0", "tap1"), True),
    ],
    ids=["nothing there", "tap missing", "all there", "uplink missing", "another bridge has them"],
)
def test_a_host_that_has_everything_needs_no_rehearsal(info: dict, new: bool) -> None:
    assert plan([BR0], [{"name": "tap1", "bridge": "br0"}], info=info)["new"] is new


@pytest.mark.parametrize(
    ("bridges", "taps", "guests", "packages"),
    [
        ([], [{"name": "tap1"}], [], {"python3-pyroute2", "python3-netaddr"}),
        ([BR0], [], [], {"python3-pyroute2", "python3-netaddr", "bridge-utils"}),
        ([], [], [{"name": "vm1", "emulator": "qemu-system-i386"}], {"python3-pyroute2", "python3-netaddr", "qemu-system-x86", "ipxe-qemu"}),
        ([], [], [{"name": "vm1", "emulator": "/usr/bin/qemu-system-aarch64", "disks": [{"path": "/d"}]}],
         {"python3-pyroute2", "python3-netaddr", "qemu-system-arm", "qemu-utils"}),
        ([], [], [{"name": "vm1", "state": "absent"}], {"python3-pyroute2", "python3-netaddr"}),
    ],
    ids=["taps", "bridges", "guests", "another machine with a disk", "a guest that goes"],
)  # fmt: skip
def test_packages_are_those_that_the_items_need(
    bridges: list, taps: list, guests: list, packages: set
) -> None:
    assert set(plan(bridges, taps, guests)["packages"]) == packages


@pytest.mark.parametrize(
    ("guests", "taps", "user"),
    [
        ([{"name": "vm1"}], [], "hypervisor-guest"),
        ([{"name": "vm1", "user": "hypervisor-guest"}], [], "hypervisor-guest"),
        ([{"name": "vm1", "user": "other"}], [], None),
        ([{"name": "vm1", "state": "absent"}], [], None),
        ([], [{"name": "tap1"}], None),
        ([], [{"name": "tap1", "owner": "hypervisor-guest"}], "hypervisor-guest"),
    ],
)
def test_12_3_the_user_that_is_made_is_the_one_that_guests_run_as(
    guests: list, taps: list, user: str | None
) -> None:
    assert plan(taps=taps, guests=guests)["user"] == user


def test_in_check_mode_somebody_who_may_as_little_stands_in_for_a_user_to_come() -> None:
    guests = [{"name": "vm1", "nics": [{"tap": "tap1"}]}, {"name": "vm2", "user": "other"}]
    taps = [{"name": "tap1", "bridge": "br0"}, {"name": "tap2", "owner": "other"}]
    found = plan(taps=taps, guests=guests, user_to_come=True)
    assert found["user"] == "hypervisor-guest"
    assert [guest["user"] for guest in found["present"]["guests"]] == ["nobody", "other"]
    assert found["present"]["rehearsed"][0]["user"] == "nobody"
    assert found["present"]["taps"] == [
        {"up": True, "name": "tap1"},
        {"up": True, "name": "tap2", "owner": "other"},
    ]


def test_what_a_disk_does_not_say_is_not_handed_on_as_null() -> None:
    (guest,) = plan(guests=[{"name": "vm1", "disks": [{"path": "/srv/a.qcow2"}]}])["present"][
        "guests"
    ]
    assert None not in guest["disks"][0].values()


def test_13_21_guests_are_rehearsed_without_their_cards_since_the_taps_come_later() -> None:
    guest = {"name": "vm1", "kernel": "/k", "nics": [{"tap": "tap1"}]}
    found = plan(taps=[{"name": "tap1", "bridge": "br0"}], guests=[guest])["present"]
    assert found["rehearsed"] == [
        {**found["guests"][0], "nics": [], "wait_for": ["running"], "kernel": "/k"}
    ]
    assert found["plugs"] == {"vm1": ["tap1"]}


@pytest.mark.parametrize(
    ("guest", "more"),
    [
        ({"firmware": "uefi"}, {"ovmf", "qemu-utils"}),
        (
            {"firmware": "uefi", "emulator": "qemu-system-aarch64"},
            {"qemu-efi-aarch64", "qemu-utils"},
        ),
        ({"firmware": "uefi", "emulator": "qemu-system-riscv64"}, {"qemu-utils"}),
        ({"firmware": "bios"}, set()),
        ({"cloud_init": {"user_data": "#!/bin/sh"}}, {"xorriso"}),
        ({"tpm": True}, {"swtpm"}),
    ],
)
def test_packages_of_a_guests_firmware_and_seed(guest: dict, more: set) -> None:
    plain = {"name": "vm1", **{key: guest[key] for key in guest if key == "emulator"}}
    needed = set(plan([], [], [{"name": "vm1", **guest}])["packages"])
    assert needed - set(plan([], [], [plain])["packages"]) == more


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ({"mtu": 1500}, {}, [{"tap1": 1400, "tap2": None}, {"tap3": 9000}]),
        ({}, {}, [None, None]),
    ],
    ids=["asked for", "nobody asks"],
)
def test_bridges_are_told_their_taps_where_one_is_given_an_mtu(
    first: dict, second: dict, expected: list
) -> None:
    taps = [
        {"name": "tap1", "bridge": "br1", "mtu": 1400},
        {"name": "tap2", "bridge": "br1"},
        {"name": "tap3", "bridge": "br2", "mtu": 9000},
        {"name": "tap4", "mtu": 1300},
        {"name": "tap5", "bridge": "br1", "state": "absent"},
    ]
    found = plan([{"name": "br1", **first}, {"name": "br2", **second}], taps)["present"]
    assert [one.get("port_mtus") for one in found["bridges"]] == expected
