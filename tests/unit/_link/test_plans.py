# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The planners of bridges, ports and taps, as golden triplets: current.yml + desired.yml -> changes.yml.

C(current.yml) holds links by name (the fields of _core/snapshot.Link, with up/running/loopback for the flags), addresses by device and holders;
C(desired.yml) the module and its parameters as a user types them; C(changes.yml) the plan in words, or the error's class and sentence.
The files are written by people. Nothing here writes them.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.hypervisor.network.plugins.module_utils._core import errors
from ansible_collections.hypervisor.network.plugins.module_utils._core import vlan as vlan_words
from ansible_collections.hypervisor.network.plugins.module_utils._core.module import items_of
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    Address,
    Holder,
    Link,
    Snapshot,
)
from ansible_collections.hypervisor.network.plugins.module_utils._link import (
    bridge as bridge_planner,
)
from ansible_collections.hypervisor.network.plugins.module_utils._link import port as port_planner
from ansible_collections.hypervisor.network.plugins.module_utils._link import tap as tap_planner
from ansible_collections.hypervisor.network.plugins.module_utils._link.apply import LinkNoun
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import (
    attributes as option_tables,
)

CASES = Path(__file__).parents[1] / "fixtures" / "plan"
MODULES = {
    "linux_bridge": ("bridge", "bridges", bridge_planner),
    "bridge_port": ("port", "ports", port_planner),
    "tap_device": ("tap", "taps", tap_planner),
}
FLAGS = {"up": 0x1, "loopback": 0x8, "running": 0x10000}
# What every bridge, port and tap of these kernels has; a case names what differs.
NEW_BRIDGE = {
    "forward_delay": 15.0, "hello_time": 2.0, "max_age": 20.0, "ageing_time": 300.0, "stp_state": False, "priority": 32768,
    "vlan_filtering": False, "vlan_protocol": "802.1Q", "vlan_default_pvid": 1, "mcast_snooping": True, "no_linklocal_learn": False,
}  # fmt: skip
NEW_PORT = {
    "port_state": "forwarding",
    "priority": 32,
    "cost": 2,
    "hairpin": False,
    "isolated": False,
    "learning": True,
    "flood": True,
}
NEW_TAP = {
    "mode": "tap",
    "owner": -1,
    "group": -1,
    "multi_queue": False,
    "vnet_hdr": False,
    "pi": False,
    "persist": True,
}
NEW = {"bridge": NEW_BRIDGE, "tun": NEW_TAP}


def load(case: Path, name: str) -> Any:
    return yaml.safe_load((case / f"{name}.yml").read_text(encoding="utf-8"))


def snapshot_of(current: dict[str, Any]) -> Snapshot:
    links = {}
    for index, (name, given) in enumerate(current.get("links", {}).items(), 1):
        fields = dict(given or {})
        fields["flags"] = sum(bit for flag, bit in FLAGS.items() if fields.pop(flag, False))
        lacks = fields.pop("lacks", [])
        new = NEW.get(fields.get("kind", ""), {})
        fields["options"] = {
            key: value
            for key, value in {**new, **fields.get("options", {})}.items()
            if key not in lacks
        }
        if fields.get("port") is not None:
            fields["port"] = {
                key: value
                for key, value in {**NEW_PORT, **fields["port"]}.items()
                if key not in lacks
            }
        links[name] = Link(name=name, index=index, **fields)
    addresses = [
        Address(dev, text, 10 if ":" in text else 2)
        for dev, texts in current.get("addresses", {}).items()
        for text in texts
    ]
    return Snapshot(
        links,
        tuple(addresses),
        {name: Holder(pid) for name, pid in current.get("holders", {}).items()},
    )


def wish_of(desired: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    kind, plural, planner = MODULES[desired["module"]]
    defaults = {key: value.get("default") for key, value in planner.SPEC.items()}
    items = items_of(
        {**defaults, plural: None, **desired["parameters"]}, planner.SPEC, plural, ("netns",)
    )
    return {kind: [planner.checked(item) for item in items]}


def noun() -> LinkNoun:
    return LinkNoun(netlink=None)  # type: ignore[arg-type]


@pytest.mark.parametrize("case", sorted(CASES.iterdir()), ids=lambda case: case.name)
def test_current_and_desired_give_exactly_these_changes(case: Path) -> None:
    expected = load(case, "changes")
    now = snapshot_of(load(case, "current") or {})
    if isinstance(expected, dict):
        with pytest.raises(getattr(errors, expected["error"])) as caught:
            noun().plan(now, wish_of(load(case, "desired")))
        assert type(caught.value).__name__ == expected["error"]
        assert str(caught.value) == expected["says"].strip()
    else:
        plan = noun().plan(now, wish_of(load(case, "desired")))
        assert [change.as_dict() for change in plan] == (expected or [])


def applied(now: Snapshot, changes: list[Change]) -> Snapshot:
    """What the host holds after a plan, by the words of its changes alone."""
    links = dict(now.links)
    vlans_there = any(link.vlans is not None for link in links.values())
    addresses = list(now.addresses)
    for change in changes:
        after = dict(change.after or {})
        if change.action == "add":
            addresses.append(change.payload)
            continue
        if change.action in ("delete", "recreate"):
            addresses = [one for one in addresses if one.dev != change.name]
        if change.action == "delete":
            del links[change.name]
            links = {
                name: replace(link, master=None, port=None, vlans=None)
                if link.master == change.name
                else link
                for name, link in links.items()
            }
            continue
        link = links.get(change.name)
        if change.action in ("create", "recreate"):
            kind = "bridge" if change.kind == "bridge" else "tun"
            after = {**after, **(change.payload or {})}
            vlans = {"1": "pvid untagged"} if kind == "bridge" and vlans_there else None
            link = Link(
                name=change.name,
                kind=kind,
                index=99,
                options=dict(NEW[kind]),
                mac="02:00:00:00:00:99",
                vlans=vlans,
            )
        assert link is not None, change
        if "vlan_default_pvid" in after and vlans_there:
            old, new = link.options["vlan_default_pvid"], after["vlan_default_pvid"]
            moved = {name: one for name, one in links.items() if change.name in (name, one.master)}
            links.update(
                {
                    name: replace(one, vlans=vlan_words.rewritten(one.vlans or {}, old, new))
                    for name, one in moved.items()
                }
            )
            link = links.get(change.name, link)
        bridge = links.get(after.get("bridge") or "")
        links[change.name] = replace(
            link, **fields_of(link, change.kind, after, bridge, vlans_there)
        )
    return Snapshot(links, tuple(addresses), now.holders)


def fields_of(
    link: Link, kind: str, after: dict[str, Any], bridge: Link | None, vlans_there: bool
) -> dict[str, Any]:
    """The fields of a link that a change gives it; C(bridge) is what it joins."""
    fields: dict[str, Any] = {}
    if "bridge" in after:
        fields["master"] = after.pop("bridge")
        joined = bridge is not None and bridge.kind == "bridge"
        fields["port"] = dict(NEW_PORT) if joined else None
        fields["vlans"] = vlan_words.of_a_new_port(bridge) if joined and vlans_there else None
    for key in ("vlans", "self_vlans"):
        if key in after:
            fields["vlans"] = after.pop(key)
    if "up" in after:
        fields["flags"] = link.flags & ~1 | after.pop("up")
    for key in ("mac", "mtu", "txqueuelen", "alias"):
        if after.get(key) is not None:
            fields[key] = after.pop(key)
    if after.get("addr_gen_mode") is not None:
        fields["ipv6"] = {"addr_gen_mode": after.pop("addr_gen_mode")}
    if kind == "port":
        port = fields.get("port", link.port)
        fields["port"] = None if port is None else {**port, **after}
    else:
        fields["options"] = {
            **link.options,
            **{key: value for key, value in after.items() if key in link.options},
        }
    return fields


PLANS = [case for case in sorted(CASES.iterdir()) if isinstance(load(case, "changes"), list)]


@pytest.mark.parametrize("case", PLANS, ids=lambda case: case.name)
def test_a_plan_that_is_carried_out_leaves_nothing_to_plan(case: Path) -> None:
    now, wish = snapshot_of(load(case, "current") or {}), wish_of(load(case, "desired"))
    after = applied(now, list(noun().plan(now, wish)))
    assert noun().plan(after, wish) == []


@pytest.mark.parametrize("case", PLANS, ids=lambda case: case.name)
def test_the_way_back_leads_to_what_was(case: Path) -> None:
    now, wish = snapshot_of(load(case, "current") or {}), wish_of(load(case, "desired"))
    changes = noun().plan(now, wish)
    after = applied(now, list(changes))
    back = applied(after, list(noun().plan(after, noun().wish_back(now, changes))))
    assert seen(back) == seen(now)


def seen(snapshot: Snapshot) -> dict[str, Any]:
    """What of a snapshot can be brought back: not the index, nor a MAC that the kernel chose, nor the state of a port without carrier."""
    ports = {
        name: None if link.port is None else dict(link.port)
        for name, link in snapshot.links.items()
    }
    for name, port in ports.items():
        if port is not None and not snapshot.links[name].running:
            del port["port_state"]
    devices = {
        name: (
            link.kind,
            link.up,
            link.mtu,
            link.alias,
            link.master,
            dict(link.options),
            link.vlans,
            ports[name],
        )
        for name, link in snapshot.links.items()
    }
    return {
        **devices,
        "addresses": {
            (one.dev, one.text) for one in snapshot.addresses if not one.text.startswith("fe80:")
        },
    }


def test_every_option_that_a_bridge_shows_is_in_the_table() -> None:
    assert set(NEW_BRIDGE) <= {one.option for one in option_tables.BRIDGE}
    assert set(NEW_PORT) <= {one.option for one in option_tables.PORT}
