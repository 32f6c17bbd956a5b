# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask a program of the host that may be missing, or not answer."""

from __future__ import annotations

import shutil
import subprocess
from typing import Sequence

_PATH = "/usr/sbin:/sbin:/usr/bin:/bin"
_SECONDS = 10.0


def printed(words: Sequence[str]) -> str | None:
    """What a program prints, empty where it does not answer in time; None where it is not installed."""
    program = shutil.which(words[0], path=_PATH)
    if program is None:
        return None
    try:
        done = subprocess.run([program, *words[1:]], capture_output=True, text=True, check=False, timeout=_SECONDS, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout
