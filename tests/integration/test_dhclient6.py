# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host with two dhclients, one for each family: that of IPv6 ends at once where the device has no link-local address yet that it could bind."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hypervisor.network.tests.conftest import needs_root
from ansible_collections.hypervisor.network.tests.harness.net.dhcp import DhcpHost, dhcp_lan
from ansible_collections.hypervisor.network.tests.harness.net.lan import set_sysctls
from ansible_collections.hypervisor.network.tests.harness.net.netns import inside, ip_json, run


def bound(host: DhcpHost) -> bool:
    """Whether eth0 has a link-local address, and the kernel looks for it on the LAN no more."""
    (nic,) = ip_json(host.lan.host, "-6", "address", "show", "dev", "eth0") or [{"addr_info": []}]
    return any(one["scope"] == "link" and not one.get("tentative") for one in nic["addr_info"])


def acquire6(host: DhcpHost) -> None:
    """Start the second one as ifupdown would, but in the background at once: nobody here serves IPv6."""
    host.wait_for(lambda: bound(host), 10)
    files = ("-pf", f"{host.folder}/dhclient6.eth0.pid", "-lf", f"{host.folder}/dhclient6.eth0.leases")  # fmt: skip
    run("nsenter", f"--net=/run/netns/{host.lan.host}", "dhclient", "-6", "-nw", *files, "eth0")


@pytest.mark.parametrize("accept_dad", [0, 1])
def test_both_go_to_the_bridge_and_back_however_long_its_link_local_address_takes(
    run_module: Any, accept_dad: int
) -> None:
    """The greater of two accept_dad counts, that of all devices and the device's own: with 1 for all, an address is looked for on the LAN for a second."""
    needs_root()
    with dhcp_lan(extra="") as host:
        acquire6(host)
        inside(host.lan.host, set_sysctls, {"ipv6/conf/all/accept_dad": accept_dad})
        for state, dev in (("present", "br0"), ("absent", "eth0")):
            wish = {"name": "eth0", "bridge": "br0", "state": state, "guard_timeout": 0}
            done = run_module("bridge_uplink", wish, netns=host.lan.host)
            assert not done["failed"], done["msg"]
            assert sorted(words[1:2] + words[-1:] for words in host.clients()) == [
                ["-4", dev],
                ["-6", dev],
            ]
            assert run_module("bridge_uplink", wish, netns=host.lan.host)["changes"] == []


def test_a_nic_without_carrier_is_refused_with_the_reason_and_its_client_lives_on(
    run_module: Any,
) -> None:
    """No device gets a link-local address without one: the bridge has none, and on the way back the NIC."""
    needs_root()
    with dhcp_lan(extra="") as host:
        acquire6(host)
        wish = {"name": "eth0", "bridge": "br0", "guard_timeout": 0}
        for state, dev in (("present", "eth0"), ("absent", "br0")):
            run("ip", "-n", host.lan.switch, "link", "set", "host", "down")
            refused = run_module("bridge_uplink", {**wish, "state": state}, netns=host.lan.host)
            said = f"eth0 has no carrier, and the 'dhclient -6' of {dev} would end at once"
            assert refused["failed"] and said in refused["msg"]
            assert [words[-1] for words in host.clients()] == [dev, dev]
            run("ip", "-n", host.lan.switch, "link", "set", "host", "up")
            if state == "present":
                assert run_module("bridge_uplink", wish, netns=host.lan.host)["changed"]
