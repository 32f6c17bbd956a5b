# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter bridge_table; its documentation is in bridge_table.yml."""

from __future__ import annotations

from typing import Any, Mapping

from ansible.errors import AnsibleFilterError

from ansible_collections.hypervisor.network.plugins.plugin_utils import _tables

_TABLES = {
    "bridges": _tables.bridges,
    "macs": _tables.macs,
    "routes": _tables.routes,
    "isolation": _tables.isolation,
}


def bridge_table(info: Mapping[str, Any], table: str = "bridges") -> list[str]:
    """One of the tables of brctl show, brctl showmacs and route -n, as lines."""
    if table not in _TABLES:
        raise AnsibleFilterError(
            f"bridge_table knows no table {table!r}; ask for one of {', '.join(_TABLES)}."
        )
    return _TABLES[table](info)


class FilterModule:
    """What Ansible asks a filter plugin for."""

    def filters(self) -> dict:
        return {"bridge_table": bridge_table}
