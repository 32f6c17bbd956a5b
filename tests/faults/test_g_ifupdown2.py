# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Group G with ifupdown2 in a container: a conversion that nobody confirms, there, over ifreload and a boot, and back, pinged all the while.

What it believes is asked of itself: C(ifquery --check) compares what runs with what its files say.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from ansible_collections.hypervisor.network.tests.harness.lab import journey
from ansible_collections.hypervisor.network.tests.harness.lab.ifupdown2_host import (
    INTERFACES,
    Ifupdown2Host,
)
from ansible_collections.hypervisor.network.tests.harness.lab.networkd_host import (
    BRIDGE,
    NIC,
    NetworkdHost,
)
from ansible_collections.hypervisor.network.tests.harness.process.long_form import LONG

LEASED = f"auto lo\niface lo inet loopback\n\nauto {NIC}\niface {NIC} inet dhcp\n"
SITES = {"static": (INTERFACES, "10.77.0.20"), "leased": (LEASED, None)}
MOST_LOST = 3  # of twenty a second


@dataclass(frozen=True)
class Seen:
    """What a host has, what it boots, and what its manager says of that."""

    layer3: dict[str, list[str]]
    files: str
    manager: list[str]

    @classmethod
    def of(cls, host: NetworkdHost, dev: str = NIC) -> Seen:
        return cls(host.layer3(dev), host.written(), host.owner(dev))


@pytest.fixture(scope="module", params=list(SITES))
def host(request: pytest.FixtureRequest) -> Iterator[Ifupdown2Host]:
    if not LONG:
        pytest.skip("a container takes most of a minute: make faults runs it")
    text, address = SITES[request.param]
    with Ifupdown2Host({"/etc/network/interfaces": text}, address) as made:
        yield made


def test_g01_a_conversion_that_nobody_confirms_leaves_all_as_it_was(host: Ifupdown2Host) -> None:
    before = Seen.of(host)
    assert before.manager and not any("fail" in line for line in before.manager)
    lost: list[int] = []
    with host.pinged(lost):
        bridges = host.given_up("bridge_uplink", **{**journey.uplink(), "guard_timeout": 10})
    assert bridges == {BRIDGE} and lost[0] <= MOST_LOST
    assert Seen.of(host) == before
    host.hv(host.upset)  # nor does it find anything to mend
    assert Seen.of(host) == before
    host.reboot()
    host.until_it_answers()
    assert Seen.of(host) == before


def test_g01_it_goes_there_over_a_reload_and_a_boot_and_comes_back(host: Ifupdown2Host) -> None:
    before, lost = Seen.of(host), []
    bridged = journey.bridged(before.layer3)
    for runs, dev, layer3 in (
        (journey.there(), BRIDGE, bridged),
        (journey.back(), NIC, before.layer3),
    ):
        with host.pinged(lost):
            for module, options in runs:
                host.done(module, **options)
        assert host.layer3(dev) == layer3
        with host.pinged(lost):
            host.hv(host.upset)
        assert host.layer3(dev) == layer3
        assert not any(host.run(module, **options)["changed"] for module, options in runs)
        host.reboot()
        host.until_it_answers()
        seen = Seen.of(host, dev)
        assert seen.layer3 == layer3 and not any("fail" in line for line in seen.manager)
        assert not any(host.run(module, **options)["changed"] for module, options in runs)
    assert max(lost) <= MOST_LOST
    assert Seen.of(host) == before
