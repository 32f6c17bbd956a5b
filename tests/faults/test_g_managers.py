# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Group G where files and processes are all that a manager shows of itself; with the managers themselves it runs in the lab."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hypervisor.network.tests.harness.net.dhcp import dhcp_lan
from ansible_collections.hypervisor.network.tests.harness.net.dump import differences, settled
from ansible_collections.hypervisor.network.tests.harness.net.lan import HERE, HOST4, Lan, lan
from ansible_collections.hypervisor.network.tests.harness.net.netns import batch, ip_json, run
from ansible_collections.hypervisor.network.tests.harness.process.waiting import wait_for

Run = Callable[..., dict[str, Any]]


class Faked:
    """A host on the LAN with files of other managers; the module is run as on a host of its own, without naming a namespace."""

    def __init__(self, made: Lan, folder: Path, run_module: Run) -> None:
        self.lan = made
        self._folder = folder
        self._run_module = run_module
        self.index = next(
            link["ifindex"]
            for link in ip_json(made.host, "link", "show")
            if link["ifname"] == "eth0"
        )
        for name in ("run", "etc"):
            (folder / name).mkdir()

    def write(self, path: str, text: str) -> None:
        file = self._folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def uplink(self, **options: Any) -> dict[str, Any]:
        wrapper = (sys.executable, str(HERE / "faked.py"), self.lan.host, str(self._folder))
        return self._run_module(
            "bridge_uplink",
            {"name": "eth0", "bridge": "br0", "guard_timeout": 0, **options},
            wrapper=wrapper,
        )

    def refused(self, *words: str) -> None:
        """Refused in one sentence that names the override, with everything as it was; and converted with that override."""
        before = settled(self.lan.host)
        result = self.uplink()
        assert (
            result["failed"]
            and "\n" not in result["msg"]
            and all(word in result["msg"] for word in words)
        ), result
        assert differences(before, settled(self.lan.host)) == []
        name = result["msg"].partition("override: [")[2].partition("]")[0]
        assert (
            self.uplink(override=[name])["changed"]
            and self.lan.all_reachable("10.77.0.10")["10.77.0.10"]
        )


@pytest.fixture
def faked(tmp_path: Path, run_module: Run) -> Iterator[Faked]:
    with lan(host=HOST4) as made:
        yield Faked(made, tmp_path, run_module)


@contextmanager
def _running(title: str) -> Iterator[None]:
    """A process that calls itself so."""
    with subprocess.Popen(
        [title, "600"], executable="/bin/sleep", stdin=subprocess.DEVNULL
    ) as process:
        try:
            yield
        finally:
            process.kill()


def test_g00_a_host_without_other_managers_is_converted(faked: Faked) -> None:
    assert faked.uplink()["changed"]


def test_g01_a_nic_of_networkmanager_is_refused_with_the_command_that_hands_it_over(
    faked: Faked,
) -> None:
    faked.write(f"run/NetworkManager/devices/{faked.index}", "[device]\nmanaged=true\n")
    faked.refused("eth0 is managed by NetworkManager", "nmcli device set eth0 managed no")


def test_g02_a_nic_that_networkmanager_leaves_alone_is_converted(faked: Faked) -> None:
    faked.write(f"run/NetworkManager/devices/{faked.index}", "[device]\nmanaged=false\n")
    faked.write("run/NetworkManager/devices/4711", "[device]\nmanaged=true\n")
    assert faked.uplink()["changed"]


def test_g03_a_nic_of_networkd_is_refused_with_the_command_that_hands_it_over(faked: Faked) -> None:
    faked.write(
        f"run/systemd/netif/links/{faked.index}", "ADMIN_STATE=configured\nOPER_STATE=routable\n"
    )
    faked.refused("eth0 is managed by systemd-networkd", "systemctl disable --now systemd-networkd")


def test_g03_a_nic_of_netplan_is_refused_by_netplans_name(faked: Faked) -> None:
    faked.write(f"run/systemd/netif/links/{faked.index}", "ADMIN_STATE=configured\n")
    faked.write("run/systemd/network/10-netplan-all.network", "[Match]\nName=eth0\n")
    faked.refused("eth0 is managed by netplan", "netplan apply")


def test_g09_a_bridge_of_libvirt_is_left_as_it_is(faked: Faked) -> None:
    batch(
        faked.lan.host,
        "link add virbr0 type bridge stp_state 1 forward_delay 200\naddress add 192.168.122.1/24 dev virbr0\nlink set virbr0 up\n"
        "link add vnet0 type veth peer name guest0\nlink set vnet0 master virbr0 up\nlink set guest0 up\n",
    )
    before = _of(faked.lan.host, "virbr0")
    assert faked.uplink()["changed"] and faked.uplink()["changed"] is False
    assert _of(faked.lan.host, "virbr0") == before
    assert faked.uplink(state="absent")["changed"]
    assert _of(faked.lan.host, "virbr0") == before


def test_g10_a_nic_with_an_address_of_keepalived_is_refused_and_the_address_stays(
    faked: Faked,
) -> None:
    batch(faked.lan.host, "address add 10.77.0.50/32 dev eth0\n")
    faked.write(
        "etc/keepalived/keepalived.conf",
        "vrrp_instance one {\n    interface eth0\n    virtual_ipaddress {\n        10.77.0.50\n    }\n}\n",
    )
    with _running("keepalived"):
        faked.refused("keepalived holds addresses on eth0", "systemctl stop keepalived")


def test_x50_cloud_init_that_would_describe_the_nic_anew_is_refused(faked: Faked) -> None:
    faked.write("etc/cloud/cloud.cfg", "datasource_list: [None]\n")
    faked.write("etc/network/interfaces.d/50-cloud-init", "auto eth0\niface eth0 inet dhcp\n")
    faked.refused("cloud-init describes eth0", "99-disable-network-config.cfg")


def test_x51_a_rule_of_the_packet_filter_that_names_the_nic_is_refused_until_it_names_the_bridge_too(
    faked: Faked,
) -> None:
    table = "table inet t {{\n chain c {{\n type filter hook input priority 0\n iifname {} tcp dport 22 accept\n }}\n}}\n"
    try:
        run("nft", "-f", "-", netns=faked.lan.host, stdin=table.format("eth0"))
    except RuntimeError as error:
        pytest.skip(f"this machine's kernel filters nothing: {error}")
    faked.refused("""'iifname "eth0" tcp dport 22 accept'""", "name br0 there as well")
    assert faked.uplink(state="absent")["changed"]
    run(
        "nft",
        "-f",
        "-",
        netns=faked.lan.host,
        stdin="flush ruleset\n" + table.format('{ "eth0", "br0" }'),
    )
    assert faked.uplink()["changed"]


def test_x52_a_program_that_listens_on_the_nic_alone_is_refused_until_it_listens_on_the_bridge(
    faked: Faked,
) -> None:
    listen = (
        "import socket; line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); line.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b'{}');"
        "line.bind(('', 123)); print('ready', flush=True); line.recv(1)"
    )
    child = faked.lan.start(
        faked.lan.host, sys.executable, "-c", listen.format("eth0"), ready="ready"
    )
    faked.refused("(udp 0.0.0.0:123)", "python", "bind it to br0")
    faked.lan.stop(child)
    assert faked.uplink(state="absent")["changed"]
    faked.lan.start(faked.lan.host, sys.executable, "-c", listen.format("br0"), ready="ready")
    assert faked.uplink()["changed"]


def _of(netns: str, bridge: str) -> list[Any]:
    """A bridge with its ports and addresses, without what changes by itself."""
    links = [
        link
        for link in ip_json(netns, "-d", "link", "show")
        if bridge in (link["ifname"], link.get("master"))
    ]
    own = [
        [link.get(key) for key in ("ifname", "ifindex", "address", "mtu", "master")]
        for link in links
    ]
    options = next(link for link in links if link["ifname"] == bridge)["linkinfo"]["info_data"]
    set_once = {
        key: options[key]
        for key in ("stp_state", "priority", "forward_delay", "hello_time", "max_age")
    }
    return [own, set_once, ip_json(netns, "-4", "address", "show", "dev", bridge)[0]["addr_info"]]


def test_g04_a_client_that_somebody_starts_on_the_nic_again_is_seen_and_stopped(uplink):
    with dhcp_lan(renew=3) as host:
        made = host.lan
        (address,) = host.leased()
        uplink(made.host)
        host.acquire()
        wait_for(
            lambda: address in run("ip", "-n", made.host, "address", "show", "dev", "eth0"),
            "the address is on eth0 too",
        )
        predicted = uplink(made.host, check=True)
        assert {"action": "stop", "kind": "dhcp", "name": "eth0"}.items() <= predicted["changes"][
            0
        ].items(), predicted
        assert uplink(made.host)["changed"] and uplink(made.host)["changed"] is False
        assert [client[-1] for client in host.clients()] == ["br0"]
        asked = len(host.server_says("DHCPACK"))
        host.wait_for(lambda: len(host.server_says("DHCPACK")) > asked, 8)
        assert settled(made.host)["addresses"]["eth0"] == [] and made.reachable(address)
