# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a guest is held in is on record, word by word."""

from __future__ import annotations

from ansible_collections.hypervisor.network.plugins.module_utils._snapshot.held import (
    FROZEN,
    PAUSED,
    Held,
)
from ansible_collections.hypervisor.network.tests.harness.model.records import Records


def test_what_is_let_go_leaves_the_rest_held() -> None:
    records = Records()
    held = Held(records)
    assert held.words == ()
    held.add(PAUSED)
    held.add(FROZEN)
    assert held.words == (FROZEN, PAUSED)
    held.remove(FROZEN)
    assert held.words == (PAUSED,) and records.kept == {"held.json": {PAUSED: True}}
    held.remove(PAUSED)
    assert held.words == () and records.kept == {}
