# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter drift; its documentation is in drift.yml."""

from __future__ import annotations

from typing import Any, Mapping

from ansible.errors import AnsibleFilterError

from ansible_collections.hypervisor.network.plugins.plugin_utils import _drift

_FORMATS = ("rows", "table", "json", "junit", "prometheus")


def drift(fleet: Mapping[str, Any], format: str = "rows") -> Any:  # noqa: A002 - the name that a user types
    """What is not as the variables say, of hosts by name with what host_plan returned. Raises AnsibleFilterError."""
    if format not in _FORMATS:
        raise AnsibleFilterError(
            f"drift knows no format {format!r}; ask for one of {', '.join(_FORMATS)}."
        )
    if not isinstance(fleet, Mapping):
        raise AnsibleFilterError(
            f"drift wants hosts by name with what host_plan returned of each, not {type(fleet).__name__}."
        )
    found, hosts = _drift.rows(fleet), list(fleet)
    if format == "table":
        return _drift.table(found, len(hosts))
    if format == "json":
        return _drift.as_json(found, hosts)
    if format == "prometheus":
        return _drift.as_prometheus(found)
    return _drift.as_junit(found, hosts) if format == "junit" else found


class FilterModule:
    """What Ansible asks a filter plugin for."""

    def filters(self) -> dict:
        return {"drift": drift}
