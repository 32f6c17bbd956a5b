# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands as stanzas: the lines that a boot makes the same of."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown import boots, validate
from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import (
    Standing,
    Wish,
)
from ansible_collections.hypervisor.network.tests.harness.model.standing import WISH, standing

UPLINK = replace(WISH, ports=[], taps=[])
CONVERTED = {"/etc/network/interfaces": "iface eth0 inet manual\niface br0 inet dhcp\n  bridge_ports eth0\n"}  # fmt: skip


def stanzas(
    wish: Wish, now: Standing | None = None, ifupdown2: bool = False
) -> dict[tuple[str, str | None], validate.Wish]:
    found = boots.wishes(standing() if now is None else now, wish, {}, ifupdown2)
    return {(one.name, one.family): one for one in found}


def filtered(nic: dict[str, str], bridge: dict[str, str] | None = None, **options: Any) -> Standing:
    """The host, with VLANs."""
    now = standing(vlan_filtering=True, vlan_default_pvid=1, **options)
    own = now.links["br0"].vlans if bridge is None else bridge
    links = {**now.links, "eth0": replace(now.links["eth0"], vlans=nic), "br0": replace(now.links["br0"], vlans=own)}  # fmt: skip
    return replace(now, links=links)


def test_a_bridge_takes_over_what_its_nic_has() -> None:
    found = stanzas(UPLINK)[("br0", "inet")]
    assert (found.take_over, found.method, found.auto) == ("eth0", None, True)
    assert found.options["bridge_ports"] == ("eth0",) and found.options["bridge_hw"] == ("eth0",)
    assert found.options["bridge_stp"] == ("off",) and found.options["bridge_fd"] == ("0",)


def test_ifupdown2_is_told_the_mac_that_a_bridge_has_from_its_nic_and_no_other() -> None:
    mac = standing().links["br0"].mac
    found = stanzas(replace(UPLINK, bridges=["br0", "br1"]), ifupdown2=True)
    assert found[("br0", "inet")].options["bridge_hw"] == (mac,)
    assert "bridge_hw" not in found[("br1", "inet")].options


def test_ifupdown2_leaves_forwarding_as_the_kernel_has_it_and_is_told_before_routers_are_heard() -> (
    None
):
    """Seen with ifupdown2 3.0: it lets each bridge with an address forward, and a boot heard no router any more."""
    now = standing()
    said = {"br0": {"ipv4": "0", "ipv6": "1"}, "br1": {"ipv4": "0"}}
    both = replace(UPLINK, bridges=["br0", "br1"])
    found = boots.wishes(now, both, {}, True, said)
    (first, *_rest), (other,) = (one.options["up"] for one in found)
    assert (
        first
        == "sysctl -qe -w net/ipv4/conf/br0/forwarding=0 net/ipv6/conf/br0/forwarding=1 || true"
    )
    assert other == "sysctl -qe -w net/ipv4/conf/br1/forwarding=0 || true"
    assert "forwarding" not in str(boots.wishes(now, both, {}))


def test_a_bridge_without_an_uplink_says_its_own_addresses() -> None:
    found = stanzas(Wish(["br1"]))[("br1", "inet")]
    assert (found.take_over, found.method) == (None, "static")
    assert found.options["address"] == ("10.88.0.1/24",)
    assert found.options["bridge_ports"] == ("none",)
    none = replace(standing(), addresses=())
    assert stanzas(Wish(["br1"]), none)[("br1", "inet")].method == "manual"


def test_a_tap_is_made_and_plugged_in_by_its_stanza_and_again_by_its_bridges() -> None:
    found = stanzas(replace(WISH, ports=[]))
    tap = found[("tap1", "inet")]
    (made, *_down) = tap.options["pre-up"]
    assert "ip tuntap add dev tap1 mode tap user 1000" in made
    assert any("master br0" in line for line in (*tap.options["pre-up"], *tap.options["up"]))
    assert any("ifup --force tap1" in line for line in found[("br0", "inet")].options["up"])


def test_the_vlans_of_an_uplink_are_those_of_the_host_and_tagged_ones() -> None:
    now = filtered({"1": "pvid untagged", "20": "tagged"})
    lines = stanzas(UPLINK, now)[("br0", "inet")].options["up"]
    assert [line for line in lines if "bridge vlan add" in line] == ["ip link set dev eth0 master br0 && bridge vlan add dev eth0 vid 20"]  # fmt: skip
    own = {"30": "pvid untagged"}
    lines = stanzas(UPLINK, filtered(own, own))[("br0", "inet")].options["up"]
    assert [line for line in lines if "bridge vlan " in line] == [
        "ip link set dev eth0 master br0 && bridge vlan add dev eth0 vid 30 pvid untagged",
        "ip link set dev eth0 master br0 && bridge vlan del dev eth0 vid 1",
        "bridge vlan add dev br0 vid 30 pvid untagged self",
        "bridge vlan del dev br0 vid 1 self",
    ]
    tagged = {"1": "pvid untagged", "30": "tagged"}
    lines = stanzas(UPLINK, filtered(tagged, {"30": "tagged"}))[("br0", "inet")].options["up"]
    assert not any("bridge vlan del dev eth0" in line for line in lines), "the host leaves it to 1"


@pytest.mark.parametrize(
    ("nic", "wish", "said"),
    [
        ({"1": "pvid untagged", "20": "untagged"}, UPLINK, "eth0 has the VLANs 1, 20 otherwise than its bridge br0"),
        ({"1": "pvid untagged"}, WISH, "What makes veth1 a port"),
        ({"1": "pvid untagged"}, replace(WISH, ports=["veth1", "veth2"]), "What makes veth1, veth2 a port"),
    ],
)  # fmt: skip
def test_what_no_stanza_says_is_refused_by_name(nic: dict[str, str], wish: Wish, said: str) -> None:
    with pytest.raises(Refused, match=said):
        stanzas(wish, filtered(nic))


def test_a_nic_that_kept_the_default_vlan_beside_the_hosts_own_is_refused() -> None:
    own = {"30": "pvid untagged"}
    with pytest.raises(Refused, match="eth0 has the VLANs 1, 30 otherwise than its bridge br0"):
        stanzas(UPLINK, filtered({"1": "untagged", **own}, own))


def test_what_goes_gives_the_nic_of_the_bridge_its_stanza_back() -> None:
    wish = Wish(["br0", "br1"], ["eth0"], taps=["tap1"], present=False)
    found = boots.wishes(standing(), wish, CONVERTED)
    assert [(one.name, one.state, one.hand_back) for one in found] == [
        ("tap1", "absent", None),
        ("br0", "absent", "eth0"),
        ("br1", "absent", None),
    ]


def test_a_device_is_described_by_a_stanza_of_its_own() -> None:
    assert boots.described(CONVERTED, "eth0") and not boots.described(CONVERTED, "eth1")
