# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""take_over and hand_back: a NIC's stanzas become its bridge's, and the files are byte for byte as they were after the way back."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.files import Files, files
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.plan import plan
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.validate import checked

ITEM: dict[str, Any] = {
    "name": "br0", "state": "present", "family": None, "method": None, "options": None, "auto": None, "allow_hotplug": None,
    "take_over": None, "hand_back": None, "file": None,
}  # fmt: skip
ROOT = "/etc/network/interfaces"
MORE = "/etc/network/interfaces.d/eth0"
LO = "auto lo\niface lo inet loopback\n\n"
BACK = {"state": "absent", "hand_back": "eth0"}


def edited(
    texts: dict[str, str],
    *items: dict[str, Any],
    validate: bool = True,
    metrics: Mapping[str, int] = MappingProxyType({}),
) -> dict[str, str]:
    """The texts after a plan, which must leave nothing to plan."""
    wishes = [checked({**ITEM, **item}, validate) for item in items]
    after = {
        **texts,
        **{
            path: change.new or ""
            for path, change in files(plan(Files(ROOT, texts, metrics=metrics), wishes))
        },
    }
    assert plan(Files(ROOT, after, metrics=metrics), wishes) == []
    return after


def taken(text: str, **more: Any) -> str:
    return edited({ROOT: text}, {"take_over": "eth0", **more})[ROOT]


# name: (before, the bridge's options, after)
CASES: dict[str, tuple[str, dict[str, Any], str]] = {
    "dhcp": (
        LO + "allow-hotplug eth0\niface eth0 inet dhcp\n",
        {"bridge_stp": False, "bridge_fd": 0},
        LO
        + "allow-hotplug eth0\niface eth0 inet manual\n\nauto br0\niface br0 inet dhcp\n    bridge_ports eth0\n    bridge_stp off\n    bridge_fd 0\n",
    ),
    "no auto, no final line end": (
        "iface eth0 inet dhcp",
        {},
        "iface eth0 inet manual\n\niface br0 inet dhcp\n    bridge_ports eth0",
    ),
    "auto in a line with others": (
        "auto lo eth0 eth1\niface eth0 inet dhcp\n",
        {},
        "auto lo eth0 eth1\niface eth0 inet manual\n\nauto br0\niface br0 inet dhcp\n    bridge_ports eth0\n",
    ),
    "static with comments, hooks and link settings in between": (
        (
            "# primary\nauto eth0\niface eth0 inet static\n\taddress 192.0.2.10/24\n\tmtu 9000\n\tgateway 192.0.2.1\n"
            "\t# to the lab\n\tup   ip route add 10.0.0.0/8 via 192.0.2.254 dev eth0\n\tup ethtool -K eth0 tso off\n"
            "\tdown ip rule del iif eth0 || true\n\tup /opt/notify\n\tdns-nameservers 192.0.2.53\n\toffload-gro off\n\n# end\n"
        ),
        {},
        (
            "# primary\nauto eth0\niface eth0 inet manual\n\tmtu 9000\n\tup ethtool -K eth0 tso off\n\toffload-gro off\n\nauto br0\n"
            "iface br0 inet static\n\taddress 192.0.2.10/24\n\t# stays with eth0: mtu 9000\n\tgateway 192.0.2.1\n"
            "\t# to the lab\n\tup   ip route add 10.0.0.0/8 via 192.0.2.254 dev br0\n\t# stays with eth0: up ethtool -K eth0 tso off\n"
            "\tdown ip rule del iif br0 || true\n\tup /opt/notify\n\tdns-nameservers 192.0.2.53\n\t# stays with eth0: offload-gro off\n"
            "\tbridge_ports eth0\n\n# end\n"
        ),
    ),
    "both families and a second address, something between": (
        (
            "auto eth0\niface eth0 inet static\n  address 192.0.2.10/24\n\niface wlan0 inet dhcp\n\n"
            "iface eth0 inet static\n  address 192.0.2.11/24\n\niface eth0 inet6 static\n  address 2001:db8::2/64\n  mtu 1400\n"
        ),
        {},
        (
            "auto eth0\niface eth0 inet manual\n\nauto br0\niface br0 inet static\n  address 192.0.2.10/24\n  bridge_ports eth0\n\n"
            "iface wlan0 inet dhcp\n\niface br0 inet static\n  address 192.0.2.11/24\n\n"
            "iface eth0 inet6 manual\n  mtu 1400\n\niface br0 inet6 static\n  address 2001:db8::2/64\n  # stays with eth0: mtu 1400\n"
        ),
    ),
    "IPv6 only": (
        "auto eth0\niface eth0 inet6 auto\n    privext 2\n",
        {"bridge_stp": False},
        "auto eth0\niface eth0 inet manual\n\nauto br0\niface br0 inet6 auto\n    privext 2\n    bridge_ports eth0\n    bridge_stp off\n",
    ),
    "continuation, CRLF, template, a lone auto": (
        "iface t inet static\r\n  netmask 24\r\niface  eth0\tinet static  inherits t\r\n  auto\r\n  address 192.0.2.2\r\n  up x\r\n",
        {},
        (
            "iface t inet static\r\n  netmask 24\r\niface eth0 inet manual\r\n  auto\r\n\r\nauto br0\r\niface  br0\tinet static  inherits t\r\n"
            "  # stays with eth0: auto\r\n  address 192.0.2.2\r\n  up x\r\n  bridge_ports eth0\r\n"
        ),
    ),
    "a hook over two lines, a commented option at the end": (
        "iface eth0 inet dhcp\n  up ip route add 10.0.0.0/8 \\\n     dev eth0\n  # up x\n",
        {},
        "iface eth0 inet manual\n\niface br0 inet dhcp\n  up ip route add 10.0.0.0/8 \\\n     dev br0\n  # up x\n  bridge_ports eth0\n",
    ),
    "manual with addresses by hooks": (
        "iface eth0 inet manual\n  up ip link set $IFACE up\n  up ip addr add 192.0.2.2/24 dev $IFACE\n  up echo 1 > /sys/class/net/eth0/x\n",
        {},
        (
            "iface eth0 inet manual\n  up ip link set $IFACE up\n  up echo 1 > /sys/class/net/eth0/x\n\niface br0 inet manual\n"
            "  # stays with eth0: up ip link set $IFACE up\n  up ip addr add 192.0.2.2/24 dev $IFACE\n"
            "  # stays with eth0: up echo 1 > /sys/class/net/eth0/x\n  bridge_ports eth0\n"
        ),
    ),
    "a VLAN of the NIC stays the NIC's": (
        "iface eth0 inet dhcp\n  up ip link add link eth0 name eth0.10 type vlan id 10; ip addr add 192.0.2.2/24 dev eth0.10\niface eth0.20 inet dhcp\n",
        {},
        (
            "iface eth0 inet manual\n  up ip link add link eth0 name eth0.10 type vlan id 10; ip addr add 192.0.2.2/24 dev eth0.10\n\n"
            "iface br0 inet dhcp\n"
            "  # stays with eth0: up ip link add link eth0 name eth0.10 type vlan id 10; ip addr add 192.0.2.2/24 dev eth0.10\n"
            "  bridge_ports eth0\niface eth0.20 inet dhcp\n"
        ),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_take_over_splits_each_stanza_where_it_stands(case: str) -> None:
    before, options, after = CASES[case]
    assert taken(before, options=options) == after


@pytest.mark.parametrize("case", CASES)
def test_hand_back_brings_back_every_byte(case: str) -> None:
    before, options, _after = CASES[case]
    assert edited({ROOT: taken(before, options=options)}, BACK) == {ROOT: before}


OPTIONS = st.lists(
    st.sampled_from(
        [
            "address 192.0.2.2/24",
            "gateway 192.0.2.1",
            "mtu 9000",
            "up ethtool -K eth0 tso off",
            "up ip route add default dev eth0",
            "# note",
        ]
        + [
            "up /opt/x eth0",
            "down ip addr flush dev eth0",
            "hwaddress 52:54:00:00:00:01",
            "dns-search a",
            "",
            "auto",
            "up a \\\n b",
            "x y",
        ]
    ),
    max_size=7,
)
STANZAS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "eth0 inet static",
                "eth0 inet6 static",
                "eth0 inet dhcp",
                "eth1 inet dhcp",
                "lo inet loopback",
            ]
        ),
        OPTIONS,
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=150, deadline=None)
@given(
    STANZAS,
    st.sampled_from(["", "auto eth0\n", "# c\n\nallow-hotplug eth0 eth1\n"]),
    st.sampled_from(["\n", "\n\n", ""]),
    st.sampled_from([{}, {"eth0": 1002}]),
)
def test_there_and_back_again_is_where_it_began(
    stanzas: list[tuple[str, list[str]]], head: str, end: str, metrics: dict[str, int]
) -> None:
    body = "\n".join("\n    ".join([f"iface {header}", *options]) for header, options in stanzas)
    text = head + body + "\niface eth0 inet static\n    address 192.0.2.9/24" + end
    there = edited(
        {ROOT: text},
        {"take_over": "eth0", "options": {"bridge_stp": False}},
        validate=False,
        metrics=metrics,
    )
    assert there[ROOT] != text
    assert edited(there, BACK)[ROOT] == text


NOTE = "# metric 1002 as on eth0: dhcpcd would number it by the index of br0"
DHCP = "iface eth0 inet dhcp\n  hostname a\n"
TAKEN = "iface eth0 inet manual\n\niface br0 inet dhcp\n"


@pytest.mark.parametrize(
    ("before", "item", "metrics", "after"),
    [
        (
            DHCP,
            {},
            {"eth0": 1002},
            TAKEN + f"  {NOTE}\n  metric 1002\n  hostname a\n  bridge_ports eth0\n",
        ),
        (
            DHCP,
            {},
            {"br0": 1002, "eth0": 50},
            TAKEN + f"  {NOTE}\n  metric 1002\n  hostname a\n  bridge_ports eth0\n",
        ),
        (DHCP, {}, {"eth1": 1003}, TAKEN + "  hostname a\n  bridge_ports eth0\n"),
        (
            DHCP,
            {"options": {"metric": 7}},
            {"eth0": 1002},
            TAKEN + "  hostname a\n  bridge_ports eth0\n  metric 7\n",
        ),
        (
            DHCP + "  metric 9\n",
            {},
            {"eth0": 9},
            TAKEN + "  hostname a\n  metric 9\n  bridge_ports eth0\n",
        ),
        (
            DHCP,
            {"method": "static", "options": {"address": "192.0.2.2/24"}},
            {"eth0": 1002},
            "iface eth0 inet manual\n\niface br0 inet static\n    bridge_ports eth0\n    address 192.0.2.2/24\n",
        ),
        (
            "iface eth0 inet6 dhcp\n  hostname a\n",
            {},
            {"eth0": 1002},
            "iface eth0 inet manual\n\niface br0 inet6 dhcp\n  hostname a\n  bridge_ports eth0\n",
        ),
    ],
    ids=[
        "the NIC's",
        "once converted",
        "another NIC's",
        "given",
        "written already",
        "no longer DHCP",
        "IPv6 has no such option",
    ],
)
def test_the_metric_of_a_lease_is_written_down(
    before: str, item: dict[str, Any], metrics: dict[str, int], after: str
) -> None:
    assert edited({ROOT: before}, {"take_over": "eth0", **item}, metrics=metrics) == {ROOT: after}


def test_a_metric_that_was_changed_since_is_handed_back() -> None:
    there = edited({ROOT: DHCP}, {"take_over": "eth0"}, metrics={"eth0": 1002})
    changed = edited(there, {"options": {"metric": 7}})
    assert edited(changed, BACK)[ROOT] == "iface eth0 inet dhcp\n  metric 7\n  hostname a\n"


def test_method_and_options_go_over_what_was_taken_over() -> None:
    text = "auto eth0\niface eth0 inet static\n  address 192.0.2.2/24\n  gateway 192.0.2.1\n  mtu 9000\n  dns-search a\n"
    assert taken(text, method="dhcp", options={"dns-search": "b"}) == (
        "auto eth0\niface eth0 inet manual\n  mtu 9000\n\nauto br0\niface br0 inet dhcp\n  # stays with eth0: mtu 9000\n  dns-search b\n  bridge_ports eth0\n"
    )


def test_hooks_are_added_to_those_that_moved_and_an_address_given_replaces_all() -> None:
    text = "iface eth0 inet static\n  address 192.0.2.2/24\n  up ip route add 10.0.0.0/8 dev eth0\n  up ip addr add 192.0.2.3/24 dev eth0\n"
    options = [["address", "192.0.2.9/24"], ["up", "ip address add 192.0.2.10/24 dev br0"]]
    assert taken(text, method="static", options=options) == (
        "iface eth0 inet manual\n\niface br0 inet static\n  address 192.0.2.9/24\n  up ip route add 10.0.0.0/8 dev br0\n"
        "  up ip address add 192.0.2.10/24 dev br0\n  bridge_ports eth0\n"
    )


def test_an_item_for_each_family_is_one_take_over() -> None:
    text = "auto eth0\niface eth0 inet dhcp\n"
    items = [
        {
            "take_over": "eth0",
            "family": "inet",
            "method": "static",
            "options": {"address": "192.0.2.2/24", "bridge_ports": "eth0"},
        },
        {
            "take_over": "eth0",
            "family": "inet6",
            "method": "static",
            "options": {"address": "2001:db8::2/64"},
        },
    ]
    assert edited({ROOT: text}, *items)[ROOT] == (
        "auto eth0\niface eth0 inet manual\n\nauto br0\niface br0 inet static\n    address 192.0.2.2/24\n    bridge_ports eth0\n\n"
        "iface br0 inet6 static\n    address 2001:db8::2/64\n"
    )


def test_a_nic_that_no_file_knows_becomes_manual_and_the_bridge_what_is_given() -> None:
    assert taken(LO, method="dhcp", auto=True) == (
        LO + "\niface eth0 inet manual\n\nauto br0\niface br0 inet dhcp\n    bridge_ports eth0\n"
    )


def test_a_bridge_that_was_there_without_an_address_keeps_its_options() -> None:
    text = "auto eth0\niface eth0 inet dhcp\n\nauto br0\niface br0 inet manual\n    bridge_ports none\n    bridge_stp on\n"
    assert taken(text, options={"bridge_stp": False}) == (
        "auto eth0\niface eth0 inet manual\n\niface br0 inet dhcp\n    bridge_ports eth0\n    bridge_stp off\n\nauto br0\n"
    )


def test_the_nics_file_is_edited_and_not_the_root() -> None:
    texts = {ROOT: "source interfaces.d/*\n" + LO, MORE: "auto eth0\niface eth0 inet dhcp\n"}
    there = edited(texts, {"take_over": "eth0"})
    assert there[ROOT] == texts[ROOT] and "iface br0 inet dhcp" in there[MORE]
    assert edited(there, BACK) == texts


def test_a_bridge_in_a_file_of_its_own_goes_back_to_where_the_nic_stands() -> None:
    texts = {
        ROOT: LO + "auto eth0\niface eth0 inet manual\n    mtu 9000\n\n# end\n",
        MORE: "# br\nauto br0\niface br0 inet dhcp\n    bridge_ports eth0\n    up ip route add 10.0.0.0/8 dev br0\n    up bridge vlan add dev br0 vid 2 self\n",
    }
    assert edited(texts, BACK) == {
        ROOT: LO
        + "auto eth0\niface eth0 inet dhcp\n    up ip route add 10.0.0.0/8 dev eth0\n    mtu 9000\n\n# end\n",
        MORE: "# br\n",
    }


def test_a_bridge_changed_meanwhile_hands_back_what_it_has_now() -> None:
    there = taken("auto eth0\niface eth0 inet dhcp\n")
    changed = edited({ROOT: there}, {"method": "static", "options": {"address": "192.0.2.2/24"}})
    assert (
        edited(changed, BACK)[ROOT]
        == "auto eth0\niface eth0 inet static\n    address 192.0.2.2/24\n"
    )


def test_a_nic_that_was_not_brought_up_is_when_its_bridge_was() -> None:
    text = "iface eth0 inet manual\n\nauto br0\niface br0 inet dhcp\n    bridge_ports eth0\n"
    assert edited({ROOT: text}, BACK)[ROOT] == "auto eth0\niface eth0 inet dhcp\n"


def test_hand_back_of_a_bridge_that_is_not_there_does_nothing() -> None:
    assert edited({ROOT: "iface eth0 inet dhcp\n"}, BACK) == {ROOT: "iface eth0 inet dhcp\n"}


@pytest.mark.parametrize(
    ("nic", "after"),
    [
        ("", "iface eth0 inet dhcp\n    mtu 9000\n"),
        ("    mtu 1400\n", "iface eth0 inet dhcp\n    mtu 1400\n"),
    ],
)
def test_the_link_settings_of_the_bridge_are_not_the_nics_but_for_a_missing_mtu(
    nic: str, after: str
) -> None:
    there = taken(
        "iface eth0 inet dhcp\n" + nic, options={"mtu": 9000, "hwaddress": "52:54:00:00:00:01"}
    )
    assert "mtu 9000" in there
    assert edited({ROOT: there}, BACK)[ROOT] == after
