# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Items of the role's lists as a module has them; what a rehearsal foresees is tests/integration/test_host_plan.py."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._bridge_host import rehearsal
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import (
    spec,
    spec_disks,
    spec_seed,
    spec_smbios,
)


@pytest.mark.parametrize(
    ("given", "options"),
    [
        ({"disks": [{"path": "/srv/vm1.qcow2"}]}, spec_disks.SPEC),
        ({"cloud_init": {"user_data": "#cloud-config"}}, spec_seed.SPEC),
        ({"smbios": {"manufacturer": "us"}}, spec_smbios.SPEC),
    ],
)
def test_what_has_options_of_its_own_has_all_of_them(
    given: dict[str, Any], options: dict[str, Any]
) -> None:
    ((key, value),) = given.items()
    (whole,) = rehearsal.complete([{"name": "vm1", **given}], spec.SPEC)
    alone, said = (whole[key], value) if isinstance(value, dict) else (whole[key][0], value[0])
    assert set(alone) == set(options) and alone.items() >= said.items()
