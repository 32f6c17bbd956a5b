# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of managers, sysctls, sysfs and drivers, as the doctor reads them."""

from __future__ import annotations

import ctypes
import errno
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._doctor import surroundings
from ansible_collections.hypervisor.network.plugins.module_utils._doctor.case import Wire

TAP = Link("tap1", 7, "tun")
FILE = "etc/systemd/network/all.network"
STATE = f"ADMIN_STATE=configured\nNETWORK_FILE=/{FILE}\n"


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


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
    found = surroundings.takers([TAP], str(tmp_path))
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
    found = surroundings.takers([replace(TAP, master="br0")], str(tmp_path))
    if words is None:
        assert found == {}
    else:
        assert words in found["tap1"] and "managed no" not in found["tap1"]


def test_a_tap_whose_profile_is_gone_is_to_be_let_go(tmp_path: Path) -> None:
    write(tmp_path, MANAGED)
    assert "managed no" in surroundings.takers([TAP], str(tmp_path))["tap1"]


@pytest.mark.parametrize(
    ("every", "own", "is_strict"),
    [("0", "1", True), ("1", "0", True), ("0", "0", False), ("2", "1", False), ("1", "2", False), ("", "1", True), ("x", None, False)],
)  # fmt: skip
def test_the_larger_rp_filter_counts(
    tmp_path: Path, every: str, own: str | None, is_strict: bool
) -> None:
    write(tmp_path, {"all/rp_filter": every, **({"br0/rp_filter": own} if own else {})})
    assert surroundings.strict(["br0"], str(tmp_path)) == (frozenset({"br0"}) if is_strict else frozenset())  # fmt: skip


def driver(flags: int | None) -> Any:
    """A driver that answers ETHTOOL_GFLAGS, or knows no such word."""

    def ioctl(_control: Any, number: int, request: bytes) -> None:
        name, address = struct.unpack("16sP", request)
        assert (number, name.rstrip(b"\0")) == (0x8946, b"eth0")
        if flags is None:
            raise OSError(errno.EOPNOTSUPP, "no")
        asked = (ctypes.c_uint32 * 2).from_address(address)
        assert asked[0] == 0x25
        asked[1] = flags

    return ioctl


@pytest.mark.parametrize(
    ("files", "flags", "wire"),
    [
        ({"flags": "0x1003"}, 0, Wire(promiscuous=False, merges=False)),
        ({"flags": "0x1103"}, 1 << 15, Wire(promiscuous=True, merges=True)),
        ({"flags": "0x1103", "device/physfn": ""}, None, Wire(True, None, True)),
        ({"ifindex": "9", "flags": "0x1103", "device/physfn": ""}, None, Wire()),
    ],
)
def test_what_is_known_of_a_wire(
    tmp_path: Path, files: dict[str, str], flags: int | None, wire: Wire
) -> None:
    write(tmp_path, {f"eth0/{name}": text for name, text in {"ifindex": "2", **files}.items()})
    assert surroundings.wires([Link("eth0", 2)], str(tmp_path), driver(flags)) == {"eth0": wire}


@pytest.mark.parametrize(
    ("vendor", "product", "cloud"),
    [
        ("Amazon EC2\n", "t3.micro", "Amazon EC2"),
        ("Microsoft Corporation", "Virtual Machine", "Microsoft Corporation"),
        ("Microsoft Corporation", "Surface Pro", None),
        ("Google", "Google Compute Engine", "Google"),
        ("Google", "Chromebook", None),
        ("Hetzner", "vServer", "Hetzner"),
        ("QEMU", "Standard PC", None),
        ("", "", None),
    ],
)
def test_whose_machine_it_is(tmp_path: Path, vendor: str, product: str, cloud: str | None) -> None:
    write(tmp_path, {"sys_vendor": vendor, "product_name": product})
    assert surroundings.cloud(str(tmp_path)) == cloud


def test_a_machine_that_tells_nothing_is_nobodys(tmp_path: Path) -> None:
    assert surroundings.cloud(str(tmp_path / "none")) is None
