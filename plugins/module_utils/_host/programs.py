# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find a program of the host, and ask one that may be missing, or not answer."""

from __future__ import annotations

import shutil
import subprocess
from typing import Sequence

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
_SECONDS = 10.0


def path_of(name: str) -> str | None:
    """Where a program is, None where it is not installed; a caller's own PATH may lack the folders of the administrator's."""
    return shutil.which(name, path=PATH)


def printed(words: Sequence[str]) -> str | None:
    """What a program prints, empty where it does not answer in time; None where it is not installed."""
    program = path_of(words[0])
    if program is None:
        return None
    try:
        done = subprocess.run(
            [program, *words[1:]],
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout
