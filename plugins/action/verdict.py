# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of M(hypervisor.network.verdict), which is all of it: nothing is run on the host."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.hypervisor.network.plugins.plugin_utils import _role_filters

_FINDINGS = {
    name: {"type": "list", "elements": "str", "required": True}
    for name in ("proven", "wrong", "risky")
}

_role_filters.load()


class ActionModule(ActionBase):
    """Fail where anything is wrong."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_async = False

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        spec = {"findings": {"type": "dict", "required": True, "options": _FINDINGS}}
        _valid, args = self.validate_argument_spec(argument_spec=spec)
        found = args["findings"]
        result["risky"] = found["risky"]
        result["failed"] = bool(found["wrong"])
        result["msg"] = " ".join(found["wrong"]) or found["proven"]
        result["_ansible_verbose_always"] = True  # as an assert's are, what was proven is shown
        return result
