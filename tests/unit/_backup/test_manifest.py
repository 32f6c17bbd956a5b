# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is at a target, and what is based on what."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._backup.manifest import (
    Manifest,
    bitmap,
    bitmaps_of,
    parsed,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.tests.harness.provoke.backups import made

MANIFEST = Manifest((made("a"), made("b", "a"), made("c", "b"), made("d"), made("e", "d")))


def test_what_is_written_is_read_back() -> None:
    written = json.loads(json.dumps(MANIFEST.as_dict("vm1")))
    assert written["guest"] == "vm1" and parsed("/m", written) == MANIFEST


def test_what_another_version_wrote_is_read() -> None:
    written = json.loads(json.dumps(MANIFEST.as_dict("vm1")))
    written["backups"][0]["to_come"] = written["backups"][0]["files"]["/d.qcow2"]["to_come"] = 1
    assert parsed("/m", written) == MANIFEST


@pytest.mark.parametrize(
    "found", [None, {}, {"backups": 1}, {"backups": [1]}, {"backups": [{}]}, {"backups": [{"name": "a", "ident": "a", "mode": "full", "files": {"/d": 1}}]}]
)  # fmt: skip
def test_what_is_no_manifest(found: Any) -> None:
    with pytest.raises(Refused, match="no manifest"):
        parsed("/m", found)


def test_what_is_based_on_what() -> None:
    assert MANIFEST.based_on("a") == ["b", "c"] and MANIFEST.based_on("e") == []
    assert MANIFEST.chains() == [["a", "b", "c"], ["d", "e"]]
    assert MANIFEST.backup("c") == made("c", "b") and MANIFEST.backup(None) is None


def test_a_backup_takes_the_place_of_the_one_with_its_name() -> None:
    begun = made("b", "a", complete=False)
    assert MANIFEST.with_backup(begun).backups[1] == begun
    assert MANIFEST.without("e").with_backup(begun).chains()[1] == ["d"]
    assert Manifest().with_backup(begun).backups == (begun,)


def test_bitmaps_of_two_targets_are_apart() -> None:
    assert bitmap("/a", "x").startswith(bitmaps_of("/a"))
    assert not bitmap("/b", "x").startswith(bitmaps_of("/a"))
