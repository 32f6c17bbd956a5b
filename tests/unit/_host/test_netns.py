# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Network namespaces by name; entering one wants root, see tests/integration."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    BadInput,
    Refused,
)
from ansible_collections.hypervisor.network.plugins.module_utils._host import netns


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "../../proc/1/ns/net", "/proc/1/ns/net", "a\nb", "a\0b"]
)
def test_a_namespace_is_named_and_no_path(name: str) -> None:
    with pytest.raises(BadInput, match="^netns ") as caught:
        netns.enter_netns(name)
    assert "\n" not in str(caught.value)


def test_a_namespace_that_is_missing_is_named_with_its_cure() -> None:
    with pytest.raises(BadInput, match="ip netns add no-such-namespace-here"):
        netns.enter_netns("no-such-namespace-here")


def test_who_names_none_stays_where_he_is(tmp_path: Path) -> None:
    before = os.stat("/proc/self/ns/net").st_ino
    netns.enter_netns(None, str(tmp_path))
    assert os.stat("/proc/self/ns/net").st_ino == before


def test_what_is_no_namespace_is_told_in_the_kernels_words(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("", encoding="ascii")
    with pytest.raises(Refused) as caught:
        netns.enter_netns("plain", str(tmp_path))
    assert str(caught.value) == (
        "Cannot enter the network namespace 'plain': Invalid argument; run the task with become."
    )


def test_a_namespace_that_is_there_can_be_entered_by_root_only(tmp_path: Path) -> None:
    """The namespace is the own one, so that nothing moves; modules enter others in tests/integration."""
    (tmp_path / "own").symlink_to("/proc/self/ns/net")
    before = os.stat("/proc/self/ns/net").st_ino
    if os.geteuid() == 0:
        netns.enter_netns("own", str(tmp_path))
    else:
        with pytest.raises(Refused, match="Operation not permitted"):
            netns.enter_netns("own", str(tmp_path))
    assert os.stat("/proc/self/ns/net").st_ino == before
