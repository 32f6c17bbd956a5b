# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a module ships is paid by each of its runs: none grows without somebody saying so in tests/harness/process/shipped.py."""

from __future__ import annotations

import pytest

from ansible_collections.hypervisor.network.tests.harness.model import hostile
from ansible_collections.hypervisor.network.tests.harness.process import shipped

_NEW = 250  # KiB of a module that is not listed yet


@pytest.mark.parametrize("module", hostile.names())
def test_a_module_ships_no_more_than_is_said(module: str) -> None:
    files = shipped.imported(module)
    dearest = sorted(files.items(), key=lambda one: -one[1])[:12]
    assert sum(files.values()) / 1024 <= shipped.MOST_KIB.get(module, _NEW), dearest


def test_every_module_that_is_said_is_there() -> None:
    assert set(shipped.MOST_KIB) <= set(hostile.names())


def test_who_only_looks_at_guests_ships_nothing_that_decides_or_acts() -> None:
    acting = {f"module_utils/_qemu/{name}.py" for name in ("plan", "spec", "apply", "supervisor")}
    for module in ("qemu_guest_info", "bridge_info", "bridge_doctor"):
        assert not acting & set(shipped.imported(module))
