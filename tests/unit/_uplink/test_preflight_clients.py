# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A NIC without carrier whose client of IPv6 would not start elsewhere; what files say of one device alone is in test_preflight.py too."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._dhcp.client import Client
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import preflight_clients
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.layout import Inet
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.managers import Traces
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.preflight import (
    Spec,
    check,
)

UP, LOWER_UP = 0x1, 0x10000
NIC = Link("eth0", 2, "", UP, "52:54:00:00:00:10")
BRIDGE = Link("br0", 3, "bridge", UP, "52:54:00:00:00:10")
SIX = Client("eth0", "dhclient", ("dhclient", "-6", "eth0"))
FOUR = Client("eth0", "dhclient", ("dhclient", "-4", "eth0"))


def host(nic: Link, *clients: Client) -> Inet:
    return Inet({one.name: one for one in (nic, BRIDGE)}, clients=clients)


@pytest.mark.parametrize(
    ("nic", "client", "present", "said"),
    [
        (NIC, SIX, True, "the 'dhclient -6' of eth0 would end at once on br0,"),
        (replace(NIC, master="br0"), replace(SIX, dev="br0"), False, "the 'dhclient -6' of br0 would end at once on eth0,"),
    ],
)  # fmt: skip
def test_a_client_that_would_end_at_once_where_there_is_no_carrier_is_refused_both_ways(
    nic: Link, client: Client, present: bool, said: str
) -> None:
    spec = Spec("eth0", "br0", present=present)
    with pytest.raises(Refused) as caught:
        check(host(nic, FOUR, client), spec)
    assert str(caught.value) == (
        f"eth0 has no carrier, and {said} which gets no link-local address without one; plug eth0 in, or end that client."
    )
    check(host(replace(nic, flags=UP | LOWER_UP), client), spec)
    check(host(nic, FOUR, replace(client, dev="eth1")), spec)
    # nothing is to be done: what is there stays as it is
    check(host(nic, client), replace(spec, present=not present))


def test_what_files_say_of_the_nic_alone_is_refused() -> None:
    declared = Traces({"etc/dhcp/dhclient.conf": 'interface "eth0" { }'})
    with pytest.raises(Refused, match='declares interface "eth0"'):
        preflight_clients.check_files(
            replace(host(NIC, FOUR), traces=declared), "eth0", "br0", True
        )
    told = replace(
        host(NIC, replace(FOUR, program="dhcpcd")),
        traces=Traces({"etc/dhcpcd.conf": "interface eth0\nclientid a:b\n"}),
    )
    with pytest.raises(Refused, match="'clientid a:b' for eth0 alone"):
        preflight_clients.check_files(told, "eth0", "br0", False)
    preflight_clients.check_files(told, "eth0", "br0", True)
