# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where it is read who owns a NIC: of this NIC's number, and of nobody else's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._managers import read


def put(root: Path, name: str, text: bytes) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text)


def test_a_host_without_managers(tmp_path: Path) -> None:
    assert read.owner("eth0", 2, str(tmp_path)) is None


def test_the_link_file_is_found_by_the_number(tmp_path: Path) -> None:
    said = b"ADMIN_STATE=configured\nNETWORK_FILE=/etc/systemd/network/a.network\n"
    put(tmp_path, "run/systemd/netif/links/3", said)
    assert read.owner("eth0", 2, str(tmp_path)) is None
    found = read.owner("eth0", 3, str(tmp_path))
    assert found is not None and found.manager == "networkd"


def test_a_file_of_ours_is_of_the_manager_whose_file_it_stands_before(tmp_path: Path) -> None:
    ours = "/etc/systemd/network/05-hypervisor-network-eth0.network"
    put(tmp_path, "run/systemd/netif/links/2", f"ADMIN_STATE=configured\nNETWORK_FILE={ours}\n".encode())  # fmt: skip
    put(tmp_path, ours[1:], b"# before: /run/systemd/network/10-netplan-all-en.network\n[Match]\nName=eth0\n")  # fmt: skip
    found = read.owner("eth0", 2, str(tmp_path))
    assert found is not None and (found.manager, found.source) == ("netplan", ours)


def test_what_is_no_text_stops_nothing(tmp_path: Path) -> None:
    put(tmp_path, "run/network/ifstate", b"\xff\xfe=\n\x00eth1=eth1\neth0=eth0\n")
    put(tmp_path, "usr/sbin/ifreload", b"")
    found = read.owner("eth0", 2, str(tmp_path))
    assert found is not None and found.manager == "ifupdown2"


def test_a_folder_in_the_place_of_a_file_is_none(tmp_path: Path) -> None:
    assert read.text(str(tmp_path)) is None


def test_which_of_both_ifupdowns_reads_its_files_here(tmp_path: Path) -> None:
    assert read.dialect(str(tmp_path)) == "ifupdown"
    put(tmp_path, "usr/sbin/ifreload", b"")
    assert read.dialect(str(tmp_path)) == "ifupdown2"


def test_the_hosts_network_is_that_of_the_first_process(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = {"/proc/self/ns/net": 5, "/proc/1/ns/net": 5}
    monkeypatch.setattr(os, "stat", lambda path: os.stat_result((0, seen[path], *[0] * 8)))
    assert read.is_the_hosts_network()
    seen["/proc/self/ns/net"] = 6
    assert not read.is_the_hosts_network()


def test_where_nobody_tells_it_is_not_the_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_path: str) -> os.stat_result:
        raise PermissionError

    monkeypatch.setattr(os, "stat", refused)
    assert not read.is_the_hosts_network()
