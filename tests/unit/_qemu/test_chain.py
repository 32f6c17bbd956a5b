# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest's snapshots as a value: which overlay is on top, and what merging leaves."""

from __future__ import annotations

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import chain as chain_model
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.chain import Chain, Entry


def external(name: str, phase: str = chain_model.PRESENT, **disks: str) -> Entry:
    return Entry(name, chain_model.EXTERNAL, phase, disks={f"/{disk}": over for disk, over in disks.items()})  # fmt: skip


@pytest.mark.parametrize(
    ("phase", "top"),
    [
        (chain_model.MAKING, {}),
        (chain_model.PENDING, {"/x": "/x.a"}),
        (chain_model.PRESENT, {"/x": "/x.a"}),
        (chain_model.DELETING, {"/x": "/x.a"}),
    ],
)
def test_an_overlay_is_on_top_as_soon_as_qemu_may_write_to_it(
    phase: str, top: dict[str, str]
) -> None:
    assert Chain((external("a", phase, x="/x.a"),)).tops() == top


def test_a_record_of_another_version_is_read_and_one_that_is_not_whole_refused() -> None:
    entry = external("a", x="/x.a")
    record = {"entries": [{**entry.as_dict(), "to_come": 1}], "garbage": ["/g"]}
    assert chain_model.parsed("vm1", "/record", record) == Chain((entry,), ("/g",))
    with pytest.raises(Refused, match="not whole"):
        chain_model.parsed("vm1", "/record", None)


def test_disks_of_two_moments() -> None:
    chain_model.check_whole("vm1", "a", chain_model.PRESENT)
    with pytest.raises(Refused, match="of two moments"):
        chain_model.check_whole("vm1", "a", chain_model.REVERTING)


def test_the_newest_overlay_of_each_disk_is_on_top() -> None:
    chain = Chain((external("a", x="/x.a", y="/y.a"), external("b", x="/x.b"), Entry("c", "internal", disks={"/y": "/y"})))  # fmt: skip
    assert chain.tops() == {"/x": "/x.b", "/y": "/y.a"}


def test_a_merged_disk_leaves_its_overlay_to_be_removed_and_the_last_one_the_entry() -> None:
    chain = Chain((external("a", x="/x.a", y="/y.a"),))
    once = chain.merged("a", "/x")
    assert once.tops() == {"/y": "/y.a"} and once.garbage == ("/x.a",)
    assert once.merged("a", "/y") == Chain((), ("/x.a", "/y.a"))
    assert chain.merged("none", "/x") == chain


def test_an_entry_takes_the_place_of_the_one_with_its_name() -> None:
    chain = Chain((external("a"), external("b")))
    later = chain.with_entry(external("a").now(chain_model.DELETING))
    assert [one.phase for one in later.entries] == [chain_model.DELETING, chain_model.PRESENT]
    assert later.without("a", ["/g"]) == Chain((external("b"),), ("/g",))
