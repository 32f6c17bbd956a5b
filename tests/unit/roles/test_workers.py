# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a worker of the controller finds loaded when it is forked for a task of the role bridge_host."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

TASKS = Path(__file__).parents[3] / "roles/bridge_host/tasks"
SCRIPT = """
import sys
from ansible.plugins.loader import action_loader, filter_loader, init_plugin_loader
init_plugin_loader()
assert action_loader.get(sys.argv[1], class_only=True)
before = set(sys.modules)
assert all(filter_loader.get(name) for name in sys.argv[2:])
print(sorted(set(sys.modules) - before))
"""


@pytest.mark.parametrize("action", ["unapplied_tags", "verdict"])
def test_a_worker_finds_the_filters_of_the_role_loaded_by_whoever_forks_it(action: str) -> None:
    """Strategies load the class of an action before they fork; a worker that loads a filter compiles every filter of the collection."""
    text = "".join(path.read_text("utf-8") for path in TASKS.glob("*.yml"))
    names = sorted(set(re.findall(r"\| (hypervisor\.network\.\w+)", text)))
    assert len(names) == 3
    said = subprocess.run([sys.executable, "-c", SCRIPT, f"hypervisor.network.{action}", *names], capture_output=True, text=True, check=False)  # fmt: skip
    assert (said.returncode, said.stdout) == (0, "[]\n"), said.stderr
