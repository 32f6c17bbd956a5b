# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""G7: a bridge with a hundred taps from nothing, against C(ifreload -a) of ifupdown2."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from ..harness.host import ifupdown2
from ..harness.net.netns import Namespaces, ip_json
from .rows import Row, in_turn
from .tasks import played

TAPS = [f"tap{number}" for number in range(100)]
_ROUNDS = 3
_STANZAS = "auto br0\niface br0\n    bridge-ports {}\n    bridge-stp off\n    bridge-fd 0\n".format(
    " ".join(TAPS)
) + "".join(
    f"\nauto {tap}\niface {tap}\n    pre-up ip tuntap add dev {tap} mode tap\n" for tap in TAPS
)


def first_run(_full: bool) -> list[Row]:
    """Ours are the three tasks that make the bridge, the taps and the ports; theirs is the whole C(ifreload)."""
    ifupdown2.unpacked()
    medians = in_turn(_ROUNDS, _ours, _theirs)
    return [Row("G7", *medians)]


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


def _theirs() -> float:
    with Namespaces("reload") as names, tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "run").mkdir()
        (Path(folder) / "etc" / "network").mkdir(parents=True)
        (Path(folder) / "etc" / "network" / "interfaces").write_text(_STANZAS, encoding="ascii")
        start = time.monotonic()
        ifupdown2.reload(names["reload"], Path(folder))
        elapsed = (time.monotonic() - start) * 1000
        _check(names["reload"])
        return elapsed


def _check(netns: str) -> None:
    """Both sides made the same."""
    ports = {
        link["ifname"]
        for link in ip_json(netns, "link", "show", "master", "br0")
        if "UP" in link["flags"]
    }
    if ports != set(TAPS):
        raise RuntimeError(f"of 100 taps {len(ports)} became ports that are up")
