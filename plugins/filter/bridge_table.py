# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter bridge_table; its documentation is in bridge_table.yml."""

from __future__ import annotations

from typing import Any, Mapping

from ansible.errors import AnsibleFilterError

from ansible_collections.hypervisor.network.plugins.plugin_utils import _tables

# how each is drawn, and of which key of a result
_TABLES = {
    "bridges": (_tables.bridges, "bridges"),
    "macs": (_tables.macs, "bridges"),
    "routes": (_tables.routes, "routes"),
    "isolation": (_tables.isolation, "isolation"),
}


def bridge_table(info: Mapping[str, Any], table: str = "bridges") -> list[str]:
    """One of the tables of brctl show, brctl showmacs and route -n, as lines. Raises AnsibleFilterError."""
    if table not in _TABLES:
        raise AnsibleFilterError(
            f"bridge_table knows no table {table!r}; ask for one of {', '.join(_TABLES)}."
        )
    draw, key = _TABLES[table]
    if not isinstance(info, Mapping) or key not in info:
        raise AnsibleFilterError(
            f"bridge_table has nothing to draw the table {table!r} from: {_why(info, key)}"
        )
    return draw(info)


def _why(result: Any, key: str) -> str:
    if not isinstance(result, Mapping):
        return f"give it the whole result that a task registered, not {type(result).__name__}."
    if result.get("failed"):
        said = " ".join(str(result.get("msg") or "it does not say why").split())
        return f"the task whose result it got has failed, and said: {said}"
    if result.get("skipped"):
        return "the task whose result it got was skipped; draw it only where that ran."
    module = "bridge_isolation" if key == "isolation" else "bridge_info"
    return f"the result it got has no {key!r}; give it one of {module}."


class FilterModule:
    """What Ansible asks a filter plugin for."""

    def filters(self) -> dict:
        return {"bridge_table": bridge_table}
