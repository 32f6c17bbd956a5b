# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture as SVG. Graphviz lays it out: how thousands of lines cross least is a science of its own, and is kept by others."""

from __future__ import annotations

import shutil
import subprocess
from typing import Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused

_SECONDS = 300


def svg(text: str, program: Sequence[str] = ("dot", "-Tsvg"), seconds: float = _SECONDS) -> str:
    """The SVG of a text in Graphviz' language. Raises Refused where Graphviz is not here, or can't draw it."""
    if shutil.which(program[0]) is None:
        raise Refused(
            f"The picture can't be drawn as svg: there is no program '{program[0]}' where Ansible runs; install Debian's package graphviz there, "
            "or ask for the format html, which needs nothing."
        )
    try:
        # no run_command here: this is no module, and Ansible runs on a controller of anybody's
        done = subprocess.run(  # pylint: disable=ansible-bad-function
            program, input=text.encode(), capture_output=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        raise Refused(
            f"Graphviz has not drawn the picture within {seconds:g} seconds; draw fewer hosts at once, or ask for the format html."
        ) from None
    if done.returncode:
        said = " ".join(done.stderr.decode("utf-8", "replace").split())[:300]
        raise Refused(
            f"Graphviz could not draw the picture ('{said}'); update it, or ask for the format html."
        )
    return done.stdout.decode("utf-8", "replace")
