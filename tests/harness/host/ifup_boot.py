# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The network part of a boot: C(ifup -a) of the host in a namespace, with its own /etc/network and /run and the hooks of the packages that are installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

_HOOKS = ("if-pre-up.d", "if-up.d", "if-down.d", "if-post-down.d")
# Those of resolvers and the like ask for what no namespace has
_PACKAGES = ("bridge", "ifenslave", "vlan")
_ALONE = 'mount --bind "$0/network" /etc/network && mount -t tmpfs none /run && mkdir /run/network && exec ifup -a --verbose'


def boot(netns: str, text: str, folder: Path) -> str:
    """Bring everything up that the text calls auto; returns what ifup said. Its exit status is in the last line."""
    network = folder / "network"
    shutil.rmtree(network, ignore_errors=True)
    for name in _HOOKS:
        (network / name).mkdir(parents=True)
        for package in _PACKAGES:
            hook = Path("/etc/network", name, package)
            if hook.exists():
                (network / name / package).symlink_to(hook.resolve())
    (network / "interfaces").write_text(text, encoding="utf-8")
    done = subprocess.run(
        ["ip", "netns", "exec", netns, "sh", "-c", _ALONE, str(folder)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=120,
    )  # fmt: skip
    return f"{done.stdout}\nifup ended with {done.returncode}"
