# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host with many taps and many files of its administrator's: what makes devices is read once for all of them."""

from __future__ import annotations

import collections
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ansible_collections.hypervisor.network.plugins.module_utils._networkd.control import Control
from ansible_collections.hypervisor.network.plugins.module_utils._networkd.manager import (
    Networkd as Manager,
)
from ansible_collections.hypervisor.network.plugins.module_utils._networkd.unit import Section
from ansible_collections.hypervisor.network.tests.harness.model.networkd import WIRED, Networkd
from ansible_collections.hypervisor.network.tests.harness.model.standing import WISH, standing

TAPS = tuple(f"tap{number}" for number in range(40))


class Counting(Control):
    """Which files were read with their drop-ins, and how often."""

    def config(self, source: str, facts: Mapping[str, str]) -> list[Section]:
        self.read_files[source] += 1
        return super().config(source, facts)


def counting(host: Networkd) -> Counting:
    control = Counting(str(host.root), host.run, 0.2, host.index, 0.0)
    control.read_files = collections.Counter()
    return control


def test_a_foreign_file_is_read_once_however_many_taps_are_asked_for(tmp_path: Path) -> None:
    host = Networkd(tmp_path)
    for number, name in enumerate(TAPS[:20]):
        host.put(f"/etc/systemd/network/{30 + number}-{name}.netdev", f"[NetDev]\nName={name}\nKind=tap\n")  # fmt: skip
    control = counting(host)
    manager = Manager(control)
    now = standing()
    links = {**now.links, **{name: replace(now.links["tap1"], name=name) for name in TAPS}}
    manager.plan(replace(now, links=links), replace(WISH, taps=TAPS))
    netdevs = {path: times for path, times in control.read_files.items() if path.endswith(".netdev")}  # fmt: skip
    assert len(netdevs) == 20 and set(netdevs.values()) == {1}


def test_a_nic_and_its_bridge_are_looked_for_in_one_read(tmp_path: Path) -> None:
    host = Networkd(tmp_path)
    host.put("/etc/systemd/network/10-br0.netdev", "[NetDev]\nName=br0\nKind=bridge\n")
    control = counting(host)
    assert Manager(control).look(host.owner(), "br0").source == WIRED
    assert control.read_files["/etc/systemd/network/10-br0.netdev"] == 1
