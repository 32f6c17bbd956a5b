# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""T6: what a NIC told DHCP servers that it is, its bridge tells them too, when it takes the lease over, at each renewal, and after a boot; and the NIC again.

A server keeps an IPv4 address for one client identifier and an IPv6 one for one DUID and IAID, and gives others to all others.
"""

from __future__ import annotations

import pytest

from ansible_collections.hypervisor.network.tests.harness.lab import journey
from ansible_collections.hypervisor.network.tests.harness.lab.hypervisors import DISTRO
from ansible_collections.hypervisor.network.tests.harness.lab.ifupdown_host import IfupdownHost
from ansible_collections.hypervisor.network.tests.harness.lab.networkd_host import (
    BRIDGE,
    NIC,
    NetworkdHost,
)
from ansible_collections.hypervisor.network.tests.harness.lab.networkmanager_host import (
    WIRED,
    WIRED_FILE,
    NetworkManagerHost,
)
from ansible_collections.hypervisor.network.tests.harness.lab.reserving import Reserving
from ansible_collections.hypervisor.network.tests.harness.process.long_form import LONG

SITES = {
    "networkd": (NetworkdHost, {
        "/etc/systemd/network/20-wired.network": f"[Match]\nName={NIC}\n[Network]\nDHCP=yes\n",
    }),
    "netplan": (NetworkdHost, {
        "/etc/netplan/90-default.yaml": "network: {version: 2, ethernets: {all-en: {match: {name: 'en*'}, dhcp4: true, dhcp6: true}}}\n",
    }),
    # both made of the profile's UUID, and that of the bridge is another
    "networkmanager": (NetworkManagerHost, {
        WIRED_FILE: f"""\
{WIRED}[ipv4]
method=auto
dhcp-client-id=stable
[ipv6]
method=auto
dhcp-duid=stable-uuid
""",
    }),
    # two dhclients on Debian 12, and on Debian 13 one dhcpcd for both families
    "ifupdown": (IfupdownHost, {
        "/etc/network/interfaces": f"auto lo\niface lo inet loopback\n\nauto {NIC}\niface {NIC} inet dhcp\n"
        + (f"iface {NIC} inet6 dhcp\n" if DISTRO == "bookworm" else ""),
    }),
}  # fmt: skip
# networkd's adapter is netplan's too, and dhclient's identity has nothing of the device's name: make faults runs them
IN_LONG_FORM = ("netplan", "ifupdown")


@pytest.mark.parametrize("site", SITES)
def test_t6_a_server_that_reserves_by_identity_gives_the_bridge_what_it_gave_the_nic(
    site: str,
) -> None:
    if site in IN_LONG_FORM and not LONG:
        pytest.skip("a container takes most of a minute: make faults runs it")
    kind, files = SITES[site]
    with type("Host", (Reserving, kind), {})(files) as host:
        known = host.reserve()
        for runs, dev in ((journey.there(), BRIDGE), (journey.back(), NIC)):
            for module, options in runs:
                host.done(module, **options)
            host.renewed()
            assert host.has_them(dev) and host.known() == known, dev
            host.reboot()
            host.until_it_answers()
            host.settle(dev)
            assert host.known() == known, f"{dev} after a boot"


@pytest.mark.skipif(
    not LONG or DISTRO != "bookworm",
    reason="a container of Debian 12, whose client is dhclient, takes most of a minute: make faults runs it",
)
def test_t6_an_identity_in_a_declaration_of_the_nic_is_refused_and_goes_over_where_it_is_none() -> (
    None
):
    path, said = "/etc/dhcp/dhclient.conf", 'send dhcp-client-identifier "attic";\n'
    kind, files = SITES["ifupdown"]
    declared = f'interface "{NIC}" {{ {said} }}\n'
    with type("Host", (Reserving, kind), {})({**files, path: declared}) as host:
        known = host.reserve()
        assert b"attic".hex(":") in known.four[0][1]
        # the trap: who serves another device serves this one too
        host.hv("ip link add trap0 type bridge && ip link set trap0 up")
        serves = "dhclient -4 -d -lf /run/trap.leases -pf /run/trap.pid trap0"
        host.hv(f"{serves} > /run/trap 2>&1 & echo $! > /run/trap.started")
        host.until(f"grep -q 'Listening on LPF/{NIC}/' /run/trap")
        host.hv("kill $(cat /run/trap.started); ip link del trap0")
        refused = host.run("bridge_uplink", **journey.uplink())
        assert f'{path} declares interface "{NIC}"' in refused["msg"]
        host.write(path, said)
        for module, options in journey.there():
            host.done(module, **options)
        host.renewed()
        assert host.has_them(BRIDGE) and host.known() == known
        host.reboot()
        host.until_it_answers()
        host.settle(BRIDGE)
        assert host.known() == known
