# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""networkd behind the port, on a host below a folder: what is written where, and what is in force after each step."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import (
    HANDED,
    HELD,
    OWN,
    Uplink,
)
from ansible_collections.hypervisor.network.plugins.module_utils._networkd import unit
from ansible_collections.hypervisor.network.plugins.module_utils._networkd.manager import (
    Networkd as Manager,
)
from ansible_collections.hypervisor.network.tests.harness.model.networkd import (
    CONFIG,
    NIC,
    WIRED,
    Networkd,
)

HOLD = "/run/systemd/network/20-wired.network.d/99-hypervisor-network-hold.conf"
NIC_FILE, BRIDGE_FILE = (f"/run/systemd/network/04-hypervisor-network-{dev}.network" for dev in ("eth0", "br0"))  # fmt: skip


@pytest.fixture
def host(tmp_path: Path) -> Networkd:
    return Networkd(tmp_path)


def hand_over(host: Networkd, manager: Manager, known: Any) -> None:
    manager.hand_over(Uplink(host.owner(), "br0", "52:54:00:00:00:10", known))


def test_there_and_back(host: Networkd) -> None:
    manager = Manager(host.control)
    known = manager.look(host.owner())
    assert manager.stage(host.owner(), "br0") == OWN
    manager.hold(host.owner(), "br0")
    assert manager.stage(host.owner(), "br0") == HELD
    assert host.control.link(NIC)["NETWORK_FILE_DROPINS"] == f'"{HOLD}"'
    hand_over(host, manager, known)
    assert manager.stage(host.owner(), "br0") == HANDED
    assert host.owner().source == NIC_FILE and host.owner("br0").source == BRIDGE_FILE
    manager.release(host.owner(), "br0")
    assert manager.stage(host.owner(), "br0") == OWN
    assert host.owner().source == WIRED and host.control.link(NIC)["NETWORK_FILE_DROPINS"] == '""'
    assert [host.text(path) for path in (HOLD, NIC_FILE, BRIDGE_FILE)] == [None] * 3
    assert host.text(WIRED) == CONFIG and host.reloads == 4


def test_the_bridge_has_what_the_nic_had_by_the_same_identity(host: Networkd) -> None:
    manager = Manager(host.control)
    known = manager.look(host.owner())
    hand_over(host, manager, known)
    bridge = unit.parse(host.text(BRIDGE_FILE) or "")
    assert unit.value(bridge, "DHCPv4", "IAID") == "0xe2343f3e"
    assert unit.value(bridge, "Network", "DHCP") == "yes"
    assert unit.value(bridge, "Network", "KeepConfiguration") == "yes"
    assert "Bridge=" not in (host.text(NIC_FILE) or "")


def test_a_step_that_is_taken_twice_writes_nothing_twice(host: Networkd) -> None:
    manager = Manager(host.control)
    manager.hold(host.owner(), "br0")
    written = (host.root / HOLD[1:]).stat().st_ino
    manager.hold(host.owner(), "br0")
    assert (host.root / HOLD[1:]).stat().st_ino == written


def test_a_hold_that_a_killed_run_left_is_taken_out(host: Networkd) -> None:
    manager = Manager(host.control)
    manager.hold(host.owner(), "br0")
    manager.release(host.owner(), "br0")
    assert manager.stage(host.owner(), "br0") == OWN and host.text(HOLD) is None
    manager.release(host.owner(), "br0")


@pytest.mark.parametrize(
    ("source", "config", "said"),
    [
        (WIRED, CONFIG, None),
        ("/run/systemd/network/04-hypervisor-network-eth0.network", CONFIG, None),
        ("", CONFIG, "tells no file"),
        ("/etc/systemd/network/00-mine.network", CONFIG, "comes before any of ours"),
        (WIRED, "[Network]\nBond=bond0\n", "part of a bond or a VRF"),
    ],
)
def test_what_can_not_be_held_is_told_before_anything_is_done(
    host: Networkd, source: str, config: str, said: str | None
) -> None:
    manager = Manager(host.control)
    known = replace(manager.look(host.owner()), source=source, config=unit.parse(config))
    found = manager.objection(host.owner(), known)
    assert found is None if said is None else said in str(found)


def test_an_identity_that_is_not_known_is_named(host: Networkd) -> None:
    manager = Manager(host.control)
    assert manager.unknown(manager.look(host.owner())) is None
    host.put(f"/run/systemd/netif/leases/{NIC}", "")
    assert manager.unknown(manager.look(host.owner())) == "the DHCPv4 client identifier"
