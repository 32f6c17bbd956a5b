# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host with ifupdown and NetworkManager, as Debian's desktop has both: its NIC is ifupdown's, and NetworkManager stays out of it at each step."""

from __future__ import annotations

import pytest

from ansible_collections.hypervisor.network.tests.harness.lab import journey
from ansible_collections.hypervisor.network.tests.harness.lab.desktop_host import DesktopHost
from ansible_collections.hypervisor.network.tests.harness.lab.networkd_host import (
    BRIDGE,
    NIC,
    TAP,
)
from ansible_collections.hypervisor.network.tests.harness.process.long_form import LONG

pytestmark = pytest.mark.skipif(not LONG, reason="three boots take a minute: make faults runs it")

STATIC = f"""\
auto lo
iface lo inet loopback

auto {NIC}
iface {NIC} inet static
    address 10.77.0.20/24
    gateway 10.77.0.1
"""
THERE, BACK = journey.there(BRIDGE, NIC, TAP), journey.back(BRIDGE, NIC, TAP)


def test_a_desktop_goes_there_boots_and_comes_back_and_networkmanager_stays_out_of_it() -> None:
    with DesktopHost({"/etc/network/interfaces": STATIC}, "10.77.0.20") as host:
        before, files = host.layer3(NIC), host.written()
        bridged = journey.bridged(before)
        lost: list[int] = []
        for runs, dev, expected in ((THERE, BRIDGE, bridged), (BACK, NIC, before)):
            with host.pinged(lost):
                for module, options in runs:
                    host.done(module, **options)
            assert host.layer3(dev) == expected
            assert not any(host.done(module, **options)["changed"] for module, options in runs)
            with host.pinged(lost):
                host.hv(host.upset)
            assert host.layer3(dev) == expected
            host.reboot()
            host.until_it_answers()
            assert host.layer3(dev) == expected
            assert not any(host.done(module, **options)["changed"] for module, options in runs)
        assert host.written() == files
        assert max(lost) <= 3  # of twenty a second
