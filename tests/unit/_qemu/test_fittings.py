# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a guest is given beside its disks."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import fittings, seed, uefi
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.firmware import Firmware
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.kept import SEED, Kept
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.spec_seed import (
    checked,
    fingerprint,
)

USER = pwd.getpwuid(os.geteuid())
SAID, _SEED = checked({"user_data": "#!/bin/sh\n"})


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept("vm1", str(tmp_path / "guests"))


def test_a_guest_that_wants_nothing_gets_nothing(kept: Kept) -> None:
    fittings.check("vm1", {}, kept)
    assert fittings.ready("vm1", {"firmware": "bios", "cloud_init": None}, kept, USER).paths == {}
    assert not kept.exists


def test_a_seed_that_is_there_is_handed_over(kept: Kept) -> None:
    assert SAID is not None
    with kept.new(SEED, fingerprint(SAID), USER, 0o400) as path:
        pass
    fittings.check("vm1", {"cloud_init": SAID}, kept)
    assert fittings.ready("vm1", {"cloud_init": SAID}, kept, USER).paths == {"cloud_init": path}


def test_a_seed_that_is_not_there(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []
    monkeypatch.setattr(seed, "check", lambda: asked.append(True))
    fittings.check("vm1", {"cloud_init": SAID}, kept)
    assert asked
    with pytest.raises(Refused, match="went away"):
        fittings.ready("vm1", {"cloud_init": SAID}, kept, USER)


def test_firmware_with_its_variables(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    firmware = Firmware("/code", "raw", "/template", "raw")
    monkeypatch.setattr(uefi, "check", lambda spec, name, kept: None)
    monkeypatch.setattr(uefi, "of", lambda spec, name: firmware)
    monkeypatch.setattr(uefi, "variables", lambda *_given: "/vars")
    fittings.check("vm1", {"firmware": "uefi"}, kept)
    found = fittings.ready("vm1", {"firmware": "uefi"}, kept, USER)
    assert (found.paths, found.firmware) == ({"firmware": "/vars"}, firmware)
