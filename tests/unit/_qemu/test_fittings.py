# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a guest is given beside its disks."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import (
    fittings,
    machines,
    seed,
    tpm,
    uefi,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.files import Fittings
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.firmware import Firmware
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.kept import SEED, Kept
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.rundir import RunDirectory
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.spec_seed import (
    checked,
    fingerprint,
)

DIRECTORY, QEMU = RunDirectory("vm1"), "/usr/bin/qemu"
PUBLIC = DIRECTORY.public
BASE = {"emulator": "qemu-system-x86_64", "machine": "pc"}
USER = pwd.getpwuid(os.geteuid())
SAID, _SEED = checked({"user_data": "#!/bin/sh\n"})


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The machines of the emulator."""
    found = {"pc": "pc-i440fx-7.2", "pc-i440fx-7.2": "pc-i440fx-7.2"}
    monkeypatch.setattr(machines, "known", lambda _program: found)
    return found


@pytest.fixture(autouse=True)
def remembered(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The emulators whose machines are kept for later runs."""
    found: list[str] = []
    monkeypatch.setattr(machines, "remember", found.append)
    return found


def check(kept: Kept, **spec: Any) -> None:
    fittings.check("vm1", {**BASE, **spec}, kept, QEMU)


def ready(kept: Kept, **spec: Any) -> Fittings:
    return fittings.ready("vm1", {**BASE, **spec}, kept, USER, DIRECTORY, QEMU)


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept("vm1", str(tmp_path / "guests"))


def test_a_guest_that_wants_nothing_gets_nothing(kept: Kept, remembered: list[str]) -> None:
    check(kept)
    assert not kept.exists and remembered == []
    assert ready(kept, firmware="bios", cloud_init=None).paths == {}
    assert remembered == [QEMU]


def test_a_machine_keeps_the_version_of_its_first_start(kept: Kept, known: dict[str, str]) -> None:
    assert ready(kept).machine == "pc-i440fx-7.2"
    known["pc"] = known["pc-i440fx-10.0"] = "pc-i440fx-10.0"
    assert ready(kept).machine == "pc-i440fx-7.2"
    assert ready(kept, machine="pc-i440fx-10.0").machine == "pc-i440fx-10.0"
    del known["pc-i440fx-7.2"]
    with pytest.raises(Refused, match="since its first start"):
        check(kept)


def test_a_seed_that_is_there_is_handed_over(kept: Kept) -> None:
    assert SAID is not None
    with kept.new(SEED, fingerprint(SAID), USER, 0o400) as path:
        pass
    check(kept, cloud_init=SAID)
    assert ready(kept, cloud_init=SAID).paths == {"cloud_init": path}


def test_a_seed_that_is_not_there(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []
    monkeypatch.setattr(seed, "check", lambda: asked.append(True))
    check(kept, cloud_init=SAID)
    assert asked
    with pytest.raises(Refused, match="went away"):
        ready(kept, cloud_init=SAID)


def test_firmware_with_its_variables(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    firmware = Firmware("/code", "raw", "/template", "raw")
    asked: list[str] = []
    monkeypatch.setattr(uefi, "check", lambda spec, name, kept: asked.append(spec["machine"]))
    monkeypatch.setattr(uefi, "of", lambda spec, name: firmware)
    monkeypatch.setattr(uefi, "variables", lambda *_given: "/vars")
    check(kept, firmware="uefi")
    found = ready(kept, firmware="uefi")
    assert (found.paths, found.firmware) == ({"firmware": "/vars"}, firmware)
    assert asked == ["pc-i440fx-7.2"], "firmware is for versions of machines"


def test_a_tpm_is_a_companion(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tpm, "program", lambda: "/usr/bin/swtpm")
    monkeypatch.setattr(tpm, "account", lambda: USER)
    check(kept, tpm=True)
    found = ready(kept, tpm=True)
    assert [one.name for one in found.companions] == ["tpm"]
    assert found.paths == {"tpm": f"{PUBLIC}/tpm.sock"}
    assert os.path.isdir(f"{kept.path}/tpm")


def test_a_tpm_of_a_unit_is_a_unit_that_makes_its_own_folder(kept: Kept) -> None:
    found = ready(kept, tpm=True, supervisor="systemd")
    assert not found.companions and not os.path.exists(f"{kept.path}/tpm")
    assert found.paths == {"tpm": "/run/hypervisor-network/.vm1.tpm"}


def test_an_agent_has_a_socket_in_the_guests_own_directory(kept: Kept) -> None:
    assert ready(kept, agent=True).paths == {"agent": f"{PUBLIC}/agent.sock"}
    assert ready(kept, console=True).paths == {"console": f"{PUBLIC}/console.sock"}
