# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a guest as they are handed on."""

from __future__ import annotations

from ansible_collections.hypervisor.network.plugins.module_utils._qemu.files import Files, Image


def test_an_image_knows_what_is_below_it() -> None:
    image = Image("/a", "qcow2", Image("/b", "raw"))
    assert image.backing is not None and image.backing.path == "/b" and image.data_file is None


def test_a_guest_without_files_has_none() -> None:
    assert Files() == Files({}, {})
