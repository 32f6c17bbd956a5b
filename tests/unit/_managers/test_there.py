# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which managers are there, by systemd's links below a folder: one that runs, one that boots, and one that is only installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._managers import there

RUNS = "run/systemd/units/invocation:{}"
BOOTS = "etc/systemd/system/multi-user.target.wants/{}"
MASK = "etc/systemd/system/{}"
NETWORKD, SOCKET, NM = "systemd-networkd.service", "systemd-networkd.socket", "NetworkManager.service"  # fmt: skip


def link(root: Path, path: str, target: str = "7f0c") -> None:
    place = root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(target)


@pytest.mark.parametrize(
    ("links", "found"),
    [
        ([], set()),
        ([RUNS.format(NETWORKD)], {"networkd"}),
        ([BOOTS.format(NETWORKD)], {"networkd"}),
        (["etc/systemd/system/sockets.target.wants/" + SOCKET], {"networkd"}),
        (["usr/lib/systemd/system/multi-user.target.wants/" + NM], {"networkmanager"}),
        ([RUNS.format(NM), BOOTS.format(NETWORKD)], {"networkd", "networkmanager"}),
        # its neighbours are no manager
        ([RUNS.format("systemd-networkd-wait-online.service"), BOOTS.format("NetworkManager-dispatcher.service")], set()),
    ],
)  # fmt: skip
def test_by_what_systemd_tells(tmp_path: Path, links: list[str], found: set[str]) -> None:
    for one in links:
        link(tmp_path, one)
    assert there.there(str(tmp_path)) == found
    assert there.concerned(str(tmp_path)) == bool(found)


def test_one_that_is_masked_will_not_boot_and_may_still_run(tmp_path: Path) -> None:
    link(tmp_path, BOOTS.format(NM))
    link(tmp_path, MASK.format(NM), "/dev/null")
    assert there.there(str(tmp_path)) == set()
    link(tmp_path, RUNS.format(NM))
    assert there.there(str(tmp_path)) == {"networkmanager"}
    assert there.runs("networkmanager", str(tmp_path)) and not there.runs("networkd", str(tmp_path))


def test_files_of_one_that_is_gone_are_still_to_be_removed(tmp_path: Path) -> None:
    place = tmp_path / "etc/NetworkManager/conf.d/hypervisor-network-hands-off-tap1.conf"
    place.parent.mkdir(parents=True)
    place.write_text("", encoding="utf-8")
    assert there.concerned(str(tmp_path)) and not there.there(str(tmp_path))
