# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hook of NetworkManager: what no profile says, in the words of ip-link(8)."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._networkmanager import hook


def lines(link: dict[str, Any], port: dict[str, Any] | None = None, **options: Any) -> list[str]:
    """What the hook runs when the bridge, and then its port, is up; the bridge has the options, and the link is its own or the port's."""
    own = {} if port is not None else link
    bridge = Link("br0", 3, "bridge", options={"stp_state": False, "forward_delay": 15.0, **options}, **own)  # fmt: skip
    ports = [] if port is None else [Link("tap1", 4, "tun", master="br0", port=port, **link)]
    text = hook.text(bridge, ports)
    found = []
    for dev in ("br0", "tap1"):
        said = (text or "").replace("ip link", "echo")
        done = subprocess.run(["sh", "-c", said, "hook", dev, "up"], capture_output=True, text=True, check=True)  # fmt: skip
        found += done.stdout.splitlines()
    return found


@pytest.mark.parametrize(
    ("link", "port", "options", "said"),
    [
        ({}, None, {}, []),
        ({}, None, {"mcast_startup_query_interval": 31.24, "mcast_hash_max": 512}, []),
        ({}, None, {"nf_call_iptables": True, "mcast_router": 2}, ["set dev br0 type bridge mcast_router 2 nf_call_iptables 1"]),
        ({}, None, {"mcast_querier_interval": 12.5}, ["set dev br0 type bridge mcast_querier_interval 1250"]),
        ({}, None, {"group_address": "01:80:c2:00:00:05"}, ["set dev br0 type bridge group_address 01:80:c2:00:00:05"]),
        ({"alias": "the $(first) 'one'", "txqueuelen": 500}, None, {}, ["set dev br0 txqueuelen 500 alias the $(first) 'one'"]),
        ({"mtu": 1400}, None, {}, []),
        ({"mtu": 1400}, {}, {}, ["set dev br0 mtu 1501", "set dev br0 mtu 1500", "set dev tap1 mtu 1400"]),
        ({"mtu": 9000}, {}, {}, ["set dev tap1 mtu 9000"]),
        ({}, {"mcast_router": 0, "backup_port": "tap2", "isolated": True}, {}, ["set dev tap1 type bridge_slave isolated on mcast_router 0 backup_port tap2"]),
        ({}, {"cost": 7, "priority": 3, "hairpin": True, "group_fwd_mask": 0}, {}, []),
    ],
)  # fmt: skip
def test_what_is_set_when_a_device_is_up(
    link: dict[str, Any], port: dict[str, Any] | None, options: dict[str, Any], said: list[str]
) -> None:
    assert lines(link, port, **options) == said
