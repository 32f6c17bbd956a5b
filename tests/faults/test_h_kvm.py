# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""H08: /dev/kvm that is missing, not for this user, or hangs."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import accel as accelerator
from ansible_collections.hypervisor.network.tests.harness.host.guests import NOBODY, guest_user


@pytest.mark.parametrize("device", ["missing", "0600"])
def test_h08_no_kvm_for_this_user_is_tcg_where_that_is_allowed(tmp_path, device):
    path = tmp_path / "kvm"
    user = SimpleNamespace(pw_uid=NOBODY, pw_gid=NOBODY, pw_name="nobody")
    if device == "0600":
        path.touch(0o600)
    accel, reason = accelerator.choose(
        "auto", "/usr/bin/qemu-system-x86_64", user, str(tmp_path), str(path)
    )
    assert accel == "tcg" and str(path) in reason
    with pytest.raises(Refused, match="accel: kvm cannot be had"):
        accelerator.choose("kvm", "/usr/bin/qemu-system-x86_64", user, str(tmp_path), str(path))


def test_h08_the_probe_guest_runs_to_its_end_where_the_accelerator_works():
    verdict = accelerator.probe("/usr/bin/qemu-system-x86_64", "tcg", guest_user(), 20)
    assert verdict == accelerator.Verdict(None)


@pytest.fixture
def emulator() -> Iterator[Callable[[str], Path]]:
    """A function that writes the program in the place of QEMU, which notes each of its runs in the file runs."""
    folder = Path(tempfile.mkdtemp(prefix="hypervisor-network-", dir="/var/tmp"))
    folder.chmod(0o777)

    def write(end: str) -> Path:
        program = folder / "qemu-system-x86_64"
        program.write_text(f"#!/bin/sh\necho run >> {folder}/runs\n{end}\n", encoding="utf-8")
        program.chmod(0o755)
        return program

    yield write
    shutil.rmtree(folder)


def test_h08_a_probe_guest_that_has_no_answer_in_time_is_tried_again_by_the_next_run(
    tmp_path, emulator, monkeypatch
):
    """13.22: the host was busy for three seconds, and every guest until its reboot would be emulated."""
    user = guest_user()
    hanging = emulator("exec sleep 60")
    for run in (1, 2):
        monkeypatch.setattr(accelerator, "_ANSWERS", {})  # each run is a process of its own
        for _again in range(2):
            accel, reason = accelerator.choose(
                "auto", str(hanging), user, str(tmp_path), "/dev/null"
            )
            assert accel == "tcg" and "no answer within" in reason
        assert (hanging.parent / "runs").read_text(encoding="utf-8") == "run\n" * run
    monkeypatch.setattr(accelerator, "_ANSWERS", {})
    working = emulator("exit 33")
    assert accelerator.choose("auto", str(working), user, str(tmp_path), "/dev/null")[0] == "kvm"


def test_h08_a_probe_guest_that_fails_is_remembered_until_the_next_boot(
    tmp_path, emulator, monkeypatch
):
    failing = emulator("echo no such kvm >&2; exit 1")
    for _again in range(2):
        monkeypatch.setattr(accelerator, "_ANSWERS", {})
        accel, reason = accelerator.choose(
            "auto", str(failing), guest_user(), str(tmp_path), "/dev/null"
        )
        assert accel == "tcg" and "no such kvm" in reason
        accelerator.remember(str(tmp_path))
    assert (failing.parent / "runs").read_text(encoding="utf-8") == "run\n"


def test_h08_who_only_looks_leaves_no_record_of_the_probe(tmp_path, emulator, monkeypatch):
    monkeypatch.setattr(accelerator, "_ANSWERS", {})
    accelerator.choose("auto", str(emulator("exit 33")), guest_user(), str(tmp_path), "/dev/null")
    assert list(tmp_path.iterdir()) == []
