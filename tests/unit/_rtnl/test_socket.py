# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the one door to the kernel does before it sends anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    BadInput,
)
from ansible_collections.hypervisor.network.plugins.module_utils._host import netns
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import (
    snapshot as rtnl_snapshot,
)


def test_a_station_is_told_by_its_folders_in_sysfs(tmp_path: Path) -> None:
    for name, entry in (
        ("wlan0", "phy80211"),
        ("wlan1", "wireless"),
        ("eth0", "queues"),
        ("eth1", None),
    ):
        (tmp_path / name / (entry or "")).mkdir(parents=True)
    assert rtnl_snapshot.wireless(["wlan0", "wlan1", "eth0", "eth1", "gone0"], str(tmp_path)) == {
        "wlan0",
        "wlan1",
    }


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
