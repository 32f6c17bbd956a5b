# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host will be like: whatever is planned, once foreseen as done it leaves nothing to do. tests/integration/test_host_plan.py asks a kernel."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._bridge_host import foresight
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    IFF_LOWER_UP,
    IFF_UP,
    Address,
    Holder,
    Link,
)
from ansible_collections.hypervisor.network.plugins.module_utils._link import bridge, port, tap
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.route import Hop, Route
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import layout
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.layout import Inet

NIC = Link("eth0", index=2, mac="52:54:00:00:00:10", flags=IFF_UP | IFF_LOWER_UP)
DEFAULT_PVID = {"1": "pvid untagged"}


def changed(action: str, kind: str, name: str, before: Any = None, after: Any = None) -> Change:
    return Change(action, kind, name, before, after)


def after(now: Inet, *changes: Change, vlans: bool = False) -> Inet:
    return foresight.after(now, changes, vlans)


def route_by(dev: str, gateway: str | None) -> Route:
    """The default route of an administrator (RTPROT_STATIC) in the main table."""
    return Route(2, "default", 254, 0, 0, 1, 0, 4, (Hop(dev, gateway),))


def bridged(*ports: Link, **fields: Any) -> Inet:
    """A bridge that has these ports, and the lowest MAC of theirs."""
    plugged = [replace(one, master="br0", port={}) for one in ports]
    own = {"mac": min(one.mac or "" for one in ports), "mac_given": False, "options": {"vlan_default_pvid": 1}, **fields}  # fmt: skip
    return Inet({one.name: one for one in [Link("br0", kind="bridge", **own), *plugged]})


def member(name: str, last: str, **fields: Any) -> Link:
    return Link(name, kind="tun", mac=f"02:00:00:00:00:{last}", options={"mode": "tap"}, **fields)


def test_a_new_bridge_has_what_it_was_given_and_the_kernels_defaults() -> None:
    given = {"up": True, "stp_state": True, "mtu": 1400, "addr_gen_mode": "none", "alias": "a"}
    made = after(Inet({}), changed("create", "bridge", "br0", None, given)).links["br0"]
    assert made.up and made.mtu == 1400 and made.alias == "a" and made.addr_gen_mode == "none"
    assert made.options["stp_state"] is True and made.options["forward_delay"] == 15
    assert (made.mac, made.mac_given, made.vlans) == (foresight.UNKNOWN_MAC, False, None)
    plain = after(Inet({}), changed("create", "bridge", "br0", None, {})).links["br0"]
    assert plain.options == {"stp_state": False, "forward_delay": 15, "vlan_filtering": False}


def test_a_new_bridge_with_a_mac_keeps_it() -> None:
    made = after(Inet({}), changed("create", "bridge", "br0", None, {"mac": "02:00:00:00:00:01"}))
    assert made.links["br0"].mac_given
    joined = after(made, changed("create", "tap", "tap1", None, {"mode": "tap"}), changed("attach", "port", "tap1", {}, {"bridge": "br0"}))  # fmt: skip
    assert joined.links["br0"].mac == "02:00:00:00:00:01"


@pytest.mark.parametrize(
    ("given", "vlans"),
    [
        ({}, DEFAULT_PVID),
        ({"vlan_default_pvid": 7}, {"7": "pvid untagged"}),
        ({"vlan_default_pvid": 0}, {}),
        ({"self_vlans": {"30": "tagged"}}, {"30": "tagged"}),
    ],
)
def test_the_vlans_of_a_new_bridge_where_the_kernel_has_some(given: Any, vlans: Any) -> None:
    made = after(Inet({}), changed("create", "bridge", "br0", None, given), vlans=True)
    assert made.links["br0"].vlans == vlans


def test_a_new_default_moves_the_bridge_and_its_ports() -> None:
    now = bridged(member("tap1", "01", vlans=DEFAULT_PVID), vlans=DEFAULT_PVID)
    moved = after(now, changed("update", "bridge", "br0", {}, {"vlan_default_pvid": 5}), vlans=True)
    assert moved.links["br0"].vlans == moved.links["tap1"].vlans == {"5": "pvid untagged"}


def test_a_tap_joins_with_the_vlans_that_it_is_given_or_gets() -> None:
    now = Inet({"br0": Link("br0", kind="bridge", options={"vlan_default_pvid": 1})})
    made = after(
        now, changed("create", "tap", "tap1", None, {"mode": "tap", "owner": 7, "up": True})
    )
    tap1 = made.links["tap1"]
    assert tap1.options == {"mode": "tap", "owner": 7, "group": -1} and tap1.up
    assert tap1.mac == foresight.UNKNOWN_MAC
    plain = after(made, changed("attach", "port", "tap1", {}, {"bridge": "br0", "isolated": True}))
    assert plain.links["tap1"].vlans == DEFAULT_PVID
    assert plain.links["tap1"].port == {"isolated": True}
    own = after(made, changed("attach", "port", "tap1", {}, {"bridge": "br0", "vlans": {"9": "tagged"}}))  # fmt: skip
    assert own.links["tap1"].vlans == {"9": "tagged"}
    assert after(own, changed("detach", "port", "tap1", {}, {"bridge": None})).links["tap1"].port is None  # fmt: skip


def test_a_port_of_what_is_no_bridge_has_no_options() -> None:
    now = Inet({"bond0": Link("bond0", kind="bond"), "eth1": Link("eth1")})
    joined = after(now, changed("attach", "port", "eth1", {}, {"bridge": "bond0"})).links["eth1"]
    assert (joined.master, joined.port) == ("bond0", None)
    assert after(joined_host(joined), changed("update", "port", "eth1", {}, {"up": True})).links["eth1"].up  # fmt: skip


def joined_host(link: Link) -> Inet:
    return Inet({link.name: link})


def test_a_bridge_that_nobody_gave_a_mac_follows_its_ports() -> None:
    low, high = member("tap1", "01"), member("tap2", "02")
    now = bridged(low, high)
    gone = after(now, changed("delete", "tap", "tap1"))
    assert gone.links["br0"].mac == high.mac and "tap1" not in gone.links
    none = after(gone, changed("detach", "port", "tap2", {}, {"bridge": None}))
    assert none.links["br0"].mac == "00:00:00:00:00:00"
    moved = after(now, changed("update", "tap", "tap2", {}, {"mac": "02:00:00:00:00:00"}))
    assert moved.links["br0"].mac == "02:00:00:00:00:00"
    assert after(bridged(low, high, mac_given=None), changed("delete", "tap", "tap1")).links["br0"].mac == low.mac  # fmt: skip


def test_a_bridge_does_not_follow_the_ports_of_another() -> None:
    elsewhere = replace(member("tap9", "00"), master="br9", port={})
    now = bridged(member("tap1", "01"), member("tap2", "02"))
    now = replace(now, links={**now.links, "tap9": elsewhere})
    gone = after(now, changed("delete", "tap", "tap1"))
    assert gone.links["br0"].mac == "02:00:00:00:00:02"


def test_a_tap_that_is_made_again_is_a_new_one_with_what_it_had() -> None:
    now = bridged(member("tap1", "01"))
    again = replace(changed("recreate", "tap", "tap1", {}, {"multi_queue": True}), payload={"mode": "tap", "mac": "02:00:00:00:00:01", "owner": 5})  # fmt: skip
    made = after(now, again).links["tap1"]
    assert made.master is None and made.mac == "02:00:00:00:00:01"
    assert made.options["multi_queue"] is True and made.options["owner"] == 5


def test_with_a_bridge_go_its_addresses_and_routes_and_its_ports_are_free() -> None:
    now = bridged(member("tap1", "01"))
    route = route_by("br0", None)
    now = replace(now, addresses=(Address("br0", "192.0.2.1/24", 2),), routes=(route,))
    assert set(foresight.after(now, [], False).ways) == {"br0"}
    gone = after(now, changed("delete", "bridge", "br0"))
    assert gone.addresses == gone.routes == () and not gone.ways
    assert gone.links["tap1"].master is None and gone.links["tap1"].port is None


def test_addresses_of_a_bridge_come_and_go_and_the_kernels_own_stay() -> None:
    local, old = Address("br0", "fe80::1/64", 10), Address("br0", "192.0.2.1/24", 2)
    now = Inet({"br0": Link("br0", kind="bridge", options={})}, (local, old))
    given = {"addresses": ["192.0.2.1/24", "fd00::1/64"]}
    made = after(now, changed("update", "bridge", "br0", {}, given))
    assert [one.text for one in made.addresses_of("br0")] == given["addresses"]
    assert local in made.addresses and old in made.addresses


def test_of_a_device_that_is_not_there_nothing_is_known() -> None:
    assert not after(Inet({}), changed("update", "port", "eth9", {}, {"up": True})).links


def test_a_conversion_and_its_way_back() -> None:
    address = Address("eth0", "192.0.2.10/24", 2)
    route = route_by("eth0", "192.0.2.1")
    made = after(Inet({"eth0": NIC}), changed("create", "bridge", "br0", None, {}), vlans=True)
    now = replace(made, addresses=(address,), routes=(route,))
    there = foresight.converted(now, layout.bridged(now, "eth0", "br0"))
    assert there.links["eth0"].master == "br0" and there.links["eth0"].vlans == DEFAULT_PVID
    assert (there.links["br0"].mac, there.links["br0"].mac_given) == (NIC.mac, True)
    assert [one.dev for one in there.addresses] == ["br0"] and set(there.ways) == {"br0"}
    back = foresight.converted(there, layout.unbridged(there, "eth0", "br0"))
    assert back.links["eth0"].master is None and back.links["eth0"].vlans is None
    assert [one.dev for one in back.addresses] == ["eth0"] and set(back.ways) == {"eth0"}


def test_a_conversion_into_the_hosts_vlan_and_one_that_is_done_already() -> None:
    own = {"10": "pvid untagged"}
    wish = {"vlan_filtering": True, "vlan_default_pvid": 0, "self_vlans": own}
    now = after(Inet({"eth0": NIC}), changed("create", "bridge", "br0", None, wish), vlans=True)
    there = foresight.converted(now, layout.bridged(now, "eth0", "br0"))
    assert there.links["eth0"].vlans == own
    nic = replace(there.links["eth0"], vlans={**own, "20": "tagged"}, port={"cost": 19})
    there = replace(there, links={**there.links, "eth0": nic})
    again = foresight.converted(there, layout.bridged(there, "eth0", "br0"))
    assert (again.links["eth0"].vlans, again.links["eth0"].port) == (nic.vlans, nic.port)


def test_a_nic_that_leaves_a_bridge_takes_its_mac_where_nobody_gave_the_bridge_one() -> None:
    higher = replace(member("tap1", "01"), mac="fe:00:00:00:00:01")
    now = bridged(NIC, higher)
    back = foresight.converted(now, layout.unbridged(now, "eth0", "br0"))
    assert (now.links["br0"].mac, back.links["br0"].mac) == (NIC.mac, higher.mac)


def test_no_bridge_comes_of_a_way_back_without_one() -> None:
    now = Inet({"eth0": NIC})
    assert set(foresight.converted(now, layout.unbridged(now, "eth0", "br0")).links) == {"eth0"}


def test_a_tap_whose_guest_is_stopped_is_held_by_nobody() -> None:
    held = member("tap1", "01", flags=IFF_UP | IFF_LOWER_UP)
    now = Inet({"tap1": held}, holders={"tap1": Holder(7), "tap2": Holder(8)})
    idle = foresight.idle(now, {"tap1"})
    assert not idle.links["tap1"].running and idle.links["tap1"].up
    assert set(idle.holders) == {"tap2"}


def test_owners_stand_in_for_those_to_come() -> None:
    owned = foresight.owned(Inet({"tap1": member("tap1", "01"), "eth0": NIC}), {"tap1": 65534})
    assert owned.links["tap1"].options["owner"] == 65534 and owned.links["eth0"] == NIC


@pytest.mark.parametrize(
    ("made", "value"),
    [(None, "0"), (Link("br0"), "0"), (Link("br0", ipv6={"addr_gen_mode": "none"}), "1")],
)
def test_the_sysctls_of_a_device_to_come(made: Link | None, value: str) -> None:
    defaults = {"ipv6/conf/br0/addr_gen_mode": "0", "ipv4/conf/br0/rp_filter": "2"}
    assert foresight.sysctls(defaults, made) == {**defaults, "ipv6/conf/br0/addr_gen_mode": value}
    assert foresight.sysctls({}, made) == {}


@pytest.mark.parametrize("planner", [bridge, tap, port], ids=["bridge", "tap", "port"])
def test_what_is_foreseen_is_what_was_wished(planner: Any) -> None:
    """Once a plan is done in thought, the same planner has nothing left to do."""
    flags = {"mode": "tap", "multi_queue": False, "vnet_hdr": False, "pi": False}
    options = {"stp_state": False, "ageing_time": 300.0}
    br0 = Link("br0", kind="bridge", mac="02:00:00:00:00:b0", options=options)
    tap1 = replace(member("tap1", "01"), options={**flags, "owner": -1, "group": -1})
    now = Inet({"br0": br0, "tap1": tap1})
    wish = {
        bridge: {"name": "br0", "up": True, "ageing_time": 60, "alias": "a", "mtu": 1400},
        tap: {"name": "tap1", "up": True, "owner": 5, "mac": "02:00:00:00:00:09"},
        port: {"name": "tap1", "bridge": "br0", "up": True},
    }[planner]
    defaults = {key: one.get("default") for key, one in planner.SPEC.items()}
    wishes = [planner.checked({**defaults, **wish})]
    changes = planner.plan(now, wishes)
    assert changes and planner.plan(foresight.after(now, changes, False), wishes) == []
