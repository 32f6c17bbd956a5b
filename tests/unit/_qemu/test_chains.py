# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of a guest's snapshots: what is on top of each disk, in whatever phase a run was killed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import chain as chain_model
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import chains
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.chain import Chain, Entry


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(chains.places, "KEPT", str(tmp_path))
    return tmp_path / "snapshots"


def external(name: str, phase: str = chain_model.PRESENT, **disks: str) -> Entry:
    return Entry(name, chain_model.EXTERNAL, phase, disks={f"/{disk}": over for disk, over in disks.items()})  # fmt: skip


def test_a_guest_without_a_record_has_no_snapshots(kept: Path) -> None:
    assert chains.load("vm1", str(kept)) == Chain() and chains.tops("vm1", str(kept)) == {}


def test_what_is_stored_is_read_back_and_an_empty_record_is_no_file(kept: Path) -> None:
    chain = Chain((external("a", x="/x.a"), Entry("b", chain_model.INTERNAL)), ("/old",))
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
        (chain_model.MAKING, {}),
        (chain_model.PENDING, {"/x": "/x.a"}),
        (chain_model.PRESENT, {"/x": "/x.a"}),
        (chain_model.DELETING, {"/x": "/x.a"}),
    ],
)
def test_an_overlay_is_on_top_as_soon_as_qemu_may_write_to_it(
    kept: Path, phase: str, top: dict[str, str]
) -> None:
    chains.store("vm1", Chain((external("a", phase, x="/x.a"),)), str(kept))
    assert chains.tops("vm1", str(kept)) == top


def test_nothing_starts_while_disks_are_of_two_moments(kept: Path) -> None:
    chains.store("vm1", Chain((external("a", chain_model.REVERTING, x="/x.a"),)), str(kept))
    with pytest.raises(Refused, match="of two moments"):
        chains.tops("vm1", str(kept))
