# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ifupdown behind the port: the files whole, there and back, and what it believes to be up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.apply import Interfaces
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.ifstate import IfState
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.manager import Ifupdown
from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import Owner
from ansible_collections.hypervisor.network.tests.harness.model.standing import WISH, standing

MINE = "# mine\nauto eth0\niface eth0 inet dhcp\n"


def test_the_files_come_and_go_byte_for_byte(tmp_path: Path) -> None:
    path, state = tmp_path / "network/interfaces", tmp_path / "run"
    path.parent.mkdir()
    state.mkdir()
    path.write_text(MINE, encoding="utf-8")
    noun = Interfaces(str(path), str(tmp_path / "kept"), validate=False, cloud=str(tmp_path))
    adapter, nic = Ifupdown("ifupdown", noun, IfState(str(state))), Owner("ifupdown", "eth0", 2)
    assert adapter.describes("eth0") and not adapter.describes("br0")
    assert adapter.look(nic, "br0") is None and adapter.objection(nic, None) is None
    wish = replace(WISH, ports=[])
    for present in (True, False):
        (file,) = adapter.plan(standing(), replace(wish, present=present))
        assert file.path == str(path) and file.text is not None
        path.write_text(file.text, encoding="utf-8")
        adapter.load(standing(), replace(wish, present=present))
        up = (state / "ifstate").read_text("ascii").split()
        assert up == (["br0=br0", "tap1=tap1"] if present else [])
        assert list(adapter.plan(standing(), replace(wish, present=present))) == []
        adapter.load(standing(), replace(wish, present=present))
    assert path.read_text("utf-8") == MINE


def test_a_host_without_such_files_describes_nothing(tmp_path: Path) -> None:
    noun = Interfaces(str(tmp_path / "interfaces"), None, validate=False)
    assert not Ifupdown("ifupdown", noun).describes("eth0")


def test_a_stanza_has_no_words_for_a_mac(tmp_path: Path) -> None:
    noun = Interfaces(str(tmp_path / "interfaces"), None, validate=False)
    with pytest.raises(Refused, match="10-eth0.link"):
        Ifupdown("ifupdown", noun).plan(standing(), replace(WISH, match="mac"))


@pytest.mark.parametrize("second", [True, False])
def test_whether_a_bridge_forwards_is_asked_of_the_kernel_where_ifupdown2_would_change_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, second: bool
) -> None:
    path, sysctl = tmp_path / "network/interfaces", tmp_path / "net/ipv4/conf/br0/forwarding"
    for one, text in ((path, MINE), (sysctl, "0\n")):
        one.parent.mkdir(parents=True)
        one.write_text(text, encoding="utf-8")
    noun = Interfaces(str(path), None, validate=False, cloud=str(tmp_path))
    there = noun.read()
    monkeypatch.setattr(noun, "read", lambda: replace(there, ifupdown2=second))
    adapter = Ifupdown("ifupdown2", noun, IfState(str(tmp_path)), str(tmp_path / "net"))
    (file,) = adapter.plan(standing(), replace(WISH, ports=[], taps=[]))
    said = "up sysctl -qe -w net/ipv4/conf/br0/forwarding=0 || true" in str(file.text)
    assert said is second and "ipv6/conf/br0/forwarding" not in str(file.text)
