# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an option of a supervisor comes to on a host with systemd, and on one without."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    BadInput,
    Refused,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import supervision
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.spec import SPEC, checked

PLAIN = {"memory": 64}


def given(**options: Any) -> dict[str, Any]:
    item = {key: value.get("default") for key, value in SPEC.items()}
    return {**item, "name": "vm1", **options}


def kept(asked: str, systemd: bool, **options: Any) -> dict[str, Any]:
    return supervision.kept("vm1", {**PLAIN, **options}, options, asked, systemd)


def test_auto_is_systemd_where_that_answers() -> None:
    assert kept("auto", True) == {**PLAIN, "autostart": True, "supervisor": "systemd"}
    assert kept("auto", False) == PLAIN
    assert kept("process", True) == PLAIN
    assert kept("systemd", True, autostart=False)["autostart"] is False
    assert kept("auto", True, netns="lab")["autostart"] is False


@pytest.mark.parametrize("option", supervision.NEEDS_UNIT)
@pytest.mark.parametrize(("asked", "systemd"), [("auto", False), ("process", True)])
def test_what_a_process_cannot_have_is_refused_where_it_is_given(
    option: str, asked: str, systemd: bool
) -> None:
    with pytest.raises(Refused, match=f"vm1: {option} needs a unit of systemd, and"):
        kept(asked, systemd, **{option: 1})
    spec = {**PLAIN, option: 1, "shutdown_timeout": 3.0, "supervisor": "systemd"}
    assert supervision.kept("vm1", spec, {}, asked, systemd) == PLAIN


def test_what_cannot_be_had_is_refused() -> None:
    with pytest.raises(Refused, match="supervisor systemd cannot be had"):
        kept("systemd", False)
    with pytest.raises(Refused, match="memory_max 32 MiB is less than its memory of 64 MiB"):
        kept("auto", True, memory_max=32)
    assert kept("auto", True, memory_max=64)["memory_max"] == 64


@pytest.mark.parametrize(
    ("option", "good", "bad"),
    [
        ("start_order", [1, 99], [0, 100, -1]),
        ("start_delay", [0, 3600], [-1, 3601]),
        ("cpu_quota", [1, 1000], [0, -5]),
        ("cpu_weight", [1, 10000], [0, 10001]),
        (
            "cpu_affinity",
            [["0"], ["1", "4-7", "3-3"]],
            [[], ["x"], ["7-4"], ["1 2"], ["0\nExecStart=x"]],
        ),
        ("memory_max", ["512", "1G"], ["0", "512M\nUser=root"]),
    ],
)
def test_options_are_within_bounds(option: str, good: list[Any], bad: list[Any]) -> None:
    for value in good:
        assert option in checked(given(**{option: value})).spec
    for value in bad:
        with pytest.raises(BadInput, match=f"vm1: {option} "):
            checked(given(**{option: value}))


@pytest.mark.parametrize(
    ("state", "stays"), [("running", True), ("paused", True), ("stopped", False)]
)
def test_a_deadline_for_one_stop_is_not_kept_for_others(state: str, stays: bool) -> None:
    wish = checked(given(state=state, shutdown_timeout=5.0))
    assert wish.shutdown_timeout == 5.0
    assert ("shutdown_timeout" in wish.spec) is stays


def test_seconds_to_shut_down() -> None:
    assert (supervision.stop_seconds({}), supervision.stop_seconds({"shutdown_timeout": 0})) == (
        60,
        0,
    )
