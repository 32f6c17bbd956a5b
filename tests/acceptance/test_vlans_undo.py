# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VLANs that the kernel refuses, and a run that fails or stops on its way: everybody keeps or gets back what he had."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.hypervisor.network.tests.harness.lab.hypervisors import VLANS, Lab
from ansible_collections.hypervisor.network.tests.harness.lab.vlan_host import (
    NETNS,
    OUT,
    PVID,
    Vids,
)
from ansible_collections.hypervisor.network.tests.harness.process.modules import (
    Modules,
    guarded_form,
)


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
    wish = {"name": "v0", "bridge": "br0", "state": "absent", "guard_timeout": 0}
    uplink = guarded_form("bridge_uplink", **wish)
    for at in range(1, 40):
        done = host.order("guarded_change", uplink, fail={"at": at, "errno": 1})
        if not done["result"].get("failed"):
            break
        assert "undone" in done["result"]["msg"], done
        assert see("v0") == {1: {PVID, OUT}, 10: set(), 11: set()}
        assert host.done("bridge_port", name="v0", bridge="br0")["port"]["cost"] == 77
    assert at > 3, "it never got as far as leaving the bridge"
    lab.ssh(VLANS, f"ip -n {NETNS} address flush dev v0")
    host.done("bridge_port", name="v0", bridge="br0", access_vlan=1)
