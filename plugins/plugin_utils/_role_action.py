# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An action of the role bridge_host that is all of its module: it works on the controller, and nothing is run on the host."""

from __future__ import annotations

from typing import Any, Mapping

from ansible.plugins.action import ActionBase
from ansible.plugins.loader import filter_loader


class RoleAction(ActionBase):
    """C(SPEC) are the options, of which C(answer) makes what the task returns."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_async = False
    SPEC: Mapping[str, Any] = {}

    def __init_subclass__(cls) -> None:
        """Load the role's filters with the class of such an action, and so into the process that all workers are forked from.

        A filter is loaded by each worker that comes upon one, with all filters of its collection, which takes longer than anything else that a controller
        does for a host. The class of an action is loaded before a task's workers are forked, for tasks that are skipped, too.
        """
        super().__init_subclass__()
        filter_loader.get("hypervisor.network.bridge_host_findings")

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        _valid, args = self.validate_argument_spec(argument_spec=self.SPEC)
        return {**result, **self.answer(args, task_vars or {})}

    def answer(self, args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        """What the task returns, C({key: value}). C(args) are its arguments as SPEC types them, C(task_vars) the variables of its host."""
        raise NotImplementedError
