# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A NIC that networkd gave up on: it is networkd's all the same, which configures it anew when it is restarted."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.hypervisor.network.plugins.module_utils._networkd.manager import (
    Networkd as Manager,
)
from ansible_collections.hypervisor.network.tests.harness.model.networkd import Networkd


def test_a_nic_that_networkd_failed_to_configure_is_not_held(tmp_path: Path) -> None:
    host = Networkd(tmp_path)
    host.state = "failed"
    host.take()
    manager = Manager(host.control)
    nic = host.owner()
    found = manager.objection(nic, manager.look(nic, "br0"))
    assert nic.manager == "networkd" and "failed to configure eth0" in str(found)
