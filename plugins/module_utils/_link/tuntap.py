# SPDX-License-Identifier: GPL-3.0-or-later
"""TUN/TAP devices by the ioctls of /dev/net/tun: four times cheaper than netlink, and the only way to set an owner.

Source: Linux' include/uapi/linux/if_tun.h and drivers/net/tun.c.
"""

from __future__ import annotations

import errno
import fcntl
import grp
import os
import pwd
import re
import struct
from typing import Any, Callable, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    BadInput,
    KernelError,
    MissingDependency,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Holder
from ansible_collections.hypervisor.network.plugins.module_utils._host import procfs

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
_DEVICE = "/dev/net/tun"
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
        return _open(_DEVICE, os.O_RDWR | os.O_CLOEXEC | flags)
    except PermissionError as error:
        raise KernelError("open /dev/net/tun", error.errno or errno.EPERM) from None
    except OSError as error:
        raise MissingDependency(
            f"Cannot open /dev/net/tun: {error.strerror}; load the module with 'modprobe tun'."
        ) from None


def number_of_user(value: str) -> int:
    """A user's number from a name or a number, resolved on this machine. Raises BadInput."""
    return _number(value, "owner", "user", lambda name: pwd.getpwnam(name).pw_uid)


def with_numbers(item: Mapping[str, Any]) -> dict[str, Any]:
    """A tap's options with the numbers of its owner and group. Raises BadInput for one that this host does not have."""
    owner, group = item.get("owner"), item.get("group")
    return {
        **item,
        "owner": None if owner is None else number_of_user(owner),
        "group": None if group is None else number_of_group(group),
    }


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


def holders(proc: str = procfs.PROC) -> dict[str, Holder]:
    """Which process of this network namespace holds which TAP or TUN, by the device's name.

    Read from the fdinfo of every open file, where the tun driver writes C(iff:); needs root to see other users' processes.
    """
    found = {}
    here = procfs.own_namespace("net", proc)
    for process in procfs.processes(proc):
        # names are those of its own namespace
        if process.namespace("net") != here:
            continue
        for fd in [fd for fd, path in process.open_files().items() if path == _DEVICE]:
            name = re.search(
                r"^iff:\t(\S+)", procfs.text(process.read(f"fdinfo/{fd}")), re.MULTILINE
            )
            if name:
                found[name[1]] = Holder(process.pid, _guest_of(process.argv()))
    return found


def _guest_of(words: Sequence[str]) -> str | None:
    """The name that a QEMU was given: C(-name vm1), or C(-name guest=vm1,process=...)."""
    if not words or "qemu" not in os.path.basename(words[0]) or "-name" not in words[:-1]:
        return None
    given = words[words.index("-name") + 1].partition(",")[0].replace("guest=", "", 1)
    return procfs.printable(given)
