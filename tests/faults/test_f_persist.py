# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""F03: between the confirmation and the writing of the file. Nothing at boot has to know of it, and the next run completes what one left undone."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.hypervisor.network.tests.conftest import PYTHONS
from ansible_collections.hypervisor.network.tests.harness.host.role_host import INTERFACES, Host
from ansible_collections.hypervisor.network.tests.harness.net.dump import differences, settled
from ansible_collections.hypervisor.network.tests.harness.net.lan import lan

JOB = {
    "bridge_host_bridges": [
        {"name": "br0", "uplink": "eth0", "stp_state": False, "forward_delay": 0, "maxwait": 0}
    ]
}


def test_f03_a_run_that_stopped_between_the_confirmation_and_the_file_is_completed_by_the_next(
    tmp_path: Path,
) -> None:
    with lan() as made:
        host = Host(made, tmp_path, str(PYTHONS["pyroute2-0.9.7"]))
        stopped = host.role(JOB, "--skip-tags", "persist,verify")
        assert stopped.status == 0, stopped.output[-4000:]
        assert host.interfaces.read_text(encoding="ascii") == INTERFACES
        before = settled(made.host)
        assert before["links"]["eth0"]["master"] == "br0"

        completed = host.role(JOB)
        assert completed.status == 0, completed.output[-4000:]
        assert completed.changed and all(
            task.startswith("Persist | ") for task in completed.changed
        ), completed.changed
        assert differences(before, settled(made.host)) == []
        assert "iface br0 inet static" in host.interfaces.read_text(encoding="ascii")
        assert all(made.all_reachable().values())
        assert host.role(JOB).changed == []
