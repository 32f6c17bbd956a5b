# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Managers beside the one whose files boot the devices are kept off these, by files that come and go with the others."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import ReadBackError
from ansible_collections.hypervisor.network.plugins.module_utils._core.reconcile import reconcile
from ansible_collections.hypervisor.network.plugins.module_utils._managers import foreign
from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import HANDS_OFF
from ansible_collections.hypervisor.network.plugins.module_utils._persist import (
    apply as persistence,
)
from ansible_collections.hypervisor.network.tests.harness.model.persisted import (
    MINE,
    Told,
    host,
)
from ansible_collections.hypervisor.network.tests.harness.model.standing import WISH

ABSENT = replace(WISH, present=False)
TAPS = replace(WISH, bridges=[], uplinks=[], ports=[])
NETWORKDS = "/etc/systemd/network/05-hypervisor-network-tap1.network"
NETWORKMANAGERS = "/etc/NetworkManager/conf.d/hypervisor-network-hands-off-tap1.conf"


@pytest.fixture(autouse=True)
def _nothing_foreign(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreign, "kept", lambda _netlink: nullcontext())


def runs(root: Path, service: str) -> None:
    place = root / f"run/systemd/units/invocation:{service}.service"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to("7f0c")


def files(root: Path) -> dict[str, bytes]:
    return {str(one.relative_to(root)): one.read_bytes() for one in (root / "etc").rglob("*") if one.is_file()}  # fmt: skip


def aside(root: Path, wish: Any = TAPS, manager: str = "ifupdown", **more: Any) -> Any:
    """(the noun of a host whose files somebody else writes, netlink's side, how often networkd was told)."""
    told: list[str] = []
    more = {"scope": HANDS_OFF, "have_read": told.append, "patience": 0.0, **more}
    netlink = Told()
    noun = persistence.Persistence(netlink, wish, manager, str(root / "kept"), {}, str(root), **more)  # type: ignore[arg-type]  # fmt: skip
    return noun, netlink, told


def test_networkmanager_beside_networkd_is_kept_off_and_the_way_back_leaves_all_as_it_was(
    tmp_path: Path,
) -> None:
    theirs = tmp_path / "etc/NetworkManager/conf.d/mine.conf"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("[keyfile]\nunmanaged-devices=mac:aa\n", encoding="utf-8")
    before = files(tmp_path)
    runs(tmp_path, "NetworkManager")
    noun, _told, adapter = host(tmp_path)
    predicted = reconcile(noun, WISH, check_mode=True)
    assert files(tmp_path) == before
    done = reconcile(noun, WISH)
    assert [str(one) for one in done.changes] == [str(one) for one in predicted.changes]
    assert NETWORKMANAGERS[1:] in files(tmp_path) and NETWORKDS[1:] not in files(tmp_path)
    assert NETWORKMANAGERS in {one["after_header"] for one in persistence.diff(done.changes)}
    assert not reconcile(noun, WISH).changed and adapter.loads == 1
    noun, told, _adapter = host(tmp_path, ABSENT)
    told.now = replace(told.now, links={name: replace(link, master=None) for name, link in told.now.links.items()})  # fmt: skip
    reconcile(noun, ABSENT)
    assert files(tmp_path) == before


def test_a_host_without_another_manager_has_no_file_of_it(tmp_path: Path) -> None:
    noun, _told, _adapter = host(tmp_path)
    reconcile(noun, WISH)
    assert list(files(tmp_path)) == [MINE[1:]]


def test_networkd_beside_ifupdown_reads_it_at_once_and_only_then(tmp_path: Path) -> None:
    runs(tmp_path, "systemd-networkd")
    noun, _netlink, told = aside(tmp_path)
    assert reconcile(noun, TAPS, check_mode=True).changed and not told
    assert [str(one) for one in reconcile(noun, TAPS).changes] == [f"create file {NETWORKDS}"]
    assert told == [str(tmp_path)]
    assert not reconcile(noun, TAPS).changed
    # what it is kept off no longer it would take at once
    absent = replace(TAPS, present=False)
    noun, _netlink, later = aside(tmp_path, absent)
    assert reconcile(noun, absent).changed and not files(tmp_path) and not later


def test_one_that_only_boots_is_not_told(tmp_path: Path) -> None:
    place = tmp_path / "etc/systemd/system/multi-user.target.wants/systemd-networkd.service"
    place.parent.mkdir(parents=True)
    place.symlink_to("/lib/systemd/system/systemd-networkd.service")
    noun, _netlink, told = aside(tmp_path)
    assert reconcile(noun, TAPS).changed and not told


def test_one_that_takes_a_tap_nevertheless_has_its_file_taken_back(tmp_path: Path) -> None:
    runs(tmp_path, "systemd-networkd")

    def take(_root: str) -> None:
        netlink.now = replace(netlink.now, links={**netlink.now.links, "tap1": replace(netlink.now.links["tap1"], master=None)})  # fmt: skip

    noun, netlink, _told = aside(tmp_path, have_read=take)
    with pytest.raises(ReadBackError, match="tap1 from br0"):
        reconcile(noun, TAPS)
    assert not files(tmp_path)


def test_nobodys_devices_want_no_manager_for_that(tmp_path: Path) -> None:
    runs(tmp_path, "NetworkManager")
    noun, _netlink, _told = aside(tmp_path, manager="auto")
    assert reconcile(noun, TAPS).changed and noun.manager == "ifupdown"


def test_whose_files_somebody_else_writes_is_not_asked_what_he_would_write(tmp_path: Path) -> None:
    """A bridge and its uplink of ifupdown's: there are no adapters here, and cloud-init's switch is the other's too."""
    runs(tmp_path, "systemd-networkd")
    noun, _netlink, _told = aside(tmp_path, replace(WISH, cloud_init_network=False))
    done = reconcile(noun, WISH)
    assert [one.name.rpartition("-")[2] for one in done.changes] == [
        "br0.network", "eth0.network", "veth1.network", "tap1.network",
    ]  # fmt: skip


def test_the_files_that_others_read_are_foreseen(tmp_path: Path) -> None:
    runs(tmp_path, "NetworkManager")
    noun, netlink, _told = aside(tmp_path)
    assert [one.name for one in noun.foresee(netlink.now, ())] == [NETWORKMANAGERS]


def test_others_are_kept_off_devices_that_are_still_to_come(tmp_path: Path) -> None:
    runs(tmp_path, "systemd-networkd")
    for manager in ("auto", "ifupdown"):
        noun, netlink, told = aside(tmp_path, manager=manager)
        netlink.now = replace(netlink.now, links={})
        done = reconcile(noun, TAPS)
        assert list(files(tmp_path)) == [NETWORKDS[1:]] and noun.disagreements(done) == {}
    assert not told  # it was written by then
