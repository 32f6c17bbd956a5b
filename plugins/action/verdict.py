# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of M(hypervisor.network.verdict), which is all of it: nothing is run on the host."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.hypervisor.network.plugins.plugin_utils._role_action import RoleAction

_FINDINGS = {
    name: {"type": "list", "elements": "str", "required": True}
    for name in ("proven", "wrong", "risky")
}


class ActionModule(RoleAction):
    """Fail where anything is wrong."""

    SPEC = {"findings": {"type": "dict", "required": True, "options": _FINDINGS}}

    def answer(self, args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        found = args["findings"]
        return {
            "risky": found["risky"],
            "failed": bool(found["wrong"]),
            "msg": " ".join(found["wrong"]) or found["proven"],
            "_ansible_verbose_always": True,  # as an assert's are, what was proven is shown
        }
