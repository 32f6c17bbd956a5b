# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. The MTU that a bridge keeps whoever joins it: one that nobody gave it follows the least of its ports (br_mtu_auto_adjust).

The kernel tells nobody whether one was given, and takes no note of one that the bridge has already (netif_set_mtu_ext). Where a bridge has another than the
least of its ports, it was given.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Collection, Iterable, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core import units
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import BadInput
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    Link,
    Snapshot,
)
from ansible_collections.hypervisor.network.plugins.module_utils._link import device

SPEC: dict[str, dict[str, Any]] = {"port_mtus": {"type": "dict"}}
# of a wish, what says how and is no option of the device
HOW = ("port_mtus",)


def checked(item: Mapping[str, Any]) -> dict[str, dict[str, int | None]]:
    """The MTUs of ports to come as numbers, where they are given. Raises BadInput."""
    given = item.get("port_mtus")
    if given is None:
        return {}
    found: dict[str, int | None] = {}
    for name, mtu in given.items():
        what = f"{item['name']}: the MTU of {units.interface_name(name, 'port_mtus')} in port_mtus"
        try:
            found[name] = None if mtu is None else int(mtu)
        except (TypeError, ValueError):
            raise BadInput(f"{what} is no number; give bytes, or null for its own.") from None
        if found[name] is not None:
            device.check_mtu(found[name], what)
    return {"port_mtus": found}


def kept(
    now: Snapshot, link: Link, wish: Mapping[str, Any], wishes: Iterable[Mapping[str, Any]]
) -> dict[str, int]:
    """The wished MTU, C({"mtu": 1500}), where the bridge has it and might lose it to its ports, else C({}).

    Those of C(wishes) that name a port for another bridge take it from this one.
    """
    gone = {name for one in wishes if one is not wish for name in one.get("port_mtus") or ()}
    mtu = wish.get("mtu")
    return {"mtu": mtu} if may_move(now, link, mtu, wish.get("port_mtus") or {}, gone) else {}


def may_move(
    now: Snapshot,
    link: Link,
    mtu: int | None,
    come: Mapping[str, int | None],
    gone: Iterable[str] = (),
) -> bool:
    """Whether a bridge may have its MTU of its ports, and would get another with those to come: C(come) are their MTUs by name, None for their own."""
    has = {port.name: port.mtu for port in now.ports_of(link.name)}
    if mtu is None or link.mtu_given or not mtu == link.mtu == _least(has):
        return False
    will = {name: own for name, own in has.items() if name not in gone}
    for name, own in come.items():
        there = now.links.get(name)
        its_own = device.ETHERNET_MTU if there is None else there.mtu
        will[name] = its_own if own is None else own
    return _least(will) != mtu


def _least(ports: Mapping[str, int]) -> int:
    return min(ports.values(), default=device.ETHERNET_MTU)


def noted(found: Snapshot, given: Collection[int]) -> Snapshot:
    """The snapshot with the bridges, by index, that this run gave an MTU."""
    links = {
        name: replace(link, mtu_given=True)
        for name, link in found.links.items()
        if link.index in given
    }
    return replace(found, links={**found.links, **links}) if links else found


def another(mtu: int) -> int:
    """One that a bridge may have for an instant, so that the kernel notes that it is given C(mtu): a larger one cuts no frame short."""
    return mtu + 1 if mtu < device.MTU_MOST else mtu - 1
