# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Key files are read as groups, and written again with the same values."""

from __future__ import annotations

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._networkmanager.keyfile import (
    is_port,
    parse,
    render,
    value,
)
from ansible_collections.hypervisor.network.tests.harness.model.networkmanager import PROFILE


def test_a_profile_is_its_groups_in_their_order() -> None:
    found = parse(PROFILE)
    assert list(found) == ["connection", "ethernet", "ipv4", "ipv6", "proxy", ".nmmeta"]
    assert found["ipv6"] == {"addr-gen-mode": "default", "method": "auto"}


def test_what_is_no_assignment_is_passed_over() -> None:
    text = "lost=1\n# a=comment\n[ipv4]\n#method=manual\nmethod = auto\nnothing\n\n[ipv4]\ndns=1.1.1.1;\n"
    assert parse(text) == {"ipv4": {"method": "auto", "dns": "1.1.1.1;"}}


def test_the_last_value_of_a_key_counts() -> None:
    assert parse("[ipv4]\nmethod=manual\n[ipv4]\nmethod=auto\n") == {"ipv4": {"method": "auto"}}


def test_values_stay_as_they_are_written() -> None:
    text = "[802-1x]\nidentity=a=b;c\\sd\npassword= x \n"
    assert parse(text)["802-1x"] == {"identity": "a=b;c\\sd", "password": "x"}


def test_what_is_written_is_read_again() -> None:
    groups = parse(PROFILE)
    again = parse(render(groups, "ours"))
    assert again == {name: keys for name, keys in groups.items() if keys}
    assert render({"a": {"b": "c"}}) == "[a]\nb=c\n"
    assert render({}, "ours").startswith("# ours\n")


def test_what_is_not_said_has_a_default() -> None:
    groups = parse(PROFILE)
    assert value(groups, "ipv4", "method") == "auto"
    assert value(groups, "ipv4", "gateway", "none") == "none" and value(groups, "ipv9", "x") == ""


@pytest.mark.parametrize(
    ("said", "is_one"),
    [
        ({"port-type": "bridge", "controller": "br0"}, True),
        ({"slave-type": "bridge", "master": "uuid of it"}, True),
        ({"slave-type": "bridge", "master": "its id"}, True),
        ({"slave-type": "bridge", "master": "br1"}, False),
        ({"slave-type": "bond", "master": "br0"}, False),
        ({"slave-type": "bridge"}, False),
        ({}, False),
    ],
)
def test_a_port_names_its_bridge_by_device_uuid_or_id(said: dict[str, str], is_one: bool) -> None:
    host = {"connection": {"uuid": "uuid of it", "id": "its id"}}
    assert is_port({"connection": said}, "br0", host) == is_one
    assert not is_port({"connection": {"slave-type": "bridge"}}, "br0", {})
