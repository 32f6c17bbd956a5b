# SPDX-License-Identifier: GPL-3.0-or-later
"""TUN/TAP devices by the ioctls of /dev/net/tun: four times cheaper than netlink, and the only way to set an owner.

Source: Linux' include/uapi/linux/if_tun.h and drivers/net/tun.c.
"""

from __future__ import annotations

import errno
import fcntl
import glob
import grp
import os
import pwd
import re
import struct
from typing import Any, Callable, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    BadInput,
    KernelError,
    MissingDependency,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Holder

TUNSETIFF, _TUNSETPERSIST, _TUNSETOWNER, _TUNSETGROUP = (
    0x400454CA,
    0x400454CB,
    0x400454CC,
    0x400454CE,
)
_IFF_TUN, IFF_TAP, _IFF_MULTI_QUEUE, IFF_NO_PI, _IFF_VNET_HDR = (
    0x0001,
    0x0002,
    0x0100,
    0x1000,
    0x4000,
)
_IFNAMSIZ = 16
_MOST_ID = 2**31 - 1  # ioctl's argument is a C int


def configure(
    name: str, options: Mapping[str, Any], _ioctl: Callable = fcntl.ioctl, _open: Callable = os.open
) -> None:
    """Create the device, or bring an idle one to C(options): mode, multi_queue, vnet_hdr, pi, and owner and group as numbers (-1 or none: as it is).

    Persistent from then on. Raises KernelError, MissingDependency.
    """
    flags = _IFF_TUN if options["mode"] == "tun" else IFF_TAP
    flags |= 0 if options["pi"] else IFF_NO_PI
    flags |= _IFF_MULTI_QUEUE if options["multi_queue"] else 0
    flags |= _IFF_VNET_HDR if options["vnet_hdr"] else 0
    fd = opened(0, _open)
    try:
        _ioctl(fd, TUNSETIFF, struct.pack(f"{_IFNAMSIZ}sH22x", name.encode(), flags))
        for request, key in ((_TUNSETOWNER, "owner"), (_TUNSETGROUP, "group")):
            # a new device belongs to nobody, and the kernel takes no -1
            if options.get(key, -1) >= 0:
                _ioctl(fd, request, options[key])
        _ioctl(fd, _TUNSETPERSIST, 1)
    except OSError as error:
        raise KernelError(f"configure the {options['mode']} {name}", error.errno) from None
    finally:
        os.close(fd)


def opened(flags: int = 0, _open: Callable = os.open) -> int:
    """A descriptor of the tun driver, to read and to write, with more flags of open(2). Raises KernelError, MissingDependency."""
    try:
        return _open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC | flags)
    except PermissionError as error:
        raise KernelError("open /dev/net/tun", error.errno or errno.EPERM) from None
    except OSError as error:
        raise MissingDependency(
            f"Cannot open /dev/net/tun: {error.strerror}; load the module with 'modprobe tun'."
        ) from None


def number_of_user(value: str) -> int:
    """A user's number from a name or a number, resolved on this machine. Raises BadInput."""
    return _number(value, "owner", "user", lambda name: pwd.getpwnam(name).pw_uid)


def number_of_group(value: str) -> int:
    """A group's number from a name or a number, resolved on this machine. Raises BadInput."""
    return _number(value, "group", "group", lambda name: grp.getgrnam(name).gr_gid)


def _number(value: str, option: str, noun: str, look_up: Callable[[str], int]) -> int:
    if re.fullmatch(r"[0-9]+", value):
        if int(value) > _MOST_ID:
            raise BadInput(
                f"{option} {value} is more than {_MOST_ID}; give the number or the name of a {noun} of this machine."
            )
        return int(value)
    try:
        return look_up(value)
    except KeyError:
        raise BadInput(
            f"{option}: there is no {noun} '{value}' on this machine; create it first, or give a number."
        ) from None


def holders(proc: str = "/proc") -> dict[str, Holder]:
    """Which process of this network namespace holds which TAP or TUN, by the device's name.

    Read from the fdinfo of every open file, where the tun driver writes C(iff:); needs root to see other users' processes.
    """
    found = {}
    here = os.readlink(os.path.join(proc, "thread-self", "ns", "net"))
    for path in glob.iglob(os.path.join(proc, "[0-9]*", "fd", "*")):
        try:
            if (
                os.readlink(path) != "/dev/net/tun"
                or os.readlink(f"{path.rpartition('/fd/')[0]}/ns/net") != here
            ):
                continue  # names are those of its own namespace
            with open(
                path.replace("/fd/", "/fdinfo/"), encoding="ascii", errors="replace"
            ) as stream:
                name = re.search(r"^iff:\t(\S+)", stream.read(), re.MULTILINE)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.EACCES, errno.ESRCH, errno.EPERM):
                continue  # the process ended meanwhile, or is not ours to see
            raise
        if name:
            pid = path.split("/")[-3]
            found[name.group(1)] = Holder(int(pid), _guest_of(os.path.join(proc, pid, "cmdline")))
    return found


def _guest_of(cmdline: str) -> str | None:
    """The name that a QEMU was given: C(-name vm1), or C(-name guest=vm1,process=...)."""
    try:
        with open(cmdline, encoding="utf-8", errors="replace") as stream:
            words = stream.read().split("\0")
    except OSError:
        return None  # it ended meanwhile
    if "qemu" not in os.path.basename(words[0]) or "-name" not in words[:-1]:
        return None
    return words[words.index("-name") + 1].partition(",")[0].replace("guest=", "", 1)
