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


def test_what_it_rendered_is_read(tmp_path: Path) -> None:
    assert cloud_init.read(str(tmp_path)) == cloud_init.CloudInit()
    (tmp_path / "etc/cloud/cloud.cfg.d").mkdir(parents=True)
    files = {
        "etc/netplan/50-cloud-init.yaml": "a",
        "etc/systemd/network/10-cloud-init-eth0.network": "b",
        "etc/NetworkManager/system-connections/cloud-init-eth0.nmconnection": "c",
        "etc/network/interfaces.d/50-cloud-init": "\xff",
        "etc/netplan/90-default.yaml": "not its own",
    }
    for path, said in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(said, encoding="latin-1")
    (tmp_path / "etc/netplan/50-cloud-init-folder.yaml").mkdir()
    found = cloud_init.read(str(tmp_path))
    assert (found.there, found.on) == (True, True)
    assert list(found.rendered.values()) == ["a", "b", "c", "\ufffd"]
    (tmp_path / "etc/cloud/cloud.cfg.d/99.cfg").write_text("network: {config: disabled}\n")
    assert not cloud_init.read(str(tmp_path)).on
