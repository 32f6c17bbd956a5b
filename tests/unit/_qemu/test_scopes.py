# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who was taken over by systemd, by the cgroup of its process."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._qemu import scopes

SCOPE = "hypervisor-network-guest-vm1.scope"


@pytest.mark.parametrize(
    ("cgroup", "found"),
    [
        (f"0::/machine.slice/{SCOPE}\n", True),
        (f"1:name=systemd:/machine.slice/{SCOPE}\n0::/\n", True),
        ("0::/system.slice/hypervisor-network-guest-vm1-7.scope\n", False),
        (f"0::/machine.slice/x{SCOPE}\n", False),
        ("", False),
    ],
)
def test_who_is_in_it_by_its_cgroup(tmp_path: Path, cgroup: str, found: bool) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "cgroup").write_text(cgroup, "ascii")
    assert scopes.is_within(7, "vm1", str(tmp_path)) is found


def test_only_with_what_asks_it_to_shut_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scopes, "is_within", lambda *_asked: True)
    record = {"seconds": 3}
    assert scopes.scope(7, "vm1", record, str(tmp_path)) is None
    (tmp_path / scopes.helper_of("vm1")).touch()
    assert scopes.scope(7, "vm1", record, str(tmp_path)) == SCOPE
    # a run that was killed before it was done
    assert scopes.scope(7, "vm1", None, str(tmp_path)) is None
