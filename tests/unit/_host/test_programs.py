# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program of the host is the one in the system's folders, and what it prints may be any bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._host import programs


def test_the_callers_path_has_no_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("cat", "only-here"):
        (tmp_path / name).write_text("#!/bin/sh\necho evil\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert programs.path_of("cat") in ("/usr/bin/cat", "/bin/cat")
    assert programs.path_of("only-here") is None and programs.printed(("only-here",)) is None
    assert programs.printed(("sh", "-c", "cat /dev/null; echo $PATH")) == f"{programs.PATH}\n"


def test_what_is_no_text_is_replaced_line_by_line(tmp_path: Path) -> None:
    (tmp_path / "said").write_bytes(b"one\n\xff\xfe\ntwo\n")
    assert programs.printed(("cat", str(tmp_path / "said"))) == "one\n\ufffd\ufffd\ntwo\n"


def test_one_that_fails_says_what_it_said() -> None:
    assert programs.printed(("sh", "-c", "echo half; exit 3")) == "half\n"
