# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guests that are otherwise than the variables say: what runs without its definition or the other way round, what somebody did to one behind our back, and
each thing that one is told otherwise.
"""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._bridge_host import items
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.qmp import Qmp
from ansible_collections.hypervisor.network.plugins.plugin_utils import _drift
from ansible_collections.hypervisor.network.tests.harness.host.guests import EMULATOR, guest_user
from ansible_collections.hypervisor.network.tests.harness.host.steps import carry_out, look
from ansible_collections.hypervisor.network.tests.harness.net.netns import batch, run
from ansible_collections.hypervisor.network.tests.harness.process.modules import Modules
from ansible_collections.hypervisor.network.tests.harness.process.waiting import wait_for

MAC = "52:00:00:00:00:01"
GUEST, WHERE = "guest vm1", "guests"
STATUS, STATE = (WHERE, GUEST, "status"), (WHERE, GUEST, "state")
REFUSED = (WHERE, GUEST, "refused")
Rows = set[tuple[str, str, str]]


class Site:
    """A host that has what its variables say: a guest with a disk on a tap."""

    def __init__(self, modules: Modules, folder: Path, images: Path) -> None:
        self.modules, self.images = modules, images
        os.chown(images, guest_user().pw_uid, -1)
        self.definition = folder / "var/lib/hypervisor-network/definitions/vm1.json"
        self._public = folder / "run/hypervisor-network/vm1"

    def job(self, size: str = "8M", **more: Any) -> dict[str, Any]:
        disk = {"path": str(self.images / "vm1.qcow2"), "format": "qcow2", "size": size}
        guest = {
            "name": "vm1", "emulator": EMULATOR, "accel": "tcg", "memory": 64, "boot": "n", "wait_for": ["running"], "shutdown_timeout": 0,
            "nics": [{"tap": "tap1", "mac": MAC}], "disks": [disk], **more,
        }  # fmt: skip
        return {
            "bridge_host_bridges": [{"name": "br0"}],
            "bridge_host_taps": [{"name": "tap1", "bridge": "br0"}],
            "bridge_host_guests": [{key: value for key, value in guest.items() if value is not None}],
        }  # fmt: skip

    def become(self) -> None:
        carry_out(self.modules, self._look(self.job())["plan"], persist=False)

    def _look(self, job: dict[str, Any], **more: Any) -> dict[str, Any]:
        return look(self.modules, job, persist=False, **more)

    def drift(self, **more: Any) -> Rows:
        found = _drift.rows({"hv1": self._look(self.job(**more), refusals="tell")})
        return {(row["where"], row["what"], row["key"]) for row in found}

    def pid(self) -> int:
        return int((self._public / "pid").read_text("ascii"))

    def monitor(self, command: str, **arguments: Any) -> None:
        with Qmp(str(self._public / "spare.sock")) as monitor:
            monitor.execute(command, **arguments)

    def ended(self, by: Callable[[], Any]) -> None:
        path = Path(f"/proc/{self.pid()}/exe")
        by()
        wait_for(lambda: not os.path.lexists(path), "the guest has ended", 10)


@pytest.fixture
def site(bare: Modules, tmp_path: Path) -> Iterator[Site]:
    # pytest's own folders are closed to others
    with tempfile.TemporaryDirectory(prefix="hypervisor-network-", dir="/var/tmp") as images:
        made = Site(bare, tmp_path, Path(images))
        try:
            made.become()
            assert made.drift() == set()
            yield made
        finally:
            bare.run("qemu_guest", name="vm1", state="absent", shutdown_timeout=0)


def test_a_guest_that_is_defined_and_does_not_run_is_found_where_it_shall_run(site: Site) -> None:
    site.ended(lambda: os.kill(site.pid(), signal.SIGKILL))
    assert site.drift() == {STATUS}
    assert site.drift(state="stopped") == {STATUS}, "it crashed"
    assert site.drift(state="absent") == {STATUS, STATE}
    site.become()
    site.ended(lambda: site.monitor("quit"))
    assert site.drift() == {STATUS}
    assert site.drift(state="stopped") == set()
    assert site.drift(state="absent") == {STATE}, "its definition is there"
    site.become()
    assert site.drift() == set()


def test_a_guest_that_runs_is_found_where_it_shall_not(site: Site) -> None:
    assert site.drift(state="stopped") == {STATUS}
    assert site.drift(state="absent") == {STATUS, STATE}
    assert site.drift(state="paused") == {STATUS}


def test_a_guest_that_runs_and_has_lost_its_definition_is_found(site: Site) -> None:
    site.definition.unlink()
    assert site.drift() == {REFUSED}, "nobody knows what it has"
    assert site.drift(state="stopped") == {STATUS}
    assert site.drift(state="absent") == {STATUS, STATE}
    gone = {"name": "vm1", "state": "absent", "shutdown_timeout": 0}
    site.ended(lambda: site.modules.done("qemu_guest", **gone))


def test_what_somebody_did_to_a_guest_behind_our_back_is_found(site: Site) -> None:
    site.monitor("stop")
    assert site.drift() == {STATUS}
    site.monitor("cont")
    os.kill(site.pid(), signal.SIGSTOP)
    try:
        assert site.drift() == {REFUSED}, "nobody can ask it"
    finally:
        os.kill(site.pid(), signal.SIGCONT)
    assert site.drift() == set()
    text = site.definition.read_text("utf-8")
    site.definition.write_text(text.replace('"memory": 64', '"memory": 65'), "utf-8")
    assert site.drift() == {(WHERE, GUEST, "memory")}
    site.definition.write_text(text, "utf-8")
    site.monitor("netdev_add", type="user", id="more")
    site.monitor("device_add", driver="e1000", netdev="more", id="more-dev")
    assert site.drift() == {(WHERE, GUEST, "nics")}
    assert site.drift(nics=None) == {(WHERE, GUEST, "nics")}, "the variables leave them alone"


def test_a_tap_that_somebody_made_again_is_not_held_by_its_guest(site: Site) -> None:
    user = guest_user().pw_uid
    batch(site.modules.netns, "link del tap1\n")
    run("ip", "tuntap", "add", "tap1", "mode", "tap", "user", str(user), netns=site.modules.netns)
    batch(site.modules.netns, "link set tap1 master br0 up\n")
    assert site.drift() == {(WHERE, "tap tap1", "holder")}
    assert site.drift(state="stopped") == {STATUS}


def test_what_the_variables_say_otherwise_and_only_a_restart_changes_is_found(site: Site) -> None:
    assert site.drift(memory=80) == {(WHERE, GUEST, "memory")}
    assert site.drift(cpus=2) == {(WHERE, GUEST, "cpus")}
    assert site.drift(size="16M") == {(WHERE, GUEST, "disks.size")}
    site.ended(lambda: os.kill(site.pid(), signal.SIGKILL))
    (site.images / "vm1.qcow2").unlink()
    gone = ("guests", f"disk {site.images / 'vm1.qcow2'}", "state")
    assert site.drift() == {STATUS, gone}


# each thing that a guest may be told, otherwise than it was told; what goes with another stands beside it
OTHERWISE: dict[str, dict[str, Any]] = {
    "accel": {"accel": "kvm"},
    "agent": {"agent": True},
    "allow_root": {"allow_root": True},
    "allowed_roots": {"allowed_roots": ["/var/tmp"]},
    "append": {"kernel": "/x", "append": "quiet"},
    "balloon": {"balloon": True},
    "boot": {"boot": "c"},
    "cdrom": {"cdrom": "/var/tmp/x.iso"},
    "cloud_init": {"cloud_init": {"meta_data": {"instance-id": "i"}}},
    "console": {"console": True},
    "cpu": {"cpu": "qemu64"},
    "cpus": {"cpus": 2},
    "credentials": {"credentials": {"a": "b"}},
    "disks": {"disks": []},
    "emulator": {"emulator": "qemu-system-aarch64", "machine": "virt"},
    "extra_args": {"extra_args": ["-no-shutdown"]},
    "firmware": {"firmware": "uefi"},
    "generation_id": {"generation_id": True},
    "initrd": {"kernel": "/x", "initrd": "/y"},
    "kernel": {"kernel": "/x"},
    "machine": {"machine": "q35"},
    "memory": {"memory": 80},
    "nics": {"nics": []},
    "rng": {"rng": True},
    "secure_boot": {"firmware": "uefi", "secure_boot": True},
    "serial_log": {"serial_log": "/var/tmp/x"},
    "smbios": {"smbios": {"manufacturer": "x"}},
    "tpm": {"tpm": True},
    "user": {"user": "nobody"},
    "vnc": {"vnc": "/var/tmp/x"},
    "vsock": {"vsock": 7},
}
# which only a unit has, so that this host, where systemd does not run, says why it can't; what differs in a unit is in tests/unit/_qemu/test_plan_units.py
OF_UNITS: dict[str, dict[str, Any]] = {
    "autostart": {"autostart": True},
    "cpu_affinity": {"cpu_affinity": ["0"]},
    "cpu_quota": {"cpu_quota": 50},
    "cpu_weight": {"cpu_weight": 50},
    "memory_max": {"memory_max": 512},
    "start_delay": {"start_delay": 3},
    "start_order": {"start_order": 3},
    "supervisor": {"supervisor": "systemd"},
}
# how the role goes about it, and nothing that a guest has
MANNERS = {"name", "on_change", "port_at", "serial_pattern", "shutdown_timeout", "wait_for", "wait_timeout"}  # fmt: skip


def test_each_thing_that_a_guest_is_told_otherwise_is_a_row(site: Site) -> None:
    told = {key: site.drift(**more) for key, more in OTHERWISE.items()}
    assert [key for key, found in told.items() if (WHERE, GUEST, key) not in found] == []
    untold = {key: site.drift(**more) for key, more in OF_UNITS.items()}
    assert [key for key, found in untold.items() if found != {REFUSED}] == []


def test_no_key_of_a_guest_is_without_a_drift() -> None:
    assert {*OTHERWISE, *OF_UNITS, *MANNERS, "state"} == set(items.GUEST)
