# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host as the role's variables: nothing that the kernel would choose anyway, and nothing lost that it would not."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    IFF_LOWER_UP,
    IFF_UP,
    Address,
    Link,
    Snapshot,
)
from ansible_collections.hypervisor.network.plugins.module_utils._info.as_variables import variables
from ansible_collections.hypervisor.network.plugins.module_utils._link import device
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.nla import text

BRIDGE = {
    "stp_state": False,
    "forward_delay": 15.0,
    "ageing_time": 300.0,
    "mcast_startup_query_interval": 31.24,
    "vlan_default_pvid": 1,
}
PORT = {"cost": 2, "priority": 32, "isolated": False, "learning": True, "port_state": "disabled"}
TAP = {
    "mode": "tap",
    "multi_queue": False,
    "vnet_hdr": False,
    "pi": False,
    "owner": -1,
    "group": -1,
}
ACCESS = {"20": "pvid untagged"}
DEFAULT = {"1": "pvid untagged"}


def bridge(**more: Any) -> Link:
    return Link(
        "br0", kind="bridge", flags=IFF_UP, mac="02:00:00:00:00:b0", **{"options": BRIDGE, **more}
    )


def tap(**more: Any) -> Link:
    return Link(
        "tap1",
        kind="tun",
        mac="02:00:00:00:00:71",
        **{"flags": IFF_UP, "options": TAP, "master": "br0", "port": PORT, **more},
    )


def told(
    *links: Link, guests: Any = None
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
    found = variables(Snapshot({link.name: link for link in links}), guests or {})
    return found["bridge_host_bridges"], found["bridge_host_taps"], found["bridge_host_guests"]


def test_a_host_without_anything_is_three_empty_lists() -> None:
    assert told(Link("eth0")) == ([], [], [])


def test_defaults_are_left_out_but_for_what_the_role_says_otherwise() -> None:
    bridges, taps, _guests = told(bridge(), tap())
    assert bridges == [
        {"name": "br0", "mac": "02:00:00:00:00:b0", "stp_state": False, "forward_delay": 15.0}
    ]
    assert taps == [{"name": "tap1", "mac": "02:00:00:00:00:71", "bridge": "br0"}]


def test_a_bridge_that_has_the_mac_of_a_port_says_none_of_its_own() -> None:
    # two devices of one list may not have the same, which the role refuses
    bridges, taps, _guests = told(replace(bridge(), mac="02:00:00:00:00:71"), tap())
    assert "mac" not in bridges[0] and taps[0]["mac"] == "02:00:00:00:00:71"


PERMANENT = 0x80


def address(text: str, flags: int = PERMANENT, dev: str = "br0", **more: Any) -> Address:
    return Address(dev, text, 10 if ":" in text else 2, **{"scope": 0, "flags": flags, **more})


@pytest.mark.parametrize(
    ("addresses", "said"),
    [
        ([address("10.50.0.1/24")], ["10.50.0.1/24"]),
        (
            [
                address("10.50.0.1/24"),
                address("fd50::1/64"),
                address("fe80::1/64", scope=253),
            ],
            ["10.50.0.1/24", "fd50::1/64"],
        ),
        ([address("10.50.0.1/24", flags=0)], None),
        ([address("10.50.0.1/32", peer="10.50.0.2")], None),
        ([address("127.1.0.1/8", scope=254)], None),
        (
            [
                address("10.50.0.1/24"),
                address("10.51.0.1/24", flags=0),
            ],
            None,
        ),
        ([address("10.50.0.1/24", dev="eth0")], None),
    ],
)
def test_a_bridge_without_an_uplink_says_the_addresses_that_it_was_given(
    addresses: list[Address], said: list[str] | None
) -> None:
    # the role writes what boots: without them it would have none after the next
    now = Snapshot({"br0": bridge()}, addresses=tuple(addresses))
    (found,) = variables(now, {})["bridge_host_bridges"]
    assert (found.get("method"), found.get("address")) == ("static" if said else None, said)


def test_the_uplink_is_the_nic_and_gives_the_bridge_its_mac() -> None:
    nic = Link("eth0", mac="02:00:00:00:00:b0", master="br0", port=PORT)
    assert told(bridge(), nic)[0] == [
        {"name": "br0", "uplink": "eth0", "stp_state": False, "forward_delay": 15.0}
    ]


def test_a_guest_that_is_a_namespace_is_no_uplink() -> None:
    other_end = Link("veth1", kind="veth", mac="02:00:00:00:00:01", master="br0", port=PORT)
    assert "uplink" not in told(bridge(), other_end)[0][0]


@pytest.mark.parametrize(
    ("mode", "made", "said"),
    [
        ("tap", "eui64", None),
        ("tap", "none", "none"),
        ("tun", "random", None),
        ("tap", "random", "random"),
    ],
)
def test_how_ipv6_addresses_are_made_is_said_where_the_kernel_would_do_otherwise(
    mode: str, made: str, said: str | None
) -> None:
    assert (
        told(bridge(), tap(options={**TAP, "mode": mode}, ipv6={"addr_gen_mode": made}))[1][0].get(
            "addr_gen_mode"
        )
        == said
    )


def test_what_differs_is_said() -> None:
    links = (
        bridge(
            options={**BRIDGE, "ageing_time": 60.0, "vlan_filtering": True},
            mtu=9000,
            vlans={"1": "pvid untagged", "30": "tagged"},
        ),
        tap(
            flags=0,
            alias="mine",
            options={**TAP, "owner": 0, "multi_queue": True},
            port={**PORT, "cost": 7, "isolated": True},
            vlans=ACCESS,
        ),
    )
    (one,), (two,), _guests = told(*links)
    assert (one["mtu"], one["ageing_time"]) == (9000, 60.0) and [
        item["vid"] for item in one["self_vlans"]
    ] == [1, 30]
    assert two.pop("mac") and two == {
        "name": "tap1", "up": False, "alias": "mine", "owner": "0", "multi_queue": True, "bridge": "br0", "cost": 7, "isolated": True, "access_vlan": 20,
    }  # fmt: skip


def test_the_default_vlan_is_not_said() -> None:
    filters = {**BRIDGE, "vlan_filtering": True}
    (one,), (two,), _guests = told(bridge(vlans=DEFAULT, options=filters), tap(vlans=DEFAULT))
    assert "self_vlans" not in one and not {"vlans", "access_vlan"} & set(two)


def test_vlans_that_a_bridge_does_not_filter_are_not_said_for_the_role_refuses_them() -> None:
    idle = {**BRIDGE, "vlan_filtering": False}
    (one,), (two,), _guests = told(bridge(vlans={}, options=idle), tap(vlans=ACCESS))
    assert "self_vlans" not in one and not {"vlans", "access_vlan"} & set(two)


def test_what_qemu_chose_for_a_tap_in_use_is_not_said() -> None:
    held = tap(flags=IFF_UP | IFF_LOWER_UP, options={**TAP, "vnet_hdr": True})
    assert (
        "vnet_hdr" not in told(bridge(), held)[1][0]
        and told(bridge(), tap(options=held.options))[1][0]["vnet_hdr"] is True
    )


def test_a_guest_is_its_definition_without_qemus_defaults() -> None:
    spec = {
        "emulator": "qemu-system-x86_64",
        "accel": "auto",
        "memory": 64,
        "cpus": 1,
        "netns": None,
    }
    spec["nics"] = [{"tap": "tap1", "model": "virtio", "mtu": None}]
    guests = {"vm2": (spec, False), "vm1": (spec, True)}
    expected = {"memory": 64, "nics": [{"tap": "tap1"}]}
    assert told(guests=guests)[2] == [
        {"name": "vm1", **expected},
        {"name": "vm2", "state": "stopped", **expected},
    ]


@pytest.mark.parametrize(
    ("user", "owner", "said"),
    [
        ({}, 995, {}),
        ({"user": "hypervisor-guest"}, 995, {}),
        ({"user": "other"}, 995, {"owner": "995"}),
        ({}, 996, {"owner": "996"}),
    ],
)
def test_a_tap_of_its_guests_user_does_not_say_so(
    user: dict[str, Any], owner: int, said: dict[str, Any]
) -> None:
    link = tap(options={**TAP, "owner": owner})
    guests = {"vm1": ({**user, "nics": [{"tap": "tap1"}]}, True)}
    links = {"tap1": link, "br0": bridge()}
    (found,) = variables(Snapshot(links), guests, {"hypervisor-guest": 995})["bridge_host_taps"]
    assert {key: value for key, value in found.items() if key == "owner"} == said


@pytest.mark.parametrize(
    "alias",
    [
        b"a\x07b",
        b"two\nlines",
        b"\xff\xfe",
        "\u202egnp.exe".encode(),
        "\u200fright".encode(),
        "\u2028".encode(),
        "\x85".encode(),
        b"{{ lookup('pipe', 'id') }}",
        b"{% raw %}",
        b"{# x #}",
        b"#jinja2: trim_blocks: True",
        "\ufeffx".encode(),
    ],
)
def test_an_alias_that_no_task_can_say_or_should_is_left_out(alias: bytes) -> None:
    bridges, taps, _guests = told(bridge(alias=text(alias)), tap(alias=text(alias)))
    assert "alias" not in bridges[0] and "alias" not in taps[0]


def test_an_alias_in_any_script_is_said() -> None:
    bridges, _taps, _guests = told(bridge(alias="Gäste: 客人 $HOME 'a' \"b\" {x}"))
    assert bridges[0]["alias"] == "Gäste: 客人 $HOME 'a' \"b\" {x}"


@given(st.binary(max_size=255), st.sampled_from([1, 68, 1279, 65535, 9000]))
def test_what_is_said_of_a_device_is_always_taken(alias: bytes, mtu: int) -> None:
    bridges, taps, _guests = told(
        bridge(alias=text(alias), mtu=mtu), tap(alias=text(alias), mtu=mtu)
    )
    for item in bridges + taps:
        assert device.checked(item)["mac"] == item["mac"]
        json.dumps(item).encode("utf-8")


def test_a_device_whose_name_no_task_takes_is_left_out() -> None:
    names = ["{{7*7}}", "a%d", "-x", "b\x07"]
    links = [Link(name, kind="bridge", options=BRIDGE) for name in names]
    links += [Link(f"t{name}", kind="tun", options=TAP) for name in ("\u200f", "{%")]
    assert told(*links) == ([], [], [])


def test_a_mac_that_no_device_may_be_given_is_left_out() -> None:
    bridges, _taps, _guests = told(replace(bridge(), mac="00:00:00:00:00:00"))
    assert "mac" not in bridges[0]


def test_a_daemons_tree_that_is_faster_than_the_kernels_is_said_as_fast_as_that() -> None:
    options = {**BRIDGE, "stp_state": True, "forward_delay": 0.0}
    bridges, _taps, _guests = told(bridge(options=options))
    assert bridges[0]["forward_delay"] == 2
