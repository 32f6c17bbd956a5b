# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What several files of integration tests stand on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.tests.conftest import PYTHONS, needs_root
from ansible_collections.hypervisor.network.tests.harness.host.guests import guest_user
from ansible_collections.hypervisor.network.tests.harness.host.ifup_boot import debian13
from ansible_collections.hypervisor.network.tests.harness.host.role_host import Host
from ansible_collections.hypervisor.network.tests.harness.net.lan import lan

# With the oldest libraries the job runs on the lab's machines, whose distribution has them
# With the oldest libraries the job runs on the lab's machines, whose distribution has them
NEWEST = str(PYTHONS["pyroute2-0.9.7"])


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    """The host of a LAN, for playbooks of the role bridge_host."""
    needs_root()
    guest_user()
    with lan() as made:
        yield Host(made, tmp_path, NEWEST)


@pytest.fixture(scope="session", params=["bookworm", "trixie"])
def boot_root(request: pytest.FixtureRequest) -> Path:
    """The programs of Debian 12, which are this machine's, and those of Debian 13."""
    needs_root()
    return debian13() if request.param == "trixie" else Path("/")
