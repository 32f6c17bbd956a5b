# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Devices that are one manager's get a file for each other one that is there; who is not there gets none, and loses the one that it had."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._managers import hands_off
from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import NAMES, Wish

WISH = Wish(["br0"], ["eth0"], ["veth1"], ["tap1"])
NETWORKDS = [f"/etc/systemd/network/05-hypervisor-network-{dev}.network" for dev in WISH.names]
NETWORKMANAGERS = [f"/etc/NetworkManager/conf.d/hypervisor-network-hands-off-{dev}.conf" for dev in WISH.names]  # fmt: skip


@pytest.mark.parametrize(
    ("own", "there", "written", "gone"),
    [
        ("ifupdown", (), [], NETWORKDS + NETWORKMANAGERS),
        ("ifupdown", ("networkd",), NETWORKDS, NETWORKMANAGERS),
        ("ifupdown2", ("networkmanager",), NETWORKMANAGERS, NETWORKDS),
        ("ifupdown", ("networkd", "networkmanager"), NETWORKDS + NETWORKMANAGERS, []),
        ("networkd", ("networkd",), [], NETWORKMANAGERS),
        ("networkd", ("networkd", "networkmanager"), NETWORKMANAGERS, []),
        ("netplan", ("networkd", "networkmanager"), NETWORKMANAGERS, []),
        ("networkmanager", ("networkmanager",), [], NETWORKDS),
        ("networkmanager", ("networkd", "networkmanager"), NETWORKDS, []),
    ],
)  # fmt: skip
def test_who_is_kept_off(
    own: str, there: tuple[str, ...], written: list[str], gone: list[str]
) -> None:
    found = hands_off.files(WISH, there, own)
    assert [one.path for one in found if one.text is not None] == written
    assert [one.path for one in found if one.text is None] == gone
    absent = hands_off.files(replace(WISH, present=False), there, own)
    assert [(one.path, one.text) for one in absent] == [(one.path, None) for one in found]


def test_what_they_read() -> None:
    files = hands_off.files(WISH, ("networkd", "networkmanager"), "ifupdown")
    said = {one.path: (one.text or "").splitlines()[1:] for one in files}
    assert said[NETWORKDS[3]] == ["[Match]", "Name=tap1", "", "[Link]", "Unmanaged=yes"]
    assert said[NETWORKMANAGERS[3]] == ["[keyfile]", "unmanaged-devices+=interface-name:=tap1"]


def test_every_word_for_a_manager_is_known() -> None:
    """Each of them has other managers beside it; a new one would be its own neighbour."""
    others = {own: {one.path for one in hands_off.files(WISH, (), own)} for own in NAMES}
    assert {own: len(paths) for own, paths in others.items()} == {
        "ifupdown": 8, "ifupdown2": 8, "networkd": 4, "netplan": 4, "networkmanager": 4,
    }  # fmt: skip
