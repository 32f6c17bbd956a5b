# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest that systemd starts by itself has its unit written again after each run that gave its disks other images."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    GuestError,
    HypervisorNetworkError,
    Refused,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change
from ansible_collections.hypervisor.network.plugins.module_utils._snapshot.apply import SnapshotNoun

CHANGE = Change("complete", "snapshot", "one")


def noun(refresh: Any, complete: Any) -> SnapshotNoun:
    directory = SimpleNamespace(busy=nullcontext)
    status = SimpleNamespace(directory=lambda _name: directory)
    made = SnapshotNoun(SimpleNamespace(guest="vm1"), status, refresh)
    made._complete_snapshot = complete
    return made


def test_trap_5_the_unit_is_written_again_once_all_is_done() -> None:
    told: list[str] = []
    noun(
        lambda guest: told.append(f"refreshed {guest}"), lambda _change: told.append("done")
    ).apply([CHANGE], None)
    assert told == ["done", "refreshed vm1"]


@pytest.mark.parametrize("refused", [False, True])
def test_trap_5_after_a_failure_too_which_is_what_is_told(refused: bool) -> None:
    told: list[str] = []

    def refresh(guest: str) -> None:
        told.append(guest)
        if refused:
            raise Refused("Its disks are of two moments.")

    def fail(_change: Change) -> None:
        raise GuestError("QEMU said no.")

    with pytest.raises(HypervisorNetworkError, match="QEMU said no"):
        noun(refresh, fail).apply([CHANGE], None)
    assert told == ["vm1"]
