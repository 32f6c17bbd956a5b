# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of M(hypervisor.network.unapplied_tags), which is all of it: nothing is run on the host."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.hypervisor.network.plugins.plugin_utils import _role_filters
from ansible_collections.hypervisor.network.plugins.plugin_utils import _unapplied_tags as tags

_role_filters.load()


class ActionModule(ActionBase):
    """Look at what stands above this very task."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_async = False

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        spec = {
            "parts": {"type": "list", "elements": "str", "default": []},
            "chosen": {"type": "bool"},
        }
        _valid, args = self.validate_argument_spec(argument_spec=spec)
        asked = (task_vars or {}).get("ansible_run_tags", ["all"])
        known = args["chosen"]
        result["chosen"] = tags.chosen(self._task, asked) if known is None else known
        nothing = not result["chosen"] and not set(asked) & set(args["parts"])
        lost = tags.unapplied(self._task, asked) if nothing else set()
        if lost:
            words = ", ".join(sorted(lost))
            result["failed"] = True
            result["msg"] = (
                f"The tags {words} chose the include of this role and none of its steps, so nothing would be done: import the role, or say "
                f"'apply: {{tags: [{words}]}}' in the include's arguments."
            )
        return result
