# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a command shows is kept, with its colours and its exit status."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

TOOL = Path(__file__).resolve().parents[3] / "tools" / "record.py"
SHOWN = r"printf '\033[32mgr\303\274n\033[0m & <b>\n'; stty size; exit 3"


def recorded(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """With no terminal of its own, as in CI."""
    return subprocess.run(
        [sys.executable, str(TOOL), *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )


def test_a_command_is_shown_and_kept_with_its_status(tmp_path: Path) -> None:
    done = recorded(tmp_path, "demo", "sh", "-c", f"sleep 0.05; {SHOWN}")
    assert done.returncode == 3 and "\x1b[32mgrün" in done.stdout
    header, *events = map(json.loads, (tmp_path / "demo.cast").read_text("utf-8").splitlines())
    assert (header["version"], header["width"], header["height"]) == (2, 120, 40)
    shown = "".join(text for _time, _kind, text in events)
    assert shown == "\x1b[32mgrün\x1b[0m & <b>\r\n40 120\r\n"
    assert events[0][0] >= 0.05 and {kind for _time, kind, _text in events} == {"o"}
    picture = (tmp_path / "demo.svg").read_text("utf-8")
    words = "".join(ElementTree.fromstring(picture).itertext()).split()
    assert words[words.index("grün") :][:3] == ["grün", "&", "<b>"]
    assert "url(http" not in picture and "@font-face" not in picture, "it asks nobody"


@pytest.mark.parametrize("words", [["demo"], []])
def test_who_names_no_command_is_told(words: list[str], tmp_path: Path) -> None:
    done = recorded(tmp_path, *words)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert list(tmp_path.iterdir()) == []
