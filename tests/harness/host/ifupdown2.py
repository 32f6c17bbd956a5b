# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""C(ifreload -a) of ifupdown2 inside a namespace.

It can't be installed beside ifupdown, so its Debian package is unpacked into the cache, and laid over /usr/share and /etc of the one process.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

# Run with mounts of its own; $1 is the unpacked package, $2 a folder with etc/network/interfaces and run, $3 an empty one for what it writes to /etc
_ALONE = """
mkdir "$3/upper" "$3/work" && mount -t overlay overlay -o "lowerdir=$2/etc:$1/etc:/etc,upperdir=$3/upper,workdir=$3/work" /etc &&
mount -t overlay overlay -o "lowerdir=$1/usr/share:/usr/share" /usr/share &&
mount --bind "$2/run" /run && mkdir -p /run/network && mount -t tmpfs tmpfs /var/tmp &&
exec /usr/bin/python3 /usr/share/ifupdown2/ifreload -a
"""


def unpacked() -> Path:
    """ifupdown2 in the cache, with the name that it is called by."""
    place = Path(os.environ["HYPERVISOR_NETWORK_CACHE"]) / "ifupdown2"
    if not place.exists():
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(
                ["apt-get", "-q", "download", "ifupdown2"],
                cwd=folder,
                check=True,
                capture_output=True,
            )
            (archive,) = Path(folder).glob("ifupdown2_*.deb")
            fresh = Path(folder) / "unpacked"
            subprocess.run(["dpkg-deb", "-x", str(archive), str(fresh)], check=True)
            (fresh / "usr" / "share" / "ifupdown2" / "ifreload").symlink_to("ifupdown2")
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(fresh, place)
    return place


def reload(netns: str, folder: Path) -> str:
    """Run it on a host whose etc/network and run are in C(folder), and return what it said; lines that were run before may fail in it."""
    with tempfile.TemporaryDirectory() as written:
        alone = [
            "unshare",
            "--mount",
            "--propagation",
            "private",
            "sh",
            "-c",
            _ALONE,
            "sh",
            str(unpacked()),
            str(folder),
            written,
        ]
        words = ["ip", "netns", "exec", netns, *alone]
        return subprocess.run(
            words,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ).stdout
