# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who would take a port out of its bridge, by the files of managers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._doctor import takers
from ansible_collections.hypervisor.network.tests.harness.model.tree import write

TAP = Link("tap1", 7, "tun")
FILE = "etc/systemd/network/all.network"
STATE = f"ADMIN_STATE=configured\nNETWORK_FILE=/{FILE}\n"


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, None),
        # T9: a broad match takes taps, and drops them from the bridge
        ({"run/systemd/netif/links/7": STATE, FILE: "[Match]\nType=ether\n[Network]\nDHCP=yes\n"}, "by /etc/systemd/network/all.network"),
        ({"run/systemd/netif/links/7": STATE}, "is managed by systemd-networkd"),
        ({"run/systemd/netif/links/7": STATE, FILE: "[Network]\nKeepMaster=yes\n"}, None),
        ({"run/systemd/netif/links/7": STATE, FILE: "[Network]\n  bridge = br0\n"}, None),
        ({"run/systemd/netif/links/7": STATE, FILE: "[Network]\n# Bridge=br0\nKeepMaster=no\n"}, "takes it out"),
        (
            {
                "run/systemd/netif/links/7": STATE + 'NETWORK_FILE_DROPINS="/run/a.conf:/run/b.conf"\n',
                FILE: "[Network]\n",
                "run/b.conf": "[Network]\nKeepMaster=true\n",
            },
            None,
        ),
        ({"run/systemd/netif/links/7": "ADMIN_STATE=unmanaged\n"}, None),
        ({"run/systemd/netif/links/7": "ADMIN_STATE=configured\nNETWORK_FILE=/etc/systemd/network/05-hypervisor-network-ports.network\n"}, None),
        ({"run/NetworkManager/devices/7": "[device]\nmanaged=true\n"}, "nmcli device set tap1 managed no"),
        ({"run/NetworkManager/devices/7": "[device]\nmanaged=false\n"}, None),
        ({"run/network/ifstate": "tap1=tap1\n"}, None),
        ({"run/systemd/netif/links/7": STATE, "run/network/ifstate": "tap1=tap1\n"}, "at once"),
    ],
)  # fmt: skip
def test_who_would_take_a_tap_out_of_its_bridge(
    tmp_path: Path, files: dict[str, str], words: str | None
) -> None:
    write(tmp_path, files)
    found = takers.takers([TAP], str(tmp_path))
    if words is None:
        assert found == {}
    else:
        assert words in found["tap1"] and not found["tap1"].endswith(".")


OF_TAP, OF_BRIDGE = "6d9b4f5c-0000-4000-8000-000000000001", "6d9b4f5c-0000-4000-8000-000000000002"
MANAGED = {"run/NetworkManager/devices/7": f"[device]\nmanaged=true\nconnection-uuid={OF_TAP}\n"}
ETC, RUN = (
    "etc/NetworkManager/system-connections/{}.nmconnection",
    "run/NetworkManager/system-connections/{}.nmconnection",
)


def profile(uuid: str, *words: str) -> str:
    return "\n".join(("[connection]", f"uuid={uuid}", *words, "", "[tun]", "mode=2", ""))


@pytest.mark.parametrize(
    ("of_tap", "of_bridge", "words"),
    [
        (("controller=br0", "port-type=bridge"), ("interface-name=br0",), None),
        (("master=br0", "slave-type=bridge"), (), None),  # the bridge is nobody's profile's
        ((f"master={OF_BRIDGE}", "slave-type=bridge"), ("interface-name=br0",), None),
        (("master=the guests'", "slave-type=bridge"), ("id=the guests'", "interface-name=br0"), None),
        ((f"master={OF_BRIDGE}", "slave-type=bridge"), ("interface-name=br1",), "makes it no port of br0"),
        (("master=br1", "slave-type=bridge"), ("interface-name=br0",), f"nmcli connection modify {OF_TAP} master br0 slave-type bridge"),
        ((), (), "makes it no port of br0"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("folder", [ETC, RUN])
def test_a_tap_of_a_networkmanager_profile_is_not_to_be_let_go(
    tmp_path: Path, folder: str, of_tap: tuple[str, ...], of_bridge: tuple[str, ...], words: str | None
) -> None:  # fmt: skip
    files = {folder.format("tap"): profile(OF_TAP, *of_tap), ETC.format("x"): "no [profile"}
    if of_bridge:
        files[folder.format("bridge")] = profile(OF_BRIDGE, *of_bridge)
    write(tmp_path, {**MANAGED, **files})
    found = takers.takers([replace(TAP, master="br0")], str(tmp_path))
    if words is None:
        assert found == {}
    else:
        assert words in found["tap1"] and "managed no" not in found["tap1"]


def test_a_tap_whose_profile_is_gone_is_to_be_let_go(tmp_path: Path) -> None:
    write(tmp_path, MANAGED)
    assert "managed no" in takers.takers([TAP], str(tmp_path))["tap1"]


def test_of_all_links_those_of_this_network_that_are_ports(tmp_path: Path) -> None:
    """A namespace's sysfs has another device of that number, or none."""
    files = {f"run/systemd/netif/links/{number}": STATE for number in (7, 8, 9)}
    sysfs = {"sys/tap1/ifindex": "7\n", "sys/tap2/ifindex": "8\n", "sys/tap3/ifindex": "10\n"}
    write(tmp_path, {**files, **sysfs})
    links = [
        replace(TAP, port={}, master="br0"),
        Link("tap2", 8, "tun"),
        Link("tap3", 9, "tun", port={}, master="br0"),
    ]
    assert list(takers.of_links(links, str(tmp_path), str(tmp_path / "sys"))) == ["tap1"]


def test_a_host_on_which_neither_has_run_is_not_looked_at(tmp_path: Path) -> None:
    def never() -> Link:
        raise AssertionError

    assert takers.of_links((never() for _one in range(1)), str(tmp_path)) == {}
