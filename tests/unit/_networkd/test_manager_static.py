# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bridge whose files for the next boot give it what its NIC has: given back before a boot, or booted after a plug was pulled between two files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import Uplink, Wish
from ansible_collections.hypervisor.network.plugins.module_utils._networkd import render
from ansible_collections.hypervisor.network.plugins.module_utils._networkd.identity import Identity
from ansible_collections.hypervisor.network.plugins.module_utils._networkd.manager import (
    Networkd as Manager,
)
from ansible_collections.hypervisor.network.tests.harness.model.networkd import CONFIG, Networkd
from ansible_collections.hypervisor.network.tests.harness.model.standing import standing

STATIC = "[Match]\nName=eth0\n\n[Network]\nAddress=10.77.0.11/24\n"
ALONE = "/run/systemd/network/02-hypervisor-network-br0.network"
LASTING = "/etc/systemd/network/05-hypervisor-network-br0.network"
WISH = Wish(["br0"], ["eth0"])


def given_back(tmp_path: Path, config: str) -> tuple[Networkd, Manager]:
    host = Networkd(tmp_path, config)
    manager = Manager(host.control)
    known = manager.look(host.owner(), "br0")
    manager.hold(host.owner(), "br0")
    manager.hand_over(Uplink(host.owner(), "br0", "52:54:00:00:00:10", known))
    now = replace(standing(), known={"eth0": manager.look(host.owner(), "br0")})
    for one in manager.plan(now, WISH):
        if one.text is None:
            (host.root / one.path[1:]).unlink(missing_ok=True)
        else:
            host.put(one.path, one.text)
    manager.load(now, WISH)
    manager.hold(host.owner(), "br0")
    manager.release(host.owner(), "br0")
    return host, manager


def test_one_without_a_lease_is_nobodys_until_it_is_an_uplinks_again(tmp_path: Path) -> None:
    host, manager = given_back(tmp_path, STATIC)
    assert host.owner("br0").source == ALONE and "Unmanaged=yes" in str(host.text(ALONE))
    manager.hand_over(
        Uplink(host.owner(), "br0", "52:54:00:00:00:10", manager.look(host.owner(), "br0"))
    )
    assert host.text(ALONE) is None and host.owner("br0").source != ALONE


@pytest.mark.parametrize("config", [CONFIG, CONFIG.replace("DHCP=yes", "DHCP=ipv6")])
def test_one_with_a_lease_is_not_let_go_since_that_would_release_it(
    tmp_path: Path, config: str
) -> None:
    host, _manager = given_back(tmp_path, config)
    assert host.text(ALONE) is None and host.owner("br0").source == LASTING


def test_one_that_has_addresses_of_its_own_after_that_is_networkds_again(tmp_path: Path) -> None:
    host, manager = given_back(tmp_path, STATIC)
    within = replace(standing(), known={}, owners={})
    manager.load(within, Wish(["br0"]))
    assert host.text(ALONE) is None


def test_one_with_a_lease_is_not_let_go_when_its_nic_is_held_again(tmp_path: Path) -> None:
    host, manager = given_back(tmp_path, CONFIG)
    manager.hold(host.owner(), "br0")
    assert host.text(ALONE) is None and host.owner("br0").source == LASTING


@pytest.mark.parametrize("version", ["systemd 257 (257.13)", "systemd 252 (252.39-1~deb12u2)"])
def test_one_that_boots_without_its_nics_file_gets_nothing_while_the_nic_becomes_its_port(
    tmp_path: Path, version: str
) -> None:
    """Seen: with its port it had a carrier, networkd gave it the default route, and the conversion found that there: EEXIST, at each run."""
    host = Networkd(tmp_path, STATIC)
    host.version = version
    manager = Manager(host.control)
    known = manager.look(host.owner(), "br0")
    host.put(LASTING, render.bridge_file("br0", None, known.config, known.identity))
    host.take()
    manager.hold(host.owner(), "br0")
    assert host.owner("br0").source == ALONE
    manager.release(host.owner(), "br0")
    assert host.text(ALONE) is None and host.owner("br0").source == LASTING
    manager.hold(host.owner(), "br0")
    manager.hand_over(Uplink(host.owner(), "br0", "52:54:00:00:00:10", known))
    assert host.text(ALONE) is None and host.owner("br0").source not in (ALONE, LASTING)


def test_one_with_addresses_of_its_own_keeps_them_when_it_gets_an_uplink(tmp_path: Path) -> None:
    host = Networkd(tmp_path, STATIC)
    manager = Manager(host.control)
    own = manager.look(host.owner(), "br0").config
    host.put(LASTING, render.bridge_file("br0", None, own, Identity(False, False), alone=True))
    host.take()
    manager.hold(host.owner(), "br0")
    assert host.text(ALONE) is None
