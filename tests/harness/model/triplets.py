# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Golden triplets for planners: current.yml + desired.yml -> changes.yml, and what holds for each of them.

C(current.yml) holds links by name (the fields of _core/snapshot.Link, with up/running/loopback for the flags), addresses by device and holders;
C(desired.yml) the module and its parameters as a user types them; C(changes.yml) the plan in words, or the error's class and sentence.
The files are written by people. Nothing here writes them. They lie in tests/unit/fixtures/plan, C(bridge-...) for test_bridge.py and so on.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

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

FIXTURES = Path(__file__).parents[2] / "unit" / "fixtures"
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


def cases(kind: str) -> list[Path]:
    """The triplets of a planner: bridge, port or tap."""
    return sorted((FIXTURES / "plan").glob(f"{kind}-*"))


def plans(kind: str) -> list[Path]:
    """Those of them that end in a plan, not in a refusal."""
    return [case for case in cases(kind) if isinstance(load(case, "changes"), list)]


def expected(case: Path) -> Any:
    """What C(changes.yml) says: changes in words, or the class of an error and its sentence."""
    told = load(case, "changes") or []
    return {**told, "says": told["says"].strip()} if isinstance(told, dict) else told


def planned(case: Path) -> Any:
    """What the planner says, in the words of C(changes.yml)."""
    try:
        now, wish = case_of(case)
        return [change.as_dict() for change in noun().plan(now, wish)]
    except errors.HypervisorNetworkError as error:
        return {"error": type(error).__name__, "says": str(error)}


def left_after(case: Path) -> list[Change]:
    """What is still to be done once the plan has been carried out."""
    now, wish = case_of(case)
    return list(noun().plan(applied(now, list(noun().plan(now, wish))), wish))


def there_and_back(case: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is seen before a plan is carried out, and after it has been taken back."""
    now, wish = case_of(case)
    changes = noun().plan(now, wish)
    after = applied(now, list(changes))
    back = noun().plan(after, noun().wish_back(now, changes))
    return seen(now), seen(applied(after, list(back)))


def case_of(case: Path) -> tuple[Snapshot, dict[str, list[dict[str, Any]]]]:
    return snapshot_of(load(case, "current") or {}), wish_of(load(case, "desired"))


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
    if kind == "bridge" and "mac" in fields:
        fields["mac_given"] = True
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
