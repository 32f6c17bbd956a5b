# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan as a person reads it before a maintenance window."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._bridge_host import told
from ansible_collections.hypervisor.network.plugins.module_utils._bridge_host.steps import Step
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    Address,
    Link,
    Snapshot,
)

HOST = Snapshot(
    {"eth0": Link("eth0"), "tap1": Link("tap1", kind="tun")},
    (Address("eth0", "192.0.2.10/24", 2), Address("eth0", "fe80::1/64", 10)),
)
CREATE = Change("create", "bridge", "br0", None, {"stp_state": False, "forward_delay": 0.0})
ATTACH = Change("attach", "port", "eth0", {"bridge": None}, {"bridge": "br0"}, "may_cut_ssh")


def lines(*steps: Step, timeout: float = 60) -> list[str]:
    return told.of_steps(steps, HOST, timeout)["lines"]


def row(change: Change) -> str:
    return lines(Step("bridges", "present", (change,)))[0]


def test_a_host_on_which_nothing_is_to_do() -> None:
    found = told.of_steps([Step("bridges", "present", ())], HOST, 60)
    assert found["steps"] == found["changes"] == []
    assert found["lines"] == ["Nothing is to do: the host is as the variables say."]


def test_a_line_for_each_change_in_its_order_and_who_would_be_cut_off() -> None:
    steps = [Step("bridges", "present", (CREATE,)), Step("uplinks", "present", (ATTACH,))]
    assert lines(*steps) == [
        "1.  bridges  create bridge br0  safe         stp_state no, forward_delay 0",
        "2.  uplinks  attach port eth0   may cut off  bridge none -> br0",
        "Would cut off whoever reaches this host by eth0 (192.0.2.10) for as long as it takes, guarded: a new connection confirms it within 60 s, "
        "or the host goes back by itself.",
    ]
    found = told.of_steps(steps, HOST, 60)
    assert [one["step"] for one in found["steps"]] == ["bridges", "uplinks"]
    assert found["changes"][1] == {"step": "uplinks", **ATTACH.as_dict()}


def test_without_a_guard_it_is_said() -> None:
    (sentence,) = lines(Step("uplinks", "present", (ATTACH,)), timeout=0)[1:]
    assert "nothing guards it, since bridge_host_guard_timeout is 0" in sentence


def test_what_guests_would_notice_is_said() -> None:
    change = Change("delete", "tap", "tap1", {"mode": "tap"}, None, "interrupts")
    assert lines(Step("taps", "absent", (change,)))[1:] == ["Would interrupt what runs over tap1."]


@pytest.mark.parametrize(
    ("change", "device"),
    [
        (Change("remove", "address", "192.0.2.10/24", {"dev": "eth0"}, None, "may_cut_ssh"), "eth0 (192.0.2.10)"),
        (Change("set", "sysctl", "net/ipv4/conf/tap1/rp_filter", None, {"value": "2"}, "may_cut_ssh"), "tap1"),
    ],
)  # fmt: skip
def test_the_device_of_what_is_on_one(change: Change, device: str) -> None:
    assert f"by {device} for" in lines(Step("uplinks", "present", (change,)))[1]


def test_who_reaches_a_host_by_what_is_not_there_yet_is_not_named() -> None:
    change = Change("attach", "port", "tap9", {"bridge": None}, {"bridge": "br0"}, "may_cut_ssh")
    assert "whoever reaches this host for" in lines(Step("ports", "present", (change,)))[1]


@pytest.mark.parametrize(
    ("value", "word"),
    [
        (True, "yes"), (None, "none"), ("", "none"), (0, "0"), (2.5, "2.5"), ({"1": "pvid"}, "1=pvid"), (["a", "b"], "[a b]"),
        ("\x1b[31mred", "?[31mred"), ("x" * 99, "x" * 60 + "..."),
    ],
)  # fmt: skip
def test_values_in_words_of_one_line(value: Any, word: str) -> None:
    assert row(Change("create", "bridge", "br0", None, {"alias": value})).endswith(f"alias {word}")


def test_what_goes_is_shown_as_it_is_and_sums_of_files_are_not() -> None:
    assert row(Change("delete", "bridge", "br0", {"up": True}, None)).endswith("  up yes")
    change = Change("update", "file", "/etc/network/interfaces", {"sha256": "a"}, {"sha256": "b"})
    assert row(change).endswith("/etc/network/interfaces  safe")


def test_a_mac_that_nobody_knows_yet_is_null() -> None:
    change = Change("update", "bridge", "br0", {"mac": ""}, {"mac": "02:00:00:00:00:01"})
    found = told.of_steps([Step("uplinks", "present", (change,))], HOST, 60)["changes"][0]
    assert found["before"] == {"mac": None} and found["after"] == change.after


def test_some_steps_are_told_with_their_difference() -> None:
    port = Change("attach", "port", "tap1", {"bridge": None}, {"bridge": "br0"})
    steps = [
        Step("bridges", "present", (Change("create", "bridge", "br0", None, {"up": True}),)),
        Step("ports", "present", (port,)),
    ]
    found = told.of_some(told.of_steps(steps, HOST, 60), ["ports"])
    assert [one["step"] for one in found["steps"]] == ["ports"]
    assert [one["name"] for one in found["changes"]] == ["tap1"]
    assert found["diff"] == {
        "before": {"port tap1": {"bridge": None}},
        "after": {"port tap1": {"bridge": "br0"}},
    }
