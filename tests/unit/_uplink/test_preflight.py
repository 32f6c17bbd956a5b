# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a conversion refuses, in which words, and which name lets it pass."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    BadInput,
    Refused,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._dhcp.client import Client
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.route import Hop
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.layout import Inet
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.managers import Traces
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.preflight import (
    OVERRIDES,
    Spec,
    check,
    check_duplicates,
    check_names,
)
from ansible_collections.hypervisor.network.tests.harness.model import simulated

UP, LOOPBACK = 0x1, 0x8
MAC = "52:54:00:00:00:10"
SPEC = Spec("eth0", "br0")
NIC = Link("eth0", 2, "", UP, MAC)
LO = Link("lo", 1, "", UP | LOOPBACK, "00:00:00:00:00:00")
STATIC = simulated.address("eth0", "10.77.0.10/24", flags=0x80)
LEASED = simulated.address("eth0", "10.77.0.100/24")
CLIENT = Client("eth0", "dhclient", ("dhclient", "eth0"))
TOLD = Traces({"etc/dhcpcd.conf": "interface eth0\nclientid a:b\n"})


def host(*links: Link, **more: Any) -> Inet:
    """A host with a loopback device, eth0 unless another one is given, and these links."""
    found = {link.name: link for link in (LO, NIC, *links)}
    return Inet(found, **{"addresses": (STATIC,), **more})


def managed(files: dict[str, str], *programs: str) -> Inet:
    """A host with files of other managers below its root, and programs that run."""
    return host(traces=Traces(files, frozenset(programs)))


REFUSALS: dict[str, tuple[Inet, Spec, type[Exception], str]] = {
    "missing": (
        host(Link("veth1", 5, "veth", UP, MAC), Link("tap1", 6, "tun", UP, MAC)), Spec("eth9", "br0"), BadInput,
        "There is no device eth9 on this host; the devices that could be an uplink are: eth0, veth1.",
    ),
    "bridge name taken": (
        host(Link("br0", 5, "veth", UP, MAC)), SPEC, Refused,
        "br0 exists and is no bridge but a device of kind 'veth'; choose another name for the bridge.",
    ),
    "bridge name of a NIC": (
        host(Link("eno1", 5, "", UP, MAC)), Spec("eth0", "eno1"), Refused,
        "eno1 exists and is no bridge but a device of kind 'hardware'; choose another name for the bridge.",
    ),
    "loopback": (host(), Spec("lo", "br0"), Refused, "lo is the loopback device, which can't be an uplink; name the NIC that leads to the LAN."),
    "bridge": (
        host(Link("br1", 5, "bridge", UP, MAC)), Spec("br1", "br0"), Refused,
        "br1 is a device of kind 'bridge', which can't be an uplink; name the NIC that leads to the LAN.",
    ),
    "tun": (
        host(Link("tap1", 5, "tun", UP, MAC)), Spec("tap1", "br0"), Refused,
        "tap1 is a device of kind 'tun', which can't be an uplink; name the NIC that leads to the LAN.",
    ),
    "no MAC": (
        host(Link("wg0", 5, "wireguard", UP)), Spec("wg0", "br0"), Refused,
        "wg0 is no Ethernet device, and only those can be ports of a bridge; route to the guests instead.",
    ),
    "a MAC of another kind of network": (
        host(Link("ib0", 5, "", UP, ":".join(["02"] * 20))), Spec("ib0", "br0"), Refused,
        "ib0 is no Ethernet device, and only those can be ports of a bridge; route to the guests instead.",
    ),
    "NetworkManager": (
        managed({"run/NetworkManager/devices/2": "[device]\nmanaged=true\n"}), SPEC, Refused,
        "eth0 is managed by NetworkManager, which would take its addresses back from the bridge; describe eth0 in /etc/network/interfaces and hand it "
        "over with 'nmcli device set eth0 managed no', or say override: [networkmanager].",
    ),
    "systemd-networkd": (
        managed({"run/systemd/netif/links/2": "# private\nADMIN_STATE=configured\n"}), SPEC, Refused,
        "eth0 is managed by systemd-networkd, which would take its addresses back from the bridge; describe eth0 in /etc/network/interfaces and hand it "
        "over with 'systemctl disable --now systemd-networkd.socket systemd-networkd.service', or say override: [networkd].",
    ),
    "netplan": (
        managed({
            "run/systemd/netif/links/2": "ADMIN_STATE=configured\n",
            "run/systemd/network/10-netplan-eth0.network": "[Match]\nName=eth0\n\n[Network]\nDHCP=yes\n",
        }), SPEC, Refused,
        "eth0 is managed by netplan, which would take its addresses back from the bridge; take eth0 out of /etc/netplan, describe it in "
        "/etc/network/interfaces and hand it over with 'netplan apply', or say override: [netplan].",
    ),
    "wicked": (
        managed({"run/wicked/leaseinfo.eth0.dhcp.ipv4": "IPADDR='10.77.0.10/24'\n"}, "wickedd"), SPEC, Refused,
        "eth0 is managed by wicked, which would take its addresses back from the bridge; describe eth0 in /etc/network/interfaces, and hand it over with "
        "'systemctl mask wicked.service wickedd.service' and a reboot, or say override: [wicked].",
    ),
    "connman": (
        managed({"etc/connman/main.conf": "[General]\nNetworkInterfaceBlacklist = vmnet,tap\n"}, "connmand"), SPEC, Refused,
        "eth0 is managed by connman, which would take its addresses back from the bridge; put eth0 on NetworkInterfaceBlacklist in "
        "/etc/connman/main.conf and hand it over with 'systemctl restart connman', or say override: [connman].",
    ),
    "dhcpcd for all devices": (
        managed({"etc/dhcpcd.conf": "hostname\ndenyinterfaces tap*\n"}, "dhcpcd"), SPEC, Refused,
        "eth0 is managed by dhcpcd, which would take its addresses back from the bridge; put 'denyinterfaces eth0' into /etc/dhcpcd.conf, describe eth0 in "
        "/etc/network/interfaces, and hand it over with 'systemctl restart dhcpcd', or say override: [dhcpcd].",
    ),
    "cloud-init": (
        host(traces=Traces({"etc/network/interfaces.d/50-cloud-init": "auto eth0\niface eth0 inet dhcp\n"}, cloud_init=True)), SPEC, Refused,
        "cloud-init describes eth0 in /etc/network/interfaces.d anew at each boot, and would take it from the bridge; switch that off with "
        "bridge_host_cloud_init_network: false in the role, or with "
        "'echo \"network: {config: disabled}\" > /etc/cloud/cloud.cfg.d/99-disable-network-config.cfg', or say override: [cloud_init].",
    ),
    "keepalived": (
        managed({"etc/keepalived/keepalived.conf": "vrrp_instance V {\n  interface eth0\n  virtual_ipaddress { 10.77.0.50/24 dev eth0 }\n}\n"}, "keepalived"),
        SPEC, Refused,
        "keepalived holds addresses on eth0, and would put them back there; hand it over with 'systemctl stop keepalived', and name the bridge in "
        "/etc/keepalived before it starts again, or say override: [keepalived].",
    ),
    "wireless": (
        host(replace(NIC, wireless=True)), SPEC, Refused,
        "eth0 is wireless: an access point drops frames from other MACs than the station's own, so it can't be an uplink; use a wired NIC, route or "
        "masquerade the guests behind the host, or use WDS (4addr) where the access point offers it, or say override: [wireless].",
    ),
    "bond slave": (
        host(replace(NIC, master="bond0"), Link("bond0", 5, "bond", UP, MAC)), SPEC, Refused,
        "eth0 already belongs to bond0, a device of kind 'bond'; convert the bond itself.",
    ),
    "port of another bridge": (
        host(replace(NIC, master="br1", port={}), Link("br1", 5, "bridge", UP, MAC)), SPEC, Refused,
        "eth0 already belongs to br1, a device of kind 'bridge'; take it out of br1 first.",
    ),
    "in a VRF": (
        host(replace(NIC, master="red"), Link("red", 5, "vrf", UP, MAC)), SPEC, Refused,
        "eth0 already belongs to red, a device of kind 'vrf'; take it out of red first.",
    ),
    "macvlan on it": (
        host(Link("mv1", 5, "macvlan", UP, MAC, lower="eth0"), Link("ms0", 6, "macsec", UP, MAC, lower="eth0")), SPEC, Refused,
        "eth0 carries ms0, mv1, which would take its frames before a bridge could; delete that first, or say override: [rider].",
    ),
    "tunnel bound to it": (
        host(Link("vx9", 5, "vxlan", UP, MAC, lower="eth0")), SPEC, Refused,
        "eth0 is what vx9 would go on sending through, where no route will lead; bind to br0 or to no device first, or say override: [bound].",
    ),
    "XDP": (
        host(replace(NIC, xdp=True)), SPEC, Refused,
        "eth0 has an XDP program, which sees the guests' frames too; detach it with 'ip link set eth0 xdp off', or say override: [xdp].",
    ),
    "clsact": (
        host(hooks=(("eth1", "ingress"), ("eth0", "clsact"))), SPEC, Refused,
        "eth0 has filters on arrival (qdisc clsact), which see the guests' frames too; remove it with 'tc qdisc del dev eth0 clsact', "
        "or say override: [clsact].",
    ),
    "bond that rewrites MACs": (
        host(Link("bond0", 5, "bond", UP, MAC, options={"mode": 6})), Spec("bond0", "br0"), Refused,
        "The bond bond0 has mode balance-alb, which rewrites the guests' MACs; change that first, or say override: [bond].",
    ),
    "bond whose MAC changes": (
        host(Link("bond0", 5, "bond", UP, MAC, options={"mode": 1, "fail_over_mac": 1})), Spec("bond0", "br0"), Refused,
        "The bond bond0 has fail_over_mac, so its MAC would change and the bridge's not; change that first, or say override: [bond].",
    ),
    "bond that asks from its address": (
        host(Link("bond0", 5, "bond", UP, MAC, options={"mode": 1, "monitors_by_arp": True})), Spec("bond0", "br0"), Refused,
        "The bond bond0 has arp_ip_target, which asks from the bond's own address, and that moves, unlike miimon; change that first, "
        "or say override: [bond].",
    ),
    "STP": (
        host(Link("br0", 5, "bridge", UP, MAC, options={"stp_state": True, "forward_delay": 15.0})), SPEC, Refused,
        "br0 runs STP with forward_delay 15: the host would be unreachable for 30 seconds while the port listens and learns; "
        "turn stp_state off for the conversion, or say accept_outage: true.",
    ),
    "down with addresses": (
        host(replace(NIC, flags=0)), SPEC, Refused,
        "eth0 is down although it has addresses, so their routes can't be seen; set it up or remove the addresses first.",
    ),
    "bridge that is down with addresses": (
        host(Link("br0", 5, "bridge", 0, MAC), addresses=(STATIC, simulated.address("br0", "10.66.0.1/24"))), SPEC, Refused,
        "br0 is down although it has addresses, so their routes can't be seen; set it up or remove the addresses first.",
    ),
    "nexthop object": (
        host(routes=(replace(simulated.route("10.9.0.0/16", Hop("eth0", "10.77.0.1")), nexthop_id=7),)), SPEC, Refused,
        "The route 10.9.0.0/16 via 10.77.0.1 dev eth0 uses a nexthop object bound to eth0, which can't move to br0; replace it by a plain route.",
    ),
    "lease without a client": (
        host(addresses=(LEASED,)), SPEC, Refused,
        "eth0 has the leased address 10.77.0.100/24, and no DHCP client that could hand its lease over to br0 was found; "
        "let isc-dhclient, dhcpcd or udhcpc hold it, make it static, or say allow_address_change: true.",
    ),
    "dhclient that serves what is declared": (
        host(addresses=(LEASED,), clients=(CLIENT,), traces=Traces({"etc/dhcp/dhclient.conf": 'interface "br0" { }'})),
        replace(SPEC, allow_address_change=True), Refused,
        '/etc/dhcp/dhclient.conf declares interface "br0", and every dhclient serves what is declared there: that of one of eth0 and br0 would give the '
        "other the lease as well; put the statements in front of the declaration, and remove it.",
    ),
    "dhcpcd that is told of the NIC alone": (
        host(addresses=(LEASED,), clients=(replace(CLIENT, program="dhcpcd"),), traces=TOLD), SPEC, Refused,
        "/etc/dhcpcd.conf has 'clientid a:b' for eth0 alone, so br0 would be another client to the DHCP server and could get another address; say it there "
        "for br0 too, or say allow_address_change: true.",
    ),
    "programs that listen on the NIC alone": (
        host(listeners=("chronyd (udp 0.0.0.0:123)",)), SPEC, Refused,
        "What listens on eth0 alone will hear nothing once the addresses are on br0: chronyd (udp 0.0.0.0:123); bind it to br0, or to no device, "
        "or say override: [bound].",
    ),
    "packet filter": (
        host(filter_rules=('iifname "eth0" tcp dport 22 accept',)), SPEC, Refused,
        "The packet filter names eth0 in 'iifname \"eth0\" tcp dport 22 accept', and what the host sends and receives will pass br0 instead; name br0 there "
        "as well, or say override: [filter].",
    ),
    "duplicate address detection failed": (
        host(addresses=(STATIC, simulated.address("eth0", "fd77::10/64", flags=0xC8))), SPEC, Refused,
        "fd77::10/64 of eth0 is the address of another host of the LAN: its duplicate address detection failed; remove it first.",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("now", "spec", "kind", "sentence"), REFUSALS.values(), ids=REFUSALS)
def test_refused_in_one_sentence(
    now: Inet, spec: Spec, kind: type[Exception], sentence: str
) -> None:
    with pytest.raises(kind) as caught:
        check(now, spec)
    assert caught.type is kind
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    "name", [name for name, case in REFUSALS.items() if "say override: [" in case[3]]
)
def test_a_refusal_that_is_overridden_by_its_name_passes(name: str) -> None:
    now, spec, _kind, sentence = REFUSALS[name]
    wanted = sentence.partition("override: [")[2].partition("]")[0]
    assert wanted in OVERRIDES
    check(now, replace(spec, override=frozenset({wanted})))
    others = frozenset(OVERRIDES) - {wanted}
    with pytest.raises(Refused):
        check(now, replace(spec, override=others))


@pytest.mark.parametrize(
    "name", [name for name, case in REFUSALS.items() if "override: [" not in case[3]]
)
def test_what_no_kernel_would_do_has_no_override(name: str) -> None:
    now, spec, kind, sentence = REFUSALS[name]
    with pytest.raises(kind):
        check(now, replace(spec, override=frozenset(OVERRIDES)))


def test_every_override_has_its_refusal() -> None:
    heard = {"duplicate"}  # see below: it takes packets to know
    assert {case[3].partition("override: [")[2].partition("]")[0] for case in REFUSALS.values()} - {
        ""
    } == set(OVERRIDES) - heard


def test_an_address_that_another_host_answers_for_is_refused_unless_overridden() -> None:
    elsewhere = {"10.77.0.10": "52:54:00:00:00:99"}
    with pytest.raises(Refused) as caught:
        check_duplicates(SPEC, elsewhere)
    assert str(caught.value) == (
        "10.77.0.10 of eth0 is the address of another host of the LAN as well, which answers for it from 52:54:00:00:00:99; give one of them another, "
        "or say override: [duplicate]."
    )
    check_duplicates(SPEC, {})
    check_duplicates(replace(SPEC, override=frozenset({"duplicate"})), elsewhere)


@pytest.mark.parametrize(
    ("now", "spec"),
    [
        (REFUSALS["STP"][0], replace(SPEC, accept_outage=True)),
        (REFUSALS["lease without a client"][0], replace(SPEC, allow_address_change=True)),
        (
            REFUSALS["dhcpcd that is told of the NIC alone"][0],
            replace(SPEC, allow_address_change=True),
        ),
        (host(addresses=(LEASED,), clients=(CLIENT,)), SPEC),
        (
            host(
                Link("br0", 5, "bridge", UP, MAC, options={"stp_state": True, "forward_delay": 0.0})
            ),
            SPEC,
        ),
        (host(Link("eth0.10", 5, "vlan", UP, MAC, lower="eth0")), SPEC),
        (host(Link("eth0.10", 5, "vlan", UP, MAC, lower="eth0")), Spec("eth0.10", "br10")),
        (
            host(
                Link(
                    "bond0",
                    5,
                    "bond",
                    UP,
                    MAC,
                    options={"mode": 1, "fail_over_mac": 0, "monitors_by_arp": False},
                )
            ),
            Spec("bond0", "br0"),
        ),
        (host(Link("veth1", 5, "veth", UP, MAC, lower="eth0")), SPEC),
        (host(hooks=(("eth1", "clsact"),)), SPEC),
        # what has been converted is not asked again, and the way back is open
        (
            host(
                replace(NIC, master="br0", xdp=True),
                Link("br0", 5, "bridge", UP, MAC),
                hooks=(("eth0", "clsact"),),
            ),
            SPEC,
        ),
        (host(replace(NIC, xdp=True)), replace(SPEC, present=False)),
        (host(replace(NIC, flags=0), addresses=(simulated.link_local("eth0", MAC),)), SPEC),
        (host(addresses=(simulated.address("eth0", "fd77::10/64"),)), SPEC),
        # managers that keep their hands off, or of which only files are left
        (
            managed(
                {
                    "run/NetworkManager/devices/2": "[device]\nmanaged=false\n",
                    "run/systemd/netif/links/2": "ADMIN_STATE=unmanaged\n",
                }
            ),
            SPEC,
        ),
        (
            managed(
                {
                    "run/systemd/network/10-netplan-eth1.network": "[Match]\nName=eth1\n",
                    "run/systemd/netif/links/2": "ADMIN_STATE=initialized\n",
                }
            ),
            SPEC,
        ),
        (managed({"run/wicked/leaseinfo.eth0.dhcp.ipv4": "IPADDR='10.77.0.10/24'\n"}), SPEC),
        (managed({}, "wickedd"), SPEC),
        (
            managed(
                {"etc/connman/main.conf": "[General]\nNetworkInterfaceBlacklist=vmnet,eth\n"},
                "connmand",
            ),
            SPEC,
        ),
        (managed({"etc/dhcpcd.conf": "denyinterfaces eth0 wlan*\n"}, "dhcpcd"), SPEC),
        (managed({"etc/dhcpcd.conf": "allowinterfaces wlan*\n"}, "dhcpcd"), SPEC),
        (managed({"etc/network/interfaces.d/50-cloud-init": "iface eth0 inet dhcp\n"}), SPEC),
        (
            host(
                traces=Traces(
                    {"etc/network/interfaces.d/50-cloud-init": "iface eth01 inet dhcp\n"},
                    cloud_init=True,
                )
            ),
            SPEC,
        ),
        (
            managed(
                {"etc/keepalived/keepalived.conf": "# interface eth0\n  interface eth0.10\n"},
                "keepalived",
            ),
            SPEC,
        ),
        (managed({"etc/keepalived/keepalived.conf": "  interface eth0\n"}), SPEC),
        # files of clients that are not this NIC's
        (managed({"etc/dhcp/dhclient.conf": 'interface "eth0" { }'}), SPEC),
        (host(addresses=(LEASED,), clients=(CLIENT,), traces=TOLD), SPEC),
    ],
)
def test_not_refused(now: Inet, spec: Spec) -> None:
    check(now, spec)


@pytest.mark.parametrize(
    ("nic", "bridge", "part"),
    [
        ("eth0", "eth0", "eth0 cannot be the uplink of itself"), ("%d", "br0", "%d"), ("eth0", "a-name-of-17-bytes", "a-name-of-17-bytes"),
        ("", "br0", "name"), ("eth0", "b/r", "b/r"), ("-x", "br0", "-x"), ("eth0", "br0\n", "br0"),
    ],
)  # fmt: skip
def test_names_that_can_be_no_devices(nic: str, bridge: str, part: str) -> None:
    with pytest.raises(BadInput) as caught:
        check_names(Spec(nic, bridge))
    assert part in str(caught.value) and "\n" not in str(caught.value)
