# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read of other managers: from which files, of which NIC, and that a host without any gives nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._uplink import manager_files
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.managers import Traces


def write(root: Path, **files: str) -> None:
    """Files by their paths, with __ for each slash."""
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def script(path: Path, *lines: str) -> str:
    path.write_text("\n".join(("#!/bin/sh", *lines, "")), encoding="ascii")
    path.chmod(0o755)
    return str(path)


def read(tmp_path: Path, nic: str = "eth0", index: int = 2) -> Traces:
    return manager_files.read(nic, index, str(tmp_path), str(tmp_path / "proc"))


def test_a_host_without_other_managers(tmp_path: Path) -> None:
    assert read(tmp_path) == Traces()


def test_only_the_files_of_this_nic_are_read(tmp_path: Path) -> None:
    write(
        tmp_path, run__NetworkManager__devices__2="managed=true\n", run__NetworkManager__devices__22="managed=true\n",
        run__systemd__netif__links__3="ADMIN_STATE=configured\n", etc__keepalived__conf_d__a="interface eth0\n",
    )  # fmt: skip
    write(tmp_path / "etc" / "keepalived" / "conf.d", **{"vip.conf": "interface eth0\n"})
    assert read(tmp_path).files == {
        "run/NetworkManager/devices/2": "managed=true\n",
        "etc/keepalived/conf.d/vip.conf": "interface eth0\n",
    }


def test_a_name_that_is_a_pattern_is_none(tmp_path: Path) -> None:
    write(
        tmp_path / "etc" / "sysconfig" / "network",
        **{"ifcfg-eth0": "BOOTPROTO=dhcp\n", "ifcfg-e[t]h0": "BOOTPROTO=static\n"},
    )
    assert read(tmp_path, nic="e[t]h0").files == {
        "etc/sysconfig/network/ifcfg-e[t]h0": "BOOTPROTO=static\n"
    }


@pytest.mark.parametrize(
    ("title", "found"),
    [
        ("/usr/sbin/NetworkManager\0--no-daemon\0", {"NetworkManager"}), ("/usr/lib/systemd/systemd-networkd\0", {"systemd-networkd"}),
        ("/usr/sbin/connmand\0-n\0", {"connmand"}), ("/usr/sbin/wickedd\0--systemd\0", {"wickedd"}), ("keepalived\0", {"keepalived"}),
        ("dhcpcd: [manager] [ip4] [ip6]\0", {"dhcpcd"}), ("dhcpcd: [master] [ip4]\0", {"dhcpcd"}), ("dhcpcd: eth0 [ip4] [ip6]\0", set()),
        ("vi\0/etc/keepalived/keepalived.conf\0", set()), ("/usr/sbin/wickedd-nanny\0", {"wickedd"}), ("", set()),
    ],
)  # fmt: skip
def test_programs_are_known_by_their_command_lines(
    tmp_path: Path, title: str, found: set[str]
) -> None:
    write(tmp_path, proc__77__cmdline=title)
    assert read(tmp_path).programs == found


STATUS = "Name:\tx\nUid:\t{0}\t{0}\t{0}\t{0}\nCapEff:\t{1}\n"
NETWORKD, NOBODY, ADMIN = 998, 65534, "0000000000001000"


def _process(proc: Path, pid: int, title: str, uid: int, caps: str = "0", user: str = "1") -> None:
    folder = proc / str(pid)
    (folder / "ns").mkdir(parents=True)
    (folder / "ns" / "user").symlink_to(f"user:[{user}]")
    (folder / "exe").symlink_to("/usr/sbin/dhcpcd")
    write(folder, cmdline=title, status=STATUS.format(uid, caps))
    write(folder, stat=f"{pid} (x) S 1 9 9 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4711 0 0")


def test_a_local_user_with_a_managers_name_is_none(tmp_path: Path) -> None:
    proc = tmp_path / "proc"
    _process(proc, 10, "x\0", 0)
    (proc / "self").symlink_to("10")
    (proc / "10" / "stat").write_text("10 (x) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 1 0 0")
    for pid, title in enumerate(("keepalived\0", "wickedd\0", "dhcpcd: [manager] [ip4]\0"), 70):
        _process(proc, pid, title, NOBODY)
    # all capabilities, in a user namespace of its own
    _process(proc, 80, "/usr/sbin/connmand\0", NOBODY, "000001ffffffffff", "2")
    assert read(tmp_path).programs == frozenset()
    _process(proc, 90, "systemd-networkd\0", NETWORKD, ADMIN)
    assert read(tmp_path).programs == {"systemd-networkd"}
    _process(proc, 91, "dhcpcd: [privileged proxy] [ip4]\0", 0)
    assert "dhcpcd" in read(tmp_path).programs


def test_cloud_init_counts_where_it_is_and_may(tmp_path: Path) -> None:
    write(tmp_path, etc__cloud__about="")
    assert read(tmp_path).cloud_init is True
    write(
        tmp_path / "etc" / "cloud" / "cloud.cfg.d",
        **{"99-off.cfg": "network: {config: disabled}\n"},
    )
    assert read(tmp_path).cloud_init is False
