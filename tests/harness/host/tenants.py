# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host with two tenants, and a run of probes on it that comes out as its VLANs say, but for what is strewn in."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    IFF_LOWER_UP,
    IFF_UP,
    Link,
    Snapshot,
)
from ansible_collections.hypervisor.network.plugins.module_utils._isolation import (
    plan as isolation_plan,
)
from ansible_collections.hypervisor.network.plugins.module_utils._isolation import (
    spec as isolation_spec,
)
from ansible_collections.hypervisor.network.plugins.module_utils._isolation.verdict import (
    Run,
)

UP = IFF_UP | IFF_LOWER_UP


ACCESS10, ACCESS20, HOSTS = {"10": "pvid untagged"}, {"20": "pvid untagged"}, {"1": "pvid untagged"}


TRUNK = {"1": "pvid untagged", "10": "tagged", "20": "tagged"}


def port(name: str, vlans: dict[str, str], **more: Any) -> Link:
    kind = "" if name.startswith("eth") else "tun"
    return Link(
        name,
        kind=kind,
        flags=UP,
        master="br0",
        vlans=vlans,
        port={"port_state": "forwarding", **more},
    )


def host(*ports: Link, **vlans: dict[str, str]) -> Snapshot:
    bridge = Link(
        "br0",
        kind="bridge",
        flags=UP,
        mtu=9000,
        vlans=vlans.get("own", HOSTS),
        options={"vlan_filtering": True, "vlan_default_pvid": 1},
    )
    return Snapshot({link.name: link for link in (bridge, *ports)})


GOOD = host(
    port("eth0", TRUNK), port("tap1", ACCESS10), port("tap2", ACCESS20), port("tap3", ACCESS10)
)


def wish(**more: Any) -> isolation_spec.Wish:
    tenants = [
        {"name": "blue", "vlan": 10, "ports": ["tap1", "tap3"], "dhcp": False},
        {"name": "red", "vlan": 20, "ports": ["tap2"], "dhcp": False},
    ]
    return isolation_spec.checked(
        {"tenants": tenants, "uplinks": ["eth0"], "trunks": [], "count": 1, "timeout": 10, **more}
    )


def run_of(
    now: Snapshot,
    asked: isolation_spec.Wish,
    *strays: tuple[int, str, str, int | None, int],
    dhcp: str | None = None,
) -> Run:
    """A run on a host whose bridge does what its VLANs say, and C(strays): (probe, kind, device, VID, count) beside it.

    C(dhcp) is a tenant whose first probe asks for an address.
    """
    plugged = isolation_plan.probes(now, asked, "mark")
    names = {probe.name: probe for probe in plugged}
    sent = list(isolation_plan.shots(now, asked, plugged))
    sent += [isolation_plan.Shot(probe, "dhcp") for probe in plugged if probe.whose == dhcp][:1]
    seen: Counter[Any] = Counter()
    for shot in sent:
        seen[shot.probe.number, shot.kind, shot.probe.name, None] += 1
        for dev in [*now.links, *names]:
            if dev != shot.probe.name and isolation_plan.is_required(
                now, asked, shot.probe, shot.kind, dev, names
            ):
                vid = shot.probe.tenant.vlan if shot.probe.tenant and dev == "eth0" else None
                seen[shot.probe.number, shot.kind, dev, vid] += 1
        if shot.peer is not None:
            seen[shot.probe.number, shot.kind, plugged[shot.peer].name, None] += 1
    for probe, kind, dev, vid, count in strays:
        seen[probe, kind, dev, vid] += count
    return Run(now, asked, plugged, sent, seen, {})
