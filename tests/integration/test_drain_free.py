# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guests keep running through every step: they send frames to each other and to the LAN all the time, and what got lost is counted where it comes out.

The steps are those of the role, in their order, in one process; VLANs of tenants, which this machine's kernel may not have, are in
tests/acceptance/test_tenants.py.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.hypervisor.network.tests.harness.host.role_host import Host
from ansible_collections.hypervisor.network.tests.harness.host.steps import carry_out, look
from ansible_collections.hypervisor.network.tests.harness.net.frames import Station
from ansible_collections.hypervisor.network.tests.harness.net.netns import batch, ip_json
from ansible_collections.hypervisor.network.tests.harness.net.tapped import Guest, Traffic
from ansible_collections.hypervisor.network.tests.harness.process.modules import Modules

TAPS = {"tap1": "br0", "tap2": "br0", "tap3": "br1", "tap4": "br1"}


def job(*more: dict[str, Any], uplink: bool = True, **changed: dict[str, Any]) -> dict[str, Any]:
    """The role's variables: guests on the bridge of the uplink and on one that has none; what is C(changed) by name, and C(more) taps."""
    bridges = [{"name": "br0", **({"uplink": "eth0"} if uplink else {})}, {"name": "br1"}]
    taps = [{"name": name, "bridge": bridge} for name, bridge in TAPS.items()]
    return {
        "bridge_host_bridges": [{**one, **changed.get(one["name"], {})} for one in bridges],
        "bridge_host_taps": [*({**one, **changed.get(one["name"], {})} for one in taps), *more],
    }


_OPTIONS = {"br0": {"ageing_time": 100, "mcast_snooping": False}, "tap1": {"cost": 7, "learning": False}}  # fmt: skip
CHANGES = (
    (job(br0=_OPTIONS["br0"]), {"bridges", "persist"}),
    (job(**_OPTIONS), {"ports", "persist"}),
    (job({"name": "tap5", "bridge": "br0", "isolated": True}, **_OPTIONS), {"taps", "ports", "persist"}),
    (job({"name": "tap5", "state": "absent"}, **_OPTIONS), {"taps", "persist"}),
    (job(**_OPTIONS), set()),
)  # fmt: skip
GONE = {"br0": {"state": "absent"}, "tap1": {"state": "absent"}, "tap2": {"state": "absent"}}
_OTHER = {"bridge": "br1", "steal": True}


def test_no_guest_loses_a_frame_through_a_conversion_changes_another_run_and_the_way_back(
    host: Host, modules: Modules
) -> None:
    def run(wish: dict[str, Any]) -> set[str]:
        """What a run of the role changed, by step."""
        foreseen = look(modules, wish)
        assert not foreseen.get("failed"), foreseen
        carry_out(modules, foreseen["plan"])
        return {change["step"] for change in foreseen["changes"]}

    run(job(uplink=False))

    def guest(tap: str) -> Guest:
        return Guest(host.netns, tap, f"52:00:00:00:07:0{tap[-1]}")

    with guest("tap3") as third, guest("tap4") as fourth, Traffic(br1=(third, fourth)) as others:
        with guest("tap1") as first, guest("tap2") as second, Traffic(br0=(first, second)) as own:
            assert "uplinks" in run(job())
            assert ip_json(host.netns, "link", "show", "eth0")[0]["master"] == "br0"
            assert own.lost() == others.lost() == {}

            (port,) = ip_json(host.lan.router, "link", "show", "lan")
            router = Station(host.lan.router, "lan", port["address"])
            with router, Traffic(out=(second, router)) as out:
                for wish, steps in CHANGES:
                    assert run(wish) == steps, wish
                    assert own.lost() == others.lost() == out.lost() == {}, wish

            # the way back takes the bridge: it is refused until its guests are gone, and those of the other bridge lose nothing by it
            for wish, why in (
                (GONE, "tap1 is held by a process"),
                ({"tap1": _OTHER, "tap2": _OTHER}, "tap1 is held by a process"),
                ({**GONE, "tap1": _OTHER, "tap2": _OTHER}, "br0 is to go and still has the ports tap1, tap2"),
            ):  # fmt: skip
                assert why in look(modules, job(**wish))["msg"]
            assert own.lost() == {}
        assert "uplinks" in run(job(**GONE))
        assert others.lost() == {}

        # that a guest who was cut off for a moment would be seen
        batch(host.netns, "link set tap4 down\n")
        others.sent(3)
        batch(host.netns, "link set tap4 up\n")
        assert set(others.lost()) == {"br1>", "br1<"}
    left = {link["ifname"] for link in ip_json(host.netns, "link", "show")}
    assert {"br1", "tap3", "tap4"} <= left and not {"br0", "tap1", "tap2"} & left
    assert all(host.lan.all_reachable().values())
