# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""NetworkManager behind the port, where its administrator has made a bridge of the NIC by profiles."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import HANDED, OWN
from ansible_collections.hypervisor.network.plugins.module_utils._networkmanager.manager import (
    NetworkManager as Manager,
)
from ansible_collections.hypervisor.network.tests.harness.model.networkmanager import (
    INDEXES,
    NIC,
    NetworkManager,
)

LAN, WIRE = "28d442f2-0c38-4c9e-8798-4ada56f845ad", "a21447c0-4c02-479f-b3a1-693367931ae9"
_FOLDER = "/etc/NetworkManager/system-connections"


@pytest.fixture
def by_hand(tmp_path: Path) -> NetworkManager:
    """The host whose administrator has made a bridge of its NIC."""
    host = NetworkManager(tmp_path)
    host.put(f"{_FOLDER}/lan.nmconnection", f"[connection]\nid=lan\nuuid={LAN}\ntype=bridge\n[bridge]\nstp=false\n[ipv4]\nmethod=auto\n")  # fmt: skip
    wire = f"[connection]\nid=wire\nuuid={WIRE}\nmaster={LAN}\nslave-type=bridge\n"
    host.put(f"{_FOLDER}/wire.nmconnection", f"{wire}[ethernet]\nmtu=1400\n")
    for index, uuid in ((INDEXES["br0"], LAN), (NIC, WIRE)):
        host.put(f"/run/NetworkManager/devices/{index}", f"[device]\nmanaged=true\nconnection-uuid={uuid}\n")  # fmt: skip
    return host


def test_a_bridge_that_its_administrator_described_is_handed_over(by_hand: NetworkManager) -> None:
    manager = Manager(by_hand.control)
    known = manager.look(by_hand.nic(), "br0")
    assert known.theirs and known.source == WIRE
    assert known.profile["ipv4"] == {"method": "auto"}
    assert known.profile["ethernet"] == {"mtu": "1400"}
    assert manager.stage(by_hand.nic(), "br0") == HANDED
    assert manager.objection(by_hand.nic(), known) is manager.unknown(known) is None


@pytest.mark.parametrize(
    ("path", "theirs"),
    [
        (f"{_FOLDER}/hv-br0.nmconnection", False),
        ("/run/NetworkManager/system-connections/br0.nmconnection", False),
        ("/run/NetworkManager/system-connections/netplan-br0.nmconnection", True),
    ],
)
def test_a_profile_of_ours_or_one_that_is_gone_with_the_boot_describes_nothing(
    by_hand: NetworkManager, path: str, theirs: bool
) -> None:
    there = by_hand.root / f"{_FOLDER}/lan.nmconnection"[1:]
    by_hand.put(path, there.read_text("utf-8"))
    there.unlink()
    manager = Manager(by_hand.control)
    assert manager.look(by_hand.nic(), "br0").theirs is theirs


def test_a_port_of_another_bridge_or_of_none_is_not_handed_over(by_hand: NetworkManager) -> None:
    manager = Manager(by_hand.control)
    assert manager.stage(by_hand.nic(), "br9") == OWN
    by_hand.put(f"/run/NetworkManager/devices/{NIC}", "[device]\nmanaged=true\n")
    by_hand.put(f"/run/NetworkManager/devices/{INDEXES['br0']}", "[device]\nmanaged=false\n")
    assert manager.stage(by_hand.nic(), "br0") == OWN
