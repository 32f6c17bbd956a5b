# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What bridge_uplink and its guarded form are told, and tell."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import BadInput
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Outcome
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import items
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.layout import Inet
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.preflight import Spec
from ansible_collections.hypervisor.network.tests.harness.model import simulated

UP, MAC = 0x1, "52:54:00:00:00:10"


def worked(**options: Any) -> tuple[Any, Any, Any]:
    task = items.task(lambda netlink, spec, item: (spec, item))
    item = {key: word.get("default") for key, word in task["spec"].items()}
    item.update({"name": "eth0", "bridge": "br0", **options})
    return task["work"]({"netns": None}, [item])


def test_a_noun_is_made_of_what_is_asked_and_of_the_options() -> None:
    (spec, item), wish, _describe = worked(guard_timeout=0, force=True)
    assert spec == wish == Spec("eth0", "br0", own_network=True)
    assert (item["guard_timeout"], item["force"], item["netns"]) == (0, True, None)


def test_a_time_that_a_guard_can_not_have_is_refused_first() -> None:
    with pytest.raises(BadInput, match="guard_timeout 5 is outside"):
        worked(guard_timeout=5)


def test_the_nic_and_its_bridge_are_described_with_their_addresses_and_what_will_differ(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[str] = []
    monkeypatch.setattr(items, "warn", said.append)
    links = {
        "eth0": Link("eth0", 2, "", UP, MAC, master="br0", port={}),
        "br0": Link("br0", 3, "bridge", UP, MAC),
    }
    hears = {"ipv6/conf/br0/accept_ra": "1", "ipv6/conf/br0/forwarding": "0"}
    address = simulated.address("br0", "192.0.2.10/24")
    now = Inet(links, (address,), sysctls=hears)
    _noun, _wish, describe = worked()
    assert describe(Outcome((), now, now)) == [
        {"name": "eth0", "bridge": "br0", "addresses": {"eth0": [], "br0": ["192.0.2.10/24"]}}
    ]
    assert len(said) == 1 and "believes router advertisements" in said[0]
