# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. A NIC's way between its manager and us, as the first and the last step of whatever else is changed."""

from __future__ import annotations

from typing import Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change
from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import (
    HANDED,
    HELD,
    OWN,
    Managed,
)

KIND = "manager"
HOLD, HAND_OVER, RELEASE = "hold", "hand_over", "release"


def framed(changes: Sequence[Change], managed: Managed, bridge: str, wanted: str) -> list[Change]:
    """The changes, with the NIC's hold before them and what its manager gets after them.

    The hold comes before the first message, because a manager that reads its files meanwhile takes the NIC from its bridge. The release comes last:
    what stands on the NIC by then is what the manager finds.
    """
    nic = managed.nic
    first = (
        [_step(HOLD, nic.dev, managed, OWN, HELD)]
        if wanted == HANDED and managed.stage == OWN
        else []
    )
    stage = managed.stage
    if wanted == OWN and stage == HANDED and managed.watches:
        first, stage = [_step(HOLD, nic.dev, managed, HANDED, HELD)], HELD
    last = []
    if wanted == HANDED and managed.stage != HANDED:
        last = [_step(HAND_OVER, bridge, managed, HELD, HANDED)]
    if wanted == OWN and stage != OWN:
        last = [_step(RELEASE, nic.dev, managed, stage, OWN)]
    return [*first, *changes, *last]


def asked(
    changes: Sequence[Change], managed: Managed | None, bridge: str, present: bool
) -> list[Change]:
    """The changes of a NIC that shall be an uplink, or none any more, framed; as they are where nobody with an adapter manages it."""
    if managed is None:
        return list(changes)
    wanted = OWN
    if present:
        wanted = HANDED if changes or managed.stage == HELD else managed.stage
    return framed(changes, managed, bridge, wanted)


def _step(action: str, dev: str, managed: Managed, before: str, after: str) -> Change:
    manager = managed.nic.manager
    return Change(
        action, KIND, dev, {"manager": manager, "stage": before}, {"manager": manager, "stage": after}, payload=managed
    )  # fmt: skip
