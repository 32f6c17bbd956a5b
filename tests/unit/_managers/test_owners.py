# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who owns a NIC, by what the managers write of it themselves."""

from __future__ import annotations

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._managers.owners import owner

LINK, DEVICE, IFSTATE = (
    "run/systemd/netif/links/2",
    "run/NetworkManager/devices/2",
    "run/network/ifstate",
)
LET_GO = "run/hypervisor-network/networkmanager/eth0"
# as systemd 257 writes it
BY_NETWORKD = """# This is private data. Do not parse.
ADMIN_STATE=configured
OPER_STATE=routable
NETWORK_FILE={file}
NETWORK_FILE_DROPINS=""
"""
CONFIGURED = BY_NETWORKD.format(file="/etc/systemd/network/20-wired.network")
MANAGED = "[device]\nmanaged=true\nconnection-uuid=1d1a\n"


@pytest.mark.parametrize(
    ("files", "manager", "source"),
    [
        ({LINK: CONFIGURED}, "networkd", "/etc/systemd/network/20-wired.network"),
        (
            {LINK: BY_NETWORKD.format(file="/run/systemd/network/10-netplan-all-en.network")},
            "netplan",
            "/run/systemd/network/10-netplan-all-en.network",
        ),
        (
            {LINK: CONFIGURED.replace("=configured", "=configuring")},
            "networkd",
            "/etc/systemd/network/20-wired.network",
        ),
        ({DEVICE: MANAGED}, "networkmanager", "1d1a"),
        ({DEVICE: "[device]\nmanaged=false\n", LET_GO: MANAGED}, "networkmanager", "1d1a"),
        ({IFSTATE: "lo=lo\neth0=eth0\n"}, "ifupdown", ""),
        ({IFSTATE: "eth0=home\n", LINK: "ADMIN_STATE=unmanaged\n"}, "ifupdown", ""),
    ],
)
def test_the_manager_itself_is_believed(files: dict[str, str], manager: str, source: str) -> None:
    found = owner("eth0", 2, files)
    assert found is not None
    assert (found.manager, found.source, found.dev, found.index) == (manager, source, "eth0", 2)


@pytest.mark.parametrize(
    "files",
    [
        {},
        {LINK: "ADMIN_STATE=pending\n"},
        {LINK: "garbage\n"},
        {DEVICE: "managed=false\n"},
        {IFSTATE: "eth01=eth01\n"},
        {LINK.replace("2", "3"): CONFIGURED},
    ],
)
def test_nobody_owns_it(files: dict[str, str]) -> None:
    assert owner("eth0", 2, files) is None


def test_two_that_both_manage_it_are_refused() -> None:
    with pytest.raises(Refused, match="eth0 is managed by networkd and networkmanager at once"):
        owner("eth0", 2, {LINK: CONFIGURED, DEVICE: MANAGED})


@pytest.mark.parametrize(
    ("device", "manager"),
    [
        # connected (externally): it made neither, and looks at both
        ({}, "networkmanager"),
        ({IFSTATE: "lo=lo\nbr0=br0\n"}, "ifupdown"),
    ],
)
def test_a_bridge_that_networkmanager_only_looks_at_is_ifupdowns_where_that_has_it_up(
    device: dict[str, str], manager: str
) -> None:
    found = owner("br0", 2, {DEVICE: f"{MANAGED}nm-owned=false\n", **device})
    assert found is not None and found.manager == manager


def test_a_bridge_that_networkmanager_made_and_ifupdown_has_up_is_refused() -> None:
    with pytest.raises(Refused, match="br0 is managed by networkmanager and ifupdown at once"):
        owner("br0", 2, {DEVICE: f"{MANAGED}nm-owned=true\n", IFSTATE: "br0=br0\n"})


def test_ifupdown2_is_told_from_ifupdown() -> None:
    found = owner("eth0", 2, {IFSTATE: "eth0=eth0\n"}, "ifupdown2")
    assert found is not None and found.manager == "ifupdown2"
