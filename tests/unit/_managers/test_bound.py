# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""By what an uplink is found at boot."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._managers.bound import mac_of
from ansible_collections.hypervisor.network.tests.harness.model.standing import MAC, WISH, standing

ONE, NONE, TWINS = {"eth0": MAC}, {}, {"eth0": MAC, "eth1": MAC}
KEPT, OTHER = {}, {"eth0": "udev would call it enp1s0"}
OTHERS_OWN = {"eth1": "udev would call it enp2s0"}


@pytest.mark.parametrize(
    ("match", "permanent", "unsteady", "theirs", "found"),
    [
        ("auto", ONE, KEPT, False, None),
        ("auto", ONE, OTHERS_OWN, False, None),
        ("auto", ONE, OTHER, False, MAC),
        ("auto", ONE, KEPT, True, MAC),
        ("auto", NONE, OTHER, True, None),
        ("auto", TWINS, OTHER, True, None),
        ("name", ONE, OTHER, True, None),
        ("mac", ONE, KEPT, False, MAC),
        ("mac", NONE, KEPT, True, "eth0 has no MAC that it was made with"),
        ("mac", TWINS, KEPT, False, "and so was eth1"),
    ],
)
def test_the_name_or_the_mac(
    match: str, permanent: dict[str, str], unsteady: dict[str, str], theirs: bool, found: str | None
) -> None:
    now = replace(standing(), permanent=permanent, unsteady=unsteady)
    refused = found is not None and found != MAC
    with pytest.raises(Refused, match=found) if refused else nullcontext():
        assert mac_of(now, replace(WISH, match=match), "eth0", theirs) == found
