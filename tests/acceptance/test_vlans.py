# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bridge VLANs, on a machine whose kernel has them: the integration targets over SSH, and many module runs of one resident process.

Everything happens in namespaces inside that machine. The witness is the machine's iproute2, and for what that is too old to show, the kernel's own bytes.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.hypervisor.network.tests.harness.hypervisors import REPO, VLANS, Lab
from ansible_collections.hypervisor.network.tests.harness.modules import Modules

TARGETS = {
    "bridge_fdb": "Verify absent without a VLAN",
    "bridge_info": "Verify VLANs",
    "bridge_port": "Verify that none stays",
    "linux_bridge": "Verify other VLANs with another default",
}
NETNS = "vlans"
LIBRARY = "/root/target"
SERVED = "served"
RED = ("red1", "dhcp-red")
SERVER = (
    "--conf-file=/dev/null --port=0 --bind-interfaces --no-ping --no-resolv --no-hosts --user=root --pid-file= --dhcp-authoritative "
    "--dhcp-range=10.20.0.100,10.20.0.150,120s --interface=uplink --dhcp-leasefile=/dev/null"
)
PVID, OUT = "PVID", "Egress Untagged"
ACCESS = {1: {PVID, OUT}}
BOUNDED = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
Vids = dict[int, set[str]]


@pytest.fixture(scope="module")
def ran(lab: Lab) -> list[dict[str, Any]]:
    """What the targets have about VLANs, each in a namespace of its own; the rest of them runs where it is quicker."""
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


@pytest.fixture(scope="module")
def host(lab: Lab) -> Iterator[Modules]:
    """A bridge that filters, a port with carrier, a tap, and a process that runs modules there."""
    lab.install(VLANS, LIBRARY)
    setup = f"ip netns add {NETNS} && ip -n {NETNS} -batch - <<-.\n" + "\n".join((
        "link add br0 up type bridge vlan_filtering 1", "link add br1 type bridge", "link add v0 up type veth peer name v1", "link set v1 up",
        "link set v0 master br0", "tuntap add tap1 mode tap", "link set tap1 up", ".",
    ))  # fmt: skip
    lab.ssh(VLANS, setup)
    try:
        with Modules(NETNS, "/usr/bin/python3", LIBRARY, lab.ssh_words(VLANS)) as modules:
            yield modules
    finally:
        lab.ssh(VLANS, f"ip netns delete {NETNS}")


@pytest.fixture
def see(lab: Lab) -> Callable[[str], Vids]:
    """The VLANs of a device, with the flags of each, as iproute2 tells them."""

    def look(dev: str) -> Vids:
        rows = lab.json(VLANS, f"bridge -n {NETNS} -j vlan show dev {dev}")
        return {one["vlan"]: set(one.get("flags", ())) for row in rows for one in row["vlans"]}

    return look


def data_of(lab: Lab, dev: str) -> dict[str, Any]:
    return lab.json(VLANS, f"ip -n {NETNS} -j -d link show dev {dev}")[0]["linkinfo"]["info_data"]


def flags_of(lab: Lab, dev: str) -> int:
    """The values of IFLA_BR_MULTI_BOOLOPT, which iproute2 does not show all of."""
    script = f"from ansible_collections.hypervisor.network.tests.harness.rawlink import attributes_of as a; print(a('{NETNS}', '{dev}')[46].hex())"
    return struct.unpack(
        "=II", bytes.fromhex(lab.ssh(VLANS, f'PYTHONPATH={LIBRARY} python3 -c "{script}"'))
    )[0]


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


@pytest.mark.parametrize("option", ["vlan_stats_per_port", "mst_enabled"])
def test_what_the_kernel_refuses_while_ports_have_vlans_is_refused_before_anything_changes(
    host: Modules, option: str
) -> None:
    host.done("bridge_port", name="v0", bridge="br0", access_vlan=1)
    message = host.refused("linux_bridge", name="br0", ageing_time=77, **{option: True})
    assert (
        f"{option} can only be changed while no port has a VLAN, and v0 has" in message
        and "undone" not in message
    )


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


def test_a_tap_that_is_up_is_never_in_the_default_vlan_on_its_way_into_the_bridge(
    lab: Lab, host: Modules
) -> None:
    log = "/root/moments"
    look = f"(ip -n {NETNS} -j link show dev tap1; echo; bridge -n {NETNS} -j vlan show dev tap1; echo) | tr '\\n' ' ' >> {log}; echo >> {log}"
    lab.ssh(VLANS, f"rm -f {log}")
    wish = {"name": "tap1", "bridge": "br0", "access_vlan": 10}
    writes = host.order("bridge_port", wish)["writes"]
    for number in range(1, writes + 1):
        host.done("bridge_port", name="tap1", state="absent")
        done = host.order("bridge_port", wish, fail={"at": number, "meanwhile": ["sh", "-c", look]})
        assert done["result"]["changed"], done
    host.done("bridge_port", name="tap1", state="absent")
    moments = lab.ssh(VLANS, f"cat {log}").splitlines()
    assert len(moments) == writes >= 4
    leaks = [moment for moment in moments if '"UP"' in moment and '"vlan":1,' in moment]
    assert leaks == [] and any('"vlan":1,' in moment for moment in moments), (
        "the kernel gives it the default VLAN at first"
    )


@pytest.mark.parametrize(
    ("module", "args"),
    [
        (
            "linux_bridge",
            {"state": "absent", "force": True, "bridges": [{"name": "br0"}, {"name": "br1"}]},
        ),
        (
            "linux_bridge",
            {
                "name": "br0",
                "vlan_default_pvid": 10,
                "self_vlans": [{"vid": "1", "pvid": True, "untagged": True}],
                "ageing_time": 20,
            },
        ),
        ("linux_bridge", {"name": "br0", "vlan_filtering": False, "vlan_default_pvid": 0}),
        ("tap_device", {"name": "tap1", "multi_queue": True}),
        (
            "bridge_port",
            {
                "bridge": "br0",
                "ports": [
                    {"name": "tap1", "trunk_vlans": ["50-60"], "native_vlan": 1},
                    {"name": "v0", "access_vlan": 99},
                ],
            },
        ),
        ("bridge_port", {"state": "absent", "ports": [{"name": "v0"}, {"name": "tap1"}]}),
    ],
    ids=[
        "bridges-go",
        "default-and-own",
        "no-filter-no-default",
        "tap-made-again",
        "ports",
        "ports-leave",
    ],
)
def test_a_failure_at_any_write_gives_back_every_vlan(
    lab: Lab, host: Modules, module: str, args: dict[str, Any]
) -> None:
    one = {"vid": "1", "pvid": True, "untagged": True}
    host.done(
        "linux_bridge",
        name="br0",
        force=True,
        vlan_filtering=True,
        vlan_default_pvid=1,
        self_vlans=[one, {"vid": "30"}],
    )
    ports = [
        {"name": "v0", "access_vlan": 10},
        {"name": "tap1", "trunk_vlans": ["20", "30-35"], "native_vlan": 1},
    ]
    host.done("bridge_port", bridge="br0", ports=ports)

    def everything() -> tuple[Any, Any]:
        links = lab.json(VLANS, f"ip -n {NETNS} -j link show")
        shown = sorted(lab.json(VLANS, f"bridge -n {NETNS} -j vlan show"), key=str)
        return shown, sorted(
            (link["ifname"], link.get("master", ""), "UP" in link["flags"]) for link in links
        )

    before = everything()
    for at in range(1, 20):
        done = host.order(module, args, fail={"at": at, "errno": 1})
        if not done["result"].get("failed"):
            break
        assert "undone" in done["result"]["msg"], done
        assert everything() == before
    assert at > 1, "no write was made to fail"
    host.done("linux_bridge", bridges=[{"name": "br0", "up": True}, {"name": "br1"}])


def test_an_uplink_that_was_on_its_way_out_has_its_vlans_again(
    lab: Lab, host: Modules, see: Callable[[str], Vids]
) -> None:
    host.done("linux_bridge", name="br0", force=True, vlan_filtering=True, vlan_default_pvid=1)
    host.done(
        "bridge_port",
        name="v0",
        bridge="br0",
        up=True,
        trunk_vlans=["10-11"],
        native_vlan=1,
        cost=77,
    )
    lab.ssh(VLANS, f"ip -n {NETNS} address add 198.51.100.1/24 dev br0")
    uplink = {"name": "v0", "bridge": "br0", "state": "absent", "guard_timeout": 0}
    for at in range(1, 40):
        done = host.order("bridge_uplink", uplink, fail={"at": at, "errno": 1})
        if not done["result"].get("failed"):
            break
        assert "undone" in done["result"]["msg"], done
        assert see("v0") == {1: {PVID, OUT}, 10: set(), 11: set()}
        assert host.done("bridge_port", name="v0", bridge="br0")["port"]["cost"] == 77
    assert at > 3, "it never got as far as leaving the bridge"
    lab.ssh(VLANS, f"ip -n {NETNS} address flush dev v0")
    host.done("bridge_port", name="v0", bridge="br0", access_vlan=1)


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
