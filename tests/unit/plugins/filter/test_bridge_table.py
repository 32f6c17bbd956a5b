# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter knows its tables by name; their lines are in plugin_utils/test_tables.py."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.hypervisor.network.plugins.filter.bridge_table import FilterModule

bridge_table = FilterModule().filters()["bridge_table"]


def test_bridges_are_the_table_that_is_meant_where_none_is_named() -> None:
    assert bridge_table({"bridges": []}) == bridge_table({"bridges": []}, "bridges")


def test_an_unknown_table_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(AnsibleFilterError, match="bridges, macs, routes"):
        bridge_table({"bridges": []}, "arp")


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (
            {"failed": True, "changed": False, "msg": "pyroute2 is\nmissing."},
            "the task whose result it got has failed, and said: pyroute2 is missing.",
        ),
        ({"failed": True}, "has failed, and said: it does not say why"),
        ({"skipped": True, "changed": False}, "was skipped; draw it only where that ran."),
        ({"changed": False}, "the result it got has no 'isolation'; give it one of bridge_isolation."),
        (["no", "result"], "give it the whole result that a task registered, not list."),
    ],
)  # fmt: skip
def test_what_has_no_table_says_so_in_words(result: object, words: str) -> None:
    with pytest.raises(
        AnsibleFilterError, match="nothing to draw the table 'isolation' from"
    ) as it:
        bridge_table(result, "isolation")
    assert words in str(it.value)


def test_a_proof_that_failed_is_drawn_all_the_same() -> None:
    assert bridge_table(
        {"failed": True, "msg": "leaks", "isolation": [], "matrix": []}, "isolation"
    )
