# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""H: a whole Debian as a guest, entered over the bridge at the address that its seed gave it: by its kernel, by UEFI, and by Secure Boot with a TPM."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.tests.harness.host.debian_guest import (
    ADDRESS,
    LOGIN,
    ROUTER,
    DebianGuest,
)
from ansible_collections.hypervisor.network.tests.harness.host.guests import Guests
from ansible_collections.hypervisor.network.tests.harness.net.netns import batch
from ansible_collections.hypervisor.network.tests.harness.process.long_form import LONG
from ansible_collections.hypervisor.network.tests.harness.process.waiting import wait_for

pytestmark = pytest.mark.skipif(
    not LONG, reason="its image takes minutes, and each boot one: make faults has the time"
)
MINUTES = 400.0  # a processor that is emulated, on a machine with other work


@pytest.fixture
def debian(guests: Guests, guest_folder: Path) -> Iterator[DebianGuest]:
    batch(guests.netns, f"address add {ROUTER}/24 dev br0\n")
    guests.patience = 2 * MINUTES
    made = DebianGuest(guest_folder, guests.netns)
    yield made
    print(made.log.read_text(encoding="utf-8", errors="replace")[-3000:] if made.log.exists() else "")  # fmt: skip


def entered(debian: DebianGuest) -> None:
    """Wait until the guest lets its visitor in, and see that it is who its seed says."""

    def answer() -> str:
        try:
            return debian.ssh("hostname; id -un")
        except AssertionError:
            return ""

    assert wait_for(answer, "an answer over SSH", MINUTES).split() == ["seeded", LOGIN]
    assert f"inet {ADDRESS}/24" in debian.ssh("ip -o -4 address show")
    assert f"default via {ROUTER} " in debian.ssh("ip -4 route show")


def secure_boot(debian: DebianGuest) -> int:
    """What the firmware says of it: the last byte of its variable."""
    name = "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
    return int(debian.ssh(f"od -An -tu1 /sys/firmware/efi/efivars/{name}").split()[-1])


def test_r01_a_guest_with_cloud_init_answers_at_the_address_of_its_seed(guests, debian, run_module):
    wish = {**debian.wish(), **debian.directly()}
    guests.done(**wish, wait_timeout=MINUTES)
    entered(debian)
    assert "\nstatus: done\n" in debian.ssh("cloud-init status --wait --long")
    assert not guests.done(**wish)["changed"]
    kept = run_module("qemu_snapshot", {"guest": guests.name(), "name": "quiet", "quiesce": True})
    assert not kept["failed"] and kept["snapshot"]["consistency"] == "quiesced", kept
    assert debian.ssh("touch /var/tmp/written && sync && echo on").strip() == "on"
    # it is asked by its power button, and so it is shut down: its journal has an end
    (step,) = guests.done(state="stopped", shutdown_timeout=120)["stop_steps"]
    assert (step["step"], step["outcome"]) == ("system_powerdown", "ended")


def test_r02_a_guest_that_is_booted_by_its_own_firmware(guests, debian):
    wish = {**debian.wish(), **debian.by_firmware(), "console": True}
    wish |= {"wait_for": ["port"], "port_at": f"{ADDRESS}:22"}
    guests.done(**wish, wait_timeout=MINUTES)
    entered(debian)
    assert secure_boot(debian) == 0


def test_r03_secure_boot_and_a_tpm_that_has_measured_it(guests, debian):
    wish = {**debian.wish(), **debian.by_firmware(), "secure_boot": True, "tpm": True}
    guests.done(**wish, wait_timeout=MINUTES)
    entered(debian)
    assert secure_boot(debian) == 1
    registers = debian.ssh("cd /sys/class/tpm/tpm0/pcr-sha256 && head -n1 0 4 7")
    values = re.findall(r"[0-9A-F]{64}", registers)
    assert len(values) == 3 and "0" * 64 not in values, registers
