# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules out of a zip archive: each is compiled once, and is as zipimport would have it."""

from __future__ import annotations

import importlib
import subprocess
import sys
import traceback
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core import compiled_once

ROOM = Path(compiled_once.__file__).parent
OURS = "ansible_collections/hypervisor/network/plugins/module_utils"
FILES = {
    "zipped/__init__.py": "",
    "zipped/room/__init__.py": "WHAT = 'room'\n",
    "zipped/room/one.py": "from zipped.room.two import VALUE\nHERE = __file__\n",
    "zipped/room/two.py": "VALUE = 'ä'\n\n\ndef wrong():\n    raise ValueError(VALUE)\n",
}
SCRIPT = """
import collections, sys
sys.path.insert(0, sys.argv[1])
seen = collections.Counter()
sys.addaudithook(lambda event, args: event == "compile" and str(args[1]).startswith(sys.argv[1]) and seen.update([args[1]]))
import ansible_collections.hypervisor.network.plugins.module_utils._core.reconcile
print(max(count for path, count in seen.items() if "/_core/" in path and "__init__" not in path and "compiled_once" not in path), len(seen))
"""


def archive(path: Path, files: dict[str, str]) -> str:
    with zipfile.ZipFile(path, "w") as made:
        for name, text in files.items():
            made.writestr(name, text)
    return str(path)


@pytest.fixture
def zipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    path = archive(tmp_path / "own.zip", FILES)
    monkeypatch.syspath_prepend(path)
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    compiled_once.install("zipped.")
    yield path
    for name in [one for one in sys.modules if one.partition(".")[0] == "zipped"]:
        del sys.modules[name]


def test_a_module_knows_its_file_its_source_and_its_package(zipped: str) -> None:
    one = importlib.import_module("zipped.room.one")
    assert isinstance(one.__loader__, compiled_once.Loader)
    assert one.VALUE == "ä" and one.HERE == f"{zipped}/zipped/room/one.py"
    room = sys.modules["zipped.room"]
    assert room.__path__ == [f"{zipped}/zipped/room"] and one.__package__ == "zipped.room"
    assert room.__file__ == f"{zipped}/zipped/room/__init__.py" and room.WHAT == "room"
    assert one.__loader__.is_package("zipped.room.one") is False


def test_a_traceback_shows_the_line(zipped: str) -> None:
    two = importlib.import_module("zipped.room.two")
    with pytest.raises(ValueError, match="ä") as raised:
        two.wrong()
    assert "raise ValueError(VALUE)" in "".join(traceback.format_tb(raised.value.__traceback__))


def test_what_the_archive_has_not_is_no_module(zipped: str) -> None:
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("zipped.room.three")


def test_others_modules_and_those_of_folders_are_left_to_others(tmp_path: Path) -> None:
    finder = compiled_once.Finder("ours.")
    assert finder.find_spec("theirs.one", ["/nowhere.zip"]) is None
    assert finder.find_spec("ours.one", [str(tmp_path)]) is None
    assert finder.find_spec("ours.one") is None


def test_our_own_files_are_compiled_once_out_of_what_ansible_sends(tmp_path: Path) -> None:
    files = {f"{OURS}/_core/{one.name}": one.read_text("utf-8") for one in ROOM.glob("*.py")}
    parts = OURS.split("/")
    files.update({"/".join([*parts[:at], "__init__.py"]): "" for at in range(1, len(parts) + 1)})
    path = archive(tmp_path / "payload.zip", files)
    done = subprocess.run([sys.executable, "-S", "-E", "-c", SCRIPT, path], capture_output=True, text=True, check=False)  # fmt: skip
    most, number = done.stdout.split() or (done.stderr, "0")
    assert most == "1" and int(number) > 5
