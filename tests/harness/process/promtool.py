# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prometheus' own judge of metrics. Only that program is taken out of Debian's package: to install it would start a server."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

_CACHE = Path(
    os.environ.get("HYPERVISOR_NETWORK_CACHE", Path.home() / ".cache" / "hypervisor-network")
)


def complaints(text: str) -> str:
    """What promtool has against the text of a metrics file; nothing where it is in order."""
    done = subprocess.run(
        [str(_program()), "check", "metrics"],
        input=text.encode(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    told = done.stdout.decode("utf-8", "replace")
    return told or (f"exit {done.returncode}" if done.returncode else "")


def complaints_of_rules(path: Path) -> str:
    """What promtool has against a file of rules; nothing where it is in order."""
    done = subprocess.run(
        [str(_program()), "check", "rules", str(path)], capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr if done.returncode else ""


def _program() -> Path:
    program = _CACHE / "promtool"
    if not program.exists():
        _CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_CACHE) as folder:
            if _run(folder, "apt-get", "-q", "download", "prometheus"):
                _run(folder, "apt-get", "-q", "update")
                _run(folder, "apt-get", "-q", "download", "prometheus")
            (package,) = Path(folder).glob("prometheus_*.deb")
            subprocess.run(["dpkg-deb", "-x", str(package), folder], check=True)
            os.replace(Path(folder, "usr/bin/promtool"), program)
    return program


def _run(folder: str, *words: str) -> int:
    return subprocess.run(words, cwd=folder, capture_output=True, check=False).returncode
