# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The firmware that a host describes, and a guest's own variables; that they work is seen in tests/faults/test_h_firmware.py."""

from __future__ import annotations

import json
import os
import pwd
from pathlib import Path
from typing import Any, Sequence

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    GuestError,
    Refused,
)
from ansible_collections.hypervisor.network.plugins.module_utils._host.programs import Done
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import images, uefi
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.kept import VARS, Kept
from ansible_collections.hypervisor.network.tests.unit._qemu.test_firmware import described, spec
from ansible_collections.hypervisor.network.tests.unit._qemu.test_qcow2 import header

USER = pwd.getpwuid(os.geteuid())
SIZE = 2**20  # that of test_qcow2's header


@pytest.fixture(autouse=True)
def qemu_img(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "program", lambda: "/usr/bin/qemu-img")


@pytest.fixture
def folders(tmp_path: Path) -> tuple[str, str]:
    """A host with one firmware of its packages, and an administrator's folder that is empty."""
    found = (tmp_path / "share", tmp_path / "etc")
    for folder in found:
        folder.mkdir()
    describe(found[0] / "60-plain.json", tmp_path, "plain")
    return str(found[0]), str(found[1])


def describe(path: Path, folder: Path, name: str) -> None:
    for kind in ("fd", "vars"):
        (folder / f"{name}.{kind}").write_bytes(b"\0" * SIZE)
    one = described(name, machines=("pc-*",))
    one["mapping"]["executable"]["filename"] = f"{folder}/{name}.fd"
    one["mapping"]["nvram-template"]["filename"] = f"{folder}/{name}.vars"
    path.write_text(json.dumps(one), encoding="utf-8")


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept("vm1", str(tmp_path / "guests"))


def converted(words: Sequence[str], _seconds: float, rights: Any) -> Done:
    assert words[1:6] == ["convert", "-f", "raw", "-O", "qcow2"] and rights == {}
    Path(words[-1]).write_bytes(header())
    return Done(0)


def test_the_first_file_by_name_counts_and_what_is_no_json_counts_not(
    folders: tuple[str, str], tmp_path: Path
) -> None:
    Path(folders[0], "10-broken.json").write_bytes(b"\xff{")
    assert uefi.of(spec("pc"), "vm1", folders).code == f"{tmp_path}/plain.fd"
    describe(Path(folders[1], "50-own.json"), tmp_path, "own")
    assert uefi.of(spec("pc"), "vm1", folders).code == f"{tmp_path}/own.fd"


def test_the_administrators_file_of_the_same_name_is_in_the_place_of_the_packages(
    folders: tuple[str, str],
) -> None:
    Path(folders[1], "60-plain.json").write_text("{}", encoding="utf-8")
    with pytest.raises(Refused, match="apt-get install ovmf"):
        uefi.of(spec("pc"), "vm1", folders)


def test_a_store_is_made_once_and_found_again(folders: tuple[str, str], kept: Kept) -> None:
    uefi.check(spec("pc"), "vm1", kept, folders)
    firmware = uefi.of(spec("pc"), "vm1", folders)
    path = uefi.variables(spec("pc"), "vm1", firmware, kept, USER, converted)
    assert kept.known(VARS) == {"plain": path}
    uefi.check(spec("pc"), "vm1", kept, folders)
    assert uefi.variables(spec("pc"), "vm1", firmware, kept, USER, converted) == path
    other = uefi.variables(spec("pc", secure=True), "vm1", firmware, kept, USER, converted)
    assert kept.known(VARS) == {"plain": path, "secure": other}


def test_a_store_that_cannot_be_made(folders: tuple[str, str], kept: Kept) -> None:
    firmware = uefi.of(spec("pc"), "vm1", folders)
    with pytest.raises(GuestError, match=r"cannot be made of .*/plain.vars: no space left\."):
        uefi.variables(
            spec("pc"),
            "vm1",
            firmware,
            kept,
            USER,
            lambda *_one, **_two: Done(1, "", "no space\nleft"),
        )
    assert kept.known(VARS) == {}


@pytest.mark.parametrize("content", [b"", b"\0" * SIZE, header()[:40]])
def test_a_store_of_another_size_or_none_any_more(
    folders: tuple[str, str], kept: Kept, content: bytes
) -> None:
    firmware = uefi.of(spec("pc"), "vm1", folders)
    path = uefi.variables(spec("pc"), "vm1", firmware, kept, USER, converted)
    Path(path).write_bytes(content)
    with pytest.raises(Refused, match="forgets everything"):
        uefi.check(spec("pc"), "vm1", kept, folders)


def test_a_template_that_is_qcow2_itself_is_not_compared(
    folders: tuple[str, str], kept: Kept
) -> None:
    path = Path(folders[0], "60-plain.json")
    one = json.loads(path.read_text("utf-8"))
    one["mapping"]["nvram-template"]["format"] = "qcow2"
    firmware = uefi.of(spec("pc"), "vm1", folders)
    uefi.variables(spec("pc"), "vm1", firmware, kept, USER, converted)
    path.write_text(json.dumps(one), encoding="utf-8")
    Path(one["mapping"]["nvram-template"]["filename"]).write_bytes(b"")
    uefi.check(spec("pc"), "vm1", kept, folders)
