# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the units of QEMU and of swtpm have alike; the goldens hold each line of it, in test_unit_file.py and test_unit_tpm.py."""

from __future__ import annotations

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._qemu import (
    unit_file,
    unit_sandbox,
    unit_tpm,
)

SERVICES = {"guest": unit_file.TEMPLATE_TEXT, "tpm": unit_tpm.SERVICE_TEXT}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_all_of_it_and_takes_none_of_it_back(service: str) -> None:
    """An empty value ends a list of systemd's, so a later one could give back what was taken."""
    lines = SERVICES[service].splitlines()
    assert lines[0] == unit_sandbox.MARK
    for line in (unit_sandbox.SERVICE_LINES + unit_sandbox.SANDBOX).splitlines():
        assert line in lines
    for key in ("CapabilityBoundingSet", "AmbientCapabilities", "NoNewPrivileges", "ProtectSystem"):
        assert len([line for line in lines if line.startswith(f"{key}=")]) == 1
