# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tenants and VLANs: the plan that is printed is what the steps then do, on a machine whose kernel filters VLANs, in a namespace of it.

All without VLANs is in tests/integration/test_host_plan.py, where it takes seconds.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ansible_collections.hypervisor.network.tests.harness.lab.planned_host import planned_host
from ansible_collections.hypervisor.network.tests.harness.lab.powered import HOST, PoweredLab
from ansible_collections.hypervisor.network.tests.harness.model.role_wishes import held
from ansible_collections.hypervisor.network.tests.harness.process.modules import Modules

EXAMPLES = 60  # of which a third may be refused


@pytest.fixture
def modules(fresh: PoweredLab) -> Iterator[Modules]:
    with planned_host(fresh, HOST) as running:
        yield running


def test_random_tenants_and_vlans_are_foreseen_change_for_change(modules: Modules) -> None:
    tried = held(modules, EXAMPLES, vlans=True)
    assert tried["carried out"] >= 30, tried
