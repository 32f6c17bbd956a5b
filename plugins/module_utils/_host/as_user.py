# SPDX-License-Identifier: GPL-3.0-or-later
"""Look at files, and run programs, as another user: so the kernel decides what that user may, with its groups, ACLs and mounts."""

from __future__ import annotations

import contextlib
import os
import pwd
from typing import Any, Iterator, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused


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
