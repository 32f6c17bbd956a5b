# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs beside a guest with a TPM; how it lives and ends is seen in tests/faults/test_h_tpm.py."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    MissingDependency,
    Refused,
)
from ansible_collections.hypervisor.network.plugins.module_utils._host import programs
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import tpm
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.kept import Kept

USER = pwd.getpwuid(os.geteuid())


def test_a_host_without_swtpm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "path_of", {"swtpm": None, "tpm": "/usr/bin/tpm"}.get)
    with pytest.raises(MissingDependency, match="apt-get install swtpm"):
        tpm.program()


def test_a_host_without_the_user_of_tpms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tpm, "TPM_USER", "hnet-nobody-at-all")
    with pytest.raises(Refused, match="no user 'hnet-nobody-at-all'.*role bridge_host"):
        tpm.account()


def test_its_state_is_of_its_own_user_and_its_socket_in_the_guests_own_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "path_of", "/usr/bin/{}".format)
    monkeypatch.setattr(tpm, "account", lambda: USER)
    one = tpm.companion(Kept("vm1", str(tmp_path / "guests")), "/run/hypervisor-network/vm1", USER)
    assert one.socket == "/run/hypervisor-network/vm1/tpm.sock"
    assert one.words[0] == "/usr/bin/swtpm" and one.user == USER
    assert f"dir={tmp_path}/guests/vm1/tpm" in one.words and "--terminate" in one.words
    assert (tmp_path / "guests/vm1/tpm").stat().st_mode & 0o777 == 0o700
    assert one.listening(3)[-2:] == ["--ctrl", "type=unixio,fd=3"]
