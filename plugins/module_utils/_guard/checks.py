# SPDX-License-Identifier: GPL-3.0-or-later
"""What all guarded changes have in common: how often the same wish is tried, which gateways must answer."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Callable, Iterable, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    ReadBackError,
    Refused,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Plan, listed
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Snapshot
from ansible_collections.hypervisor.network.plugins.module_utils._guard import (
    transaction as transactions,
)
from ansible_collections.hypervisor.network.plugins.module_utils._guard.gateways import (
    Gateway,
    they_do_not,
)

_MOST_ROLLBACKS = 2


def check_tries(
    wish: str, cure: str, tries_of: Callable[[str], int] = transactions.rollbacks_in_a_row
) -> None:
    """Refuse what was rolled back again and again; C(cure) is what the user says to try it all the same. Raises Refused."""
    tries = tries_of(wish)
    if tries >= _MOST_ROLLBACKS:
        raise Refused(
            f"The last {tries} tries to make this change were rolled back, so it is not tried again by itself; find the reason with "
            f"'ls -l {transactions.ROOT}', then say {cure}."
        )


def must_answer(silent: Sequence[Gateway], source: str = "") -> None:
    """Refuse a change that made gateways silent which answered before it; C(source) is where they did. Raises ReadBackError."""
    if silent:
        where = f" on {source}" if source else ""
        they, do_not = they_do_not(silent)
        raise ReadBackError(
            f"The {they} answered{where} and {do_not} on {silent[0].dev}; look at what "
            f"the switch and packet filters let through for {silent[0].dev}."
        )


def must_answer_again(silent: Sequence[Gateway], others: Iterable[str] = ()) -> None:
    """The same after the way back, where nothing is left to be undone; C(others) are names that are other devices' by now. Raises ReadBackError."""
    said = [
        f"{dev} is another device by now, so it got nothing of what {dev} had; give that back by hand."
        for dev in others
    ]
    if silent and not said:
        they, do_not = they_do_not(silent, "answer")
        said = [
            f"Everything is as before, but the {they} {do_not}; look at the router and the way to it."
        ]
    if said:
        raise ReadBackError(" ".join(said))


def facts(
    what: str,
    gateways: Iterable[Gateway],
    wanted: Mapping[str, Sequence[str]],
    devs: Iterable[str],
    source: str | None = None,
    ports: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """What a confirmation will compare with.

    C(what) is the change in words; C(wanted) are the addresses and routes of C(devs) that must stand; C(source) is the device that gave
    everything away, by which the connection that confirms must not come in. C(ports) are those that joined, each with its bridge.
    """
    return {
        "what": what,
        "gateways": [asdict(one) for one in gateways],
        "wanted": wanted,
        "devs": list(devs),
        "source": source,
        "ports": dict(ports or {}),
    }


def left(now: Snapshot, facts: Mapping[str, Any]) -> list[str]:
    """Which devices are no ports any more of the bridges that they joined: what is behind them is silent then, whatever it would answer."""
    found = []
    for name, bridge in facts.get("ports", {}).items():
        link = now.links.get(name)
        if link is not None and link.master != bridge:  # a name may be another's by now
            by_now = f" but one of {link.master}" if link.master else ""
            found.append(
                f"{name} is no port of {bridge} any more{by_now}; look for what took it out, such as a network manager."
            )
    return found


def in_words(changes: Plan) -> str:
    """The changes for people, as one line."""
    return listed([str(change) for change in changes], 3)
