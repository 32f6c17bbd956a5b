# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of M(hypervisor.network.unapplied_tags), which is all of it: nothing is run on the host."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.hypervisor.network.plugins.plugin_utils import _unapplied_tags as tags
from ansible_collections.hypervisor.network.plugins.plugin_utils._role_action import RoleAction


class ActionModule(RoleAction):
    """Look at what stands above this very task."""

    SPEC = {
        "parts": {"type": "list", "elements": "str", "default": []},
        "chosen": {"type": "bool"},
    }

    def answer(self, args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        asked = task_vars.get("ansible_run_tags", ["all"])
        known = args["chosen"]
        chosen = tags.chosen(self._task, asked) if known is None else known
        nothing = not chosen and not set(asked) & set(args["parts"])
        lost = tags.unapplied(self._task, asked) if nothing else set()
        if not lost:
            return {"chosen": chosen}
        words = ", ".join(sorted(lost))
        return {
            "chosen": chosen,
            "failed": True,
            "msg": (
                f"The tags {words} chose the include of this role and none of its steps, so nothing would be done: import the role, or say "
                f"'apply: {{tags: [{words}]}}' in the include's arguments."
            ),
        }
