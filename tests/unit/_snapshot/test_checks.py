# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sentences of images and drives that are fine or not; each is a golden too."""

from __future__ import annotations

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    GuestError,
    MissingDependency,
)
from ansible_collections.hypervisor.network.plugins.module_utils._snapshot import checks


def test_what_is_there_is_passed_on() -> None:
    assert checks.program("/usr/bin/qemu-img") == "/usr/bin/qemu-img"
    assert checks.below("/a", "node") == "node" and checks.plugged("/a", "drive") == "drive"
    checks.done(["commit", "/a"], 0, "a warning")


@pytest.mark.parametrize(
    ("check", "given"), [(checks.below, ("/a", None)), (checks.plugged, ("/a", None)), (checks.unreadable, ("/a", "why"))]
)  # fmt: skip
def test_what_is_not(check, given) -> None:
    with pytest.raises(GuestError, match="/a"):
        check(*given)


def test_a_program_that_is_missing() -> None:
    with pytest.raises(MissingDependency):
        checks.program(None)


def test_a_program_that_says_nothing_and_one_that_says_much() -> None:
    with pytest.raises(GuestError, match="ended with 3"):
        checks.done(["commit", "/a"], 3, "")
    with pytest.raises(GuestError) as caught:
        checks.done(["commit", "/a"], 1, "x\n" * 1000)
    assert len(str(caught.value)) < 600 and "\n" not in str(caught.value)


def test_only_what_goes_forward_says_that_it_goes_on() -> None:
    for action, goes_on in (("create", False), ("delete", True), ("revert", True)):
        with pytest.raises(GuestError) as caught:
            checks.failed(action, "It broke.")
        assert ("next run" in str(caught.value)) is goes_on
