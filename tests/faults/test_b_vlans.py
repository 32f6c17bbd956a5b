# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""B07 and A10 for VLANs: what this kernel lacks, and what can't be meant, is refused before anything is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ansible_collections.hypervisor.network.tests.conftest import PYTHONS
from ansible_collections.hypervisor.network.tests.harness.net.dump import differences, settled
from ansible_collections.hypervisor.network.tests.harness.net.netns import (
    Namespaces,
    batch,
    ip_json,
)
from ansible_collections.hypervisor.network.tests.harness.process.modules import Modules


@pytest.fixture(scope="module")
def host(target_path: str) -> Iterator[Modules]:
    with Namespaces("vlans") as names:
        batch(
            names["vlans"],
            "link add br0 up type bridge\nlink add v0 type veth peer name v1\nlink add v2 type veth peer name v3\n",
        )
        with Modules(names["vlans"], str(PYTHONS["pyroute2-0.9.7"]), target_path) as modules:
            yield modules


@pytest.fixture
def refused(host: Modules) -> Callable[..., None]:
    """Run a module in check mode and for real: it must fail in one line with these words, send nothing, and leave the host as it was."""

    def run(module: str, words: str, **args: Any) -> None:
        before = settled(host.netns)
        for check in (True, False):
            answer = host.order(module, args, check=check)
            assert answer["traceback"] is None, answer["traceback"]
            assert answer["writes"] == 0 and answer["result"]["failed"]
            assert words in answer["result"]["msg"] and "\n" not in answer["result"]["msg"]
        assert differences(before, settled(host.netns)) == []

    return run


def without_vlans(host: Modules) -> None:
    if (
        "vlan_protocol"
        in ip_json(host.netns, "-d", "link", "show", "dev", "br0")[0]["linkinfo"]["info_data"]
    ):
        pytest.skip(
            "this kernel has VLAN filtering: what it does with VLANs is in tests/acceptance/test_vlans.py"
        )


@pytest.mark.parametrize(
    "wish",
    [
        {"access_vlan": 10}, {"trunk_vlans": ["20", "100-199"], "native_vlan": 5}, {"vlans": []}, {"access_vlan": 10, "vlans_mode": "merge"},
    ],
    ids=["access", "trunk", "none", "merge"],
)  # fmt: skip
def test_b07_vlans_of_ports_on_a_kernel_without_them(
    host: Modules, refused: Callable[..., None], wish: dict[str, Any]
) -> None:
    without_vlans(host)
    ports = [{"name": "v0", "up": True}, {"name": "v2", **wish}]
    refused(
        "bridge_port",
        "br0: this kernel has no VLAN filtering, so the VLANs of v2 would be ignored",
        bridge="br0",
        ports=ports,
    )


@pytest.mark.parametrize("name", ["br0", "br-new"])
def test_b07_vlans_of_the_bridge_itself_on_a_kernel_without_them(
    host: Modules, refused: Callable[..., None], name: str
) -> None:
    without_vlans(host)
    refused(
        "linux_bridge",
        f"{name}: this kernel has no VLAN filtering, so its self_vlans",
        name=name,
        self_vlans=[{"vid": "10"}],
    )
    refused(
        "linux_bridge",
        f"{name}: this kernel has no vlan_filtering",
        name=name,
        vlan_filtering=True,
        self_vlans=[{"vid": "10"}],
    )


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"access_vlan": 0}, "access_vlan 0 is no VLAN"),
        ({"access_vlan": 4095}, "access_vlan 4095 is no VLAN"),
        ({"access_vlan": "ten"}, "'access_vlan' is of type"),
        ({"trunk_vlans": ["1-4095"]}, "trunk_vlans 4095 is no VLAN"),
        ({"trunk_vlans": ["$(id)"]}, "neither a VLAN nor a range"),
        ({"trunk_vlans": ["9" * 400]}, "neither a VLAN nor a range"),
        ({"native_vlan": 3}, "give trunk_vlans with it"),
        ({"access_vlan": 3, "trunk_vlans": ["4"]}, "keep one of them"),
        ({"vlans": [{"vid": "3-4", "pvid": True}]}, "pvid to the range 3-4"),
        ({"vlans": [{"pvid": True}]}, "missing required arguments: vid"),
        ({"access_vlan": 3, "vlans_mode": "some"}, "value of vlans_mode must be one of"),
    ],
)
def test_a10_vlans_that_cant_be_meant(
    refused: Callable[..., None], wish: dict[str, Any], words: str
) -> None:
    refused("bridge_port", words, name="v0", bridge="br0", **wish)
