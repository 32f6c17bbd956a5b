# SPDX-License-Identifier: GPL-3.0-or-later
"""Look at files, and run programs, as another user: so the kernel decides what that user may, with its groups, ACLs and mounts."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import pwd
from typing import Any, Iterator, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused

_LIBC = ctypes.CDLL(None, use_errno=True)
_FACCESSAT2 = 439  # on every architecture that Debian has
_AT_FDCWD, _AT_EACCESS = -100, 0x200


@contextlib.contextmanager
def acting_as(user: pwd.struct_passwd) -> Iterator[None]:
    """This process has the rights of C(user) inside the block. Its real user stays, so nobody can signal or trace it meanwhile.

    Raises Refused where this process may not.
    """
    if user.pw_uid == os.geteuid():
        yield
        return
    uid, gid, groups = os.geteuid(), os.getegid(), os.getgroups()
    try:
        os.setgroups(os.getgrouplist(user.pw_name, user.pw_gid))
        os.setegid(user.pw_gid)
        os.seteuid(user.pw_uid)
    except PermissionError:
        raise Refused(f"Cannot act as the user {user.pw_name}; run the task with become.") from None
    try:
        yield
    finally:
        os.seteuid(uid)
        os.setegid(gid)
        os.setgroups(groups)


def may(user: pwd.struct_passwd, path: str, how: int) -> bool:
    """Whether C(user) may do with a path what C(how) says (C(os.R_OK), C(os.W_OK), C(os.X_OK), added), as the kernel decides it.

    faccessat2(2) itself: the C library before 2.33 asks for the real user, who is root here, and root may anything.
    """
    number, place, flags = (ctypes.c_long(one) for one in (_FACCESSAT2, _AT_FDCWD, _AT_EACCESS))
    with acting_as(user):
        asked = _LIBC.syscall(number, place, os.fsencode(path), ctypes.c_long(how), flags)
        if asked == 0:
            return True
        # a kernel, or a container's filter, from before the call: the C library of its time does what it can
        old = ctypes.get_errno() in (errno.ENOSYS, errno.EPERM)
        return old and os.access(path, how, effective_ids=True)


def rights_of(user: pwd.struct_passwd) -> dict[str, Any]:
    """What C(become) is told to run a program as C(user)."""
    if user.pw_uid == os.geteuid():
        return {}
    groups = os.getgrouplist(user.pw_name, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "groups": groups}


def become(user: int, group: int, groups: Sequence[int]) -> None:
    """Be another user for good, in no folder of the former one's. Raises OSError where this process may not."""
    os.chdir("/")
    os.setgroups(groups)
    os.setresgid(group, group, group)
    os.setresuid(user, user, user)
