# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All paths that a guest's files come to."""

from __future__ import annotations

from ansible_collections.hypervisor.network.plugins.module_utils._qemu.files import Files, Image


def test_every_path_is_named_those_below_an_image_too() -> None:
    base = Image("/base", "raw")
    middle = Image("/middle", "qcow2", base, "/data")
    files = Files({"/link": Image("/top", "qcow2", middle)}, {"kernel": "/vmlinuz"})
    assert files.every() == ["/vmlinuz", "/top", "/middle", "/data", "/base"]
    assert Files().every() == []
