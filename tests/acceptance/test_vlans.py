# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bridge VLANs, on a machine whose kernel has them: the integration targets over SSH, and many module runs of one resident process.

Everything happens in namespaces inside that machine. The witness is the machine's iproute2, and for what that is too old to show, the kernel's own bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.hypervisor.network.tests.harness.lab.hypervisors import REPO, VLANS, Lab
from ansible_collections.hypervisor.network.tests.harness.lab.vlan_host import (
    ACCESS,
    NETNS,
    OUT,
    PVID,
    Vids,
    flags_of,
)
from ansible_collections.hypervisor.network.tests.harness.process.long_form import LONG
from ansible_collections.hypervisor.network.tests.harness.process.modules import Modules

TARGETS = {
    "bridge_fdb": "Verify absent without a VLAN",
    "bridge_info": "Verify VLANs",
    "bridge_port": "Verify that none stays",
    "linux_bridge": "Verify other VLANs with another default",
}
SERVED = "served"
RED = ("red1", "dhcp-red")
SERVER = (
    "--conf-file=/dev/null --port=0 --bind-interfaces --no-ping --no-resolv --no-hosts --user=root --pid-file= --dhcp-authoritative "
    "--dhcp-range=10.20.0.100,10.20.0.150,120s --interface=uplink --dhcp-leasefile=/dev/null"
)
BOUNDED = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def ran(lab: Lab) -> list[dict[str, Any]]:
    """What the targets have about VLANs, each in a namespace of its own; the rest of them runs where it is quicker."""
    if not LONG:
        pytest.skip("a module that starts anew takes seconds without KVM: make acceptance runs it")
    given_ = {"target_names": sorted(TARGETS), "target_machine": VLANS}
    return lab.playbook(
        str(REPO / "tests" / "acceptance" / "targets.yml"),
        "--tags",
        "vlans",
        "-e",
        json.dumps(given_),
    )


@pytest.mark.parametrize("target", TARGETS)
def test_the_integration_target_with_its_vlans(ran: list[dict[str, Any]], target: str) -> None:
    assert [
        record
        for record in ran
        if record["host"] == target and record["task"].endswith(TARGETS[target])
    ]


def data_of(lab: Lab, dev: str) -> dict[str, Any]:
    return lab.json(VLANS, f"ip -n {NETNS} -j -d link show dev {dev}")[0]["linkinfo"]["info_data"]


@pytest.mark.parametrize(
    ("option", "one", "other", "seen"),
    [
        ("vlan_filtering", True, False, int),
        ("vlan_protocol", "802.1ad", "802.1Q", str),
        ("vlan_default_pvid", 100, 0, int),
        ("vlan_default_pvid", 1, 4094, int),
        ("vlan_stats_enabled", True, False, int),
        ("vlan_stats_per_port", True, False, int),
        ("mst_enabled", True, False, None),
    ],
)
def test_a_bridge_option_set_seen_set_again_and_changed_back(
    lab: Lab, host: Modules, option: str, one: Any, other: Any, seen: Callable[[Any], Any] | None
) -> None:
    host.done("linux_bridge", name="br1", **{option: other})
    for value in (one, other):
        predicted = host.done("linux_bridge", check=True, name="br1", **{option: value})
        result = host.done("linux_bridge", name="br1", **{option: value})
        assert result["changed"] and result["changes"] == predicted["changes"]
        shown = data_of(lab, "br1")[option] if seen else bool(flags_of(lab, "br1") & 1 << 2)
        assert shown == (seen(value) if seen else value)
        assert result["bridge"][option] == value
        assert not host.done("linux_bridge", name="br1", **{option: value})["changed"]


def test_a_group_address_that_is_given_stays_with_another_protocol(lab: Lab, host: Modules) -> None:
    """Else the kernel takes 01:80:c2:00:00:08 with 802.1ad."""
    wish = {"name": "br5", "group_address": "01:80:c2:00:00:00"}
    for more in ({"vlan_filtering": True, "vlan_protocol": "802.1ad"}, {"vlan_protocol": "802.1Q"}, {"vlan_protocol": "802.1ad"}):  # fmt: skip
        host.done("linux_bridge", **wish, **more)
        assert data_of(lab, "br5")["group_addr"] == wish["group_address"]
        assert not host.done("linux_bridge", **wish, **more)["changed"]
    host.done("linux_bridge", name="br5", state="absent")


@pytest.mark.parametrize(
    ("wish", "vids"),
    [
        ({"access_vlan": 10}, {10: {PVID, OUT}}),
        ({"trunk_vlans": ["20", "100-102"]}, {20: set(), 100: set(), 101: set(), 102: set()}),
        ({"trunk_vlans": ["20"], "native_vlan": 5}, {5: {PVID, OUT}, 20: set()}),
        (
            {"vlans": [{"vid": "30", "pvid": True}, {"vid": "40", "untagged": True}]},
            {30: {PVID}, 40: {OUT}},
        ),
        (
            {"vlans": [{"vid": "30-32", "untagged": True}, {"vid": "4094"}]},
            {30: {OUT}, 31: {OUT}, 32: {OUT}, 4094: set()},
        ),
        ({"vlans": []}, {}),
        ({"trunk_vlans": ["20"], "vlans_mode": "merge"}, {1: {PVID, OUT}, 20: set()}),
        ({"access_vlan": 20, "vlans_mode": "merge"}, {1: {OUT}, 20: {PVID, OUT}}),
    ],
)
def test_a_form_of_port_vlans_set_seen_set_again_and_changed_back(
    host: Modules, see: Callable[[str], Vids], wish: dict[str, Any], vids: Vids
) -> None:
    port = {"name": "v0", "bridge": "br0"}
    host.done("bridge_port", **port, access_vlan=1)
    assert see("v0") == ACCESS
    predicted = host.done("bridge_port", check=True, **port, **wish)
    assert see("v0") == ACCESS
    result = host.done("bridge_port", **port, **wish)
    assert (
        result["changed"]
        and result["changes"] == predicted["changes"]
        and result["port"]["vlans"] == predicted["port"]["vlans"]
    )
    assert see("v0") == vids
    assert not host.done("bridge_port", **port, **wish)["changed"]
    assert host.done("bridge_port", **port, access_vlan=1)["changed"]
    assert see("v0") == ACCESS


def test_the_vlans_of_the_bridge_itself_are_its_own(
    host: Modules, see: Callable[[str], Vids]
) -> None:
    host.done("bridge_port", name="v0", bridge="br0", access_vlan=1)
    for entries, vids in (
        (
            [{"vid": "7", "pvid": True, "untagged": True}, {"vid": "8-9"}],
            {7: {PVID, OUT}, 8: set(), 9: set()},
        ),
        ([], {}),
        ([{"vid": "1", "pvid": True, "untagged": True}], ACCESS),
    ):
        assert host.done("linux_bridge", name="br0", self_vlans=entries)["changed"]
        assert (see("br0"), see("v0")) == (vids, ACCESS)
        assert not host.done("linux_bridge", name="br0", self_vlans=entries)["changed"]


def test_no_default_takes_vlan_1_from_the_bridge_and_back_it_spares_who_has_another(
    host: Modules, see: Callable[[str], Vids]
) -> None:
    host.done("bridge_port", name="v0", bridge="br0", access_vlan=10)
    assert host.done("linux_bridge", name="br0", vlan_default_pvid=0)["changed"]
    assert (see("br0"), see("v0")) == ({}, {10: {PVID, OUT}})
    assert "the untagged frames of v0" in host.refused(
        "linux_bridge", name="br0", vlan_default_pvid=1
    )
    host.done("bridge_port", name="v0", bridge="br0", vlans=[])
    host.done("linux_bridge", name="br0", vlan_default_pvid=1)
    assert (see("br0"), see("v0")) == (ACCESS, ACCESS)


def test_an_entry_without_a_vlan_is_one_in_each_of_its_port(lab: Lab, host: Modules) -> None:
    mac = "02:aa:00:00:00:30"

    def seen() -> list[int | None]:
        entries = lab.json(VLANS, f"bridge -n {NETNS} -j fdb show br br0")
        return sorted(
            (one.get("vlan") for one in entries if one["mac"] == mac), key=lambda vid: vid or 0
        )

    host.done("bridge_port", name="v0", bridge="br0", trunk_vlans=["10-11"])
    entry = {"bridge": "br0", "mac": mac, "port": "v0"}
    assert host.done("bridge_fdb", **entry, vlan=10)["changed"] and seen() == [10]
    assert not host.done("bridge_fdb", **entry, vlan=10)["changed"]
    assert "v0 is no member of VLAN 12" in host.refused("bridge_fdb", **entry, vlan=12)
    assert len(host.done("bridge_fdb", **entry)["changes"]) == 2 and seen() == [None, 10, 11]
    assert not host.done("bridge_fdb", **entry)["changed"]
    host.done("bridge_fdb", bridge="br0", flush={"type": "static", "vlan": 11})
    assert seen() == [None, 10]
    assert host.done("bridge_fdb", bridge="br0", mac=mac, state="absent")["changed"]
    assert seen() == []
    host.done("bridge_port", name="v0", bridge="br0", access_vlan=1)


def test_what_only_newer_kernels_have_is_refused_in_one_sentence(lab: Lab, host: Modules) -> None:
    release = tuple(
        int(part) for part in lab.ssh(VLANS, "uname -r").split("-", maxsplit=1)[0].split(".")[:2]
    )
    for module, device, option, value, since in (
        ("linux_bridge", {"name": "br1"}, "fdb_max_learned", 5, (6, 7)),
        ("bridge_port", {"name": "v0", "bridge": "br0"}, "mab", True, (6, 2)),
    ):
        wish = {**device, option: value}
        if release >= since:
            assert host.done(module, check=True, **wish)["changed"]
        else:
            assert f"this kernel has no {option}" in host.refused(module, **wish)


def test_the_vlan_of_a_device_on_the_bridge_that_has_addresses_is_the_hosts(
    lab: Lab, host: Modules
) -> None:
    lab.ssh(
        VLANS,
        f"ip -n {NETNS} link add link br0 name br0.30 type vlan id 30 && ip -n {NETNS} address add 192.0.2.1/24 dev br0.30",
    )
    one, thirty = {"vid": "1", "pvid": True, "untagged": True}, {"vid": "30"}
    host.done("linux_bridge", name="br0", self_vlans=[one, thirty])
    for entries, risk in (([thirty], "safe"), ([one], "may_cut_ssh")):
        result = host.done("linux_bridge", check=True, name="br0", self_vlans=entries)
        assert [change["risk"] for change in result["changes"]] == [risk]
    lab.ssh(VLANS, f"ip -n {NETNS} link delete br0.30")
    host.done("linux_bridge", name="br0", self_vlans=[one])


@pytest.fixture
def server(lab: Lab, host: Modules) -> Iterator[dict[str, Any]]:
    """A bridge of its own with the taps of two tenants, and the DHCP server of one of them behind a third port; what bridge_isolation is told of it."""
    host.done("linux_bridge", name="br2", up=True, vlan_filtering=True, mcast_snooping=False)
    host.done("tap_device", taps=[{"name": "blue1"}, {"name": "red1"}], up=True)
    batch = "\n".join(
        (
            f"link add dhcp-red type veth peer name uplink netns {SERVED}",
            f"link set dhcp-red netns {NETNS}",
        )
    )
    lab.ssh(VLANS, f"ip netns add {SERVED} && ip -batch - <<-.\n{batch}\n.")
    try:
        host.done(
            "bridge_port",
            up=True,
            bridge="br2",
            ports=[
                {"name": "blue1", "access_vlan": 10},
                *({"name": name, "access_vlan": 20} for name in RED),
            ],
        )
        lab.ssh(
            VLANS,
            f"ip -n {SERVED} address add 10.20.0.1/24 dev uplink && ip -n {SERVED} link set uplink up",
        )
        lab.ssh(VLANS, f"ip netns exec {SERVED} dnsmasq {SERVER}")
        yield {
            "tenants": [
                {"name": "blue", "vlan": 10, "ports": ["blue1"], "dhcp": True},
                {"name": "red", "vlan": 20, "ports": list(RED), "dhcp": True},
            ]
        }
    finally:
        lab.ssh(
            VLANS,
            f"ip netns pids {SERVED} | xargs --no-run-if-empty kill; ip netns delete {SERVED}",
        )
        host.done("tap_device", taps=[{"name": "blue1"}, {"name": "red1"}], state="absent")
        host.done("linux_bridge", name="br2", state="absent", force=True)


def test_the_dhcp_server_of_a_vlan_answers_its_own_tenant_and_nobody_else(
    lab: Lab, host: Modules, server: dict[str, Any]
) -> None:
    result = host.run("bridge_isolation", **server, timeout=10)
    assert result["wrong"] == ["blue: no DHCP server offered an address within 10 s."]
    (offer,) = result["offers"]
    (link,) = lab.json(VLANS, f"ip -n {SERVED} -j link show uplink")
    assert (offer["tenant"], offer["server"], offer["mac"], offer["port"]) == (
        "red",
        "10.20.0.1",
        link["address"],
        "dhcp-red",
    )
    assert offer["address"].startswith("10.20.0.1") and result["leaks"] == []


VIDS = st.one_of(st.integers(1, 3), st.integers(1, 4094))
FORMS = st.one_of(
    VIDS.map(lambda vid: {"access_vlan": vid}),
    st.tuples(VIDS, st.integers(0, 40), VIDS).map(
        lambda three: {
            "trunk_vlans": [f"{three[0]}-{min(4094, three[0] + three[1])}"],
            "native_vlan": three[2],
        }
    ),
    st.lists(VIDS, unique=True, max_size=5).map(
        lambda vids: {
            "vlans": [
                {"vid": vid, "pvid": number == 0, "untagged": bool(vid & 1)}
                for number, vid in enumerate(vids)
            ]
        }
    ),
)


def test_again_is_unchanged_and_a_b_a_is_a(host: Modules, see: Callable[[str], Vids]) -> None:
    host.done("linux_bridge", name="br0", force=True, vlan_filtering=True, vlan_default_pvid=1)

    @BOUNDED
    @given(FORMS, FORMS)
    def holds(first: dict[str, Any], second: dict[str, Any]) -> None:
        port = {"name": "v0", "bridge": "br0"}
        host.done("bridge_port", **port, **first)
        once = see("v0")
        assert not host.done("bridge_port", **port, **first)["changed"]
        changed = host.done("bridge_port", **port, **second)["changed"]
        assert changed == (see("v0") != once)
        assert not host.done("bridge_port", **port, **second)["changed"]
        assert host.done("bridge_port", **port, **first)["changed"] == changed
        assert see("v0") == once

    holds()
