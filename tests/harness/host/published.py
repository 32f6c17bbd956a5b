# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection as somebody has it who is no developer of it: built and installed by the two commands of the README."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from ..model import examples


def install(core: Path, place: Path) -> None:
    """Build it from this checkout by the commands of an ansible-core, which are in a folder, and install it below a place."""
    bare = {**os.environ, "PYTHONPATH": "", "ANSIBLE_COLLECTIONS_PATH": str(place)}
    readme = (examples.ROOT / "README.md").read_text(encoding="utf-8")
    build, install_it = re.search(r"From a checkout, `(.*?)` and `(.*?)`\.", readme).groups()
    for command, folder in ((f"{build} --output-path {place}", examples.ROOT), (install_it, place)):
        # a shell, as a person has one: the name of the tarball is a pattern
        words = ["sh", "-ec", str(core / command)]
        subprocess.run(words, cwd=folder, env=bare, check=True, capture_output=True)
