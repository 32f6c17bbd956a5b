# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a guest's definition and of the host comes into its unit."""

from __future__ import annotations

import json
import os
import pwd
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._qemu import (
    needs,
    rundir,
    unit_file,
    unit_setting,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.files import Fittings
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.spec import with_defaults

ROOT = pwd.getpwuid(os.geteuid())
DISK = {"format": "raw", "bus": "virtio", "read_only": False, "serial": None, "boot_index": None}


@pytest.fixture(autouse=True)
def host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(needs, "program", lambda _name: "/usr/bin/qemu")
    monkeypatch.setattr(needs, "has_kvm_group", lambda: True)


def setting(tmp_path: Path, accel: str = "tcg", **spec: Any) -> unit_file.Setting:
    directory = rundir.RunDirectory("vm1", str(tmp_path / "run"))
    whole = with_defaults({"allowed_roots": [str(tmp_path)], **spec})
    return unit_setting.of("vm1", whole, directory, ROOT, accel, Fittings())


def test_qemu_listens_itself_in_the_directory_that_systemd_makes(tmp_path: Path) -> None:
    words = " ".join(setting(tmp_path).words)
    for name in ("qmp", "spare"):
        assert f"socket,id={name},path={tmp_path}/run/vm1/{name}.sock,server=on,wait=off" in words


def test_translated_code_is_bounded_where_memory_is(tmp_path: Path) -> None:
    assert "tcg,tb-size=64" in setting(tmp_path, memory_max=768).words
    assert "tcg" in setting(tmp_path).words
    assert "kvm" in setting(tmp_path, accel="kvm", memory_max=768).words


def test_the_group_of_kvm_is_for_those_who_use_its_devices(tmp_path: Path) -> None:
    assert setting(tmp_path, accel="kvm").kvm and not setting(tmp_path).kvm


def test_directories_are_writable_that_qemu_writes_into(tmp_path: Path) -> None:
    for name in ("rw", "ro", "log"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a").touch()
    disks = [
        {**DISK, "path": f"{tmp_path}/rw/a"},
        {**DISK, "path": f"{tmp_path}/ro/a", "read_only": True},
    ]
    found = setting(tmp_path, disks=disks, serial_log=f"{tmp_path}/log/a")
    assert found.writable == [f"{tmp_path}/log", f"{tmp_path}/rw"]
    assert sorted(found.used) == [f"{tmp_path}/{name}/a" for name in ("log", "ro", "rw")]
    assert found.log[-3:] == [
        f"{tmp_path}/run/.kept/units/serial_log.py",
        f"{tmp_path}/log/a",
        "6",
    ]
    assert setting(tmp_path).log == []


def test_the_socket_of_a_tpm_is_in_no_directory_that_qemu_may_write_to(tmp_path: Path) -> None:
    whole = with_defaults({"tpm": True})
    fitted = Fittings({"tpm": f"{tmp_path}/.vm1.tpm", "vars": f"{tmp_path}/guests/vars"})
    directory = rundir.RunDirectory("vm1", str(tmp_path / "run"))
    found = unit_setting.of("vm1", whole, directory, ROOT, "tcg", fitted)
    assert found.writable == [f"{tmp_path}/guests"]
    assert f"socket,id=tpm,path={tmp_path}/.vm1.tpm" in found.words


def test_a_python_that_everybody_can_run_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert setting(tmp_path).monitor[:2] == ["/usr/bin/python3", "-I"]
    monkeypatch.setattr(unit_setting, "_PYTHON", "/nowhere/python3")
    assert os.path.exists(setting(tmp_path).monitor[0])


def test_a_link_that_is_down_is_taken_down_by_the_unit_itself(tmp_path: Path) -> None:
    nics = [{"tap": "tap1", "mac": "52:00:00:00:00:01", "model": "virtio", "queues": 1, "vhost": False, "mtu": None, "boot_index": None}]  # fmt: skip
    assert setting(tmp_path, nics=nics).first == ""
    found = setting(tmp_path, nics=[{**nics[0], "link": "down"}])
    assert json.loads(found.first) == [["set_link", {"name": "nic0", "up": False}]]
