# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Group G with ifupdown by DHCP in a container: there, a boot, back and another, with dhclient on Debian 12 and dhcpcd on Debian 13.

At the boot it is ifupdown that starts the client of the bridge, and on the way back the module that starts the NIC's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from ansible_collections.hypervisor.network.tests.harness.lab import journey
from ansible_collections.hypervisor.network.tests.harness.lab.ifupdown_host import IfupdownHost
from ansible_collections.hypervisor.network.tests.harness.lab.networkd_host import (
    BRIDGE,
    NIC,
    NetworkdHost,
)
from ansible_collections.hypervisor.network.tests.harness.net.frames import Station
from ansible_collections.hypervisor.network.tests.harness.net.netns import ip_json
from ansible_collections.hypervisor.network.tests.harness.net.tapped import Guest, Traffic
from ansible_collections.hypervisor.network.tests.harness.process.long_form import LONG

LEASED = f"auto lo\niface lo inet loopback\n\nauto {NIC}\niface {NIC} inet dhcp\n"
THERE, BACK = journey.there(), journey.back()
TAP = "tap1"
WISH = journey.wish(BRIDGE, NIC, TAP)
PLUGGED = (
    *THERE[:2],
    ("tap_device", {"name": TAP, "up": True}),
    ("bridge_port", {"name": TAP, "bridge": BRIDGE}),
    ("bridge_persist", WISH),
)


@pytest.fixture(scope="module")
def host() -> Iterator[NetworkdHost]:
    if not LONG:
        pytest.skip("a container takes most of a minute: make faults runs it")
    with IfupdownHost({"/etc/network/interfaces": LEASED}) as made:
        yield made


def renumbered(host: NetworkdHost, expected: dict[str, list[str]]) -> dict[str, list[str]]:
    """dhcpcd's metric is 1000 and the index of the device, and that of a container's NIC is another after each boot."""
    index = host.hv(f"cat /sys/class/net/{NIC}/ifindex").strip()
    return {
        what: [re.sub(r"metric 10\d\d$", f"metric {1000 + int(index)}", line) for line in lines]
        for what, lines in expected.items()
    }


def test_g01_a_leased_host_goes_there_boots_and_comes_back(host: NetworkdHost) -> None:
    before, files, lost = host.layer3(NIC), host.written(), []
    bridged = journey.bridged(before)
    for runs, dev, expected in ((THERE, BRIDGE, bridged), (BACK, NIC, before)):
        with host.pinged(lost):
            for module, options in runs:
                host.done(module, **options)
        assert host.layer3(dev) == expected
        assert not any(host.run(module, **options)["changed"] for module, options in runs)
        host.reboot()
        host.until_it_answers()
        assert host.layer3(dev) == (renumbered(host, expected) if dev == NIC else expected)
        assert not any(host.run(module, **options)["changed"] for module, options in runs)
    assert host.written() == files
    assert max(lost) <= 3  # of twenty a second


def test_g01_a_guest_that_runs_is_plugged_in_again_where_networking_is_restarted(
    host: NetworkdHost,
) -> None:
    """ifdown takes the bridge down, under which a guest loses what it sends meanwhile, and nothing else."""
    files = host.written()
    for module, options in PLUGGED:
        host.done(module, **options)

    def tap() -> tuple[int, str]:
        (link,) = ip_json(host.netns, "link", "show", TAP)
        return link["ifindex"], link.get("master", "")

    before = tap()
    (sw,) = ip_json(host.lan, "link", "show", "sw")
    with (
        Guest(host.netns, TAP, "52:00:00:00:07:01") as guest,
        Station(host.lan, "sw", sw["address"]) as lan,
        Traffic(out=(guest, lan)) as traffic,
    ):
        traffic.sent(10)
        assert traffic.lost() == {}
        host.hv("systemctl restart networking")
        host.until_it_answers()
        assert tap() == before == (before[0], BRIDGE)
        traffic.lost()
        traffic.sent(10)
        assert traffic.lost() == {}
        assert not any(host.run(module, **options)["changed"] for module, options in PLUGGED)
    for module, options in (
        BACK[0],
        ("bridge_persist", {**WISH, **journey.GONE}),
        ("tap_device", {"name": TAP, **journey.GONE}),
        BACK[2],
    ):
        host.done(module, **options)
    assert host.written() == files
