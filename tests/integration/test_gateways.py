# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gateways are asked by the kernel of a host on a LAN, each by a socket that this thread opens."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._guard.gateways import (
    Gateway,
    answering,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.snapshot import Netlink
from ansible_collections.hypervisor.network.tests.conftest import needs_root
from ansible_collections.hypervisor.network.tests.harness.net.lan import HOST4, HOST6, Lan, lan
from ansible_collections.hypervisor.network.tests.harness.net.netns import batch, inside, ip_json

BOTH = [Gateway("IPv4", "10.77.0.1", "eth0"), Gateway("IPv6", "fd77::1", "eth0")]
NOBODY = Gateway("IPv4", "10.77.0.99", "eth0")


@pytest.fixture
def made() -> Iterator[Lan]:
    needs_root()
    with lan(host=HOST4 + HOST6) as found:
        yield found


def answers(made: Lan, *asked: Gateway, seconds: float = 3.0) -> list[Gateway]:
    def ask() -> list[Gateway]:
        netlink = Netlink()
        return answering(netlink, netlink.snapshot().links, asked, seconds)

    return inside(made.host, ask)


def known(made: Lan) -> dict[str, str]:
    """The MACs that the host knows by address."""
    found = ip_json(made.host, "neighbour", "show", "dev", "eth0")
    return {one["dst"]: one["lladdr"] for one in found if "lladdr" in one}


@pytest.mark.parametrize("gateway", BOTH, ids=str)
def test_one_that_has_another_mac_by_now_answers_although_the_host_knows_the_old_one(
    made: Lan, gateway: Gateway
) -> None:
    """A router that another stands in for, and whose word of it never came: the kernel asks the old MAC alone, and that for three seconds."""
    assert answers(made, gateway) == [gateway]
    old = known(made)[gateway.address]
    batch(made.router, "link set lan address 02:00:00:77:00:aa\n")
    batch(made.host, f"neighbour replace {gateway.address} lladdr {old} dev eth0 nud stale\n")
    assert answers(made, gateway) == [gateway]
    assert known(made)[gateway.address] == "02:00:00:77:00:aa"


def test_one_that_is_not_there_does_not_answer_and_is_waited_for(made: Lan) -> None:
    batch(made.host, f"neighbour replace {NOBODY.address} lladdr 02:00:00:77:00:bb dev eth0 nud stale\n")  # fmt: skip
    start = time.monotonic()
    assert answers(made, NOBODY, seconds=1.5) == []
    assert time.monotonic() - start >= 1.5
