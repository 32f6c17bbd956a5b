# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""By what a NIC makes itself known to DHCP servers, as NetworkManager writes it down."""

from __future__ import annotations

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._networkmanager import (
    identity,
    keyfile,
)
from ansible_collections.hypervisor.network.tests.harness.model.networkmanager import (
    PROFILE,
    STATE,
)

DUID = "00:04:4b:fa:d8:a0:a1:95:8f:e3:8d:aa:e2:6f:8f:fa:3f:19"


def test_the_bytes_that_were_seen() -> None:
    found = identity.identity(keyfile.parse(STATE))
    assert found == identity.Identity("01:52:54:00:77:00:0d", DUID, "3795074878")


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("", (None, None, None)),
        ("[dhcp6]\ndhcp6.iaid=726689589\n", (None, None, "726689589")),
        ("[dhcp6]\ndhcp6.iaid=zz\n", (None, None, None)),
        ("[dhcp4]\ndhcp4.dhcp_client_identifier=01:5G\n", (None, None, None)),
        ("[dhcp4]\ndhcp4.dhcp_client_identifier=FF:0A\n", ("ff:0a", None, None)),
    ],
)
def test_what_is_no_identity_is_none(state: str, expected: tuple[str | None, ...]) -> None:
    found = identity.identity(keyfile.parse(state))
    assert (found.client_id, found.duid, found.iaid) == expected


@pytest.mark.parametrize(
    ("profile", "state", "expected"),
    [
        (PROFILE, STATE, None),
        (PROFILE, "", "the DHCPv4 client identifier"),
        ("[ipv4]\nmethod=manual\n", "", None),
        ("[ipv4]\nmethod=disabled\n", "", None),
    ],
)
def test_only_who_asks_dhcp_has_to_be_known(profile: str, state: str, expected: str | None) -> None:
    found = identity.identity(keyfile.parse(state))
    assert identity.missing(keyfile.parse(profile), found) == expected


def test_the_metric_that_the_nic_has() -> None:
    assert identity.metric(keyfile.parse(STATE)) == 100
    assert identity.metric({}) is None


def test_a_device_that_is_taken_as_it_stands() -> None:
    assert identity.assumed("1d1a") == "[device]\nmanaged=true\nconnection-uuid=1d1a\n"
