# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rights of another user, for a moment."""

from __future__ import annotations

import os
import pwd
import subprocess
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._host.as_user import (
    acting_as,
    become,
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
        assert not os.access(tmp_path / "secret", os.R_OK, effective_ids=True)
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
