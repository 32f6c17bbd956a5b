# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What systemd is asked for, and that a host without it, or with one that does not answer, goes on. What it does then is seen in the lab."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.hypervisor.network.plugins.module_utils._host import systemd


def busctl(tmp_path: Path, then: str = "true") -> str:
    """A program that writes down how it was called."""
    path = tmp_path / "busctl"
    path.write_text(f'#!/bin/sh\necho "$@" >> "{tmp_path}/called"\n{then}\n', encoding="ascii")
    path.chmod(0o755)
    return str(path)


def test_the_processes_are_named_with_their_number(tmp_path: Path) -> None:
    systemd.enter("one", (17, 18), str(tmp_path), busctl(tmp_path))
    said = (tmp_path / "called").read_text(encoding="ascii")
    assert (
        "StartTransientUnit ssa(sv)a(sa(sv)) one.scope fail 5 PIDs au 2 17 18 Slice s system.slice"
        in said
        and said.endswith(" OOMPolicy s continue 0\n")
    )
    assert said.count("\n") == 1


def test_a_systemd_that_knows_no_memory_policy_for_scopes_is_asked_without(tmp_path: Path) -> None:
    systemd.enter(
        "one",
        (17,),
        str(tmp_path),
        busctl(tmp_path, then='case "$*" in *OOMPolicy*) exit 1;; esac'),
    )
    _refused, said = (tmp_path / "called").read_text(encoding="ascii").splitlines()
    assert (
        "one.scope fail 4 PIDs au 1 17 Slice s system.slice" in said
        and "OOMPolicy" not in said
        and said.endswith(" 0")
    )


def test_without_systemd_nobody_is_asked(tmp_path: Path) -> None:
    systemd.enter("one", (17,), str(tmp_path / "missing"), busctl(tmp_path))
    assert not (tmp_path / "called").exists()


def test_a_refusal_or_a_missing_program_is_no_failure(tmp_path: Path) -> None:
    systemd.enter("one", (17,), str(tmp_path), busctl(tmp_path, then="false"))
    systemd.enter("one", (17,), str(tmp_path), str(tmp_path / "nothing"))
