# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is cut off by which change: one host, and what modules would do to it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import (
    INTERRUPTS,
    MAY_CUT_SSH,
    SAFE,
    Change,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    Holder,
    Link,
    Snapshot,
)
from ansible_collections.hypervisor.network.plugins.module_utils._fdb.plan import Step
from ansible_collections.hypervisor.network.plugins.module_utils._link import reach
from ansible_collections.hypervisor.network.tests.harness.model.triplets import snapshot_of

GATEWAY, CONTROLLER, GUEST = "52:54:00:00:00:fe", "52:54:00:00:00:fc", "52:54:00:00:01:01"
# br0 is the host's, with its NIC below and a guest; br1 has guests only; br2 is reached over br0 by a veth pair; tap9 and eth1 have addresses themselves
HOST: dict[str, Any] = {
    "links": {
        "lo": {"up": True, "loopback": True},
        "eth0": {"up": True, "running": True, "mac": "52:54:00:00:00:10", "master": "br0", "port": {}},
        "br0": {"kind": "bridge", "up": True, "running": True, "mac": "52:54:00:00:00:10"},
        "tap1": {"kind": "tun", "up": True, "running": True, "mac": "fe:00:00:00:00:01", "master": "br0", "port": {}},
        "tap2": {"kind": "tun", "up": True, "running": True, "mac": "fe:00:00:00:00:02", "master": "br0", "port": {}},
        "tap3": {"kind": "tun", "up": True, "running": True, "mac": "02:00:00:00:00:03"},
        "br1": {"kind": "bridge", "up": True, "running": True, "mac": "fe:00:00:00:00:04"},
        "tap4": {"kind": "tun", "up": True, "running": True, "mac": "fe:00:00:00:00:04", "master": "br1", "port": {}},
        "br2": {"kind": "bridge", "up": True, "running": True, "mac": "0e:00:00:00:00:20"},
        "veth2": {"kind": "veth", "up": True, "running": True, "mac": "0e:00:00:00:00:20", "master": "br2", "port": {}, "lower": "veth0"},
        "veth0": {"kind": "veth", "up": True, "running": True, "mac": "fa:00:00:00:00:02", "master": "br0", "port": {}, "lower": "veth2"},
        "tap9": {"kind": "tun", "up": True, "mac": "fe:00:00:00:00:09"},
        "eth1": {"up": True, "running": True, "mac": "52:54:00:00:00:11"},
        "eth2": {"up": True, "running": True, "mac": "52:54:00:00:00:12"},
        "eth3": {"up": True, "running": True, "mac": "52:54:00:00:00:13", "mtu": 1200},
        "eth4": {"up": True, "running": True, "mac": "52:54:00:00:00:14"},
        "eth4.7": {"kind": "vlan", "up": True, "mac": "52:54:00:00:00:14", "lower": "eth4", "options": {"id": 7}},
    },
    "addresses": {
        "lo": ["127.0.0.1/8"],
        "br0": ["192.0.2.10/24", "2001:db8::10/64", "fe80::5054:ff:fe00:10/64"],
        "br1": ["fe80::fc00:ff:fe00:4/64"],
        "tap9": ["198.51.100.1/24"],
        "eth1": ["203.0.113.5/24"],
        "eth4.7": ["10.7.0.1/24"],
    },
}  # fmt: skip
PEERS = {GATEWAY: ("eth0",), CONTROLLER: (), GUEST: ("tap1",)}


def host(**more: Any) -> Snapshot:
    """HOST, whose MAC follows its ports unless C(mac_given) is true; C(options) are those of br0, C(ways) as the snapshot's."""
    now = snapshot_of(HOST)
    br0 = now.links["br0"]
    br0 = replace(
        br0,
        mac_given=more.get("mac_given", False),
        options={**br0.options, **more.get("options", {})},
        vlans=more.get("vlans"),
    )
    return replace(now, links={**now.links, "br0": br0}, peers=PEERS, ways=more.get("ways", {}))


def risk(change: Change, now: Snapshot | None = None) -> str:
    (judged,) = reach.judged(now or host(), [change])
    return judged.risk


def update(kind: str, name: str, **after: Any) -> Change:
    return Change("update", kind, name, dict.fromkeys(after), after)


def attach(name: str, bridge: str, **more: Any) -> Change:
    return Change("attach", "port", name, {"bridge": None}, {"bridge": bridge, **more})


def detach(name: str, bridge: str) -> Change:
    return Change("detach", "port", name, {"bridge": bridge}, {"bridge": None})


def delete(kind: str, name: str) -> Change:
    return Change("delete", kind, name, {}, None)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        # devices that have the host's addresses, be they ports or not
        (update("port", "eth1", up=False), MAY_CUT_SSH),
        (update("port", "eth2", up=False), INTERRUPTS),
        (update("port", "eth4", up=False), MAY_CUT_SSH),
        (update("bridge", "br0", up=False), MAY_CUT_SSH),
        (update("bridge", "br1", up=False), INTERRUPTS),
        (update("bridge", "br0", mac="52:54:00:00:00:99"), MAY_CUT_SSH),
        (delete("bridge", "br0"), MAY_CUT_SSH),
        (delete("bridge", "br1"), INTERRUPTS),
        (delete("tap", "tap9"), MAY_CUT_SSH),
        (update("tap", "tap9", up=False), MAY_CUT_SSH),
        (update("tap", "tap9", mac="fe:00:00:00:00:99"), MAY_CUT_SSH),
        (Change("recreate", "tap", "tap9", {}, {"multi_queue": True}), MAY_CUT_SSH),
        (update("tap", "tap3", up=False), INTERRUPTS),
        # no IPv6 below 1280
        (update("bridge", "br0", mtu=1200), MAY_CUT_SSH),
        (update("bridge", "br0", mtu=1280), SAFE),
        (update("bridge", "br0", mtu=9000), SAFE),
        (update("bridge", "br1", mtu=1200), SAFE),
        (update("tap", "tap1", mtu=1279), MAY_CUT_SSH),
        (update("tap", "tap1", mtu=9000), SAFE),
        (update("tap", "tap9", mtu=1200), SAFE),
        # STP is mute at first
        (update("bridge", "br0", stp_state=True), MAY_CUT_SSH),
        (update("bridge", "br1", stp_state=True), INTERRUPTS),
        (update("bridge", "br0", priority=0), SAFE),
        (update("bridge", "br0", alias="x", ageing_time=10.0, mcast_snooping=False), SAFE),
        # the uplink, and what an option makes of it
        (detach("eth0", "br0"), MAY_CUT_SSH),
        (update("port", "eth0", up=False), MAY_CUT_SSH),
        (update("port", "eth0", learning=False), MAY_CUT_SSH),
        (update("port", "eth0", isolated=True), MAY_CUT_SSH),
        (update("port", "eth0", locked=True), MAY_CUT_SSH),
        (update("port", "eth0", flood=False), MAY_CUT_SSH),
        (update("port", "eth0", bcast_flood=False), MAY_CUT_SSH),
        (update("port", "eth0", neigh_suppress=True), MAY_CUT_SSH),
        (update("port", "eth0", port_state="blocking"), MAY_CUT_SSH),
        (update("port", "eth0", hairpin=True), MAY_CUT_SSH),
        (update("port", "eth0", mcast_flood=False), MAY_CUT_SSH),
        (update("port", "eth0", proxy_arp=True), MAY_CUT_SSH),
        (update("port", "eth0", proxy_arp_wifi=True), MAY_CUT_SSH),
        (update("port", "eth0", vlan_tunnel=True), MAY_CUT_SSH),
        (update("port", "eth0", guard=True), MAY_CUT_SSH),
        (update("port", "eth0", flood=True, fastleave=True), INTERRUPTS),
        (update("port", "eth0", fastleave=True), SAFE),
        (update("port", "eth0", cost=10), SAFE),
        # the other end of a veth pair leads to br0 as well
        (update("port", "veth2", up=False), MAY_CUT_SSH),
        (update("bridge", "br2", up=False), MAY_CUT_SSH),
        (detach("veth0", "br0"), MAY_CUT_SSH),
        # guests: one that the host talks to, and others
        (detach("tap1", "br0"), MAY_CUT_SSH),
        (delete("tap", "tap1"), MAY_CUT_SSH),
        (update("port", "tap1", locked=True), MAY_CUT_SSH),
        (update("port", "tap1", isolated=True), INTERRUPTS),
        (detach("tap2", "br0"), INTERRUPTS),
        (delete("tap", "tap2"), INTERRUPTS),
        (update("port", "tap2", locked=True), INTERRUPTS),
        (detach("tap4", "br1"), INTERRUPTS),
        # who joins: a NIC may close a loop, a TAP may have the lowest MAC, an MTU may be too small
        (attach("eth2", "br0"), MAY_CUT_SSH),
        (attach("eth2", "br1"), INTERRUPTS),
        (attach("eth4", "br1"), MAY_CUT_SSH),
        (attach("tap3", "br0"), MAY_CUT_SSH),
        (attach("tap3", "br1"), INTERRUPTS),
        (attach("made", "br0"), MAY_CUT_SSH),
        (update("tap", "tap2", mac="02:00:00:00:00:02"), MAY_CUT_SSH),
        (update("tap", "tap2", mac="fe:00:00:00:00:22"), INTERRUPTS),
        (update("tap", "tap2", mac="52:54:00:00:00:10"), INTERRUPTS),
        (update("tap", "tap2", alias="x"), SAFE),
        # new things, and what is no device
        (Change("create", "bridge", "br7", None, {"up": True, "mtu": 1000}), SAFE),
        (Change("create", "tap", "tap7", None, {"up": True}), SAFE),
        (Change("update", "link", "eth1", {"up": True}, {"up": False}), MAY_CUT_SSH),
        (Change("update", "link", "eth1", {"up": False}, {"up": True}), SAFE),
        (Change("remove", "route", "default", {"route": "x"}, None), MAY_CUT_SSH),
        (Change("add", "address", "10.0.0.1/24", None, {"dev": "br0"}), SAFE),
        (Change("remove", "address", "10.0.0.1/24", {"dev": "br0"}, None), MAY_CUT_SSH),
        (Change("add", "neighbour", "10.0.0.1", None, {"mac": GATEWAY}), SAFE),
        (Change("stop", "dhcp", "eth0", {}, None), INTERRUPTS),
    ],
    ids=str,
)  # fmt: skip
def test_a_change_of_the_host(change: Change, expected: str) -> None:
    assert risk(change) == expected, (change, change.after)


@pytest.mark.parametrize(
    "change",
    [attach("tap3", "br0"), attach("made", "br0"), update("tap", "tap2", mac="02:00:00:00:00:02")],
    ids=str,
)
def test_a_bridge_that_was_given_its_mac_does_not_follow_its_ports(change: Change) -> None:
    assert risk(change, host(mac_given=True)) in (SAFE, INTERRUPTS)
    assert risk(change, host(mac_given=None)) == MAY_CUT_SSH


def test_the_mac_leaves_with_the_port_that_had_it() -> None:
    now = host()
    eth0, br0 = now.links["eth0"], now.links["br0"]
    mac = now.links["tap2"].mac
    links = {**now.links, "eth0": replace(eth0, master=None, port=None), "br0": replace(br0, mac=now.links["veth0"].mac)}  # fmt: skip
    links["tap2"] = replace(links["tap2"], mac=now.links["veth0"].mac)
    links["veth0"] = replace(links["veth0"], mac=mac)
    assert risk(detach("tap2", "br0"), replace(now, links=links)) == MAY_CUT_SSH


@pytest.mark.parametrize(
    ("mtu", "bridge", "expected"),
    [
        (1200, 1500, MAY_CUT_SSH),
        (1200, 1280, MAY_CUT_SSH),
        (1280, 1500, INTERRUPTS),
        (900, 1000, INTERRUPTS),
    ],
)
def test_a_small_port_takes_ipv6_from_its_bridge(mtu: int, bridge: int, expected: str) -> None:
    now = host(mac_given=True)
    br0 = replace(now.links["br0"], mtu=bridge)
    links = {**now.links, "br0": br0, "tap3": replace(now.links["tap3"], mtu=mtu)}
    assert risk(attach("tap3", "br0"), replace(now, links=links)) == expected
    after = SAFE if expected == INTERRUPTS else expected
    assert risk(update("tap", "tap2", mtu=mtu), replace(now, links=links)) == after


def test_a_bridge_that_has_no_ports_mac_takes_nobodys() -> None:
    now = host()
    br0 = replace(now.links["br0"], mac="0e:00:00:00:00:99")
    assert risk(attach("tap3", "br0"), replace(now, links={**now.links, "br0": br0})) == INTERRUPTS
    alone = replace(now, links={name: now.links[name] for name in ("br0", "tap3")})
    assert risk(attach("tap3", "br0"), alone) == INTERRUPTS


@pytest.mark.parametrize(
    ("change", "held", "expected"),
    [
        (update("tap", "tap9", mac="fe:00:00:00:00:99"), False, SAFE),
        (update("tap", "tap9", mac="fe:00:00:00:00:99"), True, SAFE),
        (delete("tap", "tap9"), False, SAFE),
        (delete("tap", "tap9"), True, INTERRUPTS),
    ],
)
def test_a_tap_that_is_down_has_a_guest_where_a_process_holds_it(
    change: Change, held: bool, expected: str
) -> None:
    now = host()
    links = {**now.links, "tap9": replace(now.links["tap9"], flags=0)}
    holders = {"tap9": Holder(7)} if held else {}
    assert risk(change, replace(now, links=links, addresses=(), holders=holders)) == expected


def test_what_a_tap_carries_itself_is_not_what_its_bridge_carries() -> None:
    """Both are asked for each in its turn, and neither is taken for the other."""
    several = [update("port", "tap1", locked=True), delete("tap", "tap1"), update("port", "tap2", locked=True), delete("tap", "tap2")]  # fmt: skip
    alone = [risk(one) for one in several]
    assert alone == [MAY_CUT_SSH, MAY_CUT_SSH, INTERRUPTS, INTERRUPTS]
    assert [one.risk for one in reach.judged(host(), several)] == alone
    assert [one.risk for one in reach.judged(host(), several[::-1])] == alone[::-1]


def test_a_vlan_device_in_a_bridge_does_not_lead_from_there_to_what_is_on_its_nic() -> None:
    now = host()
    within = Link("eth1.5", 99, "vlan", master="br1", lower="eth1", port={}, options={"id": 5})
    now = replace(now, links={**now.links, "eth1.5": within})
    assert risk(update("bridge", "br1", up=False), now) == INTERRUPTS


def test_with_stp_what_chooses_the_root_cuts_off_too() -> None:
    now = host(options={"stp_state": True})
    assert risk(update("bridge", "br0", priority=0), now) == MAY_CUT_SSH
    assert risk(update("port", "eth0", cost=10), now) == MAY_CUT_SSH
    assert risk(update("port", "tap2", cost=10), now) == SAFE


def test_a_device_without_an_address_that_the_default_route_leads_out_of() -> None:
    """Unnumbered: the host's address is on lo."""
    assert (
        risk(update("port", "eth2", up=False), host(ways={"eth2": frozenset({2})})) == MAY_CUT_SSH
    )
    assert risk(update("bridge", "br1", mtu=1200), host(ways={"br1": frozenset({2})})) == SAFE
    assert risk(update("bridge", "br1", mtu=1200), host(ways={"br1": frozenset({10})})) == MAY_CUT_SSH  # fmt: skip


def test_a_link_local_address_that_somebody_gave_is_the_hosts() -> None:
    now = host()
    given = replace(now.addresses[-1], dev="br1", text="fe80::1/64", family=10, raw=b"\0" * 8)
    assert risk(update("bridge", "br1", up=False), replace(now, addresses=(*now.addresses, given))) == MAY_CUT_SSH  # fmt: skip
    kernels = [replace(one, raw=b"\0" * 8) for one in now.addresses]
    assert risk(update("bridge", "br1", up=False), replace(now, addresses=tuple(kernels))) == INTERRUPTS  # fmt: skip


def test_vlans_count_where_the_bridge_looks_at_them() -> None:
    vlans = {"1": "pvid untagged"}
    filtering = host(options={"vlan_filtering": True}, vlans=vlans)
    gone = update("bridge", "br0", self_vlans={"2": "pvid untagged"})
    more = update("bridge", "br0", self_vlans={"1": "pvid untagged", "2": "tagged"})
    assert risk(gone, filtering) == MAY_CUT_SSH
    assert risk(more, filtering) == SAFE
    assert risk(gone, host(vlans=vlans)) == SAFE
    assert risk(update("bridge", "br0", vlan_default_pvid=5), filtering) == MAY_CUT_SSH
    assert risk(update("bridge", "br0", vlan_default_pvid=5), host(vlans=vlans)) == SAFE
    assert risk(update("bridge", "br0", vlan_filtering=True), host(vlans=vlans)) == MAY_CUT_SSH
    for port, expected in (("eth0", MAY_CUT_SSH), ("tap1", MAY_CUT_SSH), ("tap2", INTERRUPTS)):
        links = {**filtering.links, port: replace(filtering.links[port], vlans=vlans)}
        change = update("port", port, vlans={"7": "pvid untagged"})
        assert risk(change, replace(filtering, links=links)) == expected, port
        one_more = update("port", port, vlans={**vlans, "7": "tagged"})
        assert risk(one_more, replace(filtering, links=links)) == SAFE, port


@pytest.mark.parametrize(
    ("step", "before", "expected"),
    [
        (("br0", GATEWAY, None, "eth0", {"port": "tap2", "type": "static"}), {"port": "eth0", "type": "dynamic"}, MAY_CUT_SSH),
        (("br0", CONTROLLER, None, None, {"port": "tap2", "type": "static"}), None, MAY_CUT_SSH),
        (("br0", GATEWAY, None, "eth0", {"port": "eth0", "type": "static"}), {"type": "dynamic"}, SAFE),
        (("br0", GATEWAY, None, "eth0", {"port": "eth0", "type": "permanent"}), {"type": "static"}, MAY_CUT_SSH),
        (("br0", GATEWAY, None, "eth0", None), {"port": "eth0", "type": "static"}, SAFE),
        (("br1", GATEWAY, None, None, {"port": "tap4", "type": "static"}), None, SAFE),
        (("br2", "52:54:00:00:00:10", None, None, {"port": "tap4", "type": "static"}), None, MAY_CUT_SSH),
        (("br0", "52:54:00:00:00:77", None, "tap1", {"port": "tap2", "type": "static"}), {"port": "tap1"}, INTERRUPTS),
        (("br0", "52:54:00:00:00:77", None, None, {"port": "tap2", "type": "static"}), None, SAFE),
        (("br0", "52:54:00:00:00:77", None, "br0", None), {"type": "permanent"}, INTERRUPTS),
    ],
)  # fmt: skip
def test_an_entry(step: tuple[Any, ...], before: Any, expected: str) -> None:
    change = Change("update", "entry", "x", before, step[4], payload=Step(*step))
    assert risk(change) == expected


def test_without_its_entry_nothing_reaches_who_is_behind_a_port_that_floods_nothing() -> None:
    now = host()
    eth0 = replace(now.links["eth0"], port={"flood": False})
    change = Change("delete", "entry", "x", {"type": "static"}, None, payload=Step("br0", GATEWAY, None, "eth0"))  # fmt: skip
    assert risk(change, replace(now, links={**now.links, "eth0": eth0})) == MAY_CUT_SSH


def test_a_conversion_moves_what_its_bridge_carries() -> None:
    steps = [attach("eth2", "br1"), delete("bridge", "br0")]
    assert [one.risk for one in reach.judged(host(), steps, moving=True)] == [MAY_CUT_SSH, INTERRUPTS]  # fmt: skip


def test_what_a_guard_brings_back_is_what_the_changes_may_cost() -> None:
    now = host()
    entry = Change("update", "entry", "x", {}, {}, payload=Step("br2", GATEWAY, None, "veth2", {}))
    assert reach.carriers(now, [entry]) == ["br0"]
    assert reach.carriers(now, [update("port", "eth1", up=False)]) == ["eth1"]
    assert reach.carriers(now, [attach("eth4", "br0")]) == ["br0", "eth4.7"]
    assert reach.carriers(now, [delete("tap", "tap9"), detach("tap4", "br1")]) == ["tap9"]
    assert reach.carriers(now, [attach("made", "br1")]) == []


@pytest.mark.parametrize(
    ("before", "after", "ways", "expected"),
    [
        # nobody is reached over another device: a new network is nobody's loss
        ([], ["10.9.0.1/24"], {}, SAFE),
        ([], ["2001:db8:9::1/64"], {}, SAFE),
        # behind a gateway of that family anybody is
        ([], ["10.9.0.1/24"], {"br0": (2,)}, MAY_CUT_SSH),
        ([], ["2001:db8:9::1/64"], {"br0": (2,)}, SAFE),
        ([], ["2001:db8:9::1/64"], {"br0": (10,)}, MAY_CUT_SSH),
        # a network that is another device's
        ([], ["192.0.2.200/25"], {}, MAY_CUT_SSH),
        ([], ["2001:db8::77/64"], {}, MAY_CUT_SSH),
        # an address that goes
        (["10.9.0.1/24"], [], {}, MAY_CUT_SSH),
        (["10.9.0.1/24"], ["10.9.0.1/24"], {}, SAFE),
    ],
)
def test_an_address_of_the_bridges_own(
    before: list[str], after: list[str], ways: dict[str, Any], expected: str
) -> None:
    change = Change("update", "bridge", "br1", {"addresses": before}, {"addresses": after})
    assert risk(change, host(ways=ways)) == expected


def test_a_second_address_in_the_bridges_own_network_is_nobodys_loss() -> None:
    now = host()
    own = replace(now.addresses[0], dev="br1", text="10.9.0.1/24")
    both = {"addresses": ["10.9.0.1/24", "10.9.0.2/24"]}
    change = Change("update", "bridge", "br1", {"addresses": ["10.9.0.1/24"]}, both)
    assert risk(change, replace(now, addresses=(*now.addresses, own))) == SAFE


def test_a_bridge_that_is_made_with_an_address_is_judged_by_it() -> None:
    change = Change("create", "bridge", "br7", None, {"addresses": ["192.0.2.200/25"]})
    assert risk(change) == MAY_CUT_SSH
    assert risk(Change("create", "bridge", "br7", None, {"up": True})) == SAFE
