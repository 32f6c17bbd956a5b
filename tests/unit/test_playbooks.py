# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the playbooks of the collection have in common, which no run of one of them can tell."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
PLAYBOOKS = ROOT / "playbooks"
LOOK = "hypervisor.network.host_plan"


def looks(tasks: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for task in tasks:
        yield from looks(task.get("block", []))
        if LOOK in task:
            yield task[LOOK]


def look_of(name: str) -> dict[str, Any]:
    (play,) = yaml.safe_load((PLAYBOOKS / f"{name}.yml").read_text("utf-8"))
    (found,) = looks(play["tasks"])
    return found


def test_metrics_counts_the_drift_that_audit_tells() -> None:
    assert look_of("metrics") == look_of("audit")


def test_no_template_of_a_playbook_or_a_role_is_none_as_a_whole() -> None:
    """Before ansible-core 2.19 that is an empty text, and whoever asks whether it is none hears no."""
    paths = [*PLAYBOOKS.glob("*.yml"), *(ROOT / "roles").glob("*/*/*.yml")]
    assert len(paths) > 30
    nones = re.compile(r"(?:\belse none|default\(none\))\s*\}\}")
    assert [path.name for path in paths if nones.search(path.read_text("utf-8"))] == []
