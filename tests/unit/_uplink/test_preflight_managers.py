# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a conversion refuses of a NIC whose manager has an adapter."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import (
    Managed,
    Owner,
)
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.layout import Inet
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.managers import Traces
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.preflight import (
    Spec,
    check,
)
from ansible_collections.hypervisor.network.tests.harness.model import simulated

SPEC = Spec("eth0", "br0")
NIC = Link("eth0", 2, "", 0x1, "52:54:00:00:00:10")
LEASED = simulated.address("eth0", "10.77.0.100/24")
NETWORKD = {"run/systemd/netif/links/2": "ADMIN_STATE=configured\n"}
OWNER = Owner("networkd", "eth0", 2)


def adapted(*files: str, **words: Any) -> Any:
    """A host whose NIC is managed by networkd, which has an adapter."""
    texts = {**NETWORKD, **dict.fromkeys(files, "managed=true\n")}
    return Inet({"eth0": NIC}, (LEASED,), traces=Traces(texts), managed=Managed(OWNER, **words))


def test_a_manager_with_an_adapter_is_no_reason_to_refuse() -> None:
    check(adapted(), SPEC)


def test_another_manager_beside_it_is() -> None:
    with pytest.raises(Refused, match="eth0 is managed by NetworkManager"):
        check(adapted("run/NetworkManager/devices/2"), SPEC)


def test_what_an_adapter_objects_to_is_overridden_by_its_managers_name() -> None:
    host = adapted(objection="eth0 can't be held")
    with pytest.raises(Refused, match=r"^eth0 can't be held, or say override: \[networkd\].$"):
        check(host, SPEC)
    check(host, replace(SPEC, override=frozenset({"networkd"})))


def test_a_bridge_that_its_administrator_described_is_not_taken_apart_beside_his_files() -> None:
    host, back = adapted(described=True), replace(SPEC, present=False)
    check(host, back)  # it is no port
    links = {"eth0": replace(NIC, master="br0"), "br0": Link("br0", 3, "bridge")}
    host = replace(host, links=links)
    check(host, SPEC)
    with pytest.raises(Refused, match="eth0 is a port of br0 by what its administrator gave to"):
        check(host, back)
    check(host, replace(back, override=frozenset({"networkd"})))


def test_an_identity_that_is_not_known_may_cost_the_address() -> None:
    host = adapted(unknown="the DHCPv4 client identifier")
    with pytest.raises(Refused, match="The DHCPv4 client identifier of eth0 is not known"):
        check(host, SPEC)
    check(host, replace(SPEC, allow_address_change=True))
