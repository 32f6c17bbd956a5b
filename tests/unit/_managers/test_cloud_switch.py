# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The switch of cloud-init's part for the network: a file that cloud-init takes for one, and a bridge's own."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path

from ansible_collections.hypervisor.network.plugins.module_utils._host import cloud_init
from ansible_collections.hypervisor.network.plugins.module_utils._managers import cloud_switch


def test_it_is_what_cloud_init_takes_for_one(tmp_path: Path) -> None:
    folder = tmp_path / cloud_switch.FOLDER
    folder.mkdir()
    assert not cloud_init.is_off(str(tmp_path))
    (folder / cloud_switch.name("br0")).write_text(cloud_switch.text("br0"), encoding="utf-8")
    assert cloud_init.is_off(str(tmp_path))


def test_each_bridge_has_its_own() -> None:
    names = {cloud_switch.name(one) for one in ("br0", "br1", "vmbr0.1")}
    assert len(names) == 3
    assert all(fnmatch(name, cloud_switch.PATTERN) for name in names)
