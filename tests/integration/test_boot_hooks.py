# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bonds and VLAN devices that become uplinks are booted, with the hooks of ifenslave and vlan: each makes what it made before, and of nothing else.

This kernel has neither. The hook of ifenslave says of each slave that it could not enslave it to which bond, and the ip(8) of the boot what was asked of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hypervisor.network.tests.harness.host.ifup_boot import boot
from ansible_collections.hypervisor.network.tests.harness.model.stanzas import ROOT, edited
from ansible_collections.hypervisor.network.tests.harness.net.netns import batch, ip_json

OPTIONS = {"bridge_stp": "off", "bridge_fd": 0, "bridge_maxwait": 0}
BOND = "auto bond0\niface bond0 inet static\n    address 192.0.2.10/24\n    gateway 192.0.2.1\n"
TEXTS: dict[str, tuple[str, str]] = {
    "slaves of the bond": ("bond0", BOND + "    bond-slaves eth0 eth1\n    bond-mode active-backup\n"),
    "slaves by the old name": ("bond0", BOND + "    slaves eth0 eth1\n    bond_mode active-backup\n    bond_miimon 100\n"),
    "slaves that say so": (
        "bond0",
        "auto eth0 eth1\niface eth0 inet manual\n    bond-master bond0\niface eth1 inet manual\n    bond-master bond0\n"
        + BOND
        + "    bond-slaves none\n    bond-mode active-backup\n",
    ),
    "no hook at all": ("eth0", BOND.replace("bond0", "eth0")),
    "lines of a port and of layer 3": (
        "eth0",
        BOND.replace("bond0", "eth0") + "    up ip addr add 192.0.2.11/24 dev eth0\n    up ip link set eth0 txqueuelen 500\n",
    ),
    "a VLAN device by its name": (
        "eth0.10",
        "auto eth0.10\niface eth0.10 inet static\n    address 192.0.2.10/24\n    gateway 192.0.2.1\n",
    ),
    "a VLAN device that names its parent": (
        "vlan10",
        "auto vlan10\niface vlan10 inet static\n    vlan-raw-device eth0\n    address 192.0.2.10/24\n",
    ),
    "a VLAN device on a bond": (
        "bond0.10",
        "auto bond0\niface bond0 inet manual\n    bond-slaves eth0\n\nauto bond0.10\niface bond0.10 inet static\n    address 192.0.2.10/24\n",
    ),
}  # fmt: skip


def booted(host: str, text: str, folder: Path, root: Path) -> dict[str, Any]:
    """What a boot makes of a text: addresses by device, ports, which devices were made of which kind, and who was enslaved to which bond."""
    for nic in ("eth0", "eth1"):
        batch(host, f"link add {nic} type veth peer name wire-{nic}\nlink set wire-{nic} up\n")
    said = boot(host, text, folder, root)
    links = {link["ifname"]: link for link in ip_json(host, "addr", "show") if link}
    return {
        "said": said,
        "up": said.endswith("ended with 0"),
        "addresses": {
            (name, one["local"])
            for name, link in links.items()
            for one in link["addr_info"]
            if one.get("scope") == "global"
        },
        "ports": {name: link["master"] for name, link in links.items() if "master" in link},
        "made": sorted(re.findall(r"made a (\w+): (\S+)", said)),
        "enslaved": sorted(re.findall(r"Failed to enslave (\S+) to ([\w.]+)", said)),
    }


@pytest.mark.parametrize("case", TEXTS)
def test_the_hooks_make_of_the_uplink_what_they_made_of_the_nic(
    case: str, boot_root: Path, make_netns: Callable[[str], str], tmp_path: Path
) -> None:
    nic, text = TEXTS[case]
    before = booted(make_netns("before"), text, tmp_path, boot_root)
    assert before["up"] and bool(before["made"]) is (nic != "eth0"), before["said"]
    assert bool(before["enslaved"]) is ("bond" in text), before["said"]
    assert {name for name, _address in before["addresses"]} == {nic}
    there = edited({ROOT: text}, {"take_over": nic, "options": OPTIONS})
    after = booted(make_netns("after"), there[ROOT], tmp_path, boot_root)
    assert after["up"], after["said"]
    assert after["ports"] == {nic: "br0"}
    assert after["addresses"] == {("br0", address) for _name, address in before["addresses"]}
    assert (after["made"], after["enslaved"]) == (before["made"], before["enslaved"]), after["said"]
    back = edited(there, {"name": "br0", "state": "absent", "hand_back": nic})
    assert back[ROOT] == text
