# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the guard asks before and after, in sentences."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    ReadBackError,
    Refused,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    Link,
    Snapshot,
)
from ansible_collections.hypervisor.network.plugins.module_utils._guard import checks
from ansible_collections.hypervisor.network.plugins.module_utils._guard.gateways import Gateway

GIVEN = {"family": "IPv4", "address": "10.77.0.1", "dev": "br0"}
GATEWAY = Gateway(**GIVEN)
OTHER = Gateway("IPv6", "fe80::1", "br0")


def test_gateways_that_answered_before_and_do_not_now_are_an_error() -> None:
    checks.must_answer([])
    checks.must_answer_again([])
    with pytest.raises(
        ReadBackError,
        match=r"^The .*10\.77\.0\.1.* answered on eth0 and does not on br0; look at what .* let through for br0\.$",
    ):
        checks.must_answer([GATEWAY], "eth0")
    with pytest.raises(
        ReadBackError,
        match=r" answered and does not on br0; look at what .* let through for br0\.$",
    ):
        checks.must_answer([GATEWAY])
    with pytest.raises(
        ReadBackError,
        match=r"^Everything is as before, but the .* does not answer; look at the router and the way to it\.$",
    ):
        checks.must_answer_again([GATEWAY])
    both = r"IPv4 gateway 10\.77\.0\.1 and the IPv6 gateway fe80::1"
    with pytest.raises(ReadBackError, match=rf"^The {both} answered and do not on br0; look at"):
        checks.must_answer([GATEWAY, OTHER])
    with pytest.raises(ReadBackError, match=rf"but the {both} do not answer; look at"):
        checks.must_answer_again([GATEWAY, OTHER])


def test_what_a_confirmation_compares_with_is_plain_data() -> None:
    told = checks.facts(
        "convert", [GATEWAY], {"addresses": ["10.77.0.10/24"]}, iter(["br0"]), "eth0"
    )
    assert told["gateways"] == [GIVEN] and told["devs"] == ["br0"]
    assert (told["what"], told["source"], told["ports"]) == ("convert", "eth0", {})


def test_changes_are_one_line_for_people() -> None:
    changes = [Change("attach", "port", f"tap{number}") for number in range(5)]
    assert (
        checks.in_words(changes)
        == "attach port tap0, attach port tap1, attach port tap2 and 2 more"
    )


def test_what_was_rolled_back_twice_is_not_tried_again_by_itself() -> None:
    checks.check_tries("wish", "retry: true", lambda _wish: 1)
    with pytest.raises(
        Refused, match=r"^The last 2 tries .* were rolled back.*, then say retry: true\.$"
    ):
        checks.check_tries("wish", "retry: true", {"wish": 2}.__getitem__)


LEFT = "eth0 is no port of br0 any more{}; look for what took it out, such as a network manager."


@pytest.mark.parametrize(
    ("facts", "master", "told"),
    [
        ({"ports": {"eth0": "br0"}}, "br0", []),
        ({"ports": {"eth0": "br0"}}, None, [LEFT.format("")]),
        ({"ports": {"eth0": "br0"}}, "bond0", [LEFT.format(" but one of bond0")]),
        ({"ports": {"eth7": "br0"}}, None, []),
        ({"ports": {}}, None, []),
        ({}, None, []),
    ],
    ids=["stays", "left", "another's", "has another name", "none joined", "an older record"],
)
def test_a_port_that_left_its_bridge_is_told(
    facts: dict[str, Any], master: str | None, told: list[str]
) -> None:
    now = Snapshot({"eth0": Link("eth0", 2, master=master), "br0": Link("br0", 3, "bridge")})
    assert checks.left(now, facts) == told
