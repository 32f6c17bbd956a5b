# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What there will be when a snapshot is gone."""

from __future__ import annotations

from ansible_collections.hypervisor.network.plugins.module_utils._qemu.chain import Chain, Entry
from ansible_collections.hypervisor.network.plugins.module_utils._snapshot.model import Now
from ansible_collections.hypervisor.network.tests.harness.provoke.snapshots import (
    BASE,
    disk,
    external,
    layer,
)

OVER = "/d.a.qcow2"


def test_an_external_one_takes_its_overlay_along() -> None:
    entry = external("a")
    one = disk(layer(OVER, "x"), layer(BASE, "y"), live=OVER, taken=True)
    left = Now("vm1", "running", Chain((entry,)), (one,)).without(entry)
    assert left.chain.entries == () and not left.down
    (found,) = left.disks
    assert found.layers == (layer(BASE, "y"),) and found.live == BASE and not found.taken
    assert found.top.saved("y") and found.top.saved("x") is None


def test_an_internal_one_is_taken_out_of_every_layer() -> None:
    entry = Entry("a", "internal", disks={BASE: BASE})
    one = disk(layer(OVER, "a"), layer(BASE, "a", "b"), taken=True)
    left = Now("vm1", "crashed", Chain((entry,)), (one,)).without(entry)
    assert left.disks[0].layers == (layer(OVER), layer(BASE, "b")) and left.down
    assert left.disks[0].taken
