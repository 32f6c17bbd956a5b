# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts whose bridge with VLANs was made by hand in a manager's own words, adopted: the role changes nothing by their variables, and what boots a VLAN that
somebody gives a guest later is written beside the administrator's files. All without VLANs is in tests/faults/test_g_adopted.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.hypervisor.network.tests.harness.lab.adopted import (
    adopted,
    persisted,
)
from ansible_collections.hypervisor.network.tests.harness.lab.hypervisors import DISTRO
from ansible_collections.hypervisor.network.tests.harness.lab.managed import (
    BRIDGE,
    NIC,
    SITES,
    TAP,
    files,
    seen,
    site,
)
from ansible_collections.hypervisor.network.tests.harness.lab.place import place
from ansible_collections.hypervisor.network.tests.harness.lab.powered import (
    ADDRESS,
    HOST,
    PoweredLab,
)
from ansible_collections.hypervisor.network.tests.harness.process.long_form import LONG

_ETC = "etc/systemd/network"
_PROFILES = "etc/NetworkManager/system-connections"
_PORT_OF = f"master={BRIDGE}\nslave-type=bridge"


def _networkd(port: str, vlans: str) -> str:
    return f"[Match]\nName={port}\n[Network]\nBridge={BRIDGE}\n{vlans}"


def _profile(number: int, kind: str, name: str, *rest: str) -> str:
    uuid = f"3c2b6a0e-0000-4000-8000-{number:012d}"
    head = f"[connection]\nid={name}\nuuid={uuid}\ntype={kind}\ninterface-name={name}"
    return "\n".join((head, *rest)) + "\n"


# The host is in VLAN 99, a guest in 20, and a guest that routes has a trunk
MADE: dict[str, dict[str, str]] = {
    "networkd": {
        f"{_ETC}/10-br0.netdev": (
            f"[NetDev]\nName={BRIDGE}\nKind=bridge\nMACAddress=52:54:00:77:00:01\n"
            "[Bridge]\nVLANFiltering=yes\nDefaultPVID=none\nSTP=no\n"
        ),
        f"{_ETC}/11-tap1.netdev": f"[NetDev]\nName={TAP}\nKind=tap\n[Tap]\nUser=nobody\n",
        f"{_ETC}/12-tap2.netdev": "[NetDev]\nName=tap2\nKind=tap\n",
        f"{_ETC}/20-wire.network": _networkd(
            NIC, "[BridgeVLAN]\nPVID=99\nEgressUntagged=99\n[BridgeVLAN]\nVLAN=20\n[BridgeVLAN]\nVLAN=100-110\n"
        ),
        f"{_ETC}/21-tap1.network": _networkd(TAP, "[BridgeVLAN]\nPVID=20\nEgressUntagged=20\n"),
        f"{_ETC}/22-tap2.network": _networkd(
            "tap2", "[BridgeVLAN]\nVLAN=100-110\n[BridgeVLAN]\nVLAN=20\nPVID=20\nEgressUntagged=20\n"
        ),
        f"{_ETC}/30-br0.network": (
            f"[Match]\nName={BRIDGE}\n[Network]\nAddress={ADDRESS}/24\nGateway=10.77.0.1\n"
            "[BridgeVLAN]\nVLAN=99\nPVID=99\nEgressUntagged=99\n"
        ),
    },
    "networkmanager": {
        f"{_PROFILES}/br0.nmconnection": _profile(
            1, "bridge", BRIDGE,
            "[bridge]\nstp=false\nvlan-filtering=true\nvlan-default-pvid=0\nvlans=99 pvid untagged\nmac-address=52:54:00:77:00:01",
            f"[ipv4]\nmethod=manual\naddress1={ADDRESS}/24,10.77.0.1", "[ipv6]\nmethod=disabled",
        ),
        f"{_PROFILES}/wire.nmconnection": _profile(
            2, "ethernet", NIC, _PORT_OF, "[bridge-port]\nvlans=20, 99 pvid untagged, 100-110"
        ),
        f"{_PROFILES}/tap1.nmconnection": _profile(
            3, "tun", TAP, _PORT_OF, "[tun]\nmode=2\nowner=65534", "[bridge-port]\nvlans=20 pvid untagged"
        ),
        f"{_PROFILES}/tap2.nmconnection": _profile(
            4, "tun", "tap2", _PORT_OF, "[tun]\nmode=2", "[bridge-port]\nvlans=20 pvid untagged, 100-110"
        ),
    },
}  # fmt: skip
_MODES = {"networkd": "0644", "networkmanager": "0600"}
# by iproute2's words; what is in a VLAN and how, of each
VLANS: dict[str, dict[int, str]] = {
    BRIDGE: {99: "PVID Egress Untagged"},
    NIC: {20: "", 99: "PVID Egress Untagged", **dict.fromkeys(range(100, 111), "")},
    TAP: {20: "PVID Egress Untagged"},
    "tap2": {20: "PVID Egress Untagged", **dict.fromkeys(range(100, 111), "")},
}
LATER = 105


@pytest.fixture(scope="module", params=list(MADE))
def made(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PoweredLab]:
    if not LONG:
        pytest.skip("a machine for each manager takes minutes: make faults runs it")
    network = request.param
    given = [
        {"path": path, "content": text, "mode": _MODES[network]}
        for path, text in MADE[network].items()
    ]
    more = {"lab_distro": DISTRO, "lab_network": network, "site_files": given}
    directory, name = place("hvadopt")
    records = tmp_path_factory.mktemp("records")
    lab = PoweredLab(directory, name, records, "-e", json.dumps(more), inventory=SITES)
    lab.nic, lab.network = NIC, network
    with lab.running():
        lab.bring()
        yield lab


def vlans(lab: PoweredLab) -> dict[str, dict[int, str]]:
    """What each device is in, by iproute2."""
    return {
        one["ifname"]: {
            vid: " ".join(vlan.get("flags", ()))
            for vlan in one["vlans"]
            for vid in range(vlan["vlan"], vlan.get("vlanEnd", vlan["vlan"]) + 1)
        }
        for one in lab.json(HOST, "bridge -j vlan show")
    }


def test_a_host_with_vlans_is_adopted_and_the_role_changes_nothing(made: PoweredLab) -> None:
    assert vlans(made) == VLANS
    before, written = seen(made, HOST, BRIDGE), files(made, HOST)
    first = adopted(made)
    assert first.changes == [] and first.managers != []
    assert _told(first.told) == {
        "self": [(99, True, True)],
        TAP: 20,
        "tap2": [(20, True, True), ("100-110", False, False)],
    }
    assert site(made, HOST, **first.told) == []
    assert adopted(made) == first
    assert (seen(made, HOST, BRIDGE), files(made, HOST)) == (before, written)


def test_a_vlan_that_comes_later_is_written_beside_the_administrators_files_or_refused(
    made: PoweredLab,
) -> None:
    """A port's VLANs come too late from a dispatcher script, so with NetworkManager the words that say them in its profile are told."""
    written = files(made, HOST)
    made.hv(f"bridge vlan add vid {LATER} dev {TAP}")
    if made.network == "networkmanager":
        told = made.run("bridge_info")["as_variables"]
        names = ("bridges", "taps", "guests")
        plan = made.run("host_plan", **{one: told[f"bridge_host_{one}"] for one in names})
        said = f"nmcli connection modify {TAP} bridge-port.vlans '20 pvid untagged, {LATER}'"
        assert plan["failed"] and said in plan["msg"]
        assert files(made, HOST) == written
        return
    assert persisted(made, adopted(made)) != []
    again = adopted(made)
    assert again.changes == []
    assert vlans(made) == {**VLANS, TAP: {**VLANS[TAP], LATER: ""}}
    kept = files(made, HOST).splitlines()
    assert [line for line in written.splitlines() if line not in kept and "  etc/" in line] == []
    made.reboot(HOST)
    assert vlans(made) == {**VLANS, TAP: {**VLANS[TAP], LATER: ""}}


def _told(variables: dict[str, Any]) -> dict[str, Any]:
    """The VLANs that the variables say."""
    (bridge,) = variables["bridge_host_bridges"]
    assert bridge["vlan_filtering"] is True and bridge["vlan_default_pvid"] == 0
    found: dict[str, Any] = {"self": _rows(bridge["self_vlans"])}
    for tap in variables["bridge_host_taps"]:
        found[tap["name"]] = tap.get("access_vlan") or _rows(tap["vlans"])
    return found


def _rows(listed: list[dict[str, Any]]) -> list[tuple[int | str, bool, bool]]:
    return [(one["vid"], one["pvid"], one["untagged"]) for one in listed]
