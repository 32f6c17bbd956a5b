# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whoever is cut off was foretold: random changes of random hosts, and a client that tries to reach the host after each.

The kernel of the machines that run this has no VLANs; what VLANs cut off is in tests/unit/_link/test_reach.py and tests/acceptance/test_vlans.py.
"""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    HypervisorNetworkError,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.module import items_of
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import (
    MAY_CUT_SSH,
    Change,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.reconcile import reconcile
from ansible_collections.hypervisor.network.plugins.module_utils._fdb import spec as fdb_spec
from ansible_collections.hypervisor.network.plugins.module_utils._fdb.apply import FdbNoun
from ansible_collections.hypervisor.network.plugins.module_utils._link import (
    bridge as bridge_planner,
)
from ansible_collections.hypervisor.network.plugins.module_utils._link import port as port_planner
from ansible_collections.hypervisor.network.plugins.module_utils._link import tap as tap_planner
from ansible_collections.hypervisor.network.plugins.module_utils._link.apply import LinkNoun
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.snapshot import Netlink
from ansible_collections.hypervisor.network.tests.harness.guard.guarded import (
    Transactions,
    change_links,
)
from ansible_collections.hypervisor.network.tests.harness.host.reached import (
    CLIENT_MAC,
    NIC_MAC,
    SHAPES,
    World,
    world,
)
from ansible_collections.hypervisor.network.tests.harness.net.dump import differences, settled
from ansible_collections.hypervisor.network.tests.harness.net.netns import inside
from ansible_collections.hypervisor.network.tests.harness.net.tapped import Guest
from ansible_collections.hypervisor.network.tests.harness.process.long_form import LONG
from ansible_collections.hypervisor.network.tests.harness.process.waiting import wait_for

EXAMPLES = 600 if LONG else 25
# Of the changes that cut nobody off, the share that may be called may_cut_ssh all the same. Each costs its user one more connection.
FALSE_ALARMS = 0.5
BRIDGES = ("br0", "br1")
DEVICES = ("eth0", "eth1", "tap1", "tap2", "tap9", "veth0", "veth1", *BRIDGES)
LOW, HIGH, OTHER = "00:00:5e:00:53:01", "fe:ff:ff:00:00:01", "52:54:00:77:77:77"
MTUS = st.sampled_from([1200, 1279, 1280, 1400, 1500])
MACS = st.sampled_from([LOW, HIGH])
FLAGS = (
    "hairpin", "learning", "flood", "mcast_flood", "bcast_flood", "neigh_suppress", "proxy_arp", "isolated", "locked", "guard",
    "root_block", "fastleave", "mcast_to_unicast", "vlan_tunnel",
)  # fmt: skip


def some(options: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """One or two of the options, as a user gives them."""
    pairs = st.sampled_from(sorted(options)).flatmap(
        lambda key: options[key].map(lambda value: (key, value))
    )
    return st.lists(pairs, min_size=1, max_size=2).map(dict)


PLANNED = {"linux_bridge": bridge_planner, "bridge_port": port_planner, "tap_device": tap_planner}
ALL = {
    "linux_bridge": st.builds(
        lambda name, more: {"name": name, **more},
        st.sampled_from([*BRIDGES, "br7"]),
        st.one_of(
            some(
                {
                    "up": st.booleans(),
                    "mac": MACS,
                    "mtu": MTUS,
                    "alias": st.just("x"),
                    "txqueuelen": st.just(10),
                    "stp_state": st.booleans(),
                    "priority": st.sampled_from([0, 32768, 61440]),
                    "ageing_time": st.sampled_from([0, 300]),
                    "mcast_snooping": st.booleans(),
                    "mcast_querier": st.booleans(),
                    "group_fwd_mask": st.just(8),
                    "no_linklocal_learn": st.booleans(),
                    "addr_gen_mode": st.sampled_from(["none", "eui64"]),
                }
            ),
            st.just({"state": "absent", "force": True}),
        ),
    ),
    "bridge_port": st.builds(
        lambda name, bridge, more: {"name": name, "bridge": bridge, "steal": True, **more},
        st.sampled_from(DEVICES),
        st.sampled_from(BRIDGES),
        st.one_of(
            some(
                {
                    **{flag: st.booleans() for flag in FLAGS},
                    "up": st.booleans(),
                    "cost": st.sampled_from([1, 100]),
                    "priority": st.sampled_from([1, 63]),
                    "port_state": st.sampled_from(["disabled", "blocking", "forwarding"]),
                }
            ),
            st.just({"state": "absent"}),
            st.just({"state": "absent", "up": False}),
            st.just({}),
        ),
    ),
    "tap_device": st.builds(
        lambda name, more: {"name": name, **more},
        st.sampled_from(["tap1", "tap2", "tap9", "tap7"]),
        st.one_of(
            some(
                {
                    "up": st.booleans(),
                    "mac": MACS,
                    "mtu": MTUS,
                    "multi_queue": st.booleans(),
                    "alias": st.just("x"),
                }
            ),
            st.just({"state": "absent"}),
            st.just({"mode": "tun", "force": True}),
        ),
    ),
    "bridge_fdb": st.one_of(
        st.builds(
            lambda bridge, mac, port, kind, state, sticky: {"bridge": bridge, "mac": mac, "port": port, "type": kind, "state": state, "sticky": sticky},
            st.sampled_from(BRIDGES),
            st.sampled_from([CLIENT_MAC, NIC_MAC, OTHER]),
            st.sampled_from(DEVICES),
            st.sampled_from(["static", "permanent", "dynamic"]),
            st.sampled_from(["present", "present", "absent"]),
            st.sampled_from([None, True]),
        ),
        st.builds(lambda bridge, kind: {"bridge": bridge, "flush": kind}, st.sampled_from(BRIDGES), st.sampled_from(["dynamic", "static", "permanent"])),
    ),
}  # fmt: skip
TASKS = st.sampled_from(sorted(ALL)).flatmap(lambda name: st.tuples(st.just(name), ALL[name]))


def done(module: str, params: dict[str, Any]) -> tuple[Change, ...]:
    """What the module would do, here and without a guard; nothing where it refuses."""
    with contextlib.closing(Netlink()) as netlink:
        try:
            return _done(netlink, module, params)
        except HypervisorNetworkError:
            return ()


def _done(netlink: Netlink, module: str, params: dict[str, Any]) -> tuple[Change, ...]:
    if module == "bridge_fdb":
        flush = params.pop("flush", None)
        defaults = {key: value.get("default") for key, value in fdb_spec.SPEC.items()}
        filters = {"port": None, "vlan": None, "type": flush, "sticky": None, "extern_learn": False}  # fmt: skip
        params = {"entries": None, **defaults, **params, "flush": flush and filters}
        wish = fdb_spec.checked(
            items_of(params, fdb_spec.SPEC, "entries", ("netns", "flush")), params
        )
        return reconcile(FdbNoun(netlink), wish).changes
    planner = PLANNED[module]
    defaults = {key: value.get("default") for key, value in planner.SPEC.items()}
    wish = {planner.KIND: [planner.checked({**defaults, **params})]}
    return reconcile(LinkNoun(netlink), wish).changes


def tried(here: World, module: str, params: dict[str, Any]) -> tuple[bool, bool, Any]:
    """Whether the task cut the client off, whether that was foretold, and the task with what it did."""
    before = here.reached()
    changes = inside(here.host, done, module, dict(params))
    lost = before - here.reached() if changes else set()
    told = any(change.risk == MAY_CUT_SSH for change in changes)
    return bool(lost), told, (module, params, [change.as_dict() for change in changes], lost)


def test_who_is_cut_off_was_foretold() -> None:
    quiet: list[bool] = []

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(SHAPES), st.lists(TASKS, min_size=1, max_size=3))
    def each(shape: str, tasks: list[tuple[str, dict[str, Any]]]) -> None:
        with world(shape) as here:
            for module, params in tasks:
                cut, told, what = tried(here, module, params)
                assert told or not cut, (shape, what)
                event(f"cut: {cut}, told: {told}")
                if what[2] and not cut:
                    quiet.append(told)
                if cut:
                    return

    each()
    assert len(quiet) > EXAMPLES / 4
    share = sum(quiet) / len(quiet)
    assert share < FALSE_ALARMS, (
        f"{share:.0%} of {len(quiet)} harmless changes were said to cut off"
    )


@pytest.mark.parametrize(
    ("shape", "module", "params"),
    [
        ("nic", "bridge_port", {"name": "eth0", "state": "absent", "up": False}),
        ("nic", "tap_device", {"name": "tap9", "state": "absent"}),
        ("unnumbered", "bridge_port", {"name": "eth0", "state": "absent", "up": False}),
        ("bridge", "linux_bridge", {"name": "br0", "mtu": 1200}),
        ("given", "linux_bridge", {"name": "br0", "mac": LOW}),
        ("bridge", "tap_device", {"name": "tap1", "mtu": 1200}),
        ("bridge", "bridge_fdb", {"bridge": "br0", "mac": CLIENT_MAC, "port": "tap1", "sticky": True}),
        ("bridge", "bridge_port", {"name": "eth0", "bridge": "br0", "up": False}),
        ("behind", "bridge_port", {"name": "veth1", "bridge": "br0", "up": False}),
        ("behind", "bridge_fdb", {"bridge": "br0", "mac": "0e:00:00:00:00:10", "port": "tap1", "sticky": True}),
    ],
)  # fmt: skip
def test_what_cuts_the_client_off_for_certain(
    shape: str, module: str, params: dict[str, Any]
) -> None:
    """The oracle can tell: these do cut it off, and each of them was safe or an interruption once, or had no guard."""
    with world(shape) as here:
        cut, told, what = tried(here, module, params)
        assert cut and told, what


@pytest.mark.parametrize(
    ("shape", "module", "params"),
    [
        ("pinned", "bridge_port", {"name": "tap2", "bridge": "br0", "steal": True}),
        ("bridge", "bridge_port", {"name": "tap1", "state": "absent"}),
        ("bridge", "tap_device", {"name": "tap1", "up": False}),
        ("bridge", "linux_bridge", {"name": "br0", "mtu": 1400}),
        ("bridge", "linux_bridge", {"name": "br1", "stp_state": True, "forward_delay": 2}),
        ("bridge", "bridge_fdb", {"bridge": "br0", "mac": OTHER, "port": "tap1"}),
        ("nic", "linux_bridge", {"name": "br1", "up": False}),
    ],
)  # fmt: skip
def test_what_guests_alone_notice_is_no_alarm(
    shape: str, module: str, params: dict[str, Any]
) -> None:
    with world(shape) as here:
        cut, told, what = tried(here, module, params)
        assert what[2] and not cut and not told, what


ON_THE_WAY: dict[str, tuple[str, dict[str, Any]]] = {
    "a NIC that is no port": ("nic", {"port": {"name": "eth0", "state": "absent", "up": False}}),
    "an MTU that takes IPv6 away": ("bridge", {"bridge": {"name": "br0", "mtu": 1200}}),
    "a tap with an address": ("nic", {"tap": {"name": "tap9", "state": "absent"}}),
    "a tap that keeps its IPv6": ("nic", {"tap": {"name": "tap9", "up": False}}),
    "an entry": ("bridge", {"entry": {"bridge": "br0", "mac": CLIENT_MAC, "port": "tap1", "sticky": True}}),
    "an entry behind a veth pair": ("behind", {"entry": {"bridge": "br0", "mac": "0e:00:00:00:00:10", "port": "tap1", "sticky": True}}),
}  # fmt: skip


@pytest.mark.parametrize("name", ON_THE_WAY)
def test_what_nobody_confirms_is_undone_at_the_deadline(name: str) -> None:
    shape, wish = ON_THE_WAY[name]
    with world(shape) as here, Transactions(here.host) as hand, contextlib.ExitStack() as held:
        if (wish.get("tap") or {}).get("up") is False:
            # the kernel gives a device its multicast route of IPv6 with the carrier, however it went down and up
            held.enter_context(Guest(here.host, "tap9", OTHER))
        before = settled(here.host)
        answer = change_links(here.host, 2, **wish)
        assert answer["error"] is None and hand.state(answer["id"]) == "applied", answer
        assert hand.wait() < 6 and hand.state(answer["id"]) == "rolled-back"
        wait_for(lambda: len(here.reached()) == 4, "the client to reach the host again")
        assert differences(before, settled(here.host)) == []
