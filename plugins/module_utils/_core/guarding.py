# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. Which changes want a guard, and what a module does that ships none: it refuses, and the task's action runs the one that ships it."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    BadInput,
    Refused,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import (
    MAY_CUT_SSH,
    Plan,
    listed,
)

# Options of the whole run, not of an item: there is one guard for all that a run changes.
SPEC: dict[str, dict[str, Any]] = {
    "guard_mode": {"type": "str", "choices": ["auto", "always", "never"], "default": "auto"},
    "guard_timeout": {"type": "float", "default": 60},
}
# the key of a failure by which the action knows that it is its turn
WANTED = "guard_wanted"
_LEAST_SECONDS, _MOST_SECONDS = 10, 900


def check_timeout(seconds: float) -> None:
    """0, or within the guard's range. Raises BadInput."""
    if seconds and not _LEAST_SECONDS <= seconds <= _MOST_SECONDS:
        raise BadInput(
            f"guard_timeout {seconds:g} is outside {_LEAST_SECONDS} to {_MOST_SECONDS} seconds; give one within, or 0 for no guard."
        )


def wanted(params: Mapping[str, Any], changes: Plan) -> bool:
    """Whether the changes of a run with SPEC's options are to be guarded."""
    if params["guard_mode"] == "never" or not params["guard_timeout"]:
        return False
    return params["guard_mode"] == "always" or any(one.risk == MAY_CUT_SSH for one in changes)


class Unguarded:
    """The guard of a module that ships none, see C(_core/reconcile.Guard): where one is wanted, nothing is changed. C(params) hold SPEC's options."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        self._params = params

    def arm(self, before: Any, changes: Plan) -> None:
        """Raises Refused, with WANTED among its facts, and what would have been changed."""
        if wanted(self._params, changes):
            raise Refused(
                self._refusal(listed([str(one) for one in changes], 3)),
                **{WANTED: True, "changes": [change.as_dict() for change in changes]},
            )

    def _refusal(self, what: str) -> str:
        return (
            f"This change wants a guard ({what}), which comes with the task's action and not with the module, so nothing was changed; run it as a task of "
            "Ansible, or say guard_mode: never."
        )

    def applied(self) -> None:
        """There is nothing to confirm."""

    def claim(self) -> None:
        """Nobody else undoes."""

    def hand_over(self, why: str) -> None:
        """There is nobody to take it."""

    def stand_down(self, why: str) -> None:
        """There is nothing to end."""

    @property
    def told(self) -> list[str]:
        """Nothing was come across."""
        return []

    def facts(self) -> dict[str, Any]:
        """No transaction."""
        return {}


class Elsewhere(Unguarded):
    """That of a module which foresees and changes nothing: whatever is to be changed is left to its guarded form."""

    def __init__(self) -> None:
        super().__init__({"guard_mode": "always", "guard_timeout": True})

    def _refusal(self, what: str) -> str:
        return (
            f"This is to be changed ({what}), which the task's action carries out and not the module alone, so nothing was changed; run it as a task of "
            "Ansible."
        )
