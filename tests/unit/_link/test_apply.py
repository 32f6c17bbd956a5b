# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bridges, ports and taps as one noun: which change of VLANs may cut the host off from whoever makes it."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    Address,
    Link,
    Snapshot,
)
from ansible_collections.hypervisor.network.tests.harness.switch import Switch, bridge, noun, port


def reached(dev: str = "br0", own: dict[str, str] | None = None, **more: Link) -> Snapshot:
    """A bridge whose host is reached over one of its devices."""
    options = {"vlan_filtering": True, "vlan_protocol": "802.1Q", "vlan_default_pvid": 1}
    links = {
        "br0": Link(
            "br0",
            1,
            "bridge",
            1,
            options=options,
            vlans=own or {"1": "pvid untagged", "10": "tagged"},
        ),
        **more,
    }
    return Snapshot(links, (Address(dev, "192.0.2.1/24", 2),))


ON_10 = {"br0.10": Link("br0.10", 2, "vlan", 1, lower="br0", options={"id": 10})}
ON_THAT = {**ON_10, "mv0": Link("mv0", 3, "macvlan", 1, lower="br0.10")}
NIC = {
    "eth0": Link(
        "eth0",
        9,
        "",
        0x10001,
        master="br0",
        port={},
        vlans={"1": "pvid untagged", "10": "tagged", "20": "tagged"},
    )
}
TAP = {"eth0": Link("eth0", 9, "tun", 0x10001, master="br0", port={}, vlans=NIC["eth0"].vlans)}


@pytest.mark.parametrize(
    ("now", "vlans", "risk"),
    [
        (reached(), [{"vid": 1, "pvid": True, "untagged": True}], "safe"),
        (reached(), [{"vid": 10}], "may_cut_ssh"),
        (reached(), [{"vid": 1, "pvid": True}, {"vid": 10}], "may_cut_ssh"),
        (
            reached(),
            [{"vid": 1, "untagged": True}, {"vid": 10, "pvid": True, "untagged": True}],
            "may_cut_ssh",
        ),
        (reached("br0.10", **ON_10), [{"vid": 10}], "safe"),
        (reached("br0.10", **ON_10), [{"vid": 1, "pvid": True, "untagged": True}], "may_cut_ssh"),
        (reached("br0.10", **ON_10), [{"vid": 10, "untagged": True}], "may_cut_ssh"),
        (reached("mv0", **ON_THAT), [], "may_cut_ssh"),
        (reached("elsewhere", **ON_10), [], "safe"),
    ],
)
def test_taking_the_hosts_own_vlan_from_the_bridge_may_cut_it_off(
    now: Snapshot, vlans: list[dict[str, Any]], risk: str
) -> None:
    (change,) = noun(Switch()).plan(now, bridge(self_vlans=vlans))
    assert change.risk == risk


@pytest.mark.parametrize(
    ("now", "options", "risk"),
    [
        (reached(**NIC), {"trunk_vlans": ["10", "20"], "native_vlan": 1}, None),
        (reached(**NIC), {"trunk_vlans": ["10", "20", "30"], "native_vlan": 1}, "safe"),
        (reached(**NIC), {"trunk_vlans": ["10"], "native_vlan": 1}, "interrupts"),
        (reached(**NIC), {"trunk_vlans": ["10", "20"]}, "may_cut_ssh"),
        (reached(**NIC), {"trunk_vlans": ["1", "10", "20"]}, "may_cut_ssh"),
        (reached(**NIC), {"trunk_vlans": ["1", "10", "20"], "native_vlan": 20}, "may_cut_ssh"),
        (reached("br0.10", **ON_10, **NIC), {"trunk_vlans": ["10", "20"]}, "interrupts"),
        (
            reached("br0.10", **ON_10, **NIC),
            {"trunk_vlans": ["20"], "native_vlan": 1},
            "may_cut_ssh",
        ),
        (reached("elsewhere", **ON_10, **NIC), {"vlans": []}, "interrupts"),
        (reached(**TAP), {"vlans": []}, "interrupts"),
    ],
)
def test_taking_the_hosts_own_vlan_from_the_uplink_may_cut_it_off(
    now: Snapshot, options: dict[str, Any], risk: str | None
) -> None:
    assert [change.risk for change in noun(Switch()).plan(now, port("eth0", **options))] == (
        [] if risk is None else [risk]
    )


@pytest.mark.parametrize(
    "option", [{"vlan_default_pvid": 0}, {"vlan_filtering": False}, {"vlan_protocol": "802.1ad"}]
)
def test_what_moves_the_vlans_of_all_may_cut_off_a_host_on_a_vlan_device(
    option: dict[str, Any],
) -> None:
    (change,) = noun(Switch()).plan(reached("br0.10", **ON_10), bridge(**option))
    assert change.risk == "may_cut_ssh"
