# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Given addresses are all that there are: one for each stanza, and none by a hook, whatever family it stands in."""

from __future__ import annotations

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.files import Files
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.plan import notes
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.validate import checked
from ansible_collections.hypervisor.network.tests.harness.model.stanzas import (
    ITEM,
    ROOT,
    edited,
)

TWO = "iface br0 inet static\n  address 192.0.2.2/24\n  gateway 192.0.2.1\n\niface br0 inet static\n  address 192.0.2.3/24\n"


@pytest.mark.parametrize(
    ("given", "left"),
    [
        (["192.0.2.2/24"], ["192.0.2.2/24"]),
        (["192.0.2.3/24"], ["192.0.2.3/24"]),
        (["192.0.2.3/24", "192.0.2.2/24"], ["192.0.2.3/24", "192.0.2.2/24"]),
        (["192.0.2.2/24", "192.0.2.3/24"], ["192.0.2.2/24", "192.0.2.3/24"]),
        (["192.0.2.2/24", "192.0.2.4/24", "192.0.2.3/24"], ["192.0.2.2/24", "192.0.2.3/24", "192.0.2.4/24"]),
    ],
)  # fmt: skip
def test_each_address_has_a_stanza(given: list[str], left: list[str]) -> None:
    after = edited({ROOT: TWO}, {"options": {"address": given}})[ROOT]
    found = [line.split()[1] for line in after.splitlines() if "address" in line]
    assert found == left and after.count("iface br0 inet static") == len(left)
    assert "gateway 192.0.2.1" in after


def test_a_netmask_goes_with_the_address_that_it_was_of() -> None:
    text = "iface br0 inet static\n  address 192.0.2.2\n  netmask 255.255.255.0\n  broadcast 192.0.2.255\n"
    assert edited({ROOT: text}, {"options": {"address": "192.0.2.2/24"}})[ROOT] == text
    after = edited({ROOT: text}, {"options": {"address": "192.0.2.9/25"}})[ROOT]
    assert after == "iface br0 inet static\n  address 192.0.2.9/25\n"


NIC = "iface eth0 inet static\n  address 192.0.2.2/24\n{}\niface eth0 inet6 static\n  address 2001:db8::2/64\n{}\n"
SIX = {
    "take_over": "eth0",
    "family": "inet6",
    "method": "static",
    "options": {"address": ["2001:db8::2/64", "2001:db8::3/64"]},
}


@pytest.mark.parametrize(
    ("four", "six"),
    [
        ("  up ip -6 addr add 2001:db8::3/64 dev eth0", ""),
        ("", "  up ip address add 2001:db8::3/64 dev eth0"),
        ("", "  up ip -6 a add dev eth0 2001:db8::3/64 || true\n  down ip -6 a del 2001:db8::3/64 dev eth0"),
    ],
)  # fmt: skip
def test_a_hook_that_adds_an_address_of_the_family_goes(four: str, six: str) -> None:
    after = edited({ROOT: NIC.format(four, six)}, SIX)[ROOT]
    assert after.count("2001:db8::3/64") == 1 and "  address 2001:db8::3/64" in after


@pytest.mark.parametrize(
    "hook",
    ["up ip addr add 192.0.2.3/24 dev eth0", "up ip -6 route add 2001:db8:1::/64 dev eth0"],
)
def test_a_hook_of_another_family_or_of_routes_stays(hook: str) -> None:
    after = edited({ROOT: NIC.format("", "  " + hook)}, SIX)[ROOT]
    assert hook.replace("eth0", "br0") in after


def test_a_hook_that_adds_an_address_and_does_more_is_told_of() -> None:
    text = NIC.format(
        "", "  up ip a add 2001:db8::3/64 dev eth0; ip -6 r add default via fe80::1 dev eth0"
    )
    (sentence,) = notes(Files(ROOT, {ROOT: text}), [checked({**ITEM, **SIX})])
    assert "adds an address beside those that are given" in sentence


def test_hooks_that_are_asked_for_stay() -> None:
    hook = "ip address add 2001:db8::3/64 dev br0"
    item = {**SIX, "options": [["address", "2001:db8::2/64"], ["up", hook]]}
    after = edited({ROOT: NIC.format("", "")}, item)[ROOT]
    assert f"up {hook}" in after
