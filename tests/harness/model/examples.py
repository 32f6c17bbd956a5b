# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the documentation shows: the tasks in the EXAMPLES of modules and filters, the YAML in the READMEs, and what is to be typed."""

from __future__ import annotations

import ast
import re
import textwrap
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[3]
OURS = "hypervisor.network."
GUIDES = "docs/docsite/rst"
READMES = ("README.md", "roles/bridge_host/README.md", "roles/lab/README.md")


def tasks() -> dict[str, list[dict[str, Any]]]:
    """The tasks in the EXAMPLES of each module and of each filter that is not the role's own, by its name."""
    modules = {
        path.stem: _constant(path, "EXAMPLES")
        for path in sorted((ROOT / "plugins" / "modules").glob("*.py"))
    }
    filters = {
        path.stem: yaml.safe_load(path.read_text("utf-8"))["EXAMPLES"]
        for path in sorted((ROOT / "plugins" / "filter").glob("*.yml"))
        if not path.stem.startswith("bridge_host_")
    }
    return {name: yaml.safe_load(text) for name, text in {**modules, **filters}.items()}


def _constant(path: Path, name: str) -> str:
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == name:
            return ast.literal_eval(node.value)
    raise AssertionError(f"{path} has no {name}")


def action(task: dict[str, Any]) -> str:
    """The module that a task names."""
    found = [key for key in task if "." in key]
    assert len(found) == 1, task
    return found[0]


def blocks() -> list[tuple[str, Any]]:
    """Each YAML block of the READMEs, with its file and line."""
    found = []
    for name in READMES:
        text = (ROOT / name).read_text(encoding="utf-8")
        for match in re.finditer(r"^```ya?ml\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
            line = text[: match.start()].count("\n") + 1
            found.append((f"{name}:{line}", yaml.safe_load(match[1])))
    return found


def commands(name: str) -> list[str]:
    """What a README or a guide tells to type, at a prompt or as lines of a shell, without comments; C(name) is its path."""
    text = (ROOT / name).read_text(encoding="utf-8")
    shown = re.findall(r"^```console\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    shown += re.findall(r"^\.\. code-block:: console\n((?: +.*\n|\n)+)", text, re.MULTILINE)
    lines = [line.strip() for block in shown for line in block.splitlines()]
    typed = [line[2:] for line in lines if line[:2] in ("$ ", "# ")]
    # the lines of a shell have no prompt
    scripts = re.findall(r"^\.\. code-block:: shell\n((?: +.*\n|\n)+)", text, re.MULTILINE)
    typed += [line for block in scripts for line in block.splitlines() if line.strip()]
    return [re.split(r"\s+# ", line)[0].strip() for line in typed]


def guide_blocks(name: str) -> list[str]:
    """The YAML blocks of a guide, as they are written; C(name) is its path."""
    text = (ROOT / name).read_text(encoding="utf-8")
    found = re.finditer(r"^( *)\.\. code-block:: yaml\n((?:\1 +.*\n|\n)+)", text, re.MULTILINE)
    return [textwrap.dedent(one[2]) for one in found]
