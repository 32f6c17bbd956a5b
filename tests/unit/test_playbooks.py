# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the playbooks of the collection have in common, which no run of one of them can tell."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

PLAYBOOKS = Path(__file__).resolve().parents[2] / "playbooks"
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
