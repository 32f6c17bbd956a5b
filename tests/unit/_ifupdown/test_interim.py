# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A move between two files, stopped after each rename: a host that boots then is reachable. The oracle is ifquery, where it is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._core.reconcile import reconcile
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.apply import Interfaces
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.validate import checked

ITEM: dict[str, Any] = {
    "name": "br0", "state": "present", "family": None, "method": None, "options": None, "auto": None, "allow_hotplug": None,
    "take_over": None, "hand_back": None, "file": None,
}  # fmt: skip
STATIC = "    address 192.0.2.2/24\n    gateway 192.0.2.1\n"
BRIDGE = f"auto br0\niface br0 inet static\n{STATIC}    bridge_ports eth0\n"
MANUAL = "auto eth0\niface eth0 inet manual\n"
PLAIN = f"auto eth0\niface eth0 inet static\n{STATIC}"
# name: (main file before, bridge's own file before, the wish)
MOVES = {
    "hand_back": (MANUAL, BRIDGE, {"state": "absent", "hand_back": "eth0"}),
    "hand_back with dhcp": (
        MANUAL, BRIDGE.replace("static", "dhcp").replace(STATIC, ""), {"state": "absent", "hand_back": "eth0"},
    ),
    "take_over by a bridge that has a file of its own": (
        PLAIN, "auto br0\niface br0 inet manual\n    bridge_ports none\n", {"take_over": "eth0"},
    ),
}  # fmt: skip


@pytest.fixture(params=MOVES)
def move(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Any]:
    """A folder with the files of before, and the wish."""
    main, own, wish = MOVES[request.param]
    folder = tmp_path / "network"
    (folder / "interfaces.d").mkdir(parents=True)
    (folder / "interfaces").write_text(f"source {folder}/interfaces.d/*\n{main}")
    if own is not None:
        (folder / "interfaces.d" / "br0").write_text(own)
    item = {
        key: value.replace("FOLDER", str(folder)) if isinstance(value, str) else value
        for key, value in wish.items()
    }
    return folder, [checked({**ITEM, **item}, True)]


def noun(folder: Path) -> Interfaces:
    return Interfaces(str(folder / "interfaces"), None, shutil.which("ifquery") is not None)


def texts(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }


def stand_in(folder: Path, found: dict[str, str]) -> Path:
    """The files as they were at a moment, elsewhere."""
    (folder / "interfaces.d").mkdir(parents=True)
    for name, text in found.items():
        (folder / name).write_text(text.replace(str(folder.parent / "network"), str(folder)))
    return folder


def reachable(folder: Path) -> list[str]:
    """The interfaces that a boot would configure with an address."""

    def ask(*words: str) -> str:
        command = ["ifquery", "-i", str(folder / "interfaces"), *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        # a name on a line "auto" that no stanza has yet is passed over at boot
        assert done.returncode == 0 or "unknown interface" in done.stderr, done.stderr
        return done.stdout

    return [
        name
        for name in ask("--list", "--allow", "auto").split()
        if "address: 192.0.2.2" in ask(name) or _leased(folder, name)
    ]


def _renames(wish: Any) -> int:
    """What loses the addresses is written twice; a bridge that takes over gets them in the NIC's file, and its own is written first."""
    return 2 if wish[0].take_over else 3


def _leased(folder: Path, name: str) -> bool:
    return any(f"iface {name} inet dhcp" in text for text in texts(folder).values())


def test_after_every_rename_exactly_one_device_would_have_the_address(
    move: tuple[Path, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("ifquery") is None:
        pytest.skip("ifupdown is not installed: make test installs it")
    folder, wish = move
    seen = [texts(folder)]
    rename, unlink = os.rename, os.unlink

    def renamed(*words: Any, **more: Any) -> None:
        rename(*words, **more)
        seen.append(texts(folder))

    def unlinked(*words: Any, **more: Any) -> None:
        unlink(*words, **more)
        seen.append(texts(folder))

    monkeypatch.setattr(os, "rename", renamed)
    monkeypatch.setattr(os, "unlink", unlinked)
    assert reconcile(noun(folder), wish).changed
    monkeypatch.undo()
    moments = [found for at, found in enumerate(seen) if at == 0 or found != seen[at - 1]]
    assert len(moments) == 1 + _renames(wish)
    for number, found in enumerate(moments):
        there = reachable(stand_in(tmp_path / f"moment{number}", found))
        assert len(there) == 1, (number, there, found)
    assert not reconcile(noun(folder), wish).changed


@pytest.mark.parametrize("failing", [1, 2, 3])
def test_a_failure_between_two_renames_leaves_what_was_there(
    move: tuple[Path, Any], monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    folder, wish = move
    failing = min(failing, _renames(wish))
    before, count = texts(folder), [0]
    rename = os.rename

    def renamed(*words: Any, **more: Any) -> None:
        count[0] += 1
        if count[0] == failing:
            raise OSError(28, "No space left on device")
        rename(*words, **more)

    monkeypatch.setattr(os, "rename", renamed)
    with pytest.raises(Refused, match="Cannot replace"):
        reconcile(noun(folder), wish)
    monkeypatch.undo()
    assert texts(folder) == before
    assert not list(folder.rglob(".hypervisor-network-*"))
