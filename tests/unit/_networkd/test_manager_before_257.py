# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""networkd before 257, which takes what a NIC has when it reads a word on it: the NIC is held without a reload, and by no word that is one to other NICs."""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._host.programs import Done
from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import (
    HELD,
    OWN,
    Uplink,
)
from ansible_collections.hypervisor.network.plugins.module_utils._networkd.manager import (
    Networkd as Manager,
)
from ansible_collections.hypervisor.network.tests.harness.model.networkd import (
    NEVER,
    SETTLED,
    WIRED,
    Networkd,
)
from ansible_collections.hypervisor.network.tests.harness.model.standing import WISH, standing

HOLD = "/run/systemd/network/20-wired.network.d/99-hypervisor-network-hold.conf"
KEPT = HOLD.replace("99", "98").replace("hold", "kept")
ACCEPT_DAD = "/proc/sys/net/ipv6/conf/eth0/accept_dad"
DEBIAN_12 = "systemd 252 (252.39-1~deb12u2)"


@pytest.fixture
def host(tmp_path: Path) -> Networkd:
    return Networkd(tmp_path)


def hand_over(host: Networkd, manager: Manager) -> None:
    known = manager.look(host.owner(), "br0")
    manager.hand_over(Uplink(host.owner(), "br0", "52:54:00:00:00:10", known))


@pytest.mark.parametrize(
    ("version", "meanwhile"), [(DEBIAN_12, "0"), ("systemd 257 (257.13)", "1\n")]
)
@pytest.mark.parametrize("answer", [0, 1])
def test_before_257_addresses_come_back_without_being_asked_for(
    host: Networkd, monkeypatch: pytest.MonkeyPatch, version: str, meanwhile: str, answer: int
) -> None:
    """Seen with 252: a NIC that gets another file loses its IPv6 addresses, and the kernel looks for duplicates of them for up to 2 seconds."""
    host.version = version
    manager = Manager(host.control)
    hand_over(host, manager)
    host.answer = Done(answer)
    host.put(ACCEPT_DAD, "1\n")
    seen: list[str | None] = []
    monkeypatch.setattr(host, "take", lambda: seen.append(host.text(ACCEPT_DAD)))
    monkeypatch.setattr(host.control, "read", lambda read=host.control.read: (host.take(), read()))
    with contextlib.nullcontext() if answer == 0 else pytest.raises(Refused):
        manager.release(host.owner(), "br0")
    assert seen[0] == meanwhile and host.text(ACCEPT_DAD) == "1\n"


def test_before_257_a_hold_is_for_whoever_has_files_read_and_costs_the_nic_nothing(
    host: Networkd,
) -> None:
    """Seen with 252: a reload takes the addresses for 16 ms from a NIC that got a drop-in, and gives its lease back to the server."""
    host.version = DEBIAN_12
    manager = Manager(host.control)
    manager.hold(host.owner(), "br0")
    assert (host.reloads, manager.stage(host.owner(), "br0")) == (0, HELD)
    assert "KeepMaster=yes" in (host.text(HOLD) or "")
    manager.release(host.owner(), "br0")
    assert (host.reloads, manager.stage(host.owner(), "br0"), host.text(HOLD)) == (0, OWN, None)
    # somebody did: what networkd has of it then keeps what there is, and taking it out would not
    manager.hold(host.owner(), "br0")
    host.control.read()
    manager.release(host.owner(), "br0")
    assert (host.reloads, host.text(HOLD)) == (1, None)


@pytest.mark.parametrize("others", [False, True])
def test_before_257_a_word_to_the_nic_is_none_to_others_that_go_by_its_file(
    host: Networkd, monkeypatch: pytest.MonkeyPatch, others: bool
) -> None:
    host.version = DEBIAN_12
    if others:
        host.put("/run/systemd/netif/links/7", f"NETWORK_FILE={WIRED}\n")
    manager = Manager(host.control)
    manager.hold(host.owner(), "br0")
    beside = []
    read = host.control.read
    files = (HOLD, KEPT)
    monkeypatch.setattr(
        host.control, "read", lambda: (beside.append([host.text(one) for one in files]), read())
    )
    hand_over(host, manager)
    manager.release(host.owner(), "br0")
    # and it stays until the boot: taking it out would cost the NIC what it has
    there = "" if others else "KeepConfiguration=yes"
    assert beside == [[None, None], [None, host.text(KEPT)]] and there in (host.text(KEPT) or "")
    assert (host.owner().source == WIRED) != others and (host.text(KEPT) is None) == others
    assert manager.stage(host.owner(), "br0") == OWN and host.text(HOLD) is None


@pytest.mark.parametrize(("present", "settled"), [(True, SETTLED), (False, NEVER)])
def test_before_257_a_bridge_without_an_uplink_is_waited_for_while_it_gets_its_file(
    tmp_path: Path, present: bool, settled: float
) -> None:
    """Seen with 252: its address was gone for a millisecond, and that was taken for what boots."""
    host = Networkd(tmp_path, patience=NEVER, settled=settled)
    host.version, host.state = DEBIAN_12, "configuring"
    wish = replace(WISH, uplinks=[], bridges=["br0"], ports=[], taps=[], present=present)
    began = time.monotonic()
    Manager(host.control).load(standing(), wish)
    assert host.reloads == 1
    took = time.monotonic() - began
    assert SETTLED <= took < NEVER if present else took < NEVER
