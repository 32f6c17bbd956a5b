# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a stranger reads of the collection, held against what is there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))


@pytest.fixture(scope="module")
def documented(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Each module's documentation as Ansible puts it together, by the module's name without the collection's."""
    home = tmp_path_factory.mktemp("home")
    said = subprocess.run(
        [str(Path(sys.executable).with_name("ansible-doc")), "--json", "-t", "module"]
        + [f"hypervisor.network.{name}" for name in MODULES],
        env={**os.environ, "ANSIBLE_HOME": str(home), "ANSIBLE_LOCAL_TEMP": str(home)},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return {name.rpartition(".")[2]: one["doc"] for name, one in json.loads(said).items()}


def test_every_module_says_its_attributes(documented: dict[str, Any]) -> None:
    wanted = {"action_group", "async", "check_mode", "diff_mode", "idempotent", "platform"}
    assert sorted(documented) == MODULES
    assert {name: set(doc["attributes"]) for name, doc in documented.items()} == dict.fromkeys(
        MODULES, wanted
    )


def test_a_module_is_in_the_action_group_that_it_names(documented: dict[str, Any]) -> None:
    groups = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text("utf-8"))["action_groups"]
    named = [
        name
        for name, doc in sorted(documented.items())
        if doc["attributes"]["action_group"]["membership"] == ["hypervisor.network.all"]
    ]
    assert named == groups["all"]


def test_a_task_that_confirms_by_itself_says_that_it_takes_no_async(
    documented: dict[str, Any],
) -> None:
    # tests/integration/test_async.py tries it
    confirming = {path.stem for path in (ROOT / "plugins" / "action").glob("*.py")}
    without = {
        name for name, doc in documented.items() if doc["attributes"]["async"]["support"] == "none"
    }
    assert without == confirming | {"guarded_change"}
