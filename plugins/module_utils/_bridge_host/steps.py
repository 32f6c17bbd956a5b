# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. The steps of the role in their order, and what one of them changes."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import (
    INTERRUPTS,
    MAY_CUT_SSH,
    SAFE,
    Change,
)

# The order of the role: the lists of its plan, each with the step that it belongs to
ABSENT = ("guests", "uplinks", "stanzas", "ifstate", "taps", "bridges")
PRESENT = ("bridges", "uplinks", "stanzas", "ifstate", "taps", "ports", "guests")
STEPS = {"stanzas": "persist", "ifstate": "persist", "managers": "persist"}
CHOICES = ("bridges", "uplinks", "persist", "taps", "ports", "guests")
_RISKS = (SAFE, INTERRUPTS, MAY_CUT_SSH)


@dataclass(frozen=True)
class Refusal:
    """Why an item of one list of the role's plan can't be planned. C(name) is the item's, empty where no single one is to blame."""

    list: str
    name: str
    sentence: str

    def as_dict(self) -> dict[str, str]:
        """With the role's step that its list belongs to."""
        return {"step": STEPS.get(self.list, self.list), "list": self.list, "name": self.name, "msg": self.sentence}  # fmt: skip


@dataclass(frozen=True)
class Step:
    """What one list of the role's plan changes: C(state) is absent for what leaves, and present."""

    list: str
    state: str
    changes: tuple[Change, ...]
    warnings: tuple[str, ...] = ()

    @property
    def step(self) -> str:
        """The role's step, which is its tag."""
        return STEPS.get(self.list, self.list)

    @property
    def risk(self) -> str:
        """The worst that one of its changes may do."""
        return max((one.risk for one in self.changes), key=_RISKS.index, default=SAFE)
