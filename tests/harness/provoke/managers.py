# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Managers of networks that do not do what is asked of them."""

from __future__ import annotations

import contextlib
import socket
from dataclasses import replace
from typing import Any

from ansible_collections.hypervisor.network.plugins.module_utils._core.reconcile import reconcile
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._host.programs import Done
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown import boots
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.apply import Interfaces
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.manager import Ifupdown
from ansible_collections.hypervisor.network.plugins.module_utils._managers import bound, foreign
from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import (
    Managed,
    Owner,
    Standing,
    Wish,
)
from ansible_collections.hypervisor.network.plugins.module_utils._managers.rules import Policy
from ansible_collections.hypervisor.network.plugins.module_utils._networkd import (
    described,
    devices,
    routes,
    unit,
)
from ansible_collections.hypervisor.network.plugins.module_utils._networkmanager import (
    described as nm_described,
)
from ansible_collections.hypervisor.network.plugins.module_utils._networkmanager import (
    identity,
    keyfile,
    profiles,
)
from ansible_collections.hypervisor.network.plugins.module_utils._networkmanager import (
    plan as nm_plan,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.route import Hop, Route
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import preflight
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.layout import Inet
from ansible_collections.hypervisor.network.tests.harness.model import persisted
from ansible_collections.hypervisor.network.tests.harness.model.networkd import NIC, Networkd
from ansible_collections.hypervisor.network.tests.harness.model.networkmanager import NetworkManager
from ansible_collections.hypervisor.network.tests.harness.model.standing import MAC, WISH, standing
from ansible_collections.hypervisor.network.tests.harness.provoke.stage import Stage, scene


@scene
def unknown_client(_stage: Stage) -> Any:
    nic = Link("eth0", 2, "", 1, "52:54:00:00:00:10")
    managed = Managed(Owner("networkd", "eth0", 2), unknown="the DHCPv4 client identifier")
    preflight.check(Inet({"eth0": nic}, managed=managed), preflight.Spec("eth0", "br0"))


@scene
def described_and_taken_apart(_stage: Stage) -> Any:
    managed = Managed(Owner("networkd", "eth0", 2), stage="handed", described=True)
    nic = Link("eth0", 2, "", 1, "52:54:00:00:00:10", master="br0")
    there = Inet({"eth0": nic, "br0": Link("br0", 3, "bridge")}, managed=managed)
    preflight.check(there, preflight.Spec("eth0", "br0", present=False))


@scene
def networkctl_fails(stage: Stage) -> Any:
    failed = Done(1, "", "Failed to reload network settings: Transport endpoint is not connected")
    Networkd(stage.top, answer=failed).control.reload(NIC)


@scene
def another_file_wins(stage: Stage) -> Any:
    Networkd(stage.top).control.reload(NIC, "/run/systemd/network/04-ours.network")


@scene
def route_without_words(_stage: Stage) -> Any:
    routes.routes(
        [Route(socket.AF_INET, "10.9.0.0/24", 254, 0, 8, 1, 0, 3, (Hop("br0", "10.77.0.1"),))]
    )


@scene
def rule_without_words(_stage: Stage) -> Any:
    routes.policies([Policy(socket.AF_INET, 1000, "table", 254, unsaid=("l3mdev",))])


@scene
def nmcli_fails(stage: Stage) -> Any:
    host = NetworkManager(stage.top)
    host.answers["connection"] = Done(8, "", "Error: NetworkManager is not running.\n")
    host.control.reload()


@scene
def networkmanager_keeps_the_nic(stage: Stage) -> Any:
    host = NetworkManager(stage.top)
    host.answers["device"] = Done(0)
    host.control.let_go("eth0", NIC)


@scene
def half_seconds_for_networkmanager(_stage: Stage) -> Any:
    known = profiles.Known("", "", {}, identity.Identity())
    profiles.bridge("br0", None, known, {"hello_time": 1.5})


@scene
def bridge_option_without_networkmanagers_words(_stage: Stage) -> Any:
    bridge = Link("br0", 3, "bridge", options={"mst_enabled": True})
    nm_plan.plan(Standing({"br0": bridge}), Wish(["br0"]))


@scene
def tap_that_networkmanager_would_boot_up(_stage: Stage) -> Any:
    links = {"br0": Link("br0", 3, "bridge", 1), "tap1": Link("tap1", 4, "tun", master="br0")}
    nm_plan.plan(Standing(links), Wish(["br0"], taps=["tap1"]))


@scene
def tap_in_the_default_vlan_by_networkmanager(_stage: Stage) -> Any:
    bridge = Link(
        "br0", 3, "bridge", 1, options={"vlan_filtering": True}, vlans={"1": "pvid untagged"}
    )
    tap = Link("tap1", 4, "tun", 1, master="br0", vlans={"20": "pvid untagged"})
    nm_plan.plan(Standing({"br0": bridge, "tap1": tap}), Wish(["br0"], taps=["tap1"]))


@scene
def port_that_no_stanza_says(_stage: Stage) -> Any:
    boots.wishes(standing(), WISH, {})


@scene
def vlans_that_no_stanza_says(_stage: Stage) -> Any:
    now = standing(vlan_filtering=True, vlan_default_pvid=1)
    nic = replace(now.links["eth0"], vlans={"1": "pvid untagged", "20": "untagged"})
    boots.wishes(replace(now, links={**now.links, "eth0": nic}), replace(WISH, ports=[]), {})


@scene
def nic_without_a_mac_of_its_own(_stage: Stage) -> Any:
    bound.mac_of(standing(), replace(WISH, match="mac"), "eth0", False)


@scene
def nics_that_were_made_with_one_mac(_stage: Stage) -> Any:
    now = replace(standing(), permanent={"eth0": MAC, "eth1": MAC})
    bound.mac_of(now, replace(WISH, match="mac"), "eth0", False)


@scene
def mac_that_no_stanza_says(stage: Stage) -> Any:
    noun = Interfaces(str(stage.top / "interfaces"), None, validate=False)
    Ifupdown("ifupdown", noun).plan(standing(), replace(WISH, match="mac"))


@scene
def tap_of_no_bridge_for_networkmanager(_stage: Stage) -> Any:
    nm_plan.plan(Standing({"tap1": Link("tap1", 4, "tun")}), Wish(taps=["tap1"]))


@scene
def option_without_words(_stage: Stage) -> Any:
    devices.bridge_netdev(Link("br0", 3, "bridge", options={"mcast_hash_max": 64}))


@scene
def described_otherwise(_stage: Stage, says: str, port: Any = None, vlans: Any = None) -> Any:
    """A NIC runs otherwise than C(says), its administrator's file, which makes it a port of br0."""
    source = "/etc/systemd/network/20-port.network"
    now = standing(vlan_filtering=True)
    links = {**now.links, "eth0": replace(now.links["eth0"], port=port or {}, vlans=vlans)}
    theirs = {"eth0": described.Described(source, unit.parse(says))}
    described.files(replace(now, links=links), WISH, theirs)


@scene
def profile_says_otherwise(_stage: Stage) -> Any:
    """A bridge runs a spanning tree, and its administrator's profile has none."""
    now = standing(stp_state=True)
    host = nm_described.Described(keyfile.parse("[connection]\nid=the lan\n[bridge]\nstp=no\n"))
    nm_described.boots(now, WISH, now.links["br0"], {"br0": host})


@scene
def persist(stage: Stage, wish: Any = None, **given: Any) -> Any:
    """bridge_persist with C(wish) over the usual one; C(objects) is what its manager says, C(takes) what it takes away by reading its files.

    C(cloudy) are files of a host of cloud-init.
    """
    cloudy = given.pop("cloudy", None)
    if cloudy:
        stage.put({"/etc/cloud/cloud.cfg.d/90_dpkg.cfg": "", **cloudy})
    objects, takes = given.pop("objects", None), given.pop("takes", False)
    asked = replace(WISH, **(wish or {}))
    noun, told, adapter = persisted.host(stage.top, asked, **given)
    stage.patch.setattr(foreign, "kept", lambda _netlink: contextlib.nullcontext())
    adapter.objects = objects
    before = told.now

    def take() -> None:
        told.now = replace(before, addresses=()) if adapter.loads == 1 else before

    adapter.loaded = take if takes else adapter.loaded
    if not asked.present:
        stage.put({persisted.MINE: "ours\n"})
    reconcile(noun, asked)
