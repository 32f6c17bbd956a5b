# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of a guest's snapshots: what is on top of each disk, in whatever phase a run was killed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import chains
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.chains import Chain, Entry


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(chains.places, "KEPT", str(tmp_path))
    return tmp_path / "snapshots"


def external(name: str, phase: str = chains.PRESENT, **disks: str) -> Entry:
    return Entry(name, chains.EXTERNAL, phase, disks={f"/{disk}": over for disk, over in disks.items()})  # fmt: skip


def test_a_guest_without_a_record_has_no_snapshots(kept: Path) -> None:
    assert chains.load("vm1", str(kept)) == Chain() and chains.tops("vm1", str(kept)) == {}


def test_what_is_stored_is_read_back_and_an_empty_record_is_no_file(kept: Path) -> None:
    chain = Chain((external("a", x="/x.a"), Entry("b", chains.INTERNAL)), ("/old",))
    chains.store("vm1", chain, str(kept))
    assert chains.load("vm1", str(kept)) == chain
    assert (kept / "vm1.json").stat().st_mode & 0o777 == 0o600
    for _again in range(2):
        chains.store("vm1", Chain(), str(kept))
        assert list(kept.iterdir()) == []


def test_a_record_of_another_version_is_read(kept: Path) -> None:
    kept.mkdir()
    entry = {**external("a", x="/x.a").as_dict(), "to_come": 1}
    (kept / "vm1.json").write_text(json.dumps({"entries": [entry]}), encoding="utf-8")
    assert chains.tops("vm1", str(kept)) == {"/x": "/x.a"}


@pytest.mark.parametrize("text", ["", "{", "[]"])
def test_a_record_that_is_not_whole_stops_a_start(kept: Path, text: str) -> None:
    kept.mkdir()
    (kept / "vm1.json").write_text(text, encoding="utf-8")
    with pytest.raises(Refused, match="not whole"):
        chains.tops("vm1", str(kept))


@pytest.mark.parametrize(
    ("phase", "top"),
    [
        (chains.MAKING, {}),
        (chains.PENDING, {"/x": "/x.a"}),
        (chains.PRESENT, {"/x": "/x.a"}),
        (chains.DELETING, {"/x": "/x.a"}),
    ],
)
def test_an_overlay_is_on_top_as_soon_as_qemu_may_write_to_it(
    kept: Path, phase: str, top: dict[str, str]
) -> None:
    chains.store("vm1", Chain((external("a", phase, x="/x.a"),)), str(kept))
    assert chains.tops("vm1", str(kept)) == top


def test_nothing_starts_while_disks_are_of_two_moments(kept: Path) -> None:
    chains.store("vm1", Chain((external("a", chains.REVERTING, x="/x.a"),)), str(kept))
    with pytest.raises(Refused, match="of two moments"):
        chains.tops("vm1", str(kept))


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
    later = chain.with_entry(external("a").now(chains.DELETING))
    assert [one.phase for one in later.entries] == [chains.DELETING, chains.PRESENT]
    assert later.without("a", ["/g"]) == Chain((external("b"),), ("/g",))
