# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The user, the program and the groups of a guest, and what is said where they are missing."""

from __future__ import annotations

import grp
import os
import pwd
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    GuestError,
    MissingDependency,
    Refused,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import needs
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.guest import USER


def test_the_user_is_found_by_name_or_number() -> None:
    assert needs.user_of("vm1", {"user": "nobody"}) == pwd.getpwnam("nobody")
    assert needs.account({"user": str(pwd.getpwnam("nobody").pw_uid)}).pw_name == "nobody"


def test_root_is_refused_unless_it_is_allowed() -> None:
    with pytest.raises(Refused, match="vm1 would run as root"):
        needs.user_of("vm1", {"user": "root"})
    assert needs.user_of("vm1", {"user": "root", "allow_root": True}).pw_uid == 0


def test_a_user_that_is_missing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_name: str) -> None:
        raise KeyError

    monkeypatch.setattr(pwd, "getpwnam", missing)
    with pytest.raises(
        Refused, match=f"There is no user '{USER}' on this host, whom guests run as"
    ):
        needs.account({})
    with pytest.raises(GuestError, match="There is no user 'somebody'"):
        needs.account({"user": "somebody"})


def test_a_program_is_an_absolute_path() -> None:
    assert needs.program("/bin/sh") == "/bin/sh" and os.path.isabs(needs.program("true"))


@pytest.mark.parametrize(
    ("emulator", "package"),
    [("qemu-system-x86_64-none", "qemu-system"), ("qemu-system-none-i386", "qemu-system-x86")],
)
def test_a_program_that_is_missing_is_told_with_its_package(emulator: str, package: str) -> None:
    with pytest.raises(MissingDependency, match=f"apt-get install {package}'"):
        needs.program(emulator)


def test_the_group_of_kvm_is_there_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grp, "getgrnam", lambda _name: object())
    assert needs.has_kvm_group()

    def missing(_name: str) -> None:
        raise KeyError

    monkeypatch.setattr(grp, "getgrnam", missing)
    assert not needs.has_kvm_group()


def test_a_look_is_taken_as_the_guest_s_user() -> None:
    user = pwd.getpwnam("nobody")
    with pytest.raises(Refused, match="vm1 is not started: the kernel /nowhere/x"):
        needs.look("vm1", {}, user).path("/nowhere/x", "the kernel")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Devices as udev makes them, of root and of a group kvm that nobody is in."""
    for device in ("vhost-net", "vhost-vsock"):
        (tmp_path / device).touch()
    found = SimpleNamespace(st_uid=0, st_gid=4711, st_mode=0o20660)
    stat = os.stat

    def as_udev(path: Any, **how: Any) -> Any:
        stat(path, **how)
        return found if str(path).startswith(str(tmp_path)) else stat(path, **how)

    monkeypatch.setattr(os, "stat", as_udev)
    monkeypatch.setattr(grp, "getgrnam", lambda _name: SimpleNamespace(gr_gid=4711))
    return tmp_path


WITH_VHOST = {"nics": [{"vhost": False}, {"vhost": True}]}
WITH_VSOCK = {"nics": [], "vsock": 3}


@pytest.mark.parametrize(("spec", "device"), [(WITH_VHOST, "vhost-net"), (WITH_VSOCK, "vhost-vsock")])  # fmt: skip
def test_a_device_of_vhost(folder: Path, spec: dict[str, Any], device: str) -> None:
    """QEMU 7.2 aborts where it may not open it; a unit has the group that may."""
    nobody, root = pwd.getpwnam("nobody"), pwd.getpwnam("root")
    for user, more in ((root, {}), (nobody, {"supervisor": "systemd"})):
        needs.devices("vm1", {**spec, **more}, user, "is not started", str(folder))
    with pytest.raises(Refused, match=f"nobody may not open {folder}/{device}, which v.* 'usermod"):
        needs.devices("vm1", spec, nobody, "is not started", str(folder))
    (folder / device).unlink()
    with pytest.raises(Refused, match=f"modprobe {device.replace('-', '_')}'"):
        needs.devices("vm1", spec, root, "is not started", str(folder))
    needs.devices("vm1", {"nics": [{"vhost": False}]}, nobody, "is not started", str(folder))


def test_a_device_of_another_group_is_closed_to_a_unit_too(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unit, nobody = {**WITH_VHOST, "supervisor": "systemd"}, pwd.getpwnam("nobody")
    monkeypatch.setattr(grp, "getgrnam", lambda _name: SimpleNamespace(gr_gid=1))
    with pytest.raises(Refused, match="may not open"):
        needs.devices("vm1", unit, nobody, "is not started", str(folder))
    monkeypatch.setattr(needs, "has_kvm_group", lambda: False)
    with pytest.raises(Refused, match="may not open"):
        needs.devices("vm1", unit, nobody, "is not started", str(folder))
