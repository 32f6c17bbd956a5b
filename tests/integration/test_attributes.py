# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every settable attribute: set it, see it with iproute2, set it again unchanged, change it back.

One table; a test makes sure that it has every option. What this kernel lacks must be refused in one sentence that says so.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Callable

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core import vlan as vlan_words
from ansible_collections.hypervisor.network.plugins.module_utils._link import (
    bridge as bridge_planner,
)
from ansible_collections.hypervisor.network.plugins.module_utils._link import port as port_planner
from ansible_collections.hypervisor.network.plugins.module_utils._link import tap as tap_planner
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import (
    attributes as option_tables,
)
from ansible_collections.hypervisor.network.tests.conftest import PYTHONS, needs_root
from ansible_collections.hypervisor.network.tests.harness.net.dump import settled
from ansible_collections.hypervisor.network.tests.harness.net.netns import (
    Namespaces,
    batch,
    ip_json,
    run,
)
from ansible_collections.hypervisor.network.tests.harness.net.rawlink import attributes_of
from ansible_collections.hypervisor.network.tests.harness.process.modules import SWITCH, Modules


def ticks(value: float) -> int:
    return round(value * 100)


def same(value: Any) -> Any:
    return value


def mask(value: int) -> str:
    return f"{value:#x}" if value else "0"


@dataclass(frozen=True)
class Row:
    """C(key) is iproute2's path in C(ip -j -d link), C(as_seen) turns our value into what stands there.

    C(raw) are the netlink attribute and its struct format, for what this iproute2 may be too old to show.
    """

    option: str
    one: Any
    other: Any
    key: str | None = None
    as_seen: Callable[[Any], Any] = same
    raw: tuple[int, str] | None = None
    needs: str = ""


DATA, SLAVE = "linkinfo/info_data/", "linkinfo/info_slave_data/"
LINK = [
    Row("up", False, True, "flags"),
    Row("mac", "02:00:00:00:00:0a", "02:00:00:00:00:0b", "address"),
    Row("mtu", 1400, 1280, "mtu"),
    Row("txqueuelen", 500, 0, "txqlen", lambda value: value or None),  # iproute2 leaves a zero out
    Row("alias", "für Gäste", "", "ifalias", lambda value: value or None),
    Row("addr_gen_mode", "none", "random", "inet6_addr_gen_mode"),
]
BRIDGE = [
    *LINK,
    Row("forward_delay", 0, 4, DATA + "forward_delay", ticks),
    Row("hello_time", 1, 2.5, DATA + "hello_time", ticks),
    Row("max_age", 6, 39.5, DATA + "max_age", ticks),
    Row("ageing_time", 0, 12.5, DATA + "ageing_time", ticks),
    Row("stp_state", True, False, DATA + "stp_state", int),
    Row("priority", 0, 65535, DATA + "priority"),
    Row("vlan_filtering", True, False, DATA + "vlan_filtering", int, needs="VLAN"),
    Row("vlan_protocol", "802.1ad", "802.1Q", DATA + "vlan_protocol", needs="VLAN"),
    Row("vlan_default_pvid", 0, 100, DATA + "vlan_default_pvid", needs="VLAN"),
    Row("vlan_stats_enabled", True, False, DATA + "vlan_stats_enabled", int, needs="VLAN"),
    Row("vlan_stats_per_port", True, False, DATA + "vlan_stats_per_port", int, needs="VLAN"),
    Row("mst_enabled", True, False, raw=(46, "=I"), needs="VLAN"),
    Row("group_fwd_mask", 0x4008, 0, DATA + "group_fwd_mask", mask),
    Row("group_address", "01:80:c2:00:00:0e", "01:80:c2:00:00:00", DATA + "group_addr"),
    Row("mcast_router", 2, 0, DATA + "mcast_router"),
    Row("mcast_snooping", False, True, DATA + "mcast_snooping", int),
    Row("mcast_query_use_ifaddr", True, False, DATA + "mcast_query_use_ifaddr", int),
    Row("mcast_querier", True, False, DATA + "mcast_querier", int),
    Row("mcast_hash_max", 64, 8192, DATA + "mcast_hash_max"),
    Row("mcast_last_member_count", 0, 5, DATA + "mcast_last_member_cnt"),
    Row("mcast_startup_query_count", 3, 0, DATA + "mcast_startup_query_cnt"),
    Row("mcast_last_member_interval", 0, 2.5, DATA + "mcast_last_member_intvl", ticks),
    Row("mcast_membership_interval", 100, 260, DATA + "mcast_membership_intvl", ticks),
    Row("mcast_querier_interval", 0, 100.5, DATA + "mcast_querier_intvl", ticks),
    Row("mcast_query_interval", 1, 86400, DATA + "mcast_query_intvl", ticks),
    Row("mcast_query_response_interval", 0, 5, DATA + "mcast_query_response_intvl", ticks),
    Row("mcast_startup_query_interval", 1, 86400, DATA + "mcast_startup_query_intvl", ticks),
    Row("mcast_stats_enabled", True, False, DATA + "mcast_stats_enabled", int),
    Row("mcast_igmp_version", 3, 2, DATA + "mcast_igmp_version"),
    Row("mcast_mld_version", 2, 1, DATA + "mcast_mld_version"),
    Row("nf_call_iptables", True, False, DATA + "nf_call_iptables", int),
    Row("nf_call_ip6tables", True, False, DATA + "nf_call_ip6tables", int),
    Row("nf_call_arptables", True, False, DATA + "nf_call_arptables", int),
    Row("no_linklocal_learn", True, False, DATA + "no_linklocal_learn", int),
    Row("fdb_max_learned", 5, 0, raw=(49, "=I"), needs="fdb_max_learned"),
]
PORT = [
    Row("up", False, True, "flags"),
    Row("port_state", "listening", "learning", SLAVE + "state"),
    Row("priority", 0, 63, SLAVE + "priority"),
    Row("cost", 1, 65535, SLAVE + "cost"),
    Row("hairpin", True, False, SLAVE + "hairpin"),
    Row("guard", True, False, SLAVE + "guard"),
    Row("root_block", True, False, SLAVE + "root_block"),
    Row("fastleave", True, False, SLAVE + "fastleave"),
    Row("learning", False, True, SLAVE + "learning"),
    Row("flood", False, True, SLAVE + "flood"),
    Row("proxy_arp", True, False, SLAVE + "proxy_arp"),
    Row("proxy_arp_wifi", True, False, SLAVE + "proxy_arp_wifi"),
    Row("mcast_router", 2, 0, SLAVE + "multicast_router"),
    Row("mcast_flood", False, True, SLAVE + "mcast_flood"),
    Row("mcast_to_unicast", True, False, SLAVE + "mcast_to_unicast"),
    Row("vlan_tunnel", True, False, SLAVE + "vlan_tunnel"),
    Row("bcast_flood", False, True, SLAVE + "bcast_flood"),
    Row("group_fwd_mask", 0x4008, 0, SLAVE + "group_fwd_mask", mask),
    Row("neigh_suppress", True, False, SLAVE + "neigh_suppress"),
    Row("isolated", True, False, SLAVE + "isolated"),
    Row("backup_port", "v2", "", SLAVE + "backup_port", lambda value: value or None),
    Row("locked", True, False, SLAVE + "locked"),
    Row("mab", True, False, raw=(40, "=B"), needs="mab"),
]
TAP = [
    *LINK,
    Row(
        "owner",
        "1",
        "root",
        DATA + "user",
        lambda value: {"1": ("daemon", "1"), "root": ("root", "0")}[value],
    ),
    Row(
        "group",
        "1",
        "root",
        DATA + "group",
        lambda value: {"1": ("daemon", "1"), "root": ("root", "0")}[value],
    ),
    Row("multi_queue", True, False, DATA + "multi_queue"),
    Row("vnet_hdr", True, False, DATA + "vnet_hdr"),
    Row("pi", True, False, DATA + "pi"),
    Row("mode", "tap", "tun", DATA + "type"),
]
HOSTS = {
    "linux_bridge": ("br0", {}),
    "bridge_port": ("v0", {"bridge": "br0"}),
    "tap_device": ("tap0", {}),
}


@pytest.fixture(scope="module", params=list(PYTHONS))
def host(request: pytest.FixtureRequest, target_path: str) -> Iterator[Modules]:
    """A namespace with a bridge, a port with carrier, and a tap, and a process that runs modules in it."""
    needs_root()
    python = PYTHONS[request.param]
    if python is None:
        pytest.skip(f"there is no interpreter with {request.param} here: run it through make")
    with Namespaces("attributes") as names:
        netns = names["attributes"]
        batch(netns, SWITCH)
        run("ip", "-n", netns, "tuntap", "add", "tap0", "mode", "tap")
        with Modules(netns, python, target_path) as modules:
            yield modules


def seen(host: Modules, dev: str, row: Row) -> Any:
    """The option as iproute2 shows it."""
    link = ip_json(host.netns, "-d", "link", "show", "dev", dev)[0]
    if row.option == "up":
        return "UP" in link["flags"]
    if row.raw is not None:
        number, layout = row.raw
        value = struct.unpack_from(
            layout, attributes_of(host.netns, dev, slave=dev == "v0")[number]
        )[0]
        return bool(value) if isinstance(row.one, bool) else value
    for key in row.key.split("/"):
        link = (link or {}).get(key)
    return link


def shows(value: Any, row: Row, given: Any) -> bool:
    wanted = row.as_seen(given)
    return (
        str(value) in wanted
        if isinstance(wanted, tuple)
        else value == wanted and isinstance(value, bool) == isinstance(wanted, bool)
    )


def lacking(host: Modules, row: Row) -> bool:
    """Whether iproute2 and the kernel's own bytes say that the option is not there."""
    if not row.needs:
        return False
    if row.needs == "VLAN":
        return (
            "vlan_protocol"
            not in ip_json(host.netns, "-d", "link", "show", "dev", "br0")[0]["linkinfo"][
                "info_data"
            ]
        )
    return row.raw[0] not in attributes_of(
        host.netns, "v0" if row in PORT else "br0", slave=row in PORT
    )


CASES = [
    pytest.param(module, row, id=f"{module}-{row.option}")
    for module, rows in (("linux_bridge", BRIDGE), ("bridge_port", PORT), ("tap_device", TAP))
    for row in rows
]


@pytest.mark.parametrize(("module", "row"), CASES)
def test_set_see_set_again_and_change_back(host: Modules, module: str, row: Row) -> None:
    dev, more = HOSTS[module]
    if row.option == "mab":
        host.done(module, name=dev, locked=True, **more)
    if lacking(host, row):
        before = settled(host.netns)["links"][dev]
        refused = host.refused(module, name=dev, **more, **{row.option: row.one})
        assert f"this kernel has no {row.option}" in refused
        assert "undone" not in refused, "it was refused only after something was changed"
        assert settled(host.netns)["links"][dev] == before
        return
    key = {"linux_bridge": "bridge", "bridge_port": "port", "tap_device": "tap"}[module]
    host.done(module, name=dev, **more, **{row.option: row.other})
    for value, previous in ((row.one, row.other), (row.other, row.one)):
        assert shows(seen(host, dev, row), row, previous)
        predicted = host.done(module, check=True, name=dev, **more, **{row.option: value})
        assert predicted["changed"] and shows(seen(host, dev, row), row, previous)
        result = host.done(module, name=dev, **more, **{row.option: value})
        assert result["changed"] and result["changes"] == predicted["changes"]
        assert set(result["changes"][0]["after"]) == {row.option}
        assert shows(seen(host, dev, row), row, value), seen(host, dev, row)
        assert result[key][row.option] == value or row.option in ("owner", "group")
        assert not host.done(module, name=dev, **more, **{row.option: value})["changed"]
    if row.option == "mode":
        host.done(module, name=dev, mode="tap")


def test_the_tables_have_every_option() -> None:
    for rows, spec, others in (
        (
            BRIDGE,
            bridge_planner.SPEC,
            # port_mtus is no attribute but what ports to come will have: test_own_mtu
            {"name", "state", "force", "self_vlans", "addresses", "addresses_mode", "port_mtus"},
        ),
        (PORT, port_planner.SPEC, {"name", "state", "bridge", "steal", "force", *vlan_words.SPEC}),
        (TAP, tap_planner.SPEC, {"name", "state", "force"}),
    ):
        assert {row.option for row in rows} == set(spec) - others
    assert {row.option for row in BRIDGE} >= {one.option for one in option_tables.BRIDGE}


def test_vlan_filtering_on_a_kernel_without_it_is_refused_and_the_bridge_unchanged(
    host: Modules,
) -> None:
    if not lacking(host, next(row for row in BRIDGE if row.option == "vlan_filtering")):
        pytest.skip("this kernel has VLAN filtering")
    before = settled(host.netns)["links"]
    for name in ("br0", "br-new"):
        message = host.refused("linux_bridge", name=name, vlan_filtering=True, priority=77)
        assert (
            message.startswith(f"{name}: this kernel has no vlan_filtering for bridges")
            and "CONFIG_BRIDGE_VLAN_FILTERING" in message
        )
    assert settled(host.netns)["links"] == before
    assert not host.done("linux_bridge", name="br0", vlan_filtering=False)["changed"]
    assert host.done("linux_bridge", name="br-new", vlan_filtering=False)["changed"]
    host.done("linux_bridge", name="br-new", state="absent")


def test_all_at_once_and_back(host: Modules) -> None:
    """The options that go together, in one task: one change, and one back."""
    for module, rows in (("linux_bridge", BRIDGE), ("bridge_port", PORT)):
        dev, more = HOSTS[module]
        apart = {"forward_delay", "port_state", "up", "mab"}
        together = [row for row in rows if row.option not in apart and not lacking(host, row)]
        for side in ("other", "one", "other"):
            wish = {row.option: getattr(row, side) for row in together}
            result = host.done(module, name=dev, **more, **wish)
            assert len(result["changes"]) <= 1
            looked = {row.option: seen(host, dev, row) for row in together}
            wrong = [
                row for row in together if not shows(looked[row.option], row, wish[row.option])
            ]
            assert wrong == [], [(row.option, looked[row.option]) for row in wrong]
            assert not host.done(module, name=dev, **more, **wish)["changed"]


def test_the_oracle_tells_json(host: Modules) -> None:
    """Else every comparison above would compare nothing."""
    assert (
        json.loads(run("ip", "-n", host.netns, "-j", "-d", "link", "show", "dev", "br0"))[0][
            "linkinfo"
        ]["info_kind"]
        == "bridge"
    )
