# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be written into interfaces(5), and what is refused with one sentence."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import BadInput
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.grammar import tokenize
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.validate import (
    Wish,
    checked,
)

ITEM: dict[str, Any] = {
    "name": "br0", "state": "present", "family": None, "method": None, "options": None, "auto": None, "allow_hotplug": None,
    "take_over": None, "hand_back": None, "file": None,
}  # fmt: skip


def wish(**given_options: Any) -> Wish:
    return checked({**ITEM, **given_options})


@pytest.mark.parametrize(
    ("options", "values"),
    [
        (None, {}),
        ({}, {}),
        ({"bridge_stp": False}, {"bridge_stp": ("off",)}),
        ({"bridge_vlan_aware": True}, {"bridge_vlan_aware": ("yes",)}),
        ({"bridge_fd": 0, "mtu": 1500}, {"bridge_fd": ("0",), "mtu": ("1500",)}),
        ({"mtu": None}, {}),
        ({"mtu": ""}, {"mtu": ()}),
        ({"up": []}, {"up": ()}),
        ({"up": ["a", "b"]}, {"up": ("a", "b")}),
        (
            [["up", "a"], ["address", "192.0.2.2/24"], ["post-up", "b"]],
            {"up": ("a", "b"), "address": ("192.0.2.2/24",)},
        ),
        ({"dns-search": "  example.org\t"}, {"dns-search": ("example.org",)}),
    ],
)
def test_options_become_values_by_key(options: Any, values: dict[str, tuple[str, ...]]) -> None:
    assert wish(options=options).options == values


@pytest.mark.parametrize(
    ("item", "word"),
    [
        ({"name": "a" * 16}, "15 bytes"),
        ({"name": "%d"}, "name"),
        ({"name": "br 0"}, "name"),
        ({"take_over": "br0"}, "itself"),
        ({"take_over": "eth0", "state": "absent"}, "hand_back"),
        ({"hand_back": "eth0"}, "take_over"),
        ({"method": "statc"}, "static"),
        ({"method": "auto"}, "inet"),
        ({"method": "two words"}, "one word"),
        ({"options": "mtu 1500"}, "dictionary"),
        ({"options": [["mtu"]]}, "pairs"),
        ({"options": {"mtu": {"a": 1}}}, "no text"),
        ({"options": {"iface": "x"}}, "keyword"),
        ({"options": {"auto": "x"}}, "keyword"),
        ({"options": {"source-directory": "x"}}, "keyword"),
        ({"options": {"#mtu": "x"}}, "usable"),
        ({"options": {"mtu 1": "x"}}, "usable"),
        ({"options": {"brigde_ports": "eth0"}}, "bridge_ports"),
        ({"options": {"adress": "192.0.2.2/24"}}, "address"),
        ({"options": {"bridge_color": "red"}}, "bridge-utils"),
        ({"options": {"address": "10.0.0.999/24"}}, "192.0.2.10/24"),
        ({"options": {"address": "10.0.0.1/33"}}, "192.0.2.10/24"),
        ({"options": {"address": "0.0.0.0/0"}}, "unspecified"),
        ({"options": {"address": "224.0.0.1/24"}}, "multicast"),
        ({"options": {"address": "192.0.2.0/24"}}, "broadcast"),
        ({"options": {"address": "192.0.2.255/24"}}, "broadcast"),
        ({"options": {"address": "192.0.2.2"}}, "prefix"),
        ({"options": {"address": "2001:db8::1/64"}}, "inet"),
        ({"options": {"address": "192.0.2.2/24"}, "family": "inet6"}, "inet6"),
        ({"options": {"address": ["192.0.2.2/24", "192.0.2.2/24"]}}, "twice"),
        ({"options": {"gateway": "192.0.2.1/24"}}, "bare"),
        ({"options": {"gateway": "192.0.2.2", "address": "192.0.2.2/24"}}, "own"),
        ({"options": {"gateway": ["192.0.2.1", "192.0.2.3"]}}, "takes one"),
        ({"options": {"netmask": "255.0.255.0"}}, "netmask"),
        ({"options": {"mtu": 67}}, "68"),
        ({"options": {"mtu": "big"}}, "whole number"),
        ({"options": {"hwaddress": "01:00:5e:00:00:01"}}, "multicast"),
        ({"options": {"bridge_ports": "eth0 eth0"}}, "twice"),
        ({"options": {"bridge_ports": "br0"}}, "itself"),
        ({"options": {"bridge_ports": "a" * 16}}, "15 bytes"),
        ({"options": {"bridge_fd": 100}}, "30 seconds"),
        ({"options": {"bridge_fd": 1}}, "30 seconds"),
        ({"options": {"bridge_bridgeprio": 70000}}, "65535"),
        ({"options": {"bridge_ageing": -1}}, "range"),
        ({"options": {"bridge_stp": "maybe"}}, "none of"),
        ({"options": {"bridge_stp": True, "bridge_fd": 0}}, "2 s"),
        ({"name": "eth0:"}, "label"),
        ({"name": "eth0:a/b"}, "label"),
        ({"name": "eth0:" + "1" * 11}, "15 characters"),
        ({"name": "%d:1"}, "device name"),
        ({"name": "eth0:1", "take_over": "eth0"}, "second address"),
        ({"options": [["bridge_pathcost", "eth0 1"], ["bridge_pathcost", "eth1 2"]]}, "takes one"),
        ({"options": [["bridge_portprio", "eth0 1"], ["bridge-portprio", "eth1 2"]]}, "takes one"),
        ({"options": {"bridge_pathcost": "eth0 1 eth1 2"}}, "one port"),
        ({"options": {"bridge_portprio": "eth0"}}, "one port"),
        ({"options": {"bridge_gcint": 4}}, "brctl"),
    ],
)
def test_a_wrong_item_is_refused_with_one_sentence_that_names_the_cause(
    item: dict[str, Any], word: str
) -> None:
    with pytest.raises(BadInput) as caught:
        wish(**item)
    message = str(caught.value)
    assert word in message
    assert "\n" not in message
    assert message.endswith((".", "?"))


@pytest.mark.parametrize(
    "item",
    [
        {"options": {"bridge_pathcost": "eth0 100"}},
        {"options": {"bridge-portprio": "eth0=8 eth1=9"}},
        {"options": {"bridge-mcsnoop": 0, "bridge-vids": "2-4", "bridge-pathcosts": "a=1"}},
        {"name": "eth0:1"},
        {"options": {"hwaddress": "random"}},
        {"options": {"hwaddress": "ether 52:54:00:12:34:56"}},
        {"options": {"address": "192.0.2.0/31"}},
        {"options": {"address": "192.0.2.2", "netmask": "255.255.255.0"}},
        {"options": {"address": "2001:db8::/127"}, "family": "inet6"},
        {"options": {"gateway": "fe80::1"}, "family": "inet6"},
        {"options": {"bridge_ports": "regex eth[0-9]+ noregex wlan0"}},
        {"options": {"bridge_ports": "none"}},
        {"options": {"some-other-tool": "x"}},
        {"options": {"wpa-ssid": "x"}},
        {"method": "auto", "family": "inet6"},
        {"state": "absent", "hand_back": "eth0"},
    ],
)
def test_what_ifupdown_takes_and_works_is_taken(item: dict[str, Any]) -> None:
    wish(**item)


def test_without_validate_a_typo_passes_and_a_line_end_does_not() -> None:
    assert (
        checked({**ITEM, "options": {"brigde_ports": "eth0"}, "method": "statc"}, False).method
        == "statc"
    )
    with pytest.raises(BadInput, match="line end"):
        checked({**ITEM, "options": {"mtu": "1500\n up touch /tmp/x"}}, False)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.text(max_size=10), st.text(max_size=20), max_size=3))
def test_whatever_passes_stays_one_option_on_its_line(options: dict[str, str]) -> None:
    try:
        found = checked({**ITEM, "options": options}, False).options
    except BadInput:
        return
    for key, values in found.items():
        for value in values:
            lines = tokenize(f"iface br0 inet manual\n    {key} {value}\n    last 1\n")
            assert [line.kind for line in lines] == ["iface", "option", "option"]
            assert (lines[1].key, lines[1].value) == (key, value)
