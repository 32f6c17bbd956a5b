# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""NICs that are found by their MAC: under another name, and by a file that would find their bridge too."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import (
    HANDED,
    Uplink,
)
from ansible_collections.hypervisor.network.plugins.module_utils._networkd.manager import (
    Networkd as Manager,
)
from ansible_collections.hypervisor.network.tests.harness.model.networkd import (
    CONFIG,
    WIRED,
    Networkd,
)
from ansible_collections.hypervisor.network.tests.harness.model.standing import MAC, WISH, standing

BRIDGE_FILE = "/run/systemd/network/04-hypervisor-network-br0.network"


@pytest.fixture
def host(tmp_path: Path) -> Networkd:
    return Networkd(tmp_path)


def test_a_nic_that_has_another_name_by_now_is_a_port_and_its_old_file_goes(host: Networkd) -> None:
    """It is found by its MAC: removing only the file of its new name would leave a port of a bridge that is gone."""
    manager, old = Manager(host.control), "/etc/systemd/network/05-hypervisor-network-eth9.network"
    now = replace(standing(), permanent={"eth0": MAC, "eth1": "52:54:00:00:00:11"})
    other = "/etc/systemd/network/05-hypervisor-network-eth1.network"
    host.put(other, "[Match]\nPermanentMACAddress=52:54:00:00:00:11\n")
    host.put(old, f"# before: {WIRED}\n[Match]\nPermanentMACAddress={MAC}\nName=eth0\n[Network]\nBridge=br0\n")  # fmt: skip
    host.control.read()
    assert host.owner().source == old and manager.stage(host.owner(), "br0") == HANDED
    assert manager.look(host.owner(), "br0").source == WIRED
    for wish in (WISH, replace(WISH, present=False)):
        gone = [one.path for one in manager.plan(now, wish) if one.text is None]
        assert old in gone and other not in gone
    manager.hold(host.owner(), "br0")
    manager.release(host.owner(), "br0")
    assert host.owner().source == "/run/systemd/network/03-hypervisor-network-eth0.network"


BY_MAC = CONFIG.replace("Name=eth0", "MACAddress=52:54:00:00:00:10\n#Name=eth0")
HOLD = "/run/systemd/network/20-wired.network.d/99-hypervisor-network-hold.conf"
ALONE = "/run/systemd/network/02-hypervisor-network-br0.network"


def test_a_nics_file_that_would_take_its_bridge_too_is_kept_from_it(tmp_path: Path) -> None:
    """Seen with 252: the bridge got the NIC's addresses and routes in the middle of the conversion, which was undone because of that."""
    host = Networkd(tmp_path, BY_MAC)
    manager = Manager(host.control)
    known = manager.look(host.owner(), "br0")
    manager.hold(host.owner(), "br0")
    assert "[Match]\nName=br0\n\n[Link]\nUnmanaged=yes\n" in (host.text(ALONE) or "")
    manager.release(host.owner(), "br0")
    assert host.text(ALONE) is None
    manager.hold(host.owner(), "br0")
    manager.hand_over(Uplink(host.owner(), "br0", MAC, known))
    assert host.text(ALONE) is None and host.owner("br0").source == BRIDGE_FILE
    # the bridge stays there for a while when its NIC is a host's again, and has its MAC
    manager.release(host.owner(), "br0")
    assert host.text(ALONE) is not None and host.owner().source == WIRED


def test_before_257_it_is_kept_from_its_bridge_before_there_is_a_word_to_the_nic(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = Networkd(tmp_path, BY_MAC)
    host.version = "systemd 252 (252.39-1~deb12u2)"
    manager = Manager(host.control)
    seen = []
    read = host.control.read
    monkeypatch.setattr(host.control, "read", lambda: (seen.append(host.text(HOLD)), read()))
    manager.hold(host.owner(), "br0")
    assert seen == [None] and host.owner("br0").source == ALONE
    assert host.text(HOLD) is not None
    manager.release(host.owner(), "br0")
    assert host.text(ALONE) is None and len(seen) == 2


def test_a_bridge_that_networkd_has_by_another_file_keeps_what_it_has(tmp_path: Path) -> None:
    host = Networkd(tmp_path, BY_MAC)
    host.put("/etc/systemd/network/10-br0.network", "[Match]\nName=br0\n")
    host.control.read()
    Manager(host.control).hold(host.owner(), "br0")
    assert host.text(ALONE) is None
