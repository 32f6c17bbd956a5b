# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names that another boot may give, by what /sys and udev's files say."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._host.nic_names import reasons

PCI = "E:ID_NET_NAME_PATH=enp1s0\nE:ID_NET_NAME_MAC=enx525400000001\n"
DEFAULT = "E:ID_NET_LINK_FILE=/usr/lib/systemd/network/99-default.link\n"
RULED = PCI + DEFAULT + "E:ID_NET_NAME=enp1s0\n"
QUIET = "ro quiet net.ifnames=0"


@pytest.mark.parametrize(
    ("nics", "cmdline", "told"),
    [
        ({"enp1s0": RULED}, "", {}),
        ({"eth0": RULED}, "", {"eth0": "enp1s0"}),
        ({"eth0": PCI + DEFAULT}, QUIET, {}),
        ({"eth0": PCI + DEFAULT, "eth1": PCI + DEFAULT}, QUIET, {"eth0": "its 2 NICs", "eth1": "its 2 NICs"}),
        ({"eth0": PCI + "E:ID_NET_LINK_FILE=/etc/systemd/network/10-eth0.link\n", "enp1s0": RULED}, "", {}),
        ({"eth0": "", "eth1": ""}, "", {}),
        ({"enx525400000001": PCI + "E:ID_NET_LINK_FILE=/usr/lib/systemd/network/73-usb-net-by-mac.link\n"}, "", {}),
    ],
)  # fmt: skip
def test_a_name_is_kept_where_udev_gave_it(
    tmp_path: Path, nics: dict[str, str], cmdline: str, told: dict[str, str]
) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "cmdline").write_text(cmdline)
    for index, (nic, data) in enumerate(nics.items(), 2):
        (tmp_path / "sys" / nic / "device").mkdir(parents=True)
        (tmp_path / "sys" / nic / "ifindex").write_text(f"{index}\n")
        if data:
            (tmp_path / "run" / f"n{index}").write_bytes(b"S:x\n\xff\n" + data.encode())
    (tmp_path / "sys" / "veth0").mkdir()
    found = reasons(str(tmp_path / "sys"), str(tmp_path / "run"), str(tmp_path / "cmdline"))
    assert found.keys() == told.keys()
    assert all(told[nic] in why for nic, why in found.items())


def test_without_sys_and_udev_nothing_is_told(tmp_path: Path) -> None:
    assert reasons(str(tmp_path / "no"), str(tmp_path / "no"), str(tmp_path / "no")) == {}
