# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""C(ifreload -a) of ifupdown2 inside a namespace, and what the kernel says meanwhile of ports that leave their bridge or go down, and of options.

It can't be installed beside ifupdown, so its Debian package is unpacked into the cache, and laid over /usr/share and /etc of the one process.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ..net.netns import run
from ..process.waiting import wait_for

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


def on_path(folder: Path) -> None:
    """Let the host whose folder this is be one that has it, before a run of the role; nobody but C(reload) runs it."""
    program = folder / "bin" / "ifreload"
    program.write_text("#!/bin/sh\nexit 1\n", encoding="ascii")
    program.chmod(0o755)


@contextmanager
def upset(netns: str, ports: Sequence[str], never: str) -> Iterator[list[str]]:
    """A list that has in the end what the kernel said of these ports without a bridge, or down, and of any device with the words C(never)."""
    words = ["ip", "netns", "exec", netns, "ip", "-o", "-d", "monitor", "link"]
    found: list[str] = []
    with tempfile.TemporaryFile("w+") as log, subprocess.Popen(words, stdout=log) as watch:
        try:
            # it does not say when it listens, and the kernel tells another MTU of any device
            wait_for(lambda: _heard(netns, log, 1500), "a first word of ip monitor")
            yield found
            wait_for(lambda: _heard(netns, log, 1400), "the last word of ip monitor")
        finally:
            watch.terminate()
            run("ip", "link", "set", "lo", "mtu", "65536", netns=netns)
        about = re.compile(rf"\d+: ({'|'.join(map(re.escape, ports))})[@:]")
        for line in _text(log).splitlines():
            apart = " master " not in line or ",UP" not in line
            if about.match(line) and apart or f" {never} " in line:
                found.append(line)


def _heard(netns: str, log: IO[str], mtu: int) -> bool:
    for said in (mtu + 1, mtu):
        run("ip", "link", "set", "lo", "mtu", str(said), netns=netns)
    return f" mtu {mtu} " in _text(log)


def _text(log: IO[str]) -> str:
    return os.pread(log.fileno(), 1 << 20, 0).decode()


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
