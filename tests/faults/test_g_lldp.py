# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A neighbour that a live lldpd has heard is in bridge_info and in the picture, whatever it calls itself.

Debian's lldpd is unpacked and not installed: installed, it would speak on the networks of whoever tests.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.filter.topology import topology
from ansible_collections.hypervisor.network.tests.conftest import RunModule
from ansible_collections.hypervisor.network.tests.harness.net.netns import (
    Namespaces,
    batch,
    ip_json,
    run,
)
from ansible_collections.hypervisor.network.tests.harness.process.long_form import LONG
from ansible_collections.hypervisor.network.tests.harness.process.waiting import wait_for

pytestmark = pytest.mark.skipif(
    not LONG, reason="it fetches Debian's lldpd and hears it for seconds: make faults does"
)
NAME = 'sw1 <script>alert(1)</script> "top"'
# What was unpacked is part of /usr, /run is empty, and the daemon has the user that it becomes
ENTER = (
    'set -e; mount -t overlay -o "lowerdir=$0/usr:/usr" overlay /usr; mount -t tmpfs none /run; mkdir /run/lldpd; '
    "for one in passwd group; do cp /etc/$one /run/; done; echo _lldpd:x:998:998::/:/bin/false >> /run/passwd; echo _lldpd:x:998: >> /run/group; "
    'for one in passwd group; do mount --bind /run/$one /etc/$one; done; exec "$@"'
)


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Debian's lldpd with what it needs and is not installed."""
    folder = tmp_path_factory.mktemp("lldpd")
    (folder / "partial").mkdir()
    words = "install --yes --no-install-recommends --reinstall --download-only lldpd"
    run("apt-get", "-q", "-o", f"Dir::Cache::archives={folder}", *words.split())
    for package in folder.glob("*.deb"):
        run("dpkg-deb", "--extract", str(package), str(folder / "root"))
    return folder / "root"


@pytest.fixture
def places() -> Iterator[dict[str, str]]:
    with Namespaces("host", "switch") as names:
        batch(
            names["host"],
            f"link add eth0 type veth peer name p7 netns {names['switch']}\nlink set eth0 up\nlink add br0 up type bridge\nlink set eth0 master br0\n",
        )
        run("ip", "-n", names["switch"], "link", "set", "p7", "up")
        yield names


@contextmanager
def daemon(place: str, unpacked: Path, config: Path, *words: str) -> Iterator[subprocess.Popen]:
    """It runs in a network namespace, with a /run of its own; what enters there executes it."""
    command = ["ip", "netns", "exec", place, "sh", "-c", ENTER, str(unpacked), "lldpd", "-d", "-O", str(config), *words]  # fmt: skip
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.terminate()  # its other half goes with it


def test_what_a_live_lldpd_has_heard_is_told_and_drawn(
    places: dict[str, str], unpacked: Path, tmp_path: Path, run_module: RunModule
) -> None:
    said, silent = tmp_path / "switch.conf", tmp_path / "host.conf"
    said.write_text(f"configure system hostname '{NAME}'\nconfigure lldp tx-interval 1\n", "utf-8")
    silent.touch()
    with (
        daemon(places["host"], unpacked, silent, "-r") as ear,
        daemon(places["switch"], unpacked, said),
    ):
        within = ("nsenter", "--net", "--mount", "-t", str(ear.pid))

        def look() -> dict:
            info = run_module("bridge_info", {}, wrapper=within)
            return info if any(one["lldp"] for one in info["links"]) else {}

        info = wait_for(look, "the neighbour is told", 60)
    (heard,) = [one for link in info["links"] for one in link["lldp"] if link["name"] == "eth0"]
    (far,) = ip_json(places["switch"], "link", "show", "p7")
    assert (heard["system"], heard["port"], heard["description"]) == (NAME, far["address"], "p7")
    page = topology({"hv1": {"info": info}}, "html")
    assert "sw1 " in page and "<script>alert(1)" not in page
    assert "sw1 " in topology({"hv1": {"info": info}}, "dot")
