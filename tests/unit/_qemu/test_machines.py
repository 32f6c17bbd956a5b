# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which version of a machine a guest is, before and after an upgrade of QEMU."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
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

    def run(words: list[str], _seconds: float) -> programs.Done:
        asked.append(words)
        return programs.Done(0, SAID)

    monkeypatch.setattr(programs, "run", run)
    machines.known.cache_clear()
    assert machines.known("/usr/bin/qemu") == machines.known("/usr/bin/qemu") == OLD
    assert asked == [["/usr/bin/qemu", "-machine", "help"]]
    machines.known.cache_clear()


@pytest.fixture
def emulator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A program whose machines each version of it tells by its last byte."""
    program = tmp_path / "qemu"
    program.write_bytes(b"\x7fELF...1")
    (tmp_path / "asked").touch()

    def run(words: list[str], _seconds: float) -> programs.Done:
        with (tmp_path / "asked").open("a", encoding="ascii") as file:
            file.write("x")
        own = Path(words[0]).read_text("ascii").strip()[-1]
        return programs.Done(0, SAID.replace("7.2", f"7.{own}"))

    monkeypatch.setattr(programs, "run", run)
    yield program
    machines.known.cache_clear()


def in_another_run(program: Path) -> tuple[str, int]:
    """The newest pc as a later run finds it, and how often the emulator was asked for it until then."""
    machines.known.cache_clear()
    found = machines.known(str(program), str(program.parent))
    machines.remember(str(program), str(program.parent))
    return found["pc"], (program.parent / "asked").stat().st_size


def test_what_an_emulator_told_is_remembered_until_there_is_another(emulator: Path) -> None:
    assert in_another_run(emulator) == in_another_run(emulator) == ("pc-i440fx-7.1", 1)
    newer = emulator.with_name("newer")
    newer.write_bytes(b"\x7fELF...2")
    os.utime(newer, ns=(1, emulator.stat().st_mtime_ns))
    newer.rename(emulator)
    assert in_another_run(emulator) == in_another_run(emulator) == ("pc-i440fx-7.2", 2)
    other = emulator.with_name("other")
    other.write_bytes(b"\x7fELF...3")
    assert in_another_run(other) == ("pc-i440fx-7.3", 3)
    assert in_another_run(emulator) == ("pc-i440fx-7.2", 3)


def test_who_only_looks_writes_nothing(emulator: Path) -> None:
    machines.known.cache_clear()
    assert machines.known(str(emulator), str(emulator.parent))["pc"] == "pc-i440fx-7.1"
    assert not emulator.with_name(".machines.json").exists()


def test_what_a_script_told_is_not_remembered_since_it_may_run_another_program(
    emulator: Path,
) -> None:
    emulator.write_bytes(b"#!/bin/sh 1")
    assert [in_another_run(emulator)[1] for _again in range(2)] == [1, 2]


# as the package qemu-system-x86 of Debian 12 has it
DEBIANS = """#! /bin/sh
# This is a temporarily wrapper
#
xenredir=/usr/libexec/xen-qemu-system-i386
exe=INNER

for opt in "$@"; do
  case "$opt" in
    -xen-* | --xen-*)
      if [ -x $xenredir ]; then
        exe=$xenredir
      else
        exit 1
      fi
      break
      ;;
  esac
done

exec "$exe" "$@"
"""


@pytest.fixture
def wrapper(emulator: Path) -> Path:
    """Debian's script before the emulator."""
    script = emulator.with_name("wrapper")
    script.write_text(DEBIANS.replace("INNER", str(emulator)), "ascii")
    return script


def test_of_debians_script_before_an_emulator_both_count(wrapper: Path, emulator: Path) -> None:
    assert [in_another_run(wrapper)[1] for _again in range(2)] == [1, 1]
    emulator.write_bytes(b"\x7fELF....2")
    assert [in_another_run(wrapper)[1] for _again in range(2)] == [2, 2]
    wrapper.write_text(wrapper.read_text("ascii").replace("temporarily", "temporary"), "ascii")
    assert [in_another_run(wrapper)[1] for _again in range(2)] == [3, 3]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("exe=INNER", "exe=$QEMU"),
        ("exe=INNER", "exe=INNER; exe=/bin/true"),
        ("exe=INNER", "exe=/nonexistent"),
        ("exe=INNER", "exe=SCRIPT"),
        ("exe=INNER", "exe=INNER\nexe=/bin/true"),
        ("break", 'exec "$QEMU"'),
        ("exec ", "exec env "),
        ('"$@"\n', '"$@"\n# 1'),
        ("/bin/sh", "/bin/bash"),
    ],
)
def test_another_script_may_run_any_program(
    wrapper: Path, emulator: Path, old: str, new: str
) -> None:
    text = DEBIANS.replace(old, new, 1).replace("INNER", str(emulator))
    wrapper.write_text(text.replace("SCRIPT", str(wrapper)), "ascii")
    assert [in_another_run(wrapper)[1] for _again in range(2)] == [1, 2]


def test_an_answer_without_machines_is_not_remembered(
    emulator: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(programs, "run", lambda _words, _seconds: programs.Done(1))
        machines.known.cache_clear()
        assert machines.known(str(emulator), str(emulator.parent)) == {}
    assert in_another_run(emulator) == ("pc-i440fx-7.1", 1)


@pytest.mark.parametrize("left", ["[]", '{"%s": 1}', '{"%s": {"of": null}}', "{"])
def test_a_record_that_says_nothing_is_written_anew(emulator: Path, left: str) -> None:
    record = emulator.with_name(".machines.json")
    record.write_text(left.replace("%s", str(emulator)), "ascii")
    assert in_another_run(emulator) == in_another_run(emulator) == ("pc-i440fx-7.1", 1)


def test_an_emulator_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(_words: list[str], _seconds: float) -> programs.Done:
        raise TimeoutError(110, "did not end within 10 s")

    monkeypatch.setattr(programs, "run", run)
    with pytest.raises(GuestError, match="does not tell its machines"):
        machines.known("/usr/bin/qemu-that-hangs")
