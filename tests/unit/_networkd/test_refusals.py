# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of ours that went, or were changed, by hand: what of them can be made again is, and of the rest the truth is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import (
    Owner,
    Standing,
)
from ansible_collections.hypervisor.network.plugins.module_utils._networkd import refusals
from ansible_collections.hypervisor.network.plugins.module_utils._networkd.identity import Identity
from ansible_collections.hypervisor.network.plugins.module_utils._networkd.manager import (
    Networkd as Manager,
)
from ansible_collections.hypervisor.network.plugins.module_utils._networkd.plan import (
    Known,
    lasting,
)
from ansible_collections.hypervisor.network.plugins.module_utils._networkd.unit import parse
from ansible_collections.hypervisor.network.tests.harness.model.networkd import WIRED, Networkd
from ansible_collections.hypervisor.network.tests.harness.model.standing import (
    WISH,
    persisted,
)

NIC = Owner("networkd", "eth0", 2, WIRED)
PORT = refusals.PortsFile(
    lasting("eth0"), lasting("").partition(".")[0], lasting("eth0"), "rename it"
)

KNOWN = Known(WIRED, (), Identity(False, False))


def converted(host: Networkd) -> tuple[Standing, dict[str, str]]:
    """A host that boots its bridge by our files: what stands, and these by path."""
    now, written = persisted(host, Manager(host.control))
    host.take()
    return now, written


@pytest.mark.parametrize(
    "broken",
    ["", "[Match]\nName=eth0\n\n[Network]\nBridge=br0\n"],
    ids=["gone", "without the line that tells"],
)
def test_a_nics_file_that_went_by_hand(tmp_path: Path, broken: str) -> None:
    """That it was a host's file is not so; taken for one, it would leave the bridge without addresses at the next boot."""
    host = Networkd(tmp_path)
    now, written = converted(host)
    place = tmp_path / lasting("eth0")[1:]
    place.unlink()
    if broken:
        host.put(lasting("eth0"), broken)
    manager = Manager(host.control)
    said = str(manager.objection(host.owner(), manager.look(host.owner(), "br0")))
    assert said.startswith(f"{lasting('eth0')}, by which eth0 is a port, is gone or was changed")
    assert "was configured as a host's NIC" not in said
    # the cure, as it is told
    host.put(lasting("eth0"), f"# before: {WIRED}\n[Match]\nName=eth0\n")
    again = manager.look(host.owner(), "br0")
    assert manager.objection(host.owner(), again) is None
    found = {one.path: one.text for one in manager.plan(replace(now, known={"eth0": again}), WISH)}
    assert {path: found[path] for path in written} == written


@pytest.mark.parametrize("kind", ["network", "netdev"])
def test_a_bridges_file_that_went_by_hand_is_written_again(tmp_path: Path, kind: str) -> None:
    host = Networkd(tmp_path)
    now, written = converted(host)
    (tmp_path / lasting("br0", kind)[1:]).unlink()
    manager = Manager(host.control)
    again = manager.look(host.owner(), "br0")
    assert not again.theirs and manager.objection(host.owner(), again) is None
    found = {one.path: one.text for one in manager.plan(replace(now, known={"eth0": again}), WISH)}
    assert {path: found[path] for path in written} == written


@pytest.mark.parametrize(
    ("known", "is_there", "said"),
    [
        (Known(WIRED, (), Identity(False, False)), True, None),
        (Known(WIRED, (), Identity(False, False)), False, "was configured as a host's NIC, is gone"),
        (Known(WIRED, (), Identity(False, False), theirs=True), True, None),
        (Known("", (), Identity(False, False)), False, "tells no file"),
        (Known("/run/systemd/network/04-hypervisor-network-eth0.network", (), Identity(False, False)), False, "by which eth0 is a port"),
        (Known("/run/systemd/network/10-netplan-all-en.network", (), Identity(False, False)), True, None),
    ],
)  # fmt: skip
def test_what_is_said_of_a_file(known: Known, is_there: bool, said: str | None) -> None:
    found = refusals.objection(NIC, known, 257, is_there, PORT)
    assert found is None if said is None else said in str(found)


@pytest.mark.parametrize(
    ("nic", "known", "version", "said"),
    [
        (NIC, KNOWN, 240, "systemd-networkd 240, which manages eth0, was not seen to take a bridge over"),
        (replace(NIC, facts={"ADMIN_STATE": "failed"}), KNOWN, 257, "systemd-networkd failed to configure eth0"),
        (NIC, replace(KNOWN, source="/etc/systemd/network/01-eth0.network"), 257, "whose name comes before that of ours"),
        (NIC, replace(KNOWN, config=parse("[Network]\nBond=bond0\n")), 257, "makes eth0 part of a bond or a VRF"),
        (NIC, replace(KNOWN, config=parse("[Network]\nVLAN=eth0.10\n")), None, None),
    ],
)  # fmt: skip
def test_what_is_said_of_a_nic(
    nic: Owner, known: Known, version: int | None, said: str | None
) -> None:
    found = refusals.objection(nic, known, version, True, PORT)
    assert found is None if said is None else said in str(found)
