# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role on a bridge that another's guest is in: libvirt's tap is in no list, and stays as it is, as the guide of libvirt says."""

from __future__ import annotations

from ansible_collections.hypervisor.network.tests.harness.host.role_host import Host
from ansible_collections.hypervisor.network.tests.harness.net.netns import batch, ip_json

WISH = {
    "bridge_host_bridges": [{"name": "br0", "uplink": "eth0"}],
    "bridge_host_taps": [{"name": "tap1", "bridge": "br0"}],
}


def _vnet0(host: Host) -> dict[str, object]:
    (link,) = ip_json(host.netns, "-d", "link", "show", "vnet0")
    return {key: link[key] for key in ("ifindex", "master", "flags", "mtu", "address")} | {
        "port": {
            key: value
            for key, value in link["linkinfo"]["info_slave_data"].items()
            if not key.endswith("_timer")
        }
    }


def test_a_port_of_libvirt_that_nobody_lists_survives_the_role(host: Host) -> None:
    made = host.role(WISH)
    assert made.status == 0, made.output[-4000:]
    # as libvirt does for an interface of type bridge
    batch(
        host.netns,
        "tuntap add vnet0 mode tap\nlink set vnet0 address fe:54:00:11:22:33 master br0 up\n",
    )
    before = _vnet0(host)
    for _run in (1, 2):
        again = host.role(WISH)
        assert (again.status, again.changed) == (0, []), again.output[-4000:]
        assert _vnet0(host) == before
    # nor is the bridge taken away below it
    gone = host.role(
        {"bridge_host_bridges": [{"name": "br0", "uplink": "eth0", "state": "absent"}]}
    )
    assert gone.status != 0 and "vnet0" in gone.output, gone.output[-4000:]
    assert _vnet0(host) == before
