# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. Bridges, ports and taps as a module returns them."""

from __future__ import annotations

from typing import Any, Callable, Iterable

from ansible_collections.hypervisor.network.plugins.module_utils._core import vlan as vlan_words
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import (
    Outcome,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    Link,
)

_STATES = {"create": "present", "attach": "present", "delete": "absent", "detach": "absent"}


def described(
    outcome: Outcome, names: Iterable[str], kind: str, describe: Callable[[Link], dict[str, Any]]
) -> list[dict[str, Any]]:
    """The devices after an outcome, in the order of C(names); in check mode, where nothing was written, as the plan predicts them.

    Each has C(name) and C(state), and where it is present what C(describe) tells of it, a bridge its C(addresses) too. C(kind) is that of the changes.
    """
    devices = []
    for name in names:
        link = outcome.after.links.get(name)
        device = (
            {"name": name, "state": "absent"}
            if link is None
            else {"state": "present", **describe(link)}
        )
        if link is not None and kind == "bridge":
            device["addresses"] = [one.text for one in outcome.after.addresses_of(name)]
        if outcome.after is outcome.before:
            for change in outcome.changes:
                if change.name == name and change.kind == kind:
                    gone = {"name": name, "state": "absent"}
                    device = (
                        gone
                        if change.after is None
                        else {
                            **device,
                            "state": _STATES.get(change.action, device["state"]),
                            **change.after,
                        }
                    )
        devices.append(vlan_words.shown(device))
    return devices
