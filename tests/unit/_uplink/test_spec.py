# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An uplink's options as what preflight looks at."""

from __future__ import annotations

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import BadInput
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import preflight, spec

DEFAULTS = {key: value.get("default") for key, value in spec.SPEC.items()}


def test_what_is_not_given_is_the_nics_own() -> None:
    given = {**DEFAULTS, "name": "eth0", "bridge": "br0"}
    assert spec.of(given, True) == preflight.Spec("eth0", "br0", own_network=True)


def test_every_option_reaches_preflight() -> None:
    given = {
        **DEFAULTS, "name": "eth0", "bridge": "br0", "state": "absent", "accept_outage": True, "allow_address_change": True,
        "override": ["bond", "xdp"], "mac": "52-54-00-AB-CD-EF", "mtu": 9000, "accept_ra": False,
    }  # fmt: skip
    assert spec.of(given, False) == preflight.Spec(
        "eth0", "br0", False, True, True, frozenset({"bond", "xdp"}), False, "52:54:00:ab:cd:ef", 9000, False
    )  # fmt: skip


def test_a_nic_that_shall_be_its_own_uplink_is_refused() -> None:
    with pytest.raises(BadInput, match="cannot be the uplink of itself"):
        spec.of({**DEFAULTS, "name": "br0", "bridge": "br0"}, True)
