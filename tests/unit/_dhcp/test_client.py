# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a DHCP client needs of its device before it is started."""

from __future__ import annotations

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._dhcp.client import Client


@pytest.mark.parametrize(
    ("program", "argv", "binds"),
    [
        # as ifupdown starts them
        ("dhclient", ("dhclient", "-6", "-v", "-pf", "/run/dhclient6.eth0.pid", "eth0"), True),
        ("dhclient", ("dhclient", "-4", "-v", "-pf", "/run/dhclient.eth0.pid", "eth0"), False),
        ("dhclient", ("dhclient", "eth0"), False),
        ("dhcpcd", ("dhcpcd", "-6", "eth0"), False),
        ("udhcpc", ("udhcpc", "-i", "eth0"), False),
    ],
)
def test_only_the_dhclient_of_ipv6_has_to_have_a_link_local_address_first(
    program: str, argv: tuple[str, ...], binds: bool
) -> None:
    assert Client("eth0", program, argv).binds_link_local is binds
