# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each sentence that a user can get is a golden: tests/errors, and the refused triplets of tests/unit/fixtures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core import errors
from ansible_collections.hypervisor.network.plugins.module_utils._fdb import plan as fdb_plan
from ansible_collections.hypervisor.network.tests.harness.model import (
    error_goldens,
    fdb_tables,
    triplets,
)
from ansible_collections.hypervisor.network.tests.unit.error_goldens_missing import MISSING


@pytest.mark.parametrize(("subject", "case"), error_goldens.entries())
def test_what_is_typed_is_told_exactly_this(subject: str, case: dict[str, Any]) -> None:
    said, _sites = error_goldens.told(subject, case)
    assert said == case["says"]


@pytest.mark.parametrize(("subject", "case"), error_goldens.entries())
def test_a_sentence_is_one_line_that_ends(subject: str, case: dict[str, Any]) -> None:
    assert "\n" not in case["says"] and case["says"][-1] in ".!?" and "  " not in case["says"]


def test_every_raise_has_a_golden_but_those_that_are_listed() -> None:
    """A new sentence wants an entry in tests/errors; one that has got its entry leaves the list."""
    covered = _of_triplets()
    for param in error_goldens.entries():
        covered |= error_goldens.told(*param.values)[1]
    without = set(error_goldens.raises()) - covered
    counted: dict[str, int] = {}
    for file, _function, _number in without:
        counted[file] = counted.get(file, 0) + 1
    assert counted == MISSING, sorted(without)


def _of_triplets() -> set[error_goldens.Site]:
    """The places that the refused triplets of links and of entries come from."""
    return {
        site
        for kind in ("bridge", "port", "tap")
        for case in triplets.cases(kind)
        for site in _refused(case, triplets.snapshot_of, triplets.wish_of, triplets.noun().plan)
    } | {
        site
        for case in fdb_tables.CASES.iterdir()
        for site in _refused(case, fdb_tables.table_of, fdb_tables.wish_of, fdb_plan.plan)
    }


def _refused(case: Path, now_of: Any, wish_of: Any, plan: Any) -> set[error_goldens.Site]:
    if isinstance(triplets.load(case, "changes"), list):
        return set()
    with error_goldens.noted() as notes, pytest.raises(errors.HypervisorNetworkError) as caught:
        plan(now_of(triplets.load(case, "current")), wish_of(triplets.load(case, "desired")))
    return error_goldens.sites(notes, str(caught.value))
