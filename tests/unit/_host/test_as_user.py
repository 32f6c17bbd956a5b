# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rights of another user, for a moment."""

from __future__ import annotations

import ctypes
import errno
import os
import pwd
import subprocess
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._host import as_user
from ansible_collections.hypervisor.network.plugins.module_utils._host.as_user import (
    acting_as,
    become,
    may,
    rights_of,
)

ME = pwd.getpwuid(os.geteuid())
NOBODY = pwd.getpwnam("nobody")


def test_as_oneself_nothing_changes() -> None:
    with acting_as(ME):
        assert os.geteuid() == ME.pw_uid
    assert rights_of(ME) == {}


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone becomes others: run by make test")
def test_as_another_the_kernel_decides(tmp_path: Path) -> None:
    (tmp_path / "secret").touch(0o600)
    groups = os.getgroups()
    with acting_as(NOBODY):
        with pytest.raises(PermissionError):
            (tmp_path / "secret").read_bytes()
        assert (os.geteuid(), os.getuid()) == (NOBODY.pw_uid, 0)
    assert (os.geteuid(), os.getegid(), os.getgroups()) == (0, 0, groups)
    shown = subprocess.run(
        ["sh", "-c", "id -u; id -g; id -G; pwd; grep ^Cap /proc/self/status"],
        check=True, capture_output=True, text=True, preexec_fn=lambda: become(**rights_of(NOBODY)),
    )  # fmt: skip
    user, group, all_groups, folder, *rights = shown.stdout.splitlines()
    assert (int(user), int(group), folder) == (NOBODY.pw_uid, NOBODY.pw_gid, "/")
    assert list(map(int, all_groups.split())) == [NOBODY.pw_gid]
    assert {line.split()[1] for line in rights if "Bnd" not in line} == {"0" * 16}


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone becomes others: run by make test")
@pytest.mark.parametrize("syscall", ["faccessat2", "unknown", "filtered"])
def test_what_another_may_is_the_kernels_word(
    syscall: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if syscall != "faccessat2":
        if tuple(map(int, os.confstr("CS_GNU_LIBC_VERSION").split()[1].split("."))) < (2, 33):
            pytest.skip("this C library asks for root's rights; those of Debian 12 and 13 do not")
        refusal = errno.ENOSYS if syscall == "unknown" else errno.EPERM

        def refuse(*_words: object) -> int:
            ctypes.set_errno(refusal)
            return -1

        monkeypatch.setattr(as_user, "_LIBC", SimpleNamespace(syscall=refuse))
    # pytest's own folder is root's alone
    with tempfile.TemporaryDirectory(prefix="hypervisor-network-") as made:
        folder = Path(made)
        folder.chmod(0o755)
        for name, mode in (("secret", 0o600), ("read", 0o644), ("open", 0o666)):
            (folder / name).touch()
            (folder / name).chmod(mode)
        asked = {
            (name, how)
            for name in ("secret", "read", "open", "missing", ".")
            for how in (os.R_OK, os.W_OK, os.X_OK, os.R_OK | os.W_OK)
            if may(NOBODY, str(folder / name), how)
        }
    assert asked == {
        ("read", os.R_OK),
        ("open", os.R_OK),
        ("open", os.W_OK),
        ("open", os.R_OK | os.W_OK),
        (".", os.R_OK),
        (".", os.X_OK),
    }


def test_the_rights_of_another_are_his_groups_too() -> None:
    other = pwd.getpwnam("nobody" if os.geteuid() == 0 else "root")
    groups = os.getgrouplist(other.pw_name, other.pw_gid)
    assert rights_of(other) == {"user": other.pw_uid, "group": other.pw_gid, "groups": groups}


def test_the_user_goes_last_since_it_may_change_no_group_any_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: list[tuple[object, ...]] = []
    for call in ("chdir", "setgroups", "setresgid", "setresuid"):
        monkeypatch.setattr(os, call, lambda *given, call=call: done.append((call, *given)))
    become(user=1000, group=100, groups=[100, 20])
    assert done == [
        ("chdir", "/"),
        ("setgroups", [100, 20]),
        ("setresgid", 100, 100, 100),
        ("setresuid", 1000, 1000, 1000),
    ]


def test_who_may_not_is_told_to_become() -> None:
    if os.geteuid() == 0:
        child = os.fork()
        if child == 0:
            os.setuid(NOBODY.pw_uid)
            try:
                with acting_as(pwd.getpwuid(0)):
                    os._exit(1)
            except Refused as error:
                os._exit(0 if "become" in str(error) else 2)
        assert os.waitpid(child, 0)[1] == 0
    else:
        with pytest.raises(Refused, match="become"), acting_as(pwd.getpwuid(0)):
            pass
