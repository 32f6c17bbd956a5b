# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which planners are changed word by word, and what of the changes is told."""

from __future__ import annotations

from ansible_collections.hypervisor.network.tests.unit.own_coverage import own_tests
from ansible_collections.hypervisor.network.tools import mutants

PLANNERS = mutants.planners(own_tests())


def test_each_file_that_is_called_a_plan_is_tried_and_each_that_is_named() -> None:
    named = {f"{mutants.ROOMS}{name}.py" for name in mutants.PLANNERS}
    called = {path for path in own_tests() if path.startswith(mutants.ROOMS) and path.endswith("/plan.py")}  # fmt: skip
    assert called and named | called <= set(PLANNERS)
    assert f"{mutants.ROOMS}_link/bridge.py" in PLANNERS


def test_only_what_is_tried_is_explained() -> None:
    assert set(mutants.explanations()) - {"everywhere"} <= set(PLANNERS)


def test_a_change_that_nobody_noticed_is_told_unless_it_is_explained() -> None:
    diff = "--- mutation diff ---\n--- a\n+++ b\n@@ -1 +1 @@\n x\n-    if a > b:\n+    if a >= b:\n"
    found = mutants.Tried("p.py", 3, [mutants.survivor({"diff": diff})])
    told = ["  - if a > b:\n  + if a >= b:"]
    assert list(mutants.judged(found, {"everywhere": {}})) == told
    assert list(mutants.judged(found, {"everywhere": {"if a .*": "why"}})) == []
    assert list(mutants.judged(found, {"everywhere": {}, "p.py": {"if a >= b:": "why"}})) == []


def test_an_explanation_that_has_nothing_left_to_explain_is_told() -> None:
    explained = {"everywhere": {}, "p.py": {"if a >= b:": "why"}}
    (line,) = mutants.judged(mutants.Tried("p.py", 3, []), explained)
    assert line.endswith("what a test notices by now: if a >= b:")
