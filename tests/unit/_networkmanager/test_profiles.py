# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""NetworkManager's profiles of a bridge and of its NIC."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._networkmanager import (
    identity,
    keyfile,
    profiles,
)
from ansible_collections.hypervisor.network.tests.harness.model.networkmanager import (
    PROFILE,
    STATE,
    UUID,
    WIRED,
)

MAC = "52:54:00:77:00:0d"
OPTIONS: dict[str, Any] = {
    "stp_state": False,
    "forward_delay": 0.0,
    "ageing_time": 300.0,
    "priority": 32768,
}
STATIC = """[connection]
id=office
uuid=11111111-2222-3333-4444-555555555555
type=ethernet
interface-name=eth0
zone=internal

[ethernet]
mtu=9000

[802-1x]
eap=tls;

[ipv4]
method=manual
address1=10.77.0.11/24
address2=192.168.99.12/24
gateway=10.77.0.1
dns=10.77.0.1;
route1=10.99.0.0/16,192.168.99.1,50
routing-rule1=priority 1000 from 10.5.0.0/16 table 77
route-metric=70

[ipv6]
method=disabled
"""


def known(profile: str = PROFILE, state: str = STATE, **changed: Any) -> profiles.Known:
    groups, said = keyfile.parse(profile), keyfile.parse(state)
    facts = {"identity": identity.identity(said), "metric": identity.metric(said), **changed}
    return profiles.Known(UUID, WIRED, groups, **facts)


def test_the_bridge_of_a_nic_that_asks_dhcp() -> None:
    assert (
        profiles.bridge("br0", MAC, known(), OPTIONS)
        == """# hypervisor.network: br0, with what its NIC had

[connection]
id=hv-br0
uuid=8e17210e-ce53-5e44-8b5a-f5f270da2da3
type=bridge
interface-name=br0
autoconnect-priority=130
autoconnect-slaves=1

[bridge]
mac-address=52:54:00:77:00:0d
stp=false
forward-delay=0

[ipv4]
method=auto
route-metric=100
dhcp-client-id=01:52:54:00:77:00:0d

[ipv6]
addr-gen-mode=default
method=auto
route-metric=100
dhcp-duid=00:04:4b:fa:d8:a0:a1:95:8f:e3:8d:aa:e2:6f:8f:fa:3f:19
dhcp-iaid=3795074878
"""
    )


def test_its_port() -> None:
    assert (
        profiles.port("eth0", "br0", known())
        == """# hypervisor.network: eth0 is the uplink of br0

[connection]
id=hv-br0-eth0
uuid=c7a0ab4e-0000-0000-0000-000000000000
type=ethernet
interface-name=eth0
autoconnect-priority=130
master=br0
slave-type=bridge
""".replace("c7a0ab4e-0000-0000-0000-000000000000", profiles.uuid_of("br0", "eth0"))
    )


def test_what_is_of_the_host_goes_to_the_bridge_and_what_is_of_the_link_stays() -> None:
    bridge = keyfile.parse(profiles.bridge("br0", MAC, known(STATIC), OPTIONS))
    port = keyfile.parse(profiles.port("eth0", "br0", known(STATIC)))
    before = keyfile.parse(STATIC)
    assert bridge["ipv4"] == {**before["ipv4"], "dhcp-client-id": "01:52:54:00:77:00:0d"}
    assert bridge["connection"]["zone"] == "internal" and "zone" not in port["connection"]
    assert port["ethernet"] == {"mtu": "9000"} and port["802-1x"] == {"eap": "tls;"}
    assert not {"ethernet", "802-1x"} & set(bridge) and not {"ipv4", "ipv6"} & set(port)


def test_a_metric_that_is_given_stays_and_a_family_without_addresses_gets_none() -> None:
    bridge = keyfile.parse(profiles.bridge("br0", MAC, known(STATIC), OPTIONS))
    assert bridge["ipv4"]["route-metric"] == "70" and "route-metric" not in bridge["ipv6"]


def test_an_identity_that_was_not_seen_is_not_made_up() -> None:
    bridge = keyfile.parse(profiles.bridge("br0", None, known(state=""), OPTIONS))
    assert bridge["ipv4"] == {"method": "auto"}
    assert "mac-address" not in bridge["bridge"]


def test_a_family_that_the_profile_says_nothing_of_is_automatic() -> None:
    bridge = keyfile.parse(profiles.bridge("br0", MAC, known("[connection]\nid=x\n", ""), OPTIONS))
    assert bridge["ipv4"] == {"method": "auto"} and bridge["ipv6"] == {"method": "auto"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"stp_state": True, "forward_delay": 15.0}, {"stp": "true", "forward-delay": "15"}),
        ({"ageing_time": 0.0}, {"stp": "false", "forward-delay": "0", "ageing-time": "0"}),
        ({"priority": 4096}, {"stp": "false", "forward-delay": "0", "priority": "4096"}),
        ({"mcast_snooping": False}, {"stp": "false", "forward-delay": "0", "multicast-snooping": "false"}),
        ({"vlan_filtering": True, "vlan_default_pvid": 0}, {"stp": "false", "forward-delay": "0", "vlan-default-pvid": "0", "vlan-filtering": "true"}),
        ({"group_fwd_mask": None}, {"stp": "false", "forward-delay": "0"}),
    ],
)  # fmt: skip
def test_the_bridge_is_what_the_kernel_has(options: dict[str, Any], said: dict[str, str]) -> None:
    assert keyfile.parse(profiles.bridge("br0", None, known(), options))["bridge"] == said


def test_parts_of_a_second_have_no_words() -> None:
    with pytest.raises(Refused, match="hello_time of br0 is 1.5 s, and NetworkManager has words"):
        profiles.bridge("br0", MAC, known(), {"hello_time": 1.5})


def test_vlans_of_bridge_and_port() -> None:
    vlans = {"1": "pvid untagged", "10-19": "tagged", "20": "pvid tagged", "30": "untagged"}
    said = "1 pvid untagged, 10-19, 20 pvid, 30 untagged"
    bridge = profiles.bridge("br0", MAC, known(), {"vlan_filtering": True}, vlans)
    port = profiles.port("eth0", "br0", known(), profiles.vlan_words(vlans))
    assert keyfile.value(keyfile.parse(bridge), "bridge", "vlans") == said
    assert keyfile.value(keyfile.parse(port), "bridge-port", "vlans") == said


@pytest.mark.parametrize(
    ("theirs", "ours", "outranked"),
    [("-999", 130, False), ("0", 130, False), ("120", 130, False), ("130", 131, False), ("999", 1000, True), ("x", 130, False)],
)  # fmt: skip
def test_our_profiles_come_before_the_nics_own(theirs: str, ours: int, outranked: bool) -> None:
    found = known(f"[connection]\nautoconnect-priority={theirs}\n")
    assert (profiles.priority(found), profiles.outranked(found)) == (ours, outranked)


def test_taps_are_nobodys_but_ours_beside_what_others_say() -> None:
    assert keyfile.parse(profiles.hands_off_taps()) == {
        "keyfile": {"unmanaged-devices+": "interface-name:tap*"}
    }


def test_taps_of_a_profile_are_not_kept_from_it() -> None:
    said = keyfile.parse(profiles.hands_off_taps(("tap2", "tap1")))["keyfile"]["unmanaged-devices+"]
    assert said == "interface-name:tap*;except:interface-name:=tap1;except:interface-name:=tap2"


@pytest.mark.parametrize(("mac", "ethernet"), [(MAC, {"cloned-mac-address": MAC}), (None, None)])
def test_a_tap_is_made_with_the_mac_that_it_has(
    mac: str | None, ethernet: dict[str, str] | None
) -> None:
    found = keyfile.parse(profiles.tap("tap1", "br0", {"mode": "2"}, {"path-cost": "7"}, mac))
    own = found["connection"]
    assert (own["type"], own["interface-name"], own["master"]) == ("tun", "tap1", "br0")
    assert (found["tun"], found["bridge-port"]) == ({"mode": "2"}, {"path-cost": "7"})
    assert found.get("ethernet") == ethernet


def test_an_uplink_that_is_found_by_its_mac_has_no_name() -> None:
    text = profiles.port("eth0", "br0", known(STATIC), mac=MAC)
    found = keyfile.parse(text)
    assert "interface-name" not in found["connection"]
    assert found["ethernet"] == {"mtu": "9000", "mac-address": MAC.upper()}
    assert profiles.mac(found) == MAC and not profiles.by_mac(known(STATIC))


def test_a_profile_by_mac_is_one_by_name_where_that_is_asked() -> None:
    theirs = known(f"[connection]\nid=x\n[ethernet]\nmac-address={MAC.upper()}\nmtu=9000\n")
    assert profiles.by_mac(theirs) and not profiles.by_mac(profiles.by_name(theirs))
    assert profiles.by_name(theirs).profile["ethernet"] == {"mtu": "9000"}


def test_the_two_profiles_are_the_nics_own_again() -> None:
    bridge = keyfile.parse(profiles.bridge("br0", MAC, known(STATIC), OPTIONS))
    port = keyfile.parse(profiles.port("eth0", "br0", known(STATIC)))
    before = keyfile.parse(STATIC)
    found = profiles.as_before(port, bridge)
    assert found["connection"]["zone"] == "internal"
    assert int(found["connection"]["autoconnect-priority"]) < int(
        bridge["connection"]["autoconnect-priority"]
    )
    assert (found["ethernet"], found["802-1x"]) == (before["ethernet"], before["802-1x"])
    assert found["ipv4"].items() >= before["ipv4"].items()


def test_a_nic_that_is_given_back_comes_before_its_own_profile_until_the_boot() -> None:
    found = keyfile.parse(profiles.back("eth0", known(STATIC)))
    before = keyfile.parse(STATIC)
    assert found["connection"]["interface-name"] == "eth0"
    assert int(found["connection"]["autoconnect-priority"]) > profiles.priority(known(STATIC))
    assert {key: found[key] for key in ("ipv4", "ipv6", "ethernet", "802-1x")} == {
        key: before[key] for key in ("ipv4", "ipv6", "ethernet", "802-1x")
    }
