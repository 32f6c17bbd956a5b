# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""G7: a bridge with a hundred taps from nothing, against C(ifreload -a) of ifupdown2.

ifupdown2 can't be installed beside ifupdown, so its Debian package is unpacked into the cache, and laid over /usr/share and /etc of the one process.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from ..harness.netns import Namespaces, ip_json
from .rows import Row, in_turn
from .tasks import played

TAPS = [f"tap{number}" for number in range(100)]
_ROUNDS = 3
_STANZAS = "auto br0\niface br0\n    bridge-ports {}\n    bridge-stp off\n    bridge-fd 0\n".format(" ".join(TAPS)) + "".join(
    f"\nauto {tap}\niface {tap}\n    pre-up ip tuntap add dev {tap} mode tap\n" for tap in TAPS
)
# Run with mounts of its own; $1 is the unpacked package, $2 a folder with etc/network/interfaces and an empty run
_ALONE = """
mount -t overlay overlay -o "lowerdir=$2/etc:$1/etc:/etc" /etc &&
mount -t overlay overlay -o "lowerdir=$1/usr/share:/usr/share" /usr/share &&
mount --bind "$2/run" /run && mkdir -p /run/network && mount -t tmpfs tmpfs /var/tmp &&
exec /usr/bin/python3 /usr/share/ifupdown2/ifreload -a
"""


def first_run(_full: bool) -> list[Row]:
    """Ours are the three tasks that make the bridge, the taps and the ports; theirs is the whole C(ifreload)."""
    package = _unpacked()
    medians = in_turn(_ROUNDS, _ours, lambda: _theirs(package))
    return [Row("G7", *medians)]


def _unpacked() -> Path:
    """ifupdown2 in the cache, with the name that it is called by."""
    place = Path(os.environ["HYPERVISOR_NETWORK_CACHE"]) / "bench" / "ifupdown2"
    if not place.exists():
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["apt-get", "-q", "download", "ifupdown2"], cwd=folder, check=True, capture_output=True)
            (archive,) = Path(folder).glob("ifupdown2_*.deb")
            unpacked = Path(folder) / "unpacked"
            subprocess.run(["dpkg-deb", "-x", str(archive), str(unpacked)], check=True)
            (unpacked / "usr" / "share" / "ifupdown2" / "ifreload").symlink_to("ifupdown2")
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(unpacked, place)
    return place


def _ours() -> float:
    with Namespaces("reload") as names:
        netns = names["reload"]
        times = played([
            {"name": "bridge", "hypervisor.network.linux_bridge": {"name": "br0", "up": True, "stp_state": False, "forward_delay": 0, "netns": netns}},
            {"name": "taps", "hypervisor.network.tap_device": {"taps": [{"name": tap} for tap in TAPS], "up": True, "netns": netns}},
            {"name": "ports", "hypervisor.network.bridge_port": {"ports": [{"name": tap} for tap in TAPS], "bridge": "br0", "netns": netns}},
        ])  # fmt: skip
        _check(netns)
        return sum(seconds for (seconds,) in times.values())


def _theirs(package: Path) -> float:
    with Namespaces("reload") as names, tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "run").mkdir()
        (Path(folder) / "etc" / "network").mkdir(parents=True)
        (Path(folder) / "etc" / "network" / "interfaces").write_text(_STANZAS, encoding="ascii")
        words = ["ip", "netns", "exec", names["reload"], "unshare", "--mount", "--propagation", "private", "sh", "-c", _ALONE, "sh", str(package), folder]
        start = time.monotonic()
        subprocess.run(words, check=True, capture_output=True)
        elapsed = (time.monotonic() - start) * 1000
        _check(names["reload"])
        return elapsed


def _check(netns: str) -> None:
    """Both sides made the same."""
    ports = {link["ifname"] for link in ip_json(netns, "link", "show", "master", "br0") if "UP" in link["flags"]}
    if ports != set(TAPS):
        raise RuntimeError(f"of 100 taps {len(ports)} became ports that are up")
