# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a lab of the tests is made, if it can be made here."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from .leftovers import LABS, sweep_labs

_TOOLS = (
    "ip",
    "ssh",
    "ssh-keygen",
    "dnsmasq",
    "mmdebstrap",
    "mke2fs",
    "qemu-system-x86_64",
    "qemu-img",
    "arping",
)


def place(prefix: str) -> tuple[Path, str]:
    """The directory and the name of a lab of this process; skips the test, with the reason, where no lab can be made.

    What a killed run left of its own is removed first.
    """
    if os.geteuid() != 0:
        pytest.skip("the lab wants root: run it through make")
    missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"the lab wants {', '.join(missing)}: run it through make")
    sweep_labs()
    # Not pytest's own place: keys and sockets are kept where only root looks, and the path is short enough for a socket
    name = f"{prefix}{os.getpid()}"
    return LABS / name, name
