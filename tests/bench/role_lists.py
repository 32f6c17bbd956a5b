# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role's own filters cost the controller, by the number of guests; Ansible's start is in all of them."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from .rows import Row, in_turn

_COUNTS = (1, 20, 200, 2000)
_ROUNDS = 3
_WISH = "{'bridges': bridges, 'taps': taps, 'guests': guests, 'tenants': []}"


def planned(_full: bool) -> list[Row]:
    with tempfile.TemporaryDirectory() as directory:
        plays = [_play(Path(directory), count) for count in _COUNTS]
        one, twenty, many, most = in_turn(
            _ROUNDS, *(lambda play=play: _seconds(play) for play in plays)
        )
    remark = f"20: {twenty:.0f} ms, 2000: {most:.0f} ms; ten times the items take {(most - one) / (many - one):.1f} times"
    return [Row("filters", many, one, remark=remark)]


def _play(directory: Path, count: int) -> Path:
    numbers = range(count)
    guests = [
        {
            "name": f"vm{number}",
            "memory": "{{ memory }}",
            "nics": [{"tap": f"tap{number}"}],
            "disks": [{"path": f"/srv/vm{number}.qcow2", "format": "qcow2"}],
        }
        for number in numbers
    ]
    variables: dict[str, Any] = {
        "memory": 512,
        "guests": guests,
        "taps": [{"name": f"tap{number}", "bridge": "br0"} for number in numbers],
        "bridges": [{"name": "br0"}],
    }
    planned = f"{{{{ ({_WISH} | hypervisor.network.bridge_host_plan).present.guests | length }}}}"
    task = {"ansible.builtin.assert": {"that": f"planned | int == {count}", "quiet": True}}
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "vars": variables,
        "tasks": [{**task, "vars": {"planned": planned}}],
    }
    path = directory / f"{count}.yml"
    path.write_text(json.dumps([play]), encoding="utf-8")
    return path


def _seconds(play: Path) -> float:
    begin = time.monotonic()
    subprocess.run(
        ["ansible-playbook", "-i", "localhost,", "-c", "local", str(play)],
        check=True,
        capture_output=True,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1"},
    )
    return (time.monotonic() - begin) * 1000
