# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Group H: a guest that is a plain process where it shall be a unit is taken over as it runs, as a scope, until its next start."""

from __future__ import annotations

import pytest

from ansible_collections.hypervisor.network.tests.harness.lab.powered import PoweredLab
from ansible_collections.hypervisor.network.tests.harness.lab.unit_host import (
    COMMON,
    USER,
    UnitHost,
    guest,
)

SCOPE = "hypervisor-network-guest-vm1.scope"
HELPER = "hypervisor-network-guest-vm1-stop.service"
WISH = {**COMMON, **guest("vm1"), "shutdown_timeout": 3}
LEFT = "systemctl list-units --all --no-legend 'hypervisor-network-guest-vm1*'"


@pytest.fixture(scope="module")
def host(lab: PoweredLab) -> UnitHost:
    return UnitHost(lab.fresh())


@pytest.fixture
def process(host: UnitHost) -> int:
    """The pid of vm1, which runs as a plain process in no scope of its own, as one that was started where systemd did not answer."""
    host.wish(name="vm1", state="absent", shutdown_timeout=0)
    host.wish(**WISH, supervisor="process")
    pid = host.info("vm1")["pid"]
    host.sh(f"mkdir -p /sys/fs/cgroup/apart && echo {pid} > /sys/fs/cgroup/apart/cgroup.procs")
    return pid


def started(host: UnitHost, pid: int) -> str:
    """When a process was started, by the kernel."""
    return host.sh(f"cut -d' ' -f22 /proc/{pid}/stat")


def test_h14_it_runs_on_in_a_scope_and_is_pending_until_it_is_a_unit(
    host: UnitHost, process: int
) -> None:
    since = started(host, process)
    foreseen = host.lab.run("qemu_guest", **WISH, _ansible_check_mode=True)
    assert [one["action"] for one in foreseen["changes"]] == ["adopt"], foreseen
    assert host.sh(LEFT) == ""
    result = host.wish(**WISH)
    assert result["changes"] == foreseen["changes"]
    assert result["changes"][0]["after"] == {"scope": SCOPE}
    assert f"/machine.slice/{SCOPE}" in host.sh(f"cat /proc/{process}/cgroup")
    assert host.sh(f"cat /sys/fs/cgroup/machine.slice/{SCOPE}/cgroup.procs").split() == [str(process)]  # fmt: skip
    assert f"{process} " in host.sh("systemd-cgls --no-pager /machine.slice")
    assert host.show("vm1", "ActiveState") == "inactive"
    # nothing else of it is another
    found = host.info("vm1")
    assert (found["pid"], started(host, process)) == (process, since)
    assert found["status"] == "running" and found["memory_used"] > 2**20
    assert "supervisor" in result["guest"]["pending_changes"]
    assert [SCOPE in why for why in found["pending_restart"]] == [True]
    assert not host.wish(**WISH)["changed"]
    assert host.sh(f"ps -o user:32= -p {process}").strip() == USER


def test_h14_what_asks_it_at_the_end_is_no_root_and_asks_nobody_else(
    host: UnitHost, process: int
) -> None:
    host.wish(**WISH)
    assert host.sh(f"systemctl show --value -p User {HELPER}").strip() == USER
    # a unit at its next start, which is not asked to shut down by what belonged to the process
    host.wish(**WISH, supervisor="systemd", on_change="restart")
    assert host.sh(LEFT) == ""
    said = host.sh(f"journalctl -b --no-pager -o cat -u {HELPER}")
    assert said.count("QEMU has ended already.") == said.count("Stopped ") > 0 and "did not shut" not in said  # fmt: skip
    assert host.info("vm1")["supervisor_used"] == "systemd"
    host.wish(name="vm1", state="stopped", shutdown_timeout=0)


@pytest.mark.parametrize("signal", ["TERM", "KILL"])
def test_h14_the_scope_is_gone_with_the_guest(host: UnitHost, process: int, signal: str) -> None:
    host.wish(**WISH)
    host.sh(f"kill -{signal} {process}")
    host.lab.until(f'test -z "$({LEFT})"', 30)
    assert host.sh("systemctl --failed --no-legend") == ""
    assert host.info("vm1")["status"] == ("stopped" if signal == "TERM" else "crashed")
    host.wish(name="vm1", state="stopped", shutdown_timeout=0)


def test_h14_a_shutdown_of_the_host_asks_it_for_its_last_seconds_and_before_the_network_goes(
    host: UnitHost, process: int
) -> None:
    host.wish(**WISH)
    (change,) = host.wish(**{**WISH, "shutdown_timeout": 5})["changes"]
    assert (change["action"], change["after"]["shutdown_timeout"]) == ("adopt", 5)
    assert host.info("vm1")["pid"] == process, "it was asked to shut down"
    assert not host.wish(**{**WISH, "shutdown_timeout": 5})["changed"]
    host.lab.reboot()
    lines = host.sh("journalctl -b -1 --no-pager -o cat").splitlines()
    asked = next(at for at, line in enumerate(lines) if "The guest did not shut down within 5 s" in line)  # fmt: skip
    scope = next(
        at for at, line in enumerate(lines) if line.startswith("Stopped") and SCOPE in line
    )
    network = max(at for at, line in enumerate(lines) if line.startswith("Stopping networking"))
    assert asked < network and scope < network
    host.wish(name="vm1", state="absent", shutdown_timeout=0)
    assert host.sh(LEFT) == ""
