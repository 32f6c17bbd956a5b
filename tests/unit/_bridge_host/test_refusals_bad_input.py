# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever the role's variables hold, its filters say one sentence, or a plan: never a traceback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.hypervisor.network.plugins.filter.bridge_host_plan import bridge_host_plan
from ansible_collections.hypervisor.network.plugins.filter.bridge_host_refusals import (
    bridge_host_refusals,
)
from ansible_collections.hypervisor.network.plugins.module_utils._bridge_host import items
from ansible_collections.hypervisor.network.plugins.module_utils._core import arguments
from ansible_collections.hypervisor.network.tests.harness.model import hostile
from ansible_collections.hypervisor.network.tests.harness.process.long_form import LONG

ROLE = Path(__file__).parents[3] / "roles" / "bridge_host" / "meta" / "argument_specs.yml"
SPECS = {
    "bridges": items.BRIDGE,
    "taps": items.TAP,
    "guests": items.GUEST,
    "tenants": items.TENANT,
}
WISH: dict[str, list[dict[str, Any]]] = {
    "bridges": [{"name": "br0", "uplink": "eth0", "method": "static", "address": ["192.0.2.1/24"]}],
    "taps": [{"name": "tap1", "bridge": "br0"}],
    "guests": [{"name": "vm1", "nics": [{"tap": "tap1"}], "disks": [{"path": "/srv/a"}]}],
    "tenants": [{"name": "blue", "vlan": 10, "guests": ["vm1"]}],
}
NOW = {
    "bridges": [{"name": "br0", "ports": []}],
    "addresses": [{"dev": "eth0", "address": "192.0.2.1/24"}],
    "links": [{"name": "eth0", "kind": ""}],
}
NICS = ["/sys/class/net/eth0/uevent:INTERFACE=eth0", "/sys/class/net/eth0/uevent:IFINDEX=2"]
_LONGEST = 4096


def sentences(wish: dict[str, Any]) -> list[str]:
    """What the filters say to the variables, in the order of the role's steps, which ends with the first that refuses."""
    for seen in ({}, {"nics": NICS}, {"info": NOW}):
        said = bridge_host_refusals(wish, **seen)
        if said:
            return said
    try:
        assert isinstance(bridge_host_plan(wish, NOW), dict)
    except AnsibleFilterError as error:
        return [str(error)]
    return []


def tried(wish: dict[str, Any]) -> None:
    for sentence in sentences(wish):
        assert sentence.isprintable() and sentence[-1] in ".!?"
        assert len(sentence) < _LONGEST


def test_the_variables_as_they_are_meant_are_a_plan() -> None:
    assert sentences(WISH) == []


@pytest.mark.parametrize("name", SPECS)
def test_a_bad_value_of_a_key_is_told_in_a_sentence(name: str) -> None:
    spec = {name: {"type": "list", "elements": "dict", "options": SPECS[name]}}

    @settings(
        max_examples=5000 if LONG else 150,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.sampled_from(list(hostile.ways(spec))), hostile.ANY)
    def key(way: hostile.Way, value: Any) -> None:
        wish = hostile.put(WISH, spec, way, value)
        if not isinstance(wish[name], list):
            return  # told by Ansible, from the role's argument specs
        tried(wish)

    key()


@settings(max_examples=300)
@given(hostile.ANY)
def test_a_bad_guard_timeout_is_told_in_a_sentence(value: Any) -> None:
    spec = yaml.safe_load(ROLE.read_text("utf-8"))["argument_specs"]["main"]["options"]
    typed, wrong = arguments.typed({"bridge_host_guard_timeout": value}, spec)
    if not wrong:
        tried({**WISH, "guard_timeout": typed["bridge_host_guard_timeout"]})
