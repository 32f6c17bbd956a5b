# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's variables as the lists of its steps."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.hypervisor.network.plugins.filter.bridge_host_plan import FilterModule
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown import validate

filter_plan = FilterModule().filters()["bridge_host_plan"]
QUIET = (
    "ip link set dev eth0 master br0 addrgenmode none && "
    "sysctl -qe -w net/ipv6/conf/eth0/accept_ra=0 net/ipv6/conf/eth0/disable_ipv6=1 net/ipv6/conf/eth0/disable_ipv6=0 || true"
)
BR0 = {
    "name": "br0",
    "uplink": "eth0",
    "method": "dhcp",
    "stp_state": False,
    "forward_delay": 0,
    "maxwait": 0,
}


def plan(
    bridges: list = (),
    taps: list = (),
    guests: list = (),
    info: dict | None = None,
    tenants: list = (),
) -> dict[str, Any]:
    return filter_plan(
        {
            "bridges": list(bridges),
            "taps": list(taps),
            "guests": list(guests),
            "tenants": list(tenants),
        },
        info,
    )


def there(name: str, *ports: str, **options: Any) -> dict[str, Any]:
    return {
        "bridges": [
            {
                "name": name,
                "options": {"stp_state": False, "forward_delay": 15.0, **options},
                "ports": [{"name": port} for port in ports],
            }
        ]
    }


def options_of(stanza: dict[str, Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key, value in stanza["options"]:
        found.setdefault(key, []).append(value)
    return found


def test_nothing_listed_is_nothing_to_do() -> None:
    found = plan()
    assert found["empty"] and not found["new"]
    assert not any(
        [
            found["packages"],
            found["nics"],
            found["files"],
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


def test_a_bridge_without_a_method_takes_over_what_the_file_says() -> None:
    stanza = plan([{"name": "br0", "uplink": "eth0"}])["present"]["stanzas"][0]
    assert "method" not in stanza and stanza["take_over"] == "eth0"


def test_a_bridge_without_an_uplink_is_a_switch_of_its_own() -> None:
    found = plan([{"name": "br1"}])
    assert found["present"]["uplinks"] == []
    stanza = found["present"]["stanzas"][0]
    assert stanza["method"] == "manual" and "take_over" not in stanza
    assert options_of(stanza) == {
        "bridge_ports": ["none"],
        "bridge_stp": ["off"],
        "bridge_fd": ["0"],
        "bridge_maxwait": ["0"],
    }


def test_static_addresses_go_into_a_stanza_of_each_family() -> None:
    item = {"name": "br0", "uplink": "eth0", "method": "static", "address": ["192.0.2.10/24", "2001:db8::10/64", "192.0.2.11/24"],
            "gateway": ["192.0.2.1", "2001:db8::1"]}  # fmt: skip
    first, second = plan([item])["present"]["stanzas"]
    assert (first["family"], first["method"], second["family"], second["method"]) == (
        "inet",
        "static",
        "inet6",
        "static",
    )
    assert options_of(first)["address"] == ["192.0.2.10/24", "192.0.2.11/24"] and options_of(first)[
        "gateway"
    ] == ["192.0.2.1"]
    assert second["options"] == [["address", "2001:db8::10/64"], ["gateway", "2001:db8::1"]]


def test_one_address_may_be_written_without_brackets() -> None:
    item = {
        "name": "br0",
        "uplink": "eth0",
        "method": "static",
        "address": "192.0.2.10/24",
        "gateway": "192.0.2.1",
    }
    assert options_of(plan([item])["present"]["stanzas"][0])["address"] == ["192.0.2.10/24"]


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


def test_what_bridge_utils_has_no_word_for_is_set_by_ip_with_times_in_hundredths() -> None:
    stanza = plan(
        [
            {
                **BR0,
                "mcast_snooping": False,
                "mcast_query_interval": 12.5,
                "ageing_time": 60,
                "priority": 4096,
            }
        ]
    )["present"]["stanzas"][0]
    found = options_of(stanza)
    assert found["bridge_ageing"] == ["60"] and found["bridge_bridgeprio"] == ["4096"]
    assert found["up"] == [
        "ip link set dev br0 type bridge mcast_snooping 0 mcast_query_interval 1250",
        QUIET,
    ]


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


def test_a_tap_without_a_bridge_is_no_port() -> None:
    found = plan(taps=[{"name": "tap1", "multi_queue": True, "vnet_hdr": False}])["present"]
    assert found["ports"] == []
    assert found["stanzas"][0]["options"] == [
        ["pre-up", "test -e /sys/class/net/tap1 || ip tuntap add dev tap1 mode tap multi_queue"]
    ]


def test_a_tap_makes_no_ipv6_addresses_before_it_is_up_and_a_bridge_no_more_of_them() -> None:
    stanzas = plan(
        [{"name": "br0", "txqueuelen": 5, "addr_gen_mode": "none"}],
        [{"name": "tap1", "addr_gen_mode": "none"}],
    )["present"]["stanzas"]
    assert ["up", "ip link set dev br0 txqueuelen 5 addrgenmode none"] in stanzas[0]["options"]
    assert stanzas[1]["options"][1] == ["pre-up", "ip link set dev tap1 addrgenmode none"]


@pytest.mark.parametrize("text", ["$(id)", "a b", "x; reboot", "a'b", "`id`"])
def test_no_word_of_a_user_reaches_the_shell_as_more_than_a_word(text: str) -> None:
    for key in ("owner", "alias"):
        lines = [
            value
            for _key, value in plan(taps=[{"name": "tap1", "bridge": "br0", key: text}])["present"][
                "stanzas"
            ][0]["options"]
        ]
        words = [shlex.split(line.rpartition("|| ")[2]) for line in lines]
        assert sum(text in line for line in words) == 1


def test_stanzas_are_what_interfaces_stanza_takes() -> None:
    bridges = [
        {**BR0, "mtu": 9000, "mac": "52:54:00:12:34:56"},
        {"name": "br1", "hello_time": 1, "max_age": 20, "stp_state": True, "forward_delay": 4},
    ]
    empty = dict.fromkeys(
        ("family", "method", "auto", "allow_hotplug", "take_over", "hand_back", "file", "options")
    )
    found = plan(bridges, [{"name": "tap1", "bridge": "br0", "hairpin": True}], info=None)
    gone = plan([{**BR0, "state": "absent"}], [{"name": "tap1", "state": "absent"}])
    for stanza in found["present"]["stanzas"] + gone["absent"]["stanzas"]:
        assert validate.checked({**empty, **stanza}).name == stanza["name"]


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
    assert [tap.get("owner") for tap in found["taps"]] == ["hv-guest", None, "other"]
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


def test_files_are_those_that_nobody_makes() -> None:
    disks = [
        {"path": "/old.qcow2"},
        {"path": "/new.qcow2", "size": "10G"},
        {"path": "/over.qcow2", "backing_file": "/base.qcow2"},
    ]
    guest = {"name": "vm1", "disks": disks, "cdrom": "/cd.iso"}
    assert plan(guests=[guest, {"name": "vm2", "state": "absent", "kernel": "/k"}])["files"] == [
        "/base.qcow2",
        "/cd.iso",
        "/old.qcow2",
    ]


def test_words_of_templates_and_ini_files_become_what_they_mean() -> None:
    bridge = plan(
        [{"name": "br0", "stp_state": "no", "mtu": "1500", "forward_delay": "0", "alias": None}]
    )["present"]["bridges"][0]
    assert bridge == {
        "up": True,
        "name": "br0",
        "mtu": 1500,
        "stp_state": False,
        "forward_delay": 0.0,
    }


def test_a_misspelt_option_is_refused_by_name() -> None:
    with pytest.raises(AnsibleFilterError, match="forward_dealy"):
        plan([{"name": "br0", "forward_dealy": 0}])


TENANTS = [
    {"name": "blue", "vlan": 10, "guests": ["vm1"], "taps": ["tap3"]},
    {"name": "red", "vlan": 20, "taps": ["tap2"], "dhcp": True},
]
TENANTS_TAPS = [{"name": f"tap{number}", "bridge": "br0"} for number in (1, 2, 3, 4)]
VM1 = {"name": "vm1", "nics": [{"tap": "tap1"}]}


def with_tenants(
    bridge: dict | None = None, info: dict | None = None, tenants: list | None = None
) -> dict[str, Any]:
    return plan(
        [{**BR0, **(bridge or {})}],
        TENANTS_TAPS,
        [VM1],
        info,
        TENANTS if tenants is None else tenants,
    )


def test_tenants_make_access_ports_and_a_trunk_and_leave_the_host_where_it_is() -> None:
    found = with_tenants()
    assert found["aware"] == ["br0"] and found["present"]["bridges"][0]["vlan_filtering"] is True
    trunk, *taps = found["present"]["ports"]
    tagged = [{"vid": vid, "pvid": False, "untagged": False} for vid in (10, 20)]
    assert trunk == {"name": "eth0", "bridge": "br0", "vlans": tagged, "vlans_mode": "merge"}
    assert [(one["name"], one.get("access_vlan")) for one in taps] == [
        ("tap1", 10),
        ("tap2", 20),
        ("tap3", 10),
        ("tap4", None),
    ]
    assert found["isolation"] == {
        "tenants": [
            {"name": "blue", "vlan": 10, "ports": ["tap3", "tap1"], "dhcp": False},
            {"name": "red", "vlan": 20, "ports": ["tap2"], "dhcp": True},
        ],
        "uplinks": ["eth0"],
        "trunks": [],
    }


def test_without_tenants_nothing_is_said_of_vlans() -> None:
    found = with_tenants(tenants=[])
    assert (
        found["aware"] == []
        and found["isolation"]["tenants"] == []
        and found["present"]["ports"] == TENANTS_TAPS
    )
    assert not [
        value
        for stanza in found["present"]["stanzas"]
        for _key, value in stanza["options"]
        if "vlan" in value
    ]


def test_the_host_keeps_the_vlans_that_it_was_given_on_the_uplink() -> None:
    own = [{"vid": 99, "pvid": True, "untagged": True}]
    (trunk, *_taps) = with_tenants({"self_vlans": own})["present"]["ports"]
    assert {"vid": 99, "pvid": True, "untagged": True} in trunk["vlans"]
    info = there("br0", "eth0")
    info["bridges"][0]["ports"][0]["vlans"] = [{"vid": "90-99", "pvid": False, "untagged": False}]
    (trunk, *_taps) = with_tenants({"self_vlans": own}, info)["present"]["ports"]
    assert [one["vid"] for one in trunk["vlans"]] == [10, 20], (
        "how it is tagged on the wire was somebody's choice"
    )


def test_a_boot_brings_the_vlans_back_and_a_tap_is_in_no_other_for_a_moment() -> None:
    stanzas = {
        stanza["name"]: options_of(stanza) for stanza in with_tenants()["present"]["stanzas"]
    }
    joined = "ip link set dev eth0 master br0"
    assert stanzas["br0"]["up"] == [
        "ip link set dev br0 type bridge vlan_filtering 1",
        f"{joined} && bridge vlan add dev eth0 vid 10", f"{joined} && bridge vlan add dev eth0 vid 20", QUIET,
        "test -d /sys/class/net/br0 && ifup --force tap1 tap2 tap3 tap4 || true",
    ]  # fmt: skip
    assert stanzas["tap1"] == {
        "pre-up": [
            "test -e /sys/class/net/tap1 || ip tuntap add dev tap1 mode tap", "ip link set dev tap1 down",
            "ip link set dev tap1 master br0",
            "bridge vlan add dev tap1 vid 10 pvid untagged", "bridge vlan del dev tap1 vid 1",
        ]
    }  # fmt: skip
    assert stanzas["tap4"]["up"] == ["ip link set dev tap4 master br0"]


@pytest.mark.parametrize(
    ("bridge", "tap", "lines"),
    [
        (
            {},
            {"trunk_vlans": ["20", "100-199"], "native_vlan": 5},
            ["vid 5 pvid untagged", "vid 20", "vid 100-199", "vid 1"],
        ),
        ({"vlan_default_pvid": 7}, {"access_vlan": 20}, ["vid 20 pvid untagged", "vid 7"]),
        ({"vlan_default_pvid": 0}, {"access_vlan": 20}, ["vid 20 pvid untagged"]),
        ({}, {"access_vlan": 1}, ["vid 1 pvid untagged"]),
        ({}, {"access_vlan": 20, "vlans_mode": "merge"}, ["vid 20 pvid untagged"]),
        ({}, {"vlans": [{"vid": 20, "untagged": True}]}, ["vid 20 untagged", "vid 1"]),
    ],
)
def test_vlans_of_a_tap_are_written_whoever_gave_them(
    bridge: dict, tap: dict, lines: list[str]
) -> None:
    found = plan(
        [{**BR0, "vlan_filtering": True, **bridge}], [{"name": "tap1", "bridge": "br0", **tap}]
    )
    said = options_of(found["present"]["stanzas"][1])["pre-up"][3:]
    assert [line.partition(" dev tap1 ")[2] for line in said] == lines
    assert [line for line in said if " del " in line] == said[
        len([line for line in said if " add " in line]) :
    ]


def test_vlans_of_the_host_are_written_the_uplinks_first() -> None:
    found = plan(
        [
            {
                **BR0,
                "vlan_filtering": True,
                "self_vlans": [{"vid": 99, "pvid": True, "untagged": True}],
            }
        ]
    )
    assert options_of(found["present"]["stanzas"][0])["up"][1:4] == [
        "ip link set dev eth0 master br0 && bridge vlan add dev eth0 vid 99 pvid untagged",
        "bridge vlan add dev br0 vid 99 pvid untagged self",
        "bridge vlan del dev br0 vid 1 self",
    ]
