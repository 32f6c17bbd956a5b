# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the things of a NIC and its bridge are, shall be, and were."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Address, Link
from ansible_collections.hypervisor.network.plugins.module_utils._dhcp.client import Client
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.route import Hop
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import layout
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.layout import Inet
from ansible_collections.hypervisor.network.tests.harness.model import simulated

UP = 0x1
MAC = "52:54:00:00:00:10"
NIC = Link("eth0", 2, "", UP, MAC, mtu=1400)
BRIDGE = Link("br0", 3, "bridge", UP, MAC, mtu=1400)
ADDRESS = simulated.address("eth0", "10.77.0.10/24", flags=0x80)
DEFAULT = simulated.route("default", Hop("eth0", "10.77.0.1"))
SYSCTLS = {
    "ipv4/conf/eth0/rp_filter": "2", "ipv4/conf/br0/rp_filter": "0", "ipv6/conf/eth0/accept_ra": "2", "ipv6/conf/eth0/addr_gen_mode": "0",
    "ipv6/conf/br0/accept_ra": "1", "ipv4/conf/eth1/rp_filter": "1",
}  # fmt: skip
HOST = Inet(
    {"eth0": NIC, "eth1": Link("eth1", 4, "", UP)},
    (ADDRESS, simulated.link_local("eth0", MAC), simulated.address("eth1", "10.66.0.1/24")),
    routes=(DEFAULT, simulated.route("10.0.0.0/8", Hop("eth1", "10.66.0.2"))),
    rules=(simulated.rule(iif="eth0"), simulated.rule(iif="eth1")),
    neighbours=(
        simulated.neighbour("eth0", "10.77.0.1"),
        simulated.neighbour("eth0", "10.77.0.2", state=0x02),
    ),
    sysctls=SYSCTLS,
    clients=(
        Client("eth0", "dhclient", ("dhclient", "-lf", "/var/lib/dhclient.eth0.leases", "eth0")),
    ),
)


def test_what_stands_is_what_the_nic_and_its_bridge_have_and_nobody_else() -> None:
    stands = layout.layout_of(HOST, "eth0", "br0")
    assert (stands.master, stands.bridge_link, stands.nic_up) == (None, None, True)
    assert {one.dev for one in stands.addresses} == {"eth0"} and stands.routes == (DEFAULT,)
    assert [rule.iif for rule in stands.rules] == ["eth0"]
    assert [one.address for one in stands.neighbours] == ["10.77.0.1"], (
        "what was only learned is learned again"
    )
    assert not [key for key in stands.sysctls if "eth1" in key]


def test_a_bridge_gets_everything_and_the_nic_only_carries_frames() -> None:
    shall = layout.bridged(HOST, "eth0", "br0")
    assert (shall.master, shall.bridge_link) == ("br0", {"mac": MAC, "mtu": 1400, "up": True})
    assert [(one.dev, one.text, one.flags) for one in shall.addresses] == [
        ("br0", "10.77.0.10/24", 0)
    ]
    assert [route.hops[0].dev for route in shall.routes] == ["br0"]
    assert [rule.iif for rule in shall.rules] == ["br0"] and shall.neighbours[0].dev == "br0"
    assert shall.sysctls["ipv4/conf/br0/rp_filter"] == "2"
    assert shall.sysctls["ipv6/conf/br0/accept_ra"] == "2"
    assert shall.sysctls["ipv6/conf/eth0/accept_ra"] == "0", "a port takes no routers' words"
    assert shall.clients[0].argv == ("dhclient", "-lf", "/var/lib/dhclient.br0.leases", "br0")


def converted() -> Inet:
    """The same host with its bridge, as the kernel would show it."""
    shall = layout.bridged(HOST, "eth0", "br0")
    links = {**HOST.links, "eth0": replace(NIC, master="br0", port={}), "br0": BRIDGE}
    return replace(
        HOST, links=links, addresses=shall.addresses, routes=shall.routes, rules=shall.rules,
        neighbours=shall.neighbours, sysctls={**HOST.sysctls, **shall.sysctls}, clients=shall.clients,
    )  # fmt: skip


def test_a_second_run_wishes_for_what_stands() -> None:
    now = converted()
    again = layout.bridged(now, "eth0", "br0")
    stands = layout.layout_of(now, "eth0", "br0")
    assert again == replace(stands, bridge_link={"up": True})


def test_two_routes_to_one_network_by_two_sources_both_stay() -> None:
    """As NetworkManager makes them of two addresses: a second run took the second one away."""
    sources = ("10.77.0.10", "10.77.0.11")
    two = [simulated.route("10.77.0.0/24", Hop("br0"), metric=425, src=one) for one in sources]
    now = replace(converted(), routes=tuple(two))
    assert layout.bridged(now, "eth0", "br0").routes == tuple(two)
    again = replace(two[0], hops=(Hop("eth0"),))
    both = replace(now, routes=(again, two[0]))
    assert layout.bridged(both, "eth0", "br0").routes == (two[0],)


def test_the_way_back_gives_the_nic_everything_of_the_bridge() -> None:
    back = layout.unbridged(converted(), "eth0", "br0")
    assert back.master is None and {one.dev for one in back.addresses} == {"eth0"}
    assert back.routes == (DEFAULT,) and back.sysctls["ipv6/conf/eth0/accept_ra"] == "2"
    assert back.sysctls["ipv6/conf/eth0/addr_gen_mode"] == "0"
    assert back.clients[0].argv == HOST.clients[0].argv


def test_a_nic_that_is_no_port_of_that_bridge_has_no_way_back_from_it() -> None:
    assert layout.unbridged(HOST, "eth0", "br0") == layout.layout_of(HOST, "eth0", "br0")


def test_the_metric_of_a_lease_is_its_clients() -> None:
    leased = simulated.route("default", Hop("eth0", "10.77.0.1"), metric=1002, protocol=16)
    stands = layout.layout_of(replace(HOST, routes=(leased,)), "eth0", "br0")
    assert stands.clients[0].metric == 1002


@pytest.mark.parametrize(
    ("address", "networks"),
    [
        (simulated.address("eth0", "10.0.0.5/24"), ("10.0.0.0/24",)),
        (simulated.address("eth0", "10.0.0.5/32"), ()),
        (simulated.address("eth0", "10.0.0.5/24", flags=0x01), ()),
        (simulated.address("eth0", "10.0.0.5/24", flags=0x200), ()),
        (simulated.address("eth0", "10.0.0.5/32", "10.9.0.1"), ("10.9.0.1/32",)),
        (simulated.address("eth0", "fd77::5/64"), ("fd77::/64",)),
        (simulated.address("eth0", "fd77::5/64", "fd77::6"), ("fd77::/64", "fd77::6/128")),
        (simulated.address("eth0", "fd77::5/64", flags=0x200), ()),
        (simulated.address("eth0", "fe80::5/64", scope=253), ()),
    ],
)
def test_networks_that_the_kernel_makes_a_route_to(
    address: Address, networks: tuple[str, ...]
) -> None:
    assert layout.connected_of(address) == networks


def test_a_route_that_the_kernel_made_of_an_address_is_known_from_one_that_somebody_made() -> None:
    address = simulated.address("eth0", "10.0.0.5/24")
    made = simulated.route("10.0.0.0/24", Hop("eth0"), protocol=2, src="10.0.0.5")
    assert layout.made_by(made, address)
    others = (
        replace(made, protocol=3), replace(made, src="10.0.0.6"), replace(made, metric=7),
        replace(made, dst="10.0.1.0/24"), replace(made, hops=(Hop("eth1"),)), replace(made, family=10),
    )  # fmt: skip
    assert not [one for one in others if layout.made_by(one, address)]


def test_what_comes_with_a_device_is_nobodys_route() -> None:
    kernels = simulated.route("fe80::/64", Hop("eth0"), protocol=2)
    assert layout.by_itself(kernels) and not layout.by_itself(replace(kernels, protocol=3))
    assert not layout.by_itself(simulated.route("fd77::/64", Hop("eth0"), protocol=2))


def test_only_the_kernels_own_link_local_address_comes_by_itself() -> None:
    own, given = (
        simulated.link_local("eth0", MAC),
        simulated.address("eth0", "fe80::5/64", scope=253),
    )
    assert layout.link_local(own, HOST) and not layout.link_local(given, HOST)
    assert not layout.link_local(ADDRESS, HOST)


def test_a_client_for_another_device_has_its_name_in_arguments_and_files_only() -> None:
    client = Client(
        "eth0",
        "udhcpc",
        (
            "udhcpc",
            "-ieth0",
            "--interface=eth0",
            "-p",
            "/run/udhcpc.eth0.pid",
            "-x",
            "hostname:eth0x",
        ),
        7,
    )
    moved = layout.client_for(client, "br0")
    assert moved.argv == (
        "udhcpc",
        "-ibr0",
        "--interface=br0",
        "-p",
        "/run/udhcpc.br0.pid",
        "-x",
        "hostname:eth0x",
    )
    assert (moved.dev, moved.pid) == ("br0", 0)


FILTERS = {"vlan_filtering": True, "vlan_default_pvid": 0}
OWN = {"10": "pvid untagged", "20": "tagged"}


@pytest.mark.parametrize(
    ("options", "own", "given"),
    [
        (FILTERS, OWN, {"vlans": OWN}),
        ({**FILTERS, "vlan_default_pvid": 1}, OWN, {"vlans": OWN}),
        ({**FILTERS, "vlan_default_pvid": 10}, {"10": "pvid untagged"}, {}),
        ({**FILTERS, "vlan_filtering": False}, OWN, {}),
        ({"vlan_filtering": False}, None, {}),
        (FILTERS, {}, {}),
    ],
)
def test_a_nic_is_given_the_hosts_vlans_where_the_kernel_gives_it_others(
    options: dict[str, object], own: dict[str, str] | None, given: dict[str, object]
) -> None:
    bridge = replace(BRIDGE, options=options, vlans=own)
    now = replace(HOST, links={**HOST.links, "br0": bridge})
    shall = layout.bridged(now, "eth0", "br0")
    assert shall.membership == given
    default = options.get("vlan_default_pvid")
    begins = None if default is None else {str(default): "pvid untagged"} if default else {}
    assert layout.reached(now, shall).links["eth0"].vlans == given.get("vlans", begins)


def test_the_vlans_of_a_nic_that_is_an_uplink_already_are_left_as_they_are() -> None:
    port = replace(NIC, master="br0", port={}, vlans={"10": "pvid untagged", "30": "tagged"})
    bridge = replace(BRIDGE, options=FILTERS, vlans=OWN)
    now = replace(HOST, links={**HOST.links, "eth0": port, "br0": bridge})
    shall = layout.bridged(now, "eth0", "br0")
    assert layout.reached(now, shall).links["eth0"].vlans == port.vlans
    assert layout.reached(now, layout.unbridged(now, "eth0", "br0")).links["eth0"].vlans is None
