# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab of the acceptance tests: built once, with a name of its own, and removed whatever happens."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from ansible_collections.hypervisor.network.tests.harness.lab.hypervisors import Lab
from ansible_collections.hypervisor.network.tests.harness.lab.place import place
from ansible_collections.hypervisor.network.tests.harness.lab.vlan_host import (
    Vids,
    filtering_bridge,
    vlans_seen_by,
)
from ansible_collections.hypervisor.network.tests.harness.process.modules import Modules


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The lab, up; removed at the end."""
    directory, name = place("hvtest")
    made = Lab(directory, name, tmp_path_factory.mktemp("records"))
    with made.running():
        yield made


@pytest.fixture(scope="module")
def host(lab: Lab) -> Iterator[Modules]:
    """A bridge that filters VLANs on a machine of the lab, and a process that runs modules there."""
    with filtering_bridge(lab) as modules:
        yield modules


@pytest.fixture
def see(lab: Lab) -> Callable[[str], Vids]:
    """A function that tells the VLANs of a device."""
    return vlans_seen_by(lab)
