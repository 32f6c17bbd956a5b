# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tun ioctls with a kernel that is a parameter, names of users, and who holds a tap as a fake /proc tells it."""

from __future__ import annotations

import errno
import os
import struct
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    BadInput,
    KernelError,
    MissingDependency,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Holder
from ansible_collections.hypervisor.network.plugins.module_utils._link import tuntap

SETIFF, SETPERSIST, SETOWNER, SETGROUP = 0x400454CA, 0x400454CB, 0x400454CC, 0x400454CE
TUN, TAP, MULTI_QUEUE, NO_PI, VNET_HDR = 1, 2, 0x100, 0x1000, 0x4000
PLAIN = {"mode": "tap", "multi_queue": False, "vnet_hdr": False, "pi": False}


class Kernel:
    """Remembers the ioctls; the one with number C(breaks) fails."""

    def __init__(self, breaks: int = 0) -> None:
        self.asked: list[tuple[int, Any]] = []
        self.breaks = breaks
        self.fd = -1

    def open(self, path: str, flags: int) -> int:
        assert path == "/dev/net/tun" and flags & os.O_CLOEXEC
        self.fd = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
        return self.fd

    def ioctl(self, fd: int, request: int, argument: Any) -> None:
        assert fd == self.fd
        self.asked.append((request, argument))
        if len(self.asked) == self.breaks:
            raise OSError(errno.EBUSY, "busy")

    def closed(self) -> bool:
        try:
            os.fstat(self.fd)
        except OSError:
            return True
        return False


def flags_of(kernel: Kernel) -> tuple[str, int]:
    name, flags = struct.unpack("16sH", kernel.asked[0][1][:18])
    return name.rstrip(b"\0").decode(), flags


@pytest.mark.parametrize(
    ("options", "flags"),
    [
        ({}, TAP | NO_PI),
        ({"mode": "tun"}, TUN | NO_PI),
        ({"pi": True}, TAP),
        ({"multi_queue": True, "vnet_hdr": True}, TAP | NO_PI | MULTI_QUEUE | VNET_HDR),
    ],
)
def test_options_become_flags(options: dict[str, Any], flags: int) -> None:
    kernel = Kernel()
    tuntap.configure("tap1", {**PLAIN, **options}, kernel.ioctl, kernel.open)
    assert flags_of(kernel) == ("tap1", flags) and len(kernel.asked[0][1]) == 40
    assert kernel.asked[1:] == [(SETPERSIST, 1)] and kernel.closed()


@pytest.mark.parametrize(
    ("owners", "asked"),
    [
        ({"owner": 0}, [(SETOWNER, 0)]),
        ({"owner": 64055, "group": 0}, [(SETOWNER, 64055), (SETGROUP, 0)]),
        ({"owner": -1, "group": -1}, []),
    ],
)
def test_an_owner_is_set_before_the_device_persists_and_nobody_is_not_set(
    owners: dict[str, int], asked: list[Any]
) -> None:
    kernel = Kernel()
    tuntap.configure("tap1", {**PLAIN, **owners}, kernel.ioctl, kernel.open)
    assert kernel.asked[1:] == [*asked, (SETPERSIST, 1)]


@pytest.mark.parametrize("breaks", [1, 2, 3])
def test_a_refused_ioctl_is_one_sentence_and_closes_the_file(breaks: int) -> None:
    kernel = Kernel(breaks)
    with pytest.raises(KernelError, match=r"Cannot configure the tap tap1: .*\(EBUSY\)") as caught:
        tuntap.configure("tap1", {**PLAIN, "owner": 1}, kernel.ioctl, kernel.open)
    assert caught.value.errno == errno.EBUSY and kernel.closed() and len(kernel.asked) == breaks


@pytest.mark.parametrize(
    ("error", "raised", "cure"),
    [
        (
            FileNotFoundError(errno.ENOENT, "No such file or directory"),
            MissingDependency,
            "modprobe tun",
        ),
        (OSError(errno.ENODEV, "No such device"), MissingDependency, "modprobe tun"),
        (PermissionError(errno.EPERM, "Operation not permitted"), KernelError, "become"),
        (PermissionError(errno.EACCES, "Permission denied"), KernelError, "become"),
    ],
)
def test_a_missing_driver_and_missing_rights_have_their_own_cure(
    error: OSError, raised: type, cure: str
) -> None:
    def fails(path: str, flags: int) -> int:
        raise error

    with pytest.raises(raised, match=cure):
        tuntap.configure("tap1", PLAIN, Kernel().ioctl, fails)


def test_users_and_groups_by_name_and_number() -> None:
    assert tuntap.number_of_user("root") == 0 and tuntap.number_of_group("root") == 0
    assert tuntap.number_of_user("64055") == 64055 and tuntap.number_of_group("0") == 0


@pytest.mark.parametrize("value", ["no-such-user", "", "-1", "1.5", "2147483648", "root\n", "0x10"])
def test_who_is_unknown_is_refused_by_name(value: str) -> None:
    with pytest.raises(BadInput, match="^owner"):
        tuntap.number_of_user(value)
    with pytest.raises(BadInput, match="^group"):
        tuntap.number_of_group(value)


def process(proc: Path, pid: int, net: str, fds: dict[int, tuple[str, str]]) -> None:
    for folder in ("fd", "fdinfo", "ns"):
        (proc / str(pid) / folder).mkdir(parents=True)
    (proc / str(pid) / "ns" / "net").symlink_to(net)
    for number, (target, info) in fds.items():
        (proc / str(pid) / "fd" / str(number)).symlink_to(target)
        (proc / str(pid) / "fdinfo" / str(number)).write_text(info)


def test_the_holder_of_a_tap_is_who_has_it_open_in_this_namespace(tmp_path: Path) -> None:
    process(
        tmp_path,
        100,
        "net:[1]",
        {0: ("/dev/null", "pos:\t0\n"), 7: ("/dev/net/tun", "pos:\t0\nflags:\t02\niff:\ttap1\n")},
    )
    process(
        tmp_path,
        200,
        "net:[1]",
        {3: ("/dev/net/tun", "pos:\t0\niff:\ttap2\n"), 4: ("/dev/net/tun", "pos:\t0\n")},
    )
    process(tmp_path, 300, "net:[2]", {3: ("/dev/net/tun", "pos:\t0\niff:\ttap3\n")})
    (tmp_path / "100" / "cmdline").write_text(
        "/usr/bin/qemu-system-x86_64\0-name\0guest=vm1,process=vm1\0-S\0"
    )
    (tmp_path / "200" / "cmdline").write_text("openvpn\0-name\0nothing\0")
    (tmp_path / "self").symlink_to("200")
    (tmp_path / "thread-self").symlink_to("200")
    (tmp_path / "uptime").write_text("1 1")
    assert tuntap.holders(str(tmp_path)) == {"tap1": Holder(100, "vm1"), "tap2": Holder(200)}


def test_a_process_that_ends_meanwhile_holds_nothing(tmp_path: Path) -> None:
    process(tmp_path, 100, "net:[1]", {7: ("/dev/net/tun", "iff:\ttap1\n")})
    (tmp_path / "100" / "fdinfo" / "7").unlink()
    (tmp_path / "thread-self").symlink_to("100")
    assert tuntap.holders(str(tmp_path)) == {}
