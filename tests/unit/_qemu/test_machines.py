# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which version of a machine a guest is, before and after an upgrade of QEMU."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    GuestError,
    Refused,
)
from ansible_collections.hypervisor.network.plugins.module_utils._host import programs
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import machines

# As QEMU 7.2 and 10.0 of Debian print it
SAID = """Supported machines are:
microvm              microvm (i386)
pc                   Standard PC (i440FX + PIIX, 1996) (alias of pc-i440fx-7.2)
pc-i440fx-7.2        Standard PC (i440FX + PIIX, 1996) (default)
pc-i440fx-6.2        Standard PC (i440FX + PIIX, 1996) (deprecated)
q35                  Standard PC (Q35 + ICH9, 2009) (alias of pc-q35-7.2)
pc-q35-7.2           Standard PC (Q35 + ICH9, 2009)
none                 empty machine
"""
OLD = machines.parsed(SAID)
NEW = machines.parsed(SAID.replace("7.2", "10.0"))


def version(asked: str, before: str | None, known: dict[str, str]) -> str:
    return machines.version("vm1", asked, before, known, "qemu-system-x86_64")


def test_what_an_emulator_prints() -> None:
    assert OLD["pc"] == "pc-i440fx-7.2" and OLD["q35"] == "pc-q35-7.2"
    assert OLD["microvm"] == "microvm" and OLD["pc-i440fx-6.2"] == "pc-i440fx-6.2"
    assert "Supported" not in OLD and machines.parsed("") == {}


@pytest.mark.parametrize(
    ("asked", "before", "known", "found"),
    [
        ("pc", None, OLD, "pc-i440fx-7.2"),
        ("pc", None, NEW, "pc-i440fx-10.0"),
        ("pc", "pc-i440fx-6.2", NEW, "pc-i440fx-6.2"),
        ("pc-i440fx-6.2", None, NEW, "pc-i440fx-6.2"),
        ("pc", "pc-i440fx-7.2", {}, "pc-i440fx-7.2"),
        ("pc", None, {}, "pc"),
    ],
)
def test_a_machine_keeps_the_version_of_its_first_start(
    asked: str, before: str | None, known: dict[str, str], found: str
) -> None:
    assert version(asked, before, known) == found


@pytest.mark.parametrize(
    ("asked", "before", "part"),
    [
        ("pc", "pc-i440fx-7.2", "say machine: pc-i440fx-10.0 for hardware of a newer version"),
        ("pc-q35-7.2", None, "has no machine pc-q35-7.2"),
        ("virt", None, "'qemu-system-x86_64 -machine help'"),
    ],
)
def test_a_machine_that_this_qemu_has_not(asked: str, before: str | None, part: str) -> None:
    with pytest.raises(Refused, match=re.escape(part)):
        version(asked, before, NEW)


def test_an_emulator_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def run(words: list[str]) -> programs.Done:
        asked.append(words)
        return programs.Done(0, SAID)

    monkeypatch.setattr(programs, "run", run)
    machines.known.cache_clear()
    assert machines.known("/usr/bin/qemu") == machines.known("/usr/bin/qemu") == OLD
    assert asked == [["/usr/bin/qemu", "-machine", "help"]]
    machines.known.cache_clear()


def test_an_emulator_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(_words: list[str]) -> programs.Done:
        raise TimeoutError(110, "did not end within 10 s")

    monkeypatch.setattr(programs, "run", run)
    with pytest.raises(GuestError, match="does not tell its machines"):
        machines.known("/usr/bin/qemu-that-hangs")
