# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be asked of a forwarding database."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core import errors
from ansible_collections.hypervisor.network.tests.harness.model.fdb_tables import (
    MAC,
    wish_of,
)

BAD = [
    ({}, "Nothing is named: give 'mac', a list in 'entries', or 'flush'."),
    ({"mac": MAC, "entries": []}, "Both 'mac' and 'entries' are given"),
    ({"flush": {}}, "'flush' is given without 'bridge'"),
    ({"bridge": "br0", "flush": {"vlan": 4095}}, "flush: vlan 4095 is no VLAN"),
    ({"bridge": "br0", "flush": {"port": "-x"}}, "port '-x'"),
    (
        {"bridge": "br0", "entries": [{"port": "tap1"}]},
        "An item of 'entries' has no mac; give it one.",
    ),
    ({"mac": MAC, "port": "tap1"}, "'bridge' is missing"),
    ({"bridge": "br0", "mac": MAC}, "'port' is missing"),
    ({"bridge": "%d", "mac": MAC, "port": "tap1"}, "bridge '%d'"),
    ({"bridge": "br0", "mac": MAC, "port": "a/b"}, "port 'a/b'"),
    ({"bridge": "br0", "mac": "tap1", "port": "tap1"}, "mac 'tap1' is not a MAC address"),
    ({"bridge": "br0", "mac": "00:00:00:00:00:00", "port": "tap1"}, "is all zero"),
    ({"bridge": "br0", "mac": "01:00:5e:00:00:fb", "port": "tap1"}, "multicast"),
    ({"bridge": "br0", "mac": "ff:ff:ff:ff:ff:ff", "state": "absent"}, "multicast"),
    ({"bridge": "br0", "mac": MAC, "port": "tap1", "vlan": 0}, f"{MAC}: vlan 0 is no VLAN"),
    (
        {"bridge": "br0", "mac": MAC, "port": "tap1", "type": "permanent", "sticky": True},
        "leave sticky out",
    ),
    (
        {"bridge": "br0", "mac": MAC, "port": "tap1", "type": "static", "extern_learn": True},
        "extern_learn is given with type static",
    ),
    (
        {"bridge": "br0", "mac": MAC, "port": "tap1", "sticky": True, "extern_learn": True},
        "extern_learn is given with sticky",
    ),
    ({"bridge": "br0", "mac": MAC, "port": "br0"}, "only permanent entries"),
]


@pytest.mark.parametrize(("desired", "words"), BAD)
def test_what_can_not_be_meant_is_refused_in_one_sentence(
    desired: dict[str, Any], words: str
) -> None:
    with pytest.raises(errors.BadInput) as caught:
        wish_of(desired)
    assert (
        words in str(caught.value)
        and "\n" not in str(caught.value)
        and str(caught.value).endswith(".")
    )


def listed(*entries: dict[str, Any]) -> dict[str, Any]:
    return wish_of({"bridge": "br0", "port": "tap1", "entries": list(entries)})


def test_an_entry_is_static_unless_a_control_plane_learned_it() -> None:
    plain, learned, gone = listed(
        {"mac": MAC.upper()},
        {"mac": "52:54:00:00:00:02", "extern_learn": True},
        {"mac": "52:54:00:00:00:03", "state": "absent"},
    )["entries"]
    assert (plain["mac"], plain["type"]) == (MAC, "static") and learned["type"] == "dynamic"
    assert gone["type"] is None


def test_entries_in_several_vlans_are_several() -> None:
    assert len(listed({"mac": MAC, "vlan": 10}, {"mac": MAC, "vlan": 20})["entries"]) == 2


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([{"mac": MAC}, {"mac": MAC.upper()}], f"{MAC} in br0 is listed twice"),
        (
            [{"mac": MAC, "vlan": 10}, {"mac": MAC, "vlan": 10}],
            f"{MAC} in br0 vlan 10 is listed twice",
        ),
        ([{"mac": MAC, "vlan": 10}, {"mac": MAC}], "is listed with a vlan and without one"),
        ([{"mac": MAC}, {"mac": MAC, "vlan": 10}], "is listed with a vlan and without one"),
    ],
)
def test_an_entry_that_is_described_twice_is_refused(
    entries: list[dict[str, Any]], words: str
) -> None:
    with pytest.raises(errors.BadInput, match=words):
        listed(*entries)


def test_a_flush_may_name_a_port_and_leaves_flags_that_are_not_given_alone() -> None:
    flush = wish_of({"bridge": "br0", "flush": {"port": "tap1", "vlan": 10}})["flush"]
    assert (flush["bridge"], flush["port"], flush["vlan"], flush["sticky"]) == (
        "br0",
        "tap1",
        10,
        None,
    )
    assert (flush["type"], flush["extern_learn"]) == ("dynamic", False)
