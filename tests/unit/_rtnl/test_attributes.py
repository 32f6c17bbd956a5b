# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The attribute tables: each entry goes to the wire and comes back, keeps its range, and is documented under its name and type."""

from __future__ import annotations

import struct
from typing import Any

import pytest
import yaml

from ansible_collections.hypervisor.network.plugins.doc_fragments import _bridge as bridge_docs
from ansible_collections.hypervisor.network.plugins.doc_fragments import _port as port_docs
from ansible_collections.hypervisor.network.plugins.doc_fragments import _tap as tap_docs
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import BadInput
from ansible_collections.hypervisor.network.plugins.module_utils._core.module import argument_spec
from ansible_collections.hypervisor.network.plugins.module_utils._link import (
    bridge as bridge_planner,
)
from ansible_collections.hypervisor.network.plugins.module_utils._link import port as port_planner
from ansible_collections.hypervisor.network.plugins.module_utils._link import tap as tap_planner
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import (
    attributes as option_tables,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import link as rtnl_link
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import nla
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.attributes import Attribute
from ansible_collections.hypervisor.network.tests.harness.model import triplets

SETTABLE = [
    pytest.param(one, id=f"{noun}-{one.option}")
    for noun, table in (("bridge", option_tables.BRIDGE), ("port", option_tables.PORT))
    for one in table
]
RANGED = [one for one in SETTABLE if one.values[0].type in ("int", "float")]


def some_values(one: Attribute) -> list[Any]:
    """Values that tell a wrong width, scale or byte order."""
    if one.words:
        return list(one.words)
    if one.wire == "mac":
        return ["01:80:c2:00:00:00", "01:80:c2:00:00:0f"]
    if one.type == "bool":
        return [True, False]
    middle = one.low + (one.high - one.low) // 3
    values = [one.low, middle, one.high]
    return (
        [float(value) for value in values]
        if one.type == "float"
        else [int(value) & ~one.never for value in values]
    )


@pytest.mark.parametrize("one", SETTABLE)
def test_what_is_encoded_decodes_to_itself(one: Attribute) -> None:
    for value in some_values(one):
        back = rtnl_link.decode_options([one], rtnl_link.encode_options([one], {one.option: value}))
        assert back == {one.option: value} and type(back[one.option]) is type(value)


# Taken by eye from Linux' include/uapi/linux/if_link.h and the nla_policy tables of net/bridge/br_netlink.c.
@pytest.mark.parametrize(
    ("table", "option", "value", "attribute"),
    [
        (option_tables.BRIDGE, "forward_delay", 15.0, "0800 0100 dc050000"),
        (option_tables.BRIDGE, "ageing_time", 0.0, "0800 0400 00000000"),
        (option_tables.BRIDGE, "stp_state", True, "0800 0500 01000000"),
        (option_tables.BRIDGE, "priority", 4096, "0600 0600 0010 0000"),
        (option_tables.BRIDGE, "vlan_filtering", True, "0500 0700 01 000000"),
        (option_tables.BRIDGE, "vlan_protocol", "802.1ad", "0600 0800 88a8 0000"),
        (option_tables.BRIDGE, "group_address", "01:80:c2:00:00:0e", "0a00 1400 0180c200000e 0000"),
        (option_tables.BRIDGE, "mcast_hash_max", 512, "0800 1b00 00020000"),
        (option_tables.BRIDGE, "mcast_query_interval", 125.0, "0c00 2100 d430000000000000"),
        (option_tables.BRIDGE, "vlan_default_pvid", 0, "0600 2700 0000 0000"),
        (option_tables.BRIDGE, "no_linklocal_learn", True, "0c00 2e00 01000000 01000000"),
        (option_tables.BRIDGE, "mst_enabled", False, "0c00 2e00 00000000 04000000"),
        (option_tables.BRIDGE, "fdb_max_learned", 5, "0800 3100 05000000"),
        (option_tables.PORT, "port_state", "blocking", "0500 0100 04 000000"),
        (option_tables.PORT, "priority", 0, "0600 0200 0000 0000"),
        (option_tables.PORT, "cost", 65535, "0800 0300 ffff0000"),
        (option_tables.PORT, "isolated", True, "0500 2100 01 000000"),
        (option_tables.PORT, "locked", True, "0500 2700 01 000000"),
    ],
)
def test_known_bytes(table: tuple[Attribute, ...], option: str, value: Any, attribute: str) -> None:
    little = struct.pack("=H", 1) == b"\1\0"
    if not little:
        pytest.skip("the bytes are written for little-endian machines")
    assert rtnl_link.encode_options(table, {option: value}) == bytes.fromhex(attribute)


def test_flags_that_share_an_attribute_travel_in_one() -> None:
    encoded = rtnl_link.encode_options(
        option_tables.BRIDGE, {"no_linklocal_learn": True, "mst_enabled": False}
    )
    assert encoded == nla.attribute(46, struct.pack("=II", 0b001, 0b101))


def test_a_flag_that_the_kernel_does_not_name_in_its_mask_is_not_shown() -> None:
    shown = rtnl_link.decode_options(
        option_tables.BRIDGE, nla.attribute(46, struct.pack("=II", 0b001, 0b011))
    )
    assert shown == {"no_linklocal_learn": True}


def test_stp_of_a_daemon_counts_as_on() -> None:
    assert rtnl_link.decode_options(
        option_tables.BRIDGE, nla.attribute(5, struct.pack("=I", 2))
    ) == {"stp_state": True}


def test_a_word_that_is_not_known_yet_is_shown_as_its_number() -> None:
    assert rtnl_link.decode_options(option_tables.PORT, nla.attribute(1, b"\x09")) == {
        "port_state": "9"
    }


def test_what_the_kernel_takes_back_by_itself_is_nobodys_wish_and_read_as_what_it_becomes() -> None:
    shown = rtnl_link.decode_options(option_tables.PORT, nla.attribute(25, b"\x03"))
    assert shown == {"mcast_router": 1}
    for three in (3, "3"):
        with pytest.raises(BadInput, match=r"^tap1: mcast_router 3 is .* by itself; give 1,"):
            option_tables.checked(option_tables.PORT, {"name": "tap1", "mcast_router": three})


@pytest.mark.parametrize("one", RANGED)
def test_the_limits_are_in_and_what_is_beyond_is_out(one: Attribute) -> None:
    step = 0.01 if one.type == "float" else 1
    for value in (one.low, one.high):
        one.check(value if not one.never else int(value) & ~one.never)
    for value in (one.low - step, one.high + step):
        with pytest.raises(BadInput, match=one.option):
            one.check(value)


@pytest.mark.parametrize(
    ("table", "option", "value"),
    [
        (option_tables.BRIDGE, "group_fwd_mask", 1),
        (option_tables.BRIDGE, "group_fwd_mask", 0b1100),
        (option_tables.PORT, "group_fwd_mask", 2),
        (option_tables.BRIDGE, "group_address", "01:80:c2:00:00:01"),
        (option_tables.BRIDGE, "group_address", "01:80:c2:00:00:10"),
        (option_tables.BRIDGE, "group_address", "52:54:00:00:00:01"),
    ],
)
def test_what_the_kernel_keeps_for_itself_is_refused_by_name(
    table: tuple[Attribute, ...], option: str, value: Any
) -> None:
    with pytest.raises(BadInput, match=f"^br7: {option} "):
        option_tables.checked(table, {"name": "br7", option: value})


def test_no_attribute_or_option_stands_twice() -> None:
    for table in (
        option_tables.BRIDGE + option_tables.BRIDGE_FACTS,
        option_tables.PORT + option_tables.PORT_FACTS,
    ):
        assert len({one.option for one in table}) == len(table)
        assert len({(one.number, one.bit) for one in table}) == len(table)


@pytest.mark.parametrize(
    ("docs", "spec", "plural"),
    [
        (bridge_docs, bridge_planner.SPEC, "bridges"),
        (port_docs, port_planner.SPEC, "ports"),
        (tap_docs, tap_planner.SPEC, "taps"),
    ],
    ids=["bridge", "port", "tap"],
)
def test_the_documented_options_are_the_tables(
    docs: Any, spec: dict[str, Any], plural: str
) -> None:
    documented = yaml.safe_load(docs.ModuleDocFragment.DOCUMENTATION)["options"]
    full = argument_spec(spec, plural, ())
    assert shape(documented) == shape(full)
    assert all(option["description"] for option in documented.values())


def shape(options: dict[str, Any]) -> dict[str, Any]:
    """An argument spec or documented options as what both must say."""
    found = {}
    for name, option in options.items():
        inner = option.get("options") or option.get("suboptions")
        found[name] = (
            option["type"],
            option.get("choices"),
            option.get("default"),
            option.get("elements"),
            shape(inner) if inner else None,
        )
    return found


def ranges() -> list[Any]:
    return [
        one
        for one in RANGED
        if (one.values[0].low, one.values[0].high)
        not in ((0, 2**32 - 1), (0, (2**32 - 1) / 100), (1, 2**32 - 1))
    ]


@pytest.mark.parametrize("param", ranges(), ids=[one.id for one in ranges()])
def test_a_range_that_is_worth_knowing_is_documented(param: Attribute) -> None:
    docs = bridge_docs if param in option_tables.BRIDGE else port_docs
    text = " ".join(
        yaml.safe_load(docs.ModuleDocFragment.DOCUMENTATION)["options"][param.option]["description"]
    )
    if not param.never:
        assert f"{param.high:g}" in text, text


def test_every_option_that_a_bridge_shows_is_in_the_table() -> None:
    assert set(triplets.NEW_BRIDGE) <= {one.option for one in option_tables.BRIDGE}
    assert set(triplets.NEW_PORT) <= {one.option for one in option_tables.PORT}
