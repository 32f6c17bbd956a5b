# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What several files of integration tests stand on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.tests.conftest import PYTHONS, needs_root
from ansible_collections.hypervisor.network.tests.harness.host import role_host
from ansible_collections.hypervisor.network.tests.harness.host.guests import guest_user
from ansible_collections.hypervisor.network.tests.harness.host.ifup_boot import debian13
from ansible_collections.hypervisor.network.tests.harness.host.role_host import Host, furnish
from ansible_collections.hypervisor.network.tests.harness.net.lan import lan
from ansible_collections.hypervisor.network.tests.harness.net.netns import Namespaces
from ansible_collections.hypervisor.network.tests.harness.process.modules import Modules

# With the oldest libraries the job runs on the lab's machines, whose distribution has them
NEWEST = str(PYTHONS["pyroute2-0.9.7"])


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    """The host of a LAN, for playbooks of the role bridge_host."""
    needs_root()
    guest_user()
    with lan() as made:
        yield Host(made, tmp_path, NEWEST)


@pytest.fixture
def modules(host: Host, target_path: str) -> Iterator[Modules]:
    """The modules in one process that sees the host's own network and directories; C(ENTER) may be another in a test."""
    within = ("sh", "-c", role_host.ENTER, str(host.folder))
    with Modules(host.netns, host.python, target_path, within=within) as running:
        yield running


@pytest.fixture
def bare(tmp_path: Path, target_path: str) -> Iterator[Modules]:
    """The same on a host that has no NIC and no stanza, and whose directories are below the test's own."""
    needs_root()
    furnish(tmp_path, "")
    within = ("sh", "-c", role_host.ENTER, str(tmp_path))
    with Namespaces("bare") as names:
        with Modules(names["bare"], NEWEST, target_path, within=within) as running:
            yield running


@pytest.fixture(scope="session", params=["bookworm", "trixie"])
def boot_root(request: pytest.FixtureRequest) -> Path:
    """The programs of Debian 12, which are this machine's, and those of Debian 13."""
    needs_root()
    return debian13() if request.param == "trixie" else Path("/")
