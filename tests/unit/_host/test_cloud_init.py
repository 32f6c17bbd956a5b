# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether cloud-init writes the configuration of the network."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._host import cloud_init


@pytest.mark.parametrize(
    ("path", "text", "off"),
    [
        ("cloud-init.disabled", "", True),
        ("cloud.cfg", "network: {config: disabled}\n", True),
        ("cloud.cfg", "network:\n  config: disabled\n", True),
        ("cloud.cfg.d/99-off.cfg", "users: []\nnetwork: {'config': 'disabled'}\n", True),
        ("cloud.cfg.d/99-off.txt", "network: {config: disabled}\n", False),
        ("cloud.cfg", "#network: {config: disabled}\n", False),
        ("cloud.cfg", "network:\n  version: 2\n", False),
        ("cloud.cfg", "\xff broken", False),
    ],
)
def test_off_is_what_its_files_say(tmp_path: Path, path: str, text: str, off: bool) -> None:
    (tmp_path / "cloud.cfg.d").mkdir()
    (tmp_path / path).write_text(text, encoding="latin-1")
    assert cloud_init.is_off(str(tmp_path)) is off


def test_a_host_without_cloud_init_is_not_off(tmp_path: Path) -> None:
    assert not cloud_init.is_off(str(tmp_path))


def test_what_only_has_the_name_of_a_file_is_none(tmp_path: Path) -> None:
    (tmp_path / "cloud.cfg.d" / "a.cfg").mkdir(parents=True)
    assert not cloud_init.is_off(str(tmp_path))
