# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts have ifupdown2, by what the packages of Debian and Proxmox bring (dpkg-deb -c)."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._host import ifupdown2

PROGRAM = "/usr/share/ifupdown2/ifupdown2"


def furnish(root: Path, links: dict[str, str]) -> str:
    for name, target in links.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(target)
    return str(root)


@pytest.mark.parametrize(
    ("links", "has"),
    [
        pytest.param({"usr/sbin/ifreload": PROGRAM, "sbin": "usr/sbin"}, True, id="merged /usr"),
        pytest.param({"sbin/ifreload": PROGRAM, "usr/sbin/ip": "/bin/ip"}, True, id="Debian 11"),
        pytest.param({"usr/sbin/ifup": "ifup.real", "sbin": "usr/sbin"}, False, id="ifupdown"),
        pytest.param({"usr/sbin/ifparse": "ifupdown", "sbin": "usr/sbin"}, False, id="ifupdown-ng"),
        pytest.param({}, False, id="neither"),
    ],
)
def test_ifupdown2_is_known_by_its_own_program(
    tmp_path: Path, links: dict[str, str], has: bool
) -> None:
    assert ifupdown2.is_here(furnish(tmp_path, links)) is has


def test_a_package_that_was_removed_may_leave_its_folder(tmp_path: Path) -> None:
    (tmp_path / "usr/share/ifupdown2/__pycache__").mkdir(parents=True)
    assert not ifupdown2.is_here(str(tmp_path))
