# SPDX-License-Identifier: GPL-3.0-or-later
"""Find a program of the host, and ask one that may be missing, not answer, or print anything."""

from __future__ import annotations

import shutil
import subprocess
from typing import Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._host import child

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
ENVIRONMENT = {"PATH": PATH, "LC_ALL": "C"}
_SECONDS = 10.0


def path_of(name: str) -> str | None:
    """Where a program is, None where it is not installed; a caller's own PATH may lack the folders of the administrator's."""
    return shutil.which(name, path=PATH)


def printed(words: Sequence[str]) -> str | None:
    """What a program prints, empty where it does not answer in time; None where it is not installed.

    Names and comments in it are bytes from anybody: what is no text is replaced by a mark.
    """
    program = path_of(words[0])
    if program is None:
        return None
    try:
        done = subprocess.run(  # pylint: disable=subprocess-popen-preexec-fn
            [program, *words[1:]],
            capture_output=True,
            check=False,
            timeout=_SECONDS,
            stdin=subprocess.DEVNULL,
            env=ENVIRONMENT,
            preexec_fn=child.ordinary,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "replace")
