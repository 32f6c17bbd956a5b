# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sentences of a backup that is fine or not; each is a golden too."""

from __future__ import annotations

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._backup import checks
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import GuestError
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.qcow2 import Header


@pytest.mark.parametrize(
    ("found", "base", "fine"),
    [
        (Header(), None, True),
        (Header("../a/disk0.qcow2", "qcow2", None, 5), "../a/disk0.qcow2", True),
        (None, None, False),
        (Header("/etc/shadow", "raw"), None, False),
        (Header("/etc/shadow", "raw"), "../a/disk0.qcow2", False),
        (Header("../a/disk0.qcow2", "raw"), "../a/disk0.qcow2", False),
        (Header(data_file="/etc/shadow"), None, False),
        (Header(), "../a/disk0.qcow2", False),
    ],
)
def test_a_header_that_leads_elsewhere(found: Header | None, base: str | None, fine: bool) -> None:
    """What QEMU writes, a guest that has broken out of it may write too."""
    if fine:
        checks.header("/b", found, base, "qcow2" if base else None)
    else:
        with pytest.raises(GuestError, match="trust neither"):
            checks.header("/b", found, base, "qcow2" if base else None)


def test_a_backup_that_failed_says_what_is_whole() -> None:
    with pytest.raises(GuestError, match="It broke. What was there"):
        checks.failed("It broke.")
    with pytest.raises(GuestError, match="the next one is full unless QEMU ended in order"):
        checks.failed("It broke.", True)
    assert "only as after a power cut: too late" in checks.not_still("a", "too late")
