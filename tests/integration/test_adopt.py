# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that somebody set up by hand, adopted: the files of variables say what is there, and the role run with them changes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.hypervisor.network.tests.harness.host import ifupdown2
from ansible_collections.hypervisor.network.tests.harness.host.role_host import ENTER, Host
from ansible_collections.hypervisor.network.tests.harness.net.dump import differences, settled
from ansible_collections.hypervisor.network.tests.harness.net.netns import batch, ip_json, run

ADOPT = Path(__file__).resolve().parents[2] / "playbooks" / "adopt.yml"
# as people write it: a bridge with its ports and options, addresses, and taps of its guests
BY_HAND = """\
auto lo
iface lo inet loopback

iface eth0 inet manual

# the guests' switch
auto br0
iface br0 inet static
    address 10.77.0.10/24
    gateway 10.77.0.1
    bridge_ports eth0 tap1
    bridge_stp off
    bridge_fd 0
    bridge_maxwait 0
    bridge_ageing 60
    up ip address add 10.77.0.11/24 dev br0

auto br1
iface br1 inet static
    address 10.50.0.1/24
    bridge_ports none
    bridge_stp on
    bridge_fd 4
    bridge_bridgeprio 4096
    bridge_maxwait 0
    up ip link set br1 alias "of the lab"

auto tap1
iface tap1 inet manual
    pre-up ip tuntap add tap1 mode tap user nobody
    up ip link set tap1 up
    down ip tuntap del tap1 mode tap

auto tap2
iface tap2 inet manual
    pre-up ip tuntap add tap2 mode tap
    up ip link set tap2 mtu 1400 master br1
    up bridge link set dev tap2 isolated on learning off
    up ip link set tap2 up
    down ip tuntap del tap2 mode tap
"""


# as Proxmox VE writes it, for ifupdown2, but for its tabs
OF_PROXMOX = """\
auto lo
iface lo inet loopback

iface eth0 inet manual

auto vmbr0
iface vmbr0 inet static
    address 10.77.0.10/24
    gateway 10.77.0.1
    bridge-ports eth0
    bridge-stp off
    bridge-fd 0
    bridge-ageing 60
"""


def adopt(host: Host, *arguments: str, **variables: Any) -> Any:
    inventory = host.folder / "fleet.ini"
    inventory.write_text("[hypervisors]\nlocalhost\n", encoding="ascii")
    return host.role(variables, "-i", str(inventory), *arguments, playbook=str(ADOPT))


def up(host: Host, text: str, *names: str) -> None:
    """The network as ifup makes it of a file, where there was none, in that order."""
    host.interfaces.write_text(text, encoding="utf-8")
    for record in (host.folder / "run/network").iterdir():
        record.unlink()
    (host.folder / "run/network/ifstate").write_text("lo=lo\n", encoding="ascii")
    run("ip", "netns", "exec", host.netns, "sh", "-c", ENTER, str(host.folder), "ifup", *names)


def network(host: Host) -> dict[str, Any]:
    """What people mean by their network: each device's place, options and addresses."""
    found = {}
    for link in ip_json(host.netns, "-details", "address", "show"):
        info = link.get("linkinfo", {})
        own = {key: info.get("info_data", {}).get(key) for key in ("stp_state", "forward_delay", "ageing_time", "priority", "user")}  # fmt: skip
        port = {key: info.get("info_slave_data", {}).get(key) for key in ("isolated", "learning")}
        addresses = sorted(f"{one['local']}/{one['prefixlen']}" for one in link["addr_info"] if one["scope"] == "global")  # fmt: skip
        plain = {key: link.get(key) for key in ("master", "mtu", "address", "ifalias")}
        up = "UP" in link["flags"]
        found[link["ifname"]] = {**plain, **own, **port, "addresses": addresses, "up": up}
    return found


@pytest.fixture
def by_hand(host: Host) -> Host:
    """The host without a network, and with bridge-utils as ifupdown finds it."""
    batch(host.netns, "address flush dev eth0\nlink set eth0 down\n")
    for name in ("if-pre-up.d", "if-up.d", "if-down.d", "if-post-down.d"):
        (host.folder / "etc/network" / name).mkdir()
    for name in ("if-pre-up.d", "if-post-down.d"):
        hook = host.folder / "etc/network" / name / "bridge"
        hook.symlink_to("/lib/bridge-utils/ifupdown.sh")
    return host


def test_a_host_of_ifupdown_is_adopted_and_its_variables_change_nothing_that_runs(
    by_hand: Host,
) -> None:
    host, folder = by_hand, by_hand.folder / "host_vars"
    up(host, BY_HAND, "tap1", "br0", "br1", "tap2")
    before, disk = settled(host.netns), host.disk()
    checked = adopt(host, "--check", "--diff", adopt_folder=str(folder))
    assert checked.status == 0 and "uplink: eth0" in checked.output, checked.output[-3000:]
    assert not folder.exists()
    done = adopt(host, adopt_folder=str(folder))
    assert done.changed == ["Make the folder", "Write the file"], done.output[-3000:]
    assert (settled(host.netns), host.disk()) == (before, disk)
    told = yaml.safe_load((folder / "localhost.yml").read_text(encoding="utf-8"))
    again = host.role({**told, "bridge_host_verify": False}, "--diff")
    # what the role adds: its own words in the file, and that a port takes no router advertisements
    assert again.status == 0 and set(again.changed) <= {
        "Uplinks | Make the NIC the uplink of its bridge",
        "Persist | Write /etc/network/interfaces",
    }, again.output[-6000:]
    assert [
        one
        for one in differences(before, settled(host.netns))
        if "eth0/accept_ra" not in one and "eth0.accept_ra" not in one
    ] == []
    # and what it wrote boots the same
    runs = network(host)
    batch(host.netns, "link del br0\nlink del br1\nlink del tap1\nlink del tap2\n")
    up(host, host.interfaces.read_text(encoding="utf-8"), "br0", "br1", "tap1", "tap2")
    assert differences(runs, network(host)) == []


def test_a_host_of_ifupdown2_is_adopted_and_its_variables_change_nothing_that_runs(
    host: Host,
) -> None:
    folder = host.folder / "host_vars"
    batch(host.netns, "address flush dev eth0\nlink set eth0 down\n")
    ifupdown2.on_path(host.folder)
    host.interfaces.write_text(OF_PROXMOX.replace("    ", "\t"), encoding="utf-8")
    said = ifupdown2.reload(host.netns, host.folder)
    before = settled(host.netns)
    assert adopt(host, adopt_folder=str(folder)).status == 0, said
    told = yaml.safe_load((folder / "localhost.yml").read_text(encoding="utf-8"))
    assert [one["name"] for one in told["bridge_host_bridges"]] == ["vmbr0"]
    assert host.role({**told, "bridge_host_verify": False}).status == 0
    assert [one for one in differences(before, settled(host.netns)) if "eth0" not in one] == []
    again = host.role({**told, "bridge_host_verify": False})
    assert again.changed == [], again.output[-6000:]
    runs = network(host)
    with ifupdown2.upset(host.netns, ["eth0"], "no such words") as upset:
        ifupdown2.reload(host.netns, host.folder)
    assert (upset, differences(runs, network(host))) == ([], [])


def test_what_somebody_wrote_stays_unless_it_is_asked_for(host: Host) -> None:
    folder = host.folder / "host_vars"
    folder.mkdir()
    file = folder / "localhost.yml"
    file.write_text("bridge_host_bridges: []  # mine\n", encoding="ascii")
    stays = adopt(host, adopt_folder=str(folder))
    assert stays.changed == [] and "stays as it is, somebody wrote it" in stays.output
    assert file.read_text(encoding="ascii") == "bridge_host_bridges: []  # mine\n"
    done = adopt(host, adopt_folder=str(folder), adopt_overwrite=True)
    assert done.changed == ["Write the file"], done.output[-3000:]
    (backup,) = folder.glob("localhost.yml.*~")
    assert backup.read_text(encoding="ascii") == "bridge_host_bridges: []  # mine\n"
