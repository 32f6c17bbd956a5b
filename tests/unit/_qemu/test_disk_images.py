# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which image is looked at for a disk, and what is done with it, by fakes of a user and of qemu-img."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import disk_images
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.disk_images import DiskImages
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.files import Image

SPEC: dict[str, Any] = {"disks": [{"path": "/other"}, {"path": "/a"}]}


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    log: list[Any] = []

    def disk(asked: Any) -> Image:
        if asked["path"] == "/other":
            raise Refused("vm1 has no disk grown: /other is a symbolic link; name the file itself.")
        return Image("/real/a", "raw")

    needs = {"user_of": lambda *_asked: "user", "look": lambda *_asked: SimpleNamespace(disk=disk)}
    images = {
        "create": lambda recipe, _look, user: log.append(("create", recipe["path"], user)),
        "remove": lambda path: log.append(("remove", path)),
        "size": lambda image: len(image.path),
        "program": lambda: log.append("qemu-img is there"),
        "grow": lambda image, size, user: log.append(("grow", image.path, size, user)),
    }
    monkeypatch.setattr(disk_images, "needs", SimpleNamespace(**needs))
    monkeypatch.setattr(disk_images, "images", SimpleNamespace(**images))
    return log


def test_an_image_is_made_and_taken_away(tmp_path: Path, done: list[Any]) -> None:
    guests = DiskImages(str(tmp_path))
    guests.create_image({"guest": "vm1", "path": "/a"}, SPEC)
    guests.remove_image("/a")
    assert done == [("create", "/a", "user"), ("remove", "/a")]


def test_a_disk_grows_where_what_it_is_on_top_of_can(tmp_path: Path, done: list[Any]) -> None:
    guests = DiskImages(str(tmp_path))
    guests.check_growth("vm1", SPEC, "/a")
    guests.grow_image("vm1", SPEC, "/a", 16)
    assert done == ["qemu-img is there", ("grow", "/real/a", 16, "user")]
    with pytest.raises(Refused, match="symbolic link"):
        guests.check_growth("vm1", SPEC, "/other")


def test_the_size_of_what_cannot_be_looked_at_is_not_known(tmp_path: Path, done: list[Any]) -> None:
    guests = DiskImages(str(tmp_path))
    assert guests.image_size("vm1", SPEC, "/a") == 7
    assert guests.image_size("vm1", SPEC, "/other") is None
