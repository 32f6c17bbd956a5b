# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter topology; its documentation is in topology.yml."""

from __future__ import annotations

import pkgutil
from typing import Any, Callable, Mapping

from ansible.errors import AnsibleFilterError

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    HypervisorNetworkError,
)
from ansible_collections.hypervisor.network.plugins.plugin_utils._topology import build
from ansible_collections.hypervisor.network.plugins.plugin_utils._topology.graphviz import dot
from ansible_collections.hypervisor.network.plugins.plugin_utils._topology.html import page
from ansible_collections.hypervisor.network.plugins.plugin_utils._topology.mermaid import mermaid
from ansible_collections.hypervisor.network.plugins.plugin_utils._topology.model import Fleet
from ansible_collections.hypervisor.network.plugins.plugin_utils._topology.svg import svg

_PAGE = "ansible_collections.hypervisor.network.plugins.plugin_utils._topology"


def _html(fleet: Fleet) -> str:
    style, program = (
        (pkgutil.get_data(_PAGE, f"page/{name}") or b"").decode()
        for name in ("page.css", "page.js")
    )
    return page(fleet, style, program)


_FORMATS: dict[str, Callable[[Fleet], str]] = {
    "mermaid": mermaid,
    "dot": dot,
    "svg": lambda fleet: svg(dot(fleet)),
    "html": _html,
}


def topology(hosts: Mapping[str, Any], format: str = "html") -> str:  # noqa: A002 - the name is the user's
    """The picture of a fleet as a text of that format. Raises AnsibleFilterError."""
    if format not in _FORMATS:
        raise AnsibleFilterError(
            f"topology knows no format {format!r}; ask for one of {', '.join(_FORMATS)}."
        )
    if not isinstance(hosts, Mapping):
        raise AnsibleFilterError(
            "topology draws a dictionary of hosts, each with what bridge_info returned as 'info'; this is none."
        )
    try:
        return _FORMATS[format](build.fleet(hosts))
    except HypervisorNetworkError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """What Ansible asks a filter plugin for."""

    def filters(self) -> dict:
        return {"topology": topology}
