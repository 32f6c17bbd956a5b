# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What NetworkManager reads at boot, from what stands."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    Address,
    Link,
)
from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import (
    Standing,
    Wish,
)
from ansible_collections.hypervisor.network.plugins.module_utils._networkmanager import (
    identity,
    keyfile,
)
from ansible_collections.hypervisor.network.plugins.module_utils._networkmanager.described import (
    Described,
)
from ansible_collections.hypervisor.network.plugins.module_utils._networkmanager.plan import plan
from ansible_collections.hypervisor.network.plugins.module_utils._networkmanager.profiles import (
    Known,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.attributes import (
    BRIDGE,
    PORT,
)
from ansible_collections.hypervisor.network.tests.harness.model.attributes import PASSING, lost
from ansible_collections.hypervisor.network.tests.harness.model.networkmanager import (
    PROFILE,
    STATE,
    UUID,
    WIRED,
)

MAC = "52:54:00:77:00:0d"
ETC = "/etc/NetworkManager"
PROFILES = f"{ETC}/system-connections"
QUIET = {"stp_state": False, "forward_delay": 15.0}


def known() -> Known:
    state = keyfile.parse(STATE)
    return Known(UUID, WIRED, keyfile.parse(PROFILE), identity.identity(state), 100)


def planned(wish: Wish, *links: Link, addresses: tuple[Address, ...] = ()) -> dict[str, Any]:
    """The planned files by their paths, less what all of them begin with."""
    now = Standing({one.name: one for one in links}, addresses, known={"eth0": known()})
    return {one.path.replace(f"{ETC}/", ""): one for one in plan(now, wish)}


def bridge(**options: Any) -> Link:
    return Link("br0", 3, "bridge", 1, MAC, options={**QUIET, **options})


def port(name: str, kind: str = "", **options: Any) -> Link:
    said = {"cost": 100, "priority": 32, **options.pop("port", {})}
    return Link(name, 4, kind, **{"flags": 1, "master": "br0", "port": said, **options})


def test_a_bridge_and_its_uplink() -> None:
    files = planned(Wish(["br0"], ["eth0"]), bridge(), port("eth0"))
    assert [(path, one.mode, one.text is None) for path, one in files.items()] == [
        ("conf.d/hypervisor-network-br0.conf", 0o644, False),
        ("dispatcher.d/50-hypervisor-network-br0", 0o755, True),
        ("system-connections/hv-br0-eth0.nmconnection", 0o600, False),
        ("system-connections/hv-br0.nmconnection", 0o600, False),
    ]
    host = keyfile.parse(files["system-connections/hv-br0.nmconnection"].text)
    assert host["ipv4"]["dhcp-client-id"] == "01:52:54:00:77:00:0d"
    own = keyfile.parse(files["system-connections/hv-br0-eth0.nmconnection"].text)
    assert own["connection"]["master"] == "br0" and own["bridge-port"] == {"path-cost": "100"}


def test_no_option_of_a_bridge_is_lost_at_the_next_boot() -> None:
    wish = Wish(["br0"], ["eth0"])
    assert lost(BRIDGE, lambda said: planned(wish, bridge(**said), port("eth0"))) == []


def test_no_option_of_a_port_is_lost_at_the_next_boot() -> None:
    wish = Wish(["br0"], ["eth0"])
    assert lost(PORT, lambda said: planned(wish, bridge(), port("eth0", port=said))) == PASSING


def test_a_tap_is_made_for_whom_it_belongs_to_and_spared_by_the_hands_off() -> None:
    said = {
        "mode": "tap",
        "owner": 998,
        "group": -1,
        "vnet_hdr": True,
        "pi": False,
        "multi_queue": True,
    }
    files = planned(Wish(["br0"], taps=["tap1"]), bridge(), port("tap1", "tun", options=said))
    tap = keyfile.parse(files["system-connections/hv-tap1.nmconnection"].text)
    assert tap["tun"] == {"mode": "2", "owner": "998", "vnet-hdr": "true", "multi-queue": "true"}
    assert (tap["connection"]["type"], tap["connection"]["master"]) == ("tun", "br0")
    hands_off = keyfile.parse(files["conf.d/hypervisor-network-br0.conf"].text)
    assert (
        hands_off["keyfile"]["unmanaged-devices+"]
        == "interface-name:tap*;except:interface-name:=tap1"
    )


def test_a_tun_of_nobody() -> None:
    files = planned(
        Wish(["br0"], taps=["tun1"]), bridge(), port("tun1", "tun", options={"mode": "tun"})
    )
    assert keyfile.parse(files["system-connections/hv-tun1.nmconnection"].text)["tun"] == {
        "mode": "1"
    }


def test_another_port_has_what_the_kernel_has() -> None:
    said = {"cost": 7, "priority": 16, "hairpin": True}
    files = planned(Wish(["br0"], ports=["eth1"]), bridge(), port("eth1", port=said))
    own = keyfile.parse(files["system-connections/hv-eth1.nmconnection"].text)
    assert own["bridge-port"] == {"path-cost": "7", "priority": "16", "hairpin-mode": "true"}
    said = {key: own["connection"][key] for key in ("id", "interface-name", "master")}
    assert said == {"id": "hv-eth1", "interface-name": "eth1", "master": "br0"}


def test_vlans_where_the_bridge_filters_them() -> None:
    vlans = {"10": "pvid untagged", "1": "tagged"}
    for filtering, said in ((True, "10 pvid untagged, 1"), (False, "")):
        files = planned(
            Wish(["br0"], ["eth0"], ["eth1"], ["tap1"]),
            replace(bridge(vlan_filtering=filtering), vlans={"1": "pvid untagged"}),
            port("eth0", vlans=vlans),
            port("eth1", vlans=vlans),
            port("tap1", "tun", vlans=vlans),
        )
        for name in ("br0-eth0", "eth1", "tap1"):
            own = keyfile.parse(files[f"system-connections/hv-{name}.nmconnection"].text)
            assert keyfile.value(own, "bridge-port", "vlans") == said


def test_a_bridge_without_an_uplink_keeps_its_addresses() -> None:
    addresses = (Address("br0", "10.1.0.1/24", 2), Address("br0", "10.2.0.1/24", 2), Address("br0", "fe80::1/64", 10))  # fmt: skip
    files = planned(Wish(["br0"]), bridge(), addresses=addresses)
    host = keyfile.parse(files["system-connections/hv-br0.nmconnection"].text)
    assert host["ipv4"] == {
        "method": "manual",
        "address1": "10.1.0.1/24",
        "address2": "10.2.0.1/24",
    }
    assert host["ipv6"] == {"method": "disabled"}


@pytest.mark.parametrize(
    ("own", "of_port", "said"),
    [
        ({}, {}, None),
        ({"forward_delay": 0.0}, {}, "br0) ip link set dev br0 type bridge forward_delay 0 ;;"),
        ({"forward_delay": 4.0, "stp_state": True}, {}, None),
        ({}, {"isolated": True}, "eth0) ip link set dev eth0 type bridge_slave isolated on ;;"),
        ({}, {"learning": False, "locked": None}, "type bridge_slave learning off ;;"),
    ],
)
def test_what_it_has_no_words_for_is_in_one_hook(
    own: dict[str, Any], of_port: dict[str, Any], said: str | None
) -> None:
    files = planned(Wish(["br0"], ["eth0"]), bridge(**own), port("eth0", port=of_port))
    text = files["dispatcher.d/50-hypervisor-network-br0"].text
    assert text is None if said is None else said in text


def test_the_hook_is_a_program_that_a_shell_reads_whatever_a_device_is_called() -> None:
    odd = port("a;b$(c)*", port={"isolated": True})
    text = planned(Wish(["br0"], ports=[odd.name]), bridge(), odd)[
        "dispatcher.d/50-hypervisor-network-br0"
    ].text
    said = text.replace("ip link", "echo")
    for dev, action, expected in (
        (odd.name, "up", odd.name),
        ("a", "up", ""),
        (odd.name, "down", ""),
    ):
        done = subprocess.run(
            ["sh", "-c", said, "hook", dev, action], capture_output=True, text=True, check=True
        )
        assert (expected in done.stdout) if expected else not done.stdout


def test_what_would_be_lost_is_refused_by_name() -> None:
    with pytest.raises(Refused, match="no words for mst_enabled of br0"):
        planned(Wish(["br0"]), bridge(mst_enabled=True, vlan_stats_per_port=False))
    with pytest.raises(Refused, match="no words for vlan_stats_per_port of br0"):
        planned(Wish(["br0"]), bridge(mst_enabled=False, vlan_stats_per_port=True))
    with pytest.raises(Refused, match="tap1 is a port of no bridge"):
        planned(Wish(taps=["tap1"]), Link("tap1", 4, "tun"))
    with pytest.raises(Refused, match="tap1 is down, and NetworkManager would boot it up"):
        planned(Wish(["br0"], taps=["tap1"]), bridge(), port("tap1", "tun", flags=0))
    with pytest.raises(Refused, match="br0 is down"):
        planned(Wish(["br0"]), replace(bridge(), flags=0))


def test_a_guest_is_in_the_default_vlan_at_boot_only_where_it_is_there_now() -> None:
    """NetworkManager puts a port into its bridge, and adds VLANs to what the bridge gives it."""
    host, tenant = {"1": "pvid untagged"}, {"20": "pvid untagged"}
    wish = Wish(["br0"], ["eth0"], taps=["tap1"])

    def files(own: dict[str, str], vlans: dict[str, str], **options: Any) -> dict[str, Any]:
        br0 = replace(bridge(vlan_filtering=True, **options), vlans=own)
        return planned(wish, br0, port("eth0", vlans={**own, "20": "tagged"}), port("tap1", "tun", vlans=vlans))  # fmt: skip

    with pytest.raises(
        Refused,
        match="boot tap1 in VLAN 1 too, which br0 gives to whoever joins it; have it give none",
    ):
        files(host, tenant)
    with pytest.raises(Refused, match="boot br0, eth0 in VLAN 5 too"):
        files(host, {"5": "pvid untagged"}, vlan_default_pvid=5)
    found = files({"30": "pvid untagged"}, tenant, vlan_default_pvid=0)
    said = keyfile.parse(found["system-connections/hv-br0.nmconnection"].text)["bridge"]
    assert (said["vlan-filtering"], said["vlan-default-pvid"], said["vlans"]) == ("true", "0", "30 pvid untagged")  # fmt: skip
    own = keyfile.parse(found["system-connections/hv-tap1.nmconnection"].text)["bridge-port"]
    assert own["vlans"] == "20 pvid untagged"
    assert files(host, host)


def test_an_mtu_is_said_where_nothing_else_gives_it() -> None:
    wish = Wish(["br0"], ["eth0"], ["eth1"], ["tap1"])
    links = (port("eth0", mtu=9000), port("eth1"), port("tap1", "tun", mtu=1400, mac=MAC, options={"mode": "tap"}))  # fmt: skip
    found = planned(wish, replace(bridge(), mtu=1300), *links)

    def mtu(name: str) -> str:
        profile = keyfile.parse(found[f"system-connections/{name}.nmconnection"].text)
        return keyfile.value(profile, "ethernet", "mtu")

    assert [mtu(name) for name in ("hv-br0", "hv-br0-eth0", "hv-eth1", "hv-tap1")] == ["1300", "9000", "", ""]  # fmt: skip
    tap = keyfile.parse(found["system-connections/hv-tap1.nmconnection"].text)
    assert tap["ethernet"] == {"cloned-mac-address": MAC}
    assert "ip link set dev tap1 mtu 1400" in found["dispatcher.d/50-hypervisor-network-br0"].text
    found = planned(Wish(["br0"], taps=["tap1"]), replace(bridge(), mtu=1400), links[2])
    assert mtu("hv-br0") == ""


def test_all_of_it_goes() -> None:
    wish = Wish(["br0"], ["eth0"], ["eth1"], ["tap1"], present=False)
    files = planned(wish)
    assert {one.text for one in files.values()} == {None}
    assert set(files) == {
        "system-connections/hv-br0.nmconnection",
        "system-connections/hv-br0-eth0.nmconnection",
        "system-connections/hv-eth1.nmconnection",
        "system-connections/hv-tap1.nmconnection",
        "conf.d/hypervisor-network-br0.conf",
        "dispatcher.d/50-hypervisor-network-br0",
    }


@pytest.mark.parametrize("match", ["auto", "mac", "name"])
@pytest.mark.parametrize("theirs", [False, True])
def test_the_uplink_is_found_by_its_name_or_by_the_mac_that_it_was_made_with(
    match: str, theirs: bool
) -> None:
    links = {one.name: one for one in (bridge(), port("eth0"))}
    own = {**known().profile, "ethernet": {"mac-address": MAC.upper()} if theirs else {}}
    now = Standing(links, known={"eth0": replace(known(), profile=own)}, permanent={"eth0": MAC})
    files = {one.path: one.text for one in plan(now, Wish(["br0"], ["eth0"], match=match))}
    said = keyfile.parse(files[f"{PROFILES}/hv-br0-eth0.nmconnection"] or "")
    by_mac = match == "mac" or (match == "auto" and theirs)
    assert keyfile.value(said, "ethernet", "mac-address") == (MAC.upper() if by_mac else "")
    assert keyfile.value(said, "connection", "interface-name") == ("" if by_mac else "eth0")
    assert "mac-address" not in keyfile.parse(files[f"{PROFILES}/hv-br0.nmconnection"] or "").get("ethernet", {})  # fmt: skip


def test_a_bridge_of_somebody_elses_profiles_gets_a_hook_and_a_tap_of_ours() -> None:
    """Its own profiles stay in force: see test_described.py for when they say all of it."""
    said = {
        "br0": {"connection": {"id": "lan"}, "bridge": {"stp": "false", "mac-address": MAC}},
        "eth0": {"connection": {"controller": "br0", "port-type": "bridge"}},
    }
    now = Standing({one.name: one for one in (bridge(ageing_time=60.0), port("eth0"), port("tap1", "tun"))}, ())  # fmt: skip
    theirs = {name: Described(groups) for name, groups in said.items()}
    found = {one.path: one.text for one in plan(now, Wish(["br0"], ["eth0"], [], ["tap1"]), theirs)}
    assert {path[len(ETC) + 1 :] for path, text in found.items() if text is not None} == {
        "conf.d/hypervisor-network-br0.conf",
        "dispatcher.d/50-hypervisor-network-br0",
        "system-connections/hv-tap1.nmconnection",
    }
    assert "ageing_time 6000" in (found[f"{ETC}/dispatcher.d/50-hypervisor-network-br0"] or "")


def test_files_are_the_same_in_whatever_order_the_kernel_has_the_taps() -> None:
    """It is another after a boot: a second run then changed two files, and the next one as many."""
    taps = [port(name, "tun", port={"isolated": True}) for name in ("tap1", "tap7")]
    texts = [
        {path: one.text for path, one in planned(Wish(["br0"], ["eth0"], [], names), bridge(), port("eth0"), *taps).items()}
        for names in (["tap1", "tap7"], ["tap7", "tap1"])
    ]  # fmt: skip
    assert texts[0] == texts[1]
