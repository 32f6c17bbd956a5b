# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What cloud-init has written of the network."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.hypervisor.network.plugins.module_utils._host import cloud_files


def test_what_it_rendered_is_read(tmp_path: Path) -> None:
    assert cloud_files.read(str(tmp_path)) == cloud_files.CloudInit()
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
    found = cloud_files.read(str(tmp_path))
    assert (found.there, found.on) == (True, True)
    assert list(found.rendered.values()) == ["a", "b", "c", "\ufffd"]
    (tmp_path / "etc/cloud/cloud.cfg.d/99.cfg").write_text("network: {config: disabled}\n")
    assert not cloud_files.read(str(tmp_path)).on
