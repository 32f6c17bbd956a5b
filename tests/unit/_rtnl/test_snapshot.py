# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read of the kernel as a snapshot, and of sysfs."""

from __future__ import annotations

import socket
import struct
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import KernelError
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import link as rtnl_link
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import nla
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import (
    snapshot as rtnl_snapshot,
)


def test_a_station_is_told_by_its_folders_in_sysfs(tmp_path: Path) -> None:
    for name, entry in (
        ("wlan0", "phy80211"),
        ("wlan1", "wireless"),
        ("eth0", "queues"),
        ("eth1", None),
    ):
        (tmp_path / name / (entry or "")).mkdir(parents=True)
    assert rtnl_snapshot.wireless(["wlan0", "wlan1", "eth0", "eth1", "gone0"], str(tmp_path)) == {
        "wlan0",
        "wlan1",
    }


def device(
    name: str, index: int, kind: str = "", master: int | None = None, vlans: bool = False
) -> bytes:
    """A link as the kernel dumps it; C(vlans): a bridge of a kernel that has them."""
    info = nla.attribute(1, kind.encode() + b"\0")
    if vlans:
        info += nla.attribute(2, nla.attribute(8, b"\x81\0") + nla.attribute(7, b"\1"))
    if master is not None:
        info = (
            nla.attribute(1, b"veth\0")
            + nla.attribute(4, b"bridge\0")
            + nla.attribute(5, nla.attribute(1, b"\3"))
        )
    body = (
        rtnl_link.link_header(index)
        + nla.attribute(3, name.encode() + b"\0")
        + nla.attribute(18, info)
    )
    return body + (nla.attribute(10, struct.pack("=I", master)) if master is not None else b"")


def member(index: int, vid: int, own: bool = False) -> bytes:
    """A device's VLAN as the kernel dumps it."""
    spec = nla.attribute(2, struct.pack("=HH", 6, vid))
    return struct.pack("=BxHiII", 7, 1, index, 0, 0) + nla.attribute(26, spec)


class Dumped(rtnl_snapshot.Netlink):
    """A namespace that is known by what it dumps."""

    def __init__(self, **dumps: list[bytes]) -> None:
        self.dumps, self.asked = dumps, []

    def dump(self, kind: int, body: bytes | None = None) -> list[bytes]:
        name = {18: "links", 22: "addresses", 26: "routes", 30: "neighbours"}[kind]
        name = name if body is None else f"{name}_of_bridges" if body[0] == 7 else name
        self.asked.append(name)
        return self.dumps.get(name, [])


def test_addresses_and_vlans_are_asked_for_only_where_they_are_wanted() -> None:
    netlink = Dumped(links=[device("br0", 1, "bridge", vlans=True)])
    netlink.snapshot()
    assert netlink.asked == ["links"]
    netlink.snapshot(addresses=True, vlans=True)
    assert netlink.asked == ["links", "links", "links_of_bridges", "addresses"]


def test_a_bridge_and_its_ports_have_vlans_and_nobody_else() -> None:
    netlink = Dumped(
        links=[
            device("br0", 1, "bridge", vlans=True),
            device("tap1", 2, master=1),
            device("tap2", 3, master=1),
            device("eth0", 4),
        ],
        links_of_bridges=[member(1, 1), member(2, 10)],
    )
    links = netlink.snapshot(vlans=True).links
    assert {
        name: None if link.vlans is None else dict(link.vlans) for name, link in links.items()
    } == {
        "br0": {"1": "pvid untagged"},
        "tap1": {"10": "pvid untagged"},
        "tap2": {},
        "eth0": None,
    }


def test_a_kernel_without_vlans_is_not_asked_for_them() -> None:
    netlink = Dumped(links=[device("br0", 1, "bridge")])
    assert netlink.snapshot(vlans=True).links["br0"].vlans is None
    assert netlink.asked == ["links"]


def test_what_is_read_of_this_host_is_what_the_kernel_says_elsewhere() -> None:
    netlink = rtnl_snapshot.Netlink()
    snapshot = netlink.snapshot(addresses=True, vlans=True)
    index = snapshot.links["lo"].index
    assert netlink.link(index).name == "lo" and netlink.link(index).loopback
    assert rtnl_snapshot.names_of(snapshot.links) == dict(socket.if_nameindex())
    sent = Path("/proc/net/route").read_text(encoding="ascii").splitlines()[1:]
    assert {line.split()[0] for line in sent if line.split()[2] != "00000000"} <= set(
        netlink.ways(snapshot.links)
    )
    assert all(one.dev in snapshot.links for one in netlink.neighbours(snapshot.links))
    assert all(one.bridge in snapshot.links for one in netlink.fdb(snapshot.links))


def test_waiting_for_what_never_comes_ends() -> None:
    netlink, index = rtnl_snapshot.Netlink(), socket.if_nametoindex("lo")
    assert netlink.wait_until_forwarding(index, 0.01) is False, "lo is no port"
    assert netlink.wait_until_transmitting(index, 0.01) is False, "lo's state is unknown"
    assert netlink.wait_until_answering(index, "2001:db8::dead", 0.01) is False
    assert netlink.wait_until_link_local(index, 0.01) is False, "lo has none"
    assert netlink.wait_for_mac("02:00:00:00:de:ad", 0.01) is None


def test_a_learned_mac_is_the_entry_and_the_hosts_own_is_none() -> None:
    def entry(port: int, state: int) -> bytes:
        header = struct.pack("=BxxxiHBB", 7, port, state, 0, 0)
        return (
            header
            + nla.attribute(2, bytes.fromhex("020000000001"))
            + nla.attribute(9, struct.pack("=I", 1))
        )

    links = [device("br0", 1, "bridge"), device("tap1", 2, master=1)]
    netlink = Dumped(links=links, neighbours_of_bridges=[entry(1, 0x80), entry(2, 0x02)])
    assert netlink.wait_for_mac("02:00:00:00:00:01", 1).port == "tap1"
    own = Dumped(links=links, neighbours_of_bridges=[entry(1, 0x80)])
    assert own.wait_for_mac("02:00:00:00:00:01", 0) is None


def test_a_device_of_the_snapshot_is_known_and_one_that_was_made_is_looked_up() -> None:
    assert rtnl_snapshot.index_of("eth7", {"eth7": Link("eth7", 7)}) == 7
    assert rtnl_snapshot.index_of("lo", {}) == socket.if_nametoindex("lo")
    with pytest.raises(KernelError, match="Cannot find the device gone0: no such device"):
        rtnl_snapshot.index_of("gone0", {})


def of_sysfs(root: Path, **files: str) -> bool | None:
    folder = root / "br0"
    folder.mkdir(exist_ok=True)
    for name, text in {
        "ifindex": "7",
        "address": "02:00:00:00:00:01",
        "addr_assign_type": "3",
        **files,
    }.items():
        (folder / name).write_text(f"{text}\n", encoding="ascii")
    return rtnl_snapshot.mac_given(Link("br0", 7, "bridge", mac="02:00:00:00:00:01"), str(root))


def test_a_mac_that_somebody_gave_is_told_from_one_that_follows_the_ports(tmp_path: Path) -> None:
    assert of_sysfs(tmp_path) is True
    assert of_sysfs(tmp_path, addr_assign_type="1") is False


def test_a_sysfs_of_another_namespace_or_none_tells_nothing(tmp_path: Path) -> None:
    assert of_sysfs(tmp_path, ifindex="8") is None
    assert of_sysfs(tmp_path, address="02:00:00:00:00:02") is None
    assert of_sysfs(tmp_path, addr_assign_type="none") is None
    assert rtnl_snapshot.mac_given(Link("gone0", 7), str(tmp_path)) is None


@pytest.mark.parametrize(("told", "speed"), [("1000", 1000), ("-1", None), ("0", None), ("", None)])
def test_a_nic_tells_its_speed_where_its_driver_knows_it(
    tmp_path: Path, told: str, speed: int | None
) -> None:
    folder = tmp_path / "eth0"
    folder.mkdir()
    (folder / "ifindex").write_text("7\n", encoding="ascii")
    (folder / "speed").write_text(f"{told}\n", encoding="ascii")
    assert rtnl_snapshot.speed(Link("eth0", 7), str(tmp_path)) == speed
    assert rtnl_snapshot.speed(Link("eth0", 8), str(tmp_path)) is None, "another namespace's sysfs"
    assert rtnl_snapshot.speed(Link("eth1", 7), str(tmp_path)) is None
