# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. Whose files have to say what the role makes: each bridge goes to the manager of its uplink, with the taps and ports that are in it.

A host may have a NIC of ifupdown's beside one of networkd's: what is ifupdown's gets stanzas, and each other manager what bridge_persist is told here.
Where another manager is there, bridge_persist is told of ifupdown's too, to keep that one off: no stanza says it.
"""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import (
    ALL,
    HANDS_OFF,
)

Items = Sequence[Mapping[str, Any]]


def divided(
    lists: Mapping[str, Any],
    owners: Mapping[str, str | None],
    host: str | None,
    beside: str | None = None,
) -> tuple[dict[str, Any], dict[str, list[dict[str, Any]]]]:
    """The role's plan with the stanzas of ifupdown's devices only, and by C(present) and C(absent) what bridge_persist is told of each other manager.

    C(owners) are the managers of the uplinks that bridge_persist writes for, None for ifupdown's and nobody's; C(host) is who gets what has no uplink.
    C(beside) is the word for the host's ifupdown, where others are to be kept off its devices.
    """
    plan, found = dict(lists), {}
    managers = [one for one in dict.fromkeys((host, *owners.values())) if one is not None]
    words = {one: {"manager": one, "scope": ALL} for one in managers}
    if beside is not None:
        words[None] = {"manager": beside, "scope": HANDS_OFF}
    for state in ("present", "absent"):
        own = lists[state]
        homes = _homes(own, owners, host)
        plan[state] = {**own, "stanzas": [one for one in own["stanzas"] if homes.get(one["name"], host) is None]}  # fmt: skip
        told = [{**said, **_names(own, homes, one, host)} for one, said in words.items()]
        if state == "absent":
            # where they were nobody says: each is told, and who has no file of them does nothing
            told = [{**one, "taps": [tap["name"] for tap in own["taps"]]} for one in told]
        found[state] = [one for one in told if one["bridges"] or one["taps"]]
    return plan, found


def of_the_host(owners: Mapping[str, str | None], others: Sequence[str]) -> str | None:
    """Who gets a bridge without an uplink: whoever has an uplink, ifupdown (None) first; without uplinks the one that has all other NICs of the host."""
    if owners:
        return None if None in owners.values() else next(iter(owners.values()))
    return others[0] if len(set(others)) == 1 else None


def _homes(
    own: Mapping[str, Any], owners: Mapping[str, str | None], host: str | None
) -> dict[str, str | None]:
    """The manager of each bridge, uplink, tap and port."""
    nics = {one["bridge"]: one["name"] for one in own["uplinks"]}
    homes = {
        one["name"]: owners.get(nics[one["name"]]) if one["name"] in nics else host
        for one in own["bridges"]
    }
    inside = {one["name"]: one["bridge"] for one in (*own.get("ports", ()), *own["uplinks"])}
    return {**homes, **{name: homes.get(bridge, host) for name, bridge in inside.items()}}


def _names(
    own: Mapping[str, Any], homes: Mapping[str, str | None], manager: str | None, host: str | None
) -> dict[str, list[str]]:
    def names(kind: str) -> list[str]:
        every = [one["name"] for one in own.get(kind, ())]
        return [name for name in every if homes.get(name, host) == manager]

    uplinks, taps = names("uplinks"), names("taps")
    ports = [name for name in names("ports") if name not in (*uplinks, *taps)]
    return {"bridges": names("bridges"), "uplinks": uplinks, "ports": ports, "taps": taps}
