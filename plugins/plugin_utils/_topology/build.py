# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. The model of a fleet, from what the filter is given: what is read, what is wished for, and what bridge_doctor found."""

from __future__ import annotations

import json
from typing import Any, Mapping

import yaml

from ansible_collections.hypervisor.network.plugins.module_utils._bridge_host.items import plain
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    HypervisorNetworkError,
)
from ansible_collections.hypervisor.network.plugins.plugin_utils._topology import actual, wished
from ansible_collections.hypervisor.network.plugins.plugin_utils._topology.model import (
    BAD,
    Fleet,
    Host,
    device,
    fleet_of,
    guest,
    shown,
    sized,
)

_TOLD = ("id", "severity", "finding")
_LINE = 4096  # characters; the page folds


def fleet(hosts: Mapping[str, Any]) -> Fleet:
    """C({host: {info, guests, wish, findings}}), each of which may be missing, as a model. A host that did not answer is one with a trouble."""
    return fleet_of([_host(str(name), plain(given)) for name, given in hosts.items()])


def _host(name: str, given: Any) -> Host:
    host = Host(shown(name))
    given = given if isinstance(given, Mapping) else {}
    info = given.get("info")
    if isinstance(info, Mapping) and "bridges" in info:
        actual.draw(host, info, _list(given.get("guests"), "guests"))
    else:
        said = info.get("msg") if isinstance(info, Mapping) else None
        host.answered = False
        host.trouble = f"It did not answer: {shown(said)}" if said else "It did not answer."
    try:
        wished.draw(host, given.get("wish") or {})
    except HypervisorNetworkError as error:
        host.trouble = shown(f"{host.trouble} What it should have can't be told: {error}".strip())
    for finding in sized(_list(given.get("findings"), "findings")):
        _found(host, finding)
    return host


def _list(given: Any, key: str) -> Any:
    """What a module returned, whole or only its list."""
    return given.get(key) if isinstance(given, Mapping) else given


def _found(host: Host, finding: Mapping[str, Any]) -> None:
    """Put a finding of the doctor's where it belongs: on the device that it names, or else on the guest."""
    told = {key: shown(finding.get(key, "")) for key in _TOLD}
    evidence = finding.get("evidence")
    if isinstance(evidence, Mapping) and evidence:
        told["evidence"] = ", ".join(f"{shown(key)}: {_word(one)}" for key, one in evidence.items())
    cure = _list(finding.get("cure"), "cure")
    if isinstance(cure, list) and cure:
        told["cure"] = _tasks(cure)
    keys = [device(finding.get("device")), guest(finding.get("guest"))]
    node = next((host.nodes[key] for key in keys if key in host.nodes), None)
    if node is None:
        host.trouble = f"{host.trouble} {told['finding']}".strip()
        return
    if told not in node.findings:
        node.findings.append(told)
    if told["severity"] == "error":
        node.health = BAD


def _tasks(cure: list[Any]) -> str:
    """Tasks as YAML to be pasted, of which whatever characters they have are written by their numbers."""
    given = json.loads(json.dumps(cure, default=str))
    return yaml.safe_dump(given, default_flow_style=None, sort_keys=False, width=_LINE)


def _word(value: Any) -> str:
    return shown(value if isinstance(value, str) else json.dumps(value, default=str))
