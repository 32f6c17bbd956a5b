# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter bridge_host_findings; its documentation is in bridge_host_findings.yml."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.plugin_utils._bridge_host import findings


def bridge_host_findings(
    plan: Mapping[str, Any],
    now: Mapping[str, Any],
    before: Mapping[str, Any],
    started: Sequence[str] | None = None,
) -> dict[str, list[str]]:
    """What is as the plan says, now that it was carried out, and what is not."""
    return findings.of_host(plan, now, before, started)


class FilterModule:
    """What Ansible asks a filter plugin for."""

    def filters(self) -> dict:
        return {"bridge_host_findings": bridge_host_findings}
