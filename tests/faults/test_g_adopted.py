# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts whose bridge was made by hand in each manager's way, adopted: their variables change nothing, and what is changed later boots although nobody
touched the administrator's files. The first case of each manager but NetworkManager's is in the short form too, in test_g_networkd.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from ansible_collections.hypervisor.network.tests.harness.lab.adopted import (
    Adopted,
    adopted,
    persisted,
)
from ansible_collections.hypervisor.network.tests.harness.lab.networkd_host import (
    BRIDGE,
    MAC,
    NIC,
    TAP,
    NetworkdHost,
)
from ansible_collections.hypervisor.network.tests.harness.lab.nmcli_host import (
    NmcliHost,
)
from ansible_collections.hypervisor.network.tests.harness.process.long_form import LONG

_ETC = "/etc/systemd/network"
_NETDEV = "[NetDev]\nName=br0\nKind=bridge\n"
_PORT = {f"{_ETC}/20-port.network": "[Match]\nName=enp1s0\n[Network]\nBridge=br0\n"}
_LEASED = {f"{_ETC}/30-br0.network": "[Match]\nName=br0\n[Network]\nDHCP=yes\n"}
_YAML = """\
network:
  version: 2
  ethernets:
    {nic}: {{mtu: 1400}}
  bridges:
    br0:
      interfaces: [{nic}]
      {more}
"""
_NETPLAN_STATIC = f"""\
macaddress: "{MAC}"
      mtu: 1400
      addresses: [10.77.0.20/24]
      routes: [{{to: default, via: 10.77.0.1}}]
      parameters: {{stp: false, forward-delay: 4, ageing-time: 60, path-cost: {{{NIC}: 7}}}}"""
_BRIDGE = f"nmcli connection add type bridge con-name lan ifname br0 bridge.mac-address {MAC} "
_SLAVE = f"nmcli connection add type bridge-slave con-name wire ifname {NIC} master br0"
_UP = ("nmcli connection up wire",)
_STATIC = "ipv4.method manual ipv4.addresses 10.77.0.20/24,10.77.0.21/24 ipv4.gateway 10.77.0.1 ipv4.route-metric 50 ipv6.method disabled"
# how each is made, and the address that answers, None where a server gives it
SITES: dict[str, Callable[[], NetworkdHost]] = {
    # its MAC is made by networkd, so that no NIC of a container is its uplink
    "networkd-lease": lambda: NetworkdHost({f"{_ETC}/10-br0.netdev": _NETDEV, **_PORT, **_LEASED}),
    "networkd-stp": lambda: NetworkdHost({
        f"{_ETC}/10-br0.netdev": f"{_NETDEV}MACAddress={MAC}\n[Bridge]\nSTP=yes\nForwardDelaySec=2s\nAgeingTimeSec=1min 30s\nPriority=4096\n",
        **_PORT,
        f"{_ETC}/30-br0.network": "[Match]\nName=br0\n[Network]\nAddress=10.77.0.20/24\nGateway=10.77.0.1\n[Link]\nMTUBytes=1400\n",
        f"{_ETC}/20-port.network.d/mtu.conf": "[Link]\nMTUBytes=1400\n",
    }, "10.77.0.20"),
    "netplan-static": lambda: NetworkdHost({
        "/etc/netplan/60-lan.yaml": _YAML.format(nic=NIC, more=_NETPLAN_STATIC),
        "/etc/systemd/network/25-tap1.netdev": "[NetDev]\nName=tap1\nKind=tap\n[Tap]\nUser=nobody\nMultiQueue=yes\n",
        "/etc/systemd/network/26-tap1.network": "[Match]\nName=tap1\n[Network]\nBridge=br0\n[Bridge]\nIsolated=yes\n",
    }, "10.77.0.20"),
    "networkmanager-lease": lambda: NmcliHost((f"{_BRIDGE} bridge.stp no ipv6.method disabled", _SLAVE, *_UP)),
    "networkmanager-static": lambda: NmcliHost((
        f"{_BRIDGE} bridge.stp no bridge.ageing-time 60 bridge.priority 4096 {_STATIC}",
        f"{_SLAVE} bridge-port.path-cost 7",
        f"nmcli connection add type tun con-name {TAP} ifname {TAP} mode tap owner 65534 master br0 slave-type bridge",
        "nmcli connection add type bridge con-name inside ifname br1 bridge.stp no ipv4.method manual ipv4.addresses 10.50.0.1/24 ipv6.method disabled",
        *_UP,
    ), "10.77.0.20"),
}  # fmt: skip
# what somebody changes of it later
CHANGED = "ip link set br0 type bridge ageing_time 3000; ip link set dev {tap} type bridge_slave isolated on; ip link set {nic} type bridge_slave hairpin on"
LATER = "tap7"
# a tree that changes does not tell its ageing time
AT_REST = f"grep -q 0 /sys/class/net/{BRIDGE}/bridge/topology_change"
# NetworkManager calls it when the host answers already
BY_THE_HOOK = (
    f"grep -qx 3000 /sys/class/net/{BRIDGE}/bridge/ageing_time && "
    f"grep -qx 1 /sys/class/net/{BRIDGE}/brif/{LATER}/isolated"
)


@dataclass
class Life:
    host: NetworkdHost
    files: str
    first: Adopted
    again: Adopted


@pytest.fixture(scope="module", params=list(SITES))
def life(request: pytest.FixtureRequest) -> Iterator[Life]:
    if not LONG:
        pytest.skip("a container for each takes half a minute: make faults runs them")
    with SITES[request.param]() as host:
        files = host.written()
        host.until(AT_REST)
        yield Life(host, files, adopted(host), adopted(host))


def first_uplink(life: Life) -> str | None:
    return life.first.told["bridge_host_bridges"][0].get("uplink")


def test_its_variables_change_nothing_and_are_the_same_again(life: Life) -> None:
    assert life.first.changes == [] and life.first.managers != []
    assert life.again == life.first and life.host.written() == life.files


def test_what_is_changed_later_boots_and_the_administrators_files_stay(life: Life) -> None:
    host = life.host
    before = host.layer3(BRIDGE)
    done = host.run("tap_device", name=LATER, up=True)
    assert not done.get("failed"), done["msg"]
    done = host.run("bridge_port", name=LATER, bridge=BRIDGE)
    assert not done.get("failed"), done["msg"]
    host.hv(CHANGED.format(nic=NIC, tap=LATER))
    assert persisted(host, adopted(host)) != []
    assert host.layer3(BRIDGE) == before
    found = adopted(host)
    assert found.changes == []
    for line in life.files.splitlines():
        assert line in host.written()
    host.reboot()
    host.until_it_answers()
    host.until(f"{AT_REST} && {BY_THE_HOOK}")
    links = {one["ifname"]: one for one in host.json("", "ip -j -d link show")}
    assert links[BRIDGE]["linkinfo"]["info_data"]["ageing_time"] == 3000
    assert links[LATER]["linkinfo"]["info_slave_data"]["isolated"] is True
    if first_uplink(life):  # what is neither an uplink nor a tap is not the role's
        assert links[NIC]["linkinfo"]["info_slave_data"]["hairpin"] is True
    assert host.layer3(BRIDGE) == before
    assert adopted(host).changes == []
