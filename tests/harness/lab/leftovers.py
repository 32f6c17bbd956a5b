# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labs whose test run was killed: machines, a namespace and a DHCP server that nobody would ever remove."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from ..net.netns import sweep

PLAYBOOK = Path(__file__).resolve().parents[3] / "playbooks" / "lab.yml"
LABS = Path("/var/cache/hypervisor-network/lab")  # as the role lab has it
_OF_A_RUN = re.compile(r"hv[a-z]+(?P<pid>[0-9]+)")  # the name that place.py gives


def ownerless(labs: Path, proc: Path = Path("/proc")) -> Iterator[Path]:
    """The labs below a folder whose process is gone. One whose pid was given to another process meanwhile stays until that is gone too."""
    for directory in sorted(labs.glob("*")):
        name = _OF_A_RUN.fullmatch(directory.name)
        if name is not None and not (proc / name["pid"]).exists():
            yield directory


def sweep_labs(labs: Path = LABS) -> list[str]:
    """Remove what killed runs left of the labs below a folder, and return the names of their labs. Raises CalledProcessError."""
    sweep()
    found = list(ownerless(labs))
    for directory in found:
        for line in directory.glob("*.ssh"):
            # a connection that is kept open would keep the namespace
            words = ["ssh", "-F", str(directory / "ssh_config"), "-O", "exit", line.stem]
            subprocess.run(words, check=False, capture_output=True)
        variables = {
            "ansible_python_interpreter": sys.executable,
            "lab_state": "absent",
            "lab_name": directory.name,
            "lab_directory": str(directory),
            "lab_hypervisors": [],
        }
        words = ["ansible-playbook", "-i", "localhost,", "-e", json.dumps(variables), str(PLAYBOOK)]
        subprocess.run(words, check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return [directory.name for directory in found]
