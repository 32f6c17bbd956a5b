# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the one door to the kernel does before it sends anything."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core import deps
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    BadInput,
    MissingDependency,
)
from ansible_collections.hypervisor.network.plugins.module_utils._host import netns
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import (
    snapshot as rtnl_snapshot,
)

PLUGINS = Path(__file__).resolve().parents[3] / "plugins"


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


def test_a_missing_library_is_named_with_its_package() -> None:
    with pytest.raises(MissingDependency) as caught:
        deps.need("pyroute2_that_is_not_there.netns")
    assert str(caught.value).startswith(
        "The Python library pyroute2_that_is_not_there is missing for "
    )
    assert str(caught.value).endswith("'pip install pyroute2_that_is_not_there'.")


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("0.7.2", "0.7.12"),
        ("0.8.0", "1.3.0"),
        ("0.9", "0.9.7"),
        ("0.7.2", "0.7.2.post1"),
        ("", "0.1"),
    ],
)
def test_versions_are_compared_by_their_numbers(older: str, newer: str) -> None:
    assert deps._numbers(older) <= deps._numbers(newer) and deps._numbers("unknown") == ()


def test_pyroute2_is_named_by_one_file_only() -> None:
    importers = set()
    for path in PLUGINS.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            needed = (
                isinstance(node, ast.Call)
                and getattr(node.func, "id", "") == "need"
                and ast.literal_eval(node.args[0])
            )
            if any(name.split(".")[0] == "pyroute2" for name in [*names, needed or ""]):
                importers.add(path.name)
    assert importers == {"socket.py"}
