# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of M(hypervisor.network.bridge_doctor): where frames are to be listened for or sent, the module that does runs in its place."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase

_LOOKS = "hypervisor.network.bridge_doctor"
_ON_THE_WIRE = "hypervisor.network.bridge_doctor_probe"


class ActionModule(ActionBase):
    """Run one module, in the background too; what is no boolean, or no number, is the module's to refuse."""

    _supports_async = True

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        super().run(tmp, task_vars)
        args = dict(self._task.args)
        more = boolean(args.get("probe", False), strict=False) or _is_time(args.get("listen", 0))
        return self._execute_module(
            module_name=_ON_THE_WIRE if more else _LOOKS,
            module_args=args,
            task_vars=task_vars,
            wrap_async=self._task.async_val and not self._connection.has_native_async,
        )


def _is_time(given: Any) -> bool:
    try:
        return float(given) > 0
    except (TypeError, ValueError):
        return False
