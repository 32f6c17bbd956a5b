# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""There and back again before any boot: what the next boot would make of the host is in networkd's hands by then, and does not count. In containers.

That each goes back after a boot is seen in test_g_networkd.py.
"""

from __future__ import annotations

import pytest

from ansible_collections.hypervisor.network.tests.harness.lab import journey
from ansible_collections.hypervisor.network.tests.harness.lab.networkd_host import (
    BRIDGE,
    NIC,
    TAP,
    NetworkdHost,
)
from ansible_collections.hypervisor.network.tests.harness.net.tapped import Guest
from ansible_collections.hypervisor.network.tests.harness.process.long_form import LONG

ADDRESS = "10.77.0.20"
WIRED, YAML = "/etc/systemd/network/20-wired.network", "/etc/netplan/60-lan.yaml"
NETWORKD = f"[Match]\nName={NIC}\n[Network]\n"
NETPLAN = f"network: {{version: 2, ethernets: {{{NIC}: {{%s}}}}}}\n"
SITES = {
    "networkd static": ({WIRED: f"{NETWORKD}Address={ADDRESS}/24\n"}, ADDRESS),
    "networkd leased": ({WIRED: f"{NETWORKD}DHCP=ipv4\n"}, None),
    "netplan static": ({YAML: NETPLAN % f"addresses: [{ADDRESS}/24]"}, ADDRESS),
    "netplan leased": ({YAML: NETPLAN % "dhcp4: true"}, None),
}
MOST_LOST = 3  # of twenty a second


@pytest.mark.parametrize("site", SITES)
def test_g01_a_host_goes_there_and_back_before_any_boot(site: str) -> None:
    """With a guest whose tap gives the bridge a carrier of its own."""
    if not LONG:
        pytest.skip("a container for each takes half a minute: make faults runs them")
    files, address = SITES[site]
    with NetworkdHost(files, address) as host:
        before, lost = host.layer3(NIC), []
        with host.pinged(lost):
            for module, options in journey.there(BRIDGE, NIC, TAP):
                host.done(module, **options)
        with Guest(host.netns, TAP, "52:00:00:00:07:01"), host.pinged(lost):
            for module, options in journey.back(BRIDGE, NIC, TAP)[:2]:
                host.done(module, **options)
        for module, options in journey.back(BRIDGE, NIC, TAP)[2:]:
            host.done(module, **options)
        assert host.layer3(NIC) == before and max(lost) <= MOST_LOST
        host.reboot()
        host.until_it_answers()
        assert host.layer3(NIC) == before
