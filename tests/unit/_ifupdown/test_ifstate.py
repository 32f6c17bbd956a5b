# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ifupdown's state, whatever else is in it, and whatever the umask of the run is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._core.reconcile import reconcile
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.ifstate import IfState


def modes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}


@pytest.mark.parametrize("umask", [0o022, 0o077], ids=oct)
def test_every_file_is_readable_for_all_as_ifupdown_makes_it(tmp_path: Path, umask: int) -> None:
    (tmp_path / "ifstate").write_text("lo=lo\n")
    (tmp_path / "ifstate").chmod(0o644)
    before = os.umask(umask)
    try:
        reconcile(IfState(str(tmp_path)), {"br0": True})
    finally:
        os.umask(before)
    assert modes(tmp_path) == dict.fromkeys(("ifstate", "ifstate.br0", ".ifstate.lock"), 0o644)
    assert (tmp_path / "ifstate").read_text() == "lo=lo\nbr0=br0\n"


def test_ifupdown2_is_told_nothing_it_keeps_a_record_of_its_own(tmp_path: Path) -> None:
    """Seen: after each boot a run told a file that nobody reads."""
    (tmp_path / "sbin").mkdir()
    (tmp_path / "sbin/ifreload").touch()
    reconcile(IfState(str(tmp_path), str(tmp_path)), {"br0": True})
    assert not (tmp_path / "ifstate").exists()


def test_a_mode_that_somebody_chose_stays(tmp_path: Path) -> None:
    (tmp_path / "ifstate").write_text("")
    (tmp_path / "ifstate").chmod(0o640)
    reconcile(IfState(str(tmp_path)), {"br0": True})
    assert modes(tmp_path)["ifstate"] == 0o640


@pytest.mark.parametrize(
    "line", [b"\xff\xfe=\xff", b"no equals sign", b"", b"=", b"a=b=c", "ü=ü".encode()[:-1], b"\0"]
)
def test_a_line_that_is_no_text_stops_nothing_and_stays(tmp_path: Path, line: bytes) -> None:
    (tmp_path / "ifstate").write_bytes(b"lo=lo\n" + line + b"\neth0=eth0\n")
    noun = IfState(str(tmp_path))
    assert {"lo", "eth0"} <= set(noun.read())
    reconcile(noun, {"br0": True, "eth0": False})
    assert (tmp_path / "ifstate").read_bytes() == b"lo=lo\n" + line + b"\nbr0=br0\n"


def test_a_state_that_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "ifstate").mkdir()
    with pytest.raises(Refused, match="Cannot read ifupdown's state") as caught:
        IfState(str(tmp_path)).read()
    assert "\n" not in str(caught.value)
    assert IfState(str(tmp_path / "none")).read() == {}
