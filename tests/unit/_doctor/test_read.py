# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One read of a host, put together for the doctor."""

from __future__ import annotations

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Snapshot
from ansible_collections.hypervisor.network.plugins.module_utils._doctor import read
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.guest import Guest
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import mdb as rtnl_mdb
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import route as rtnl_route
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.route import Hop, Route
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.managers import Traces
from ansible_collections.hypervisor.network.tests.harness.model import patient


class Kernel:
    """What Netlink is asked for; which reads there are shows that nothing else is done."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def dump(self, kind: int, *_body: bytes) -> list[bytes]:
        self.asked.append(f"dump {kind}")
        return []

    def dump_where_known(self, kind: int, *_body: bytes) -> None:
        self.asked.append(f"dump {kind}")

    def fdb(self, _links: object) -> tuple:
        self.asked.append("fdb")
        return patient.FDB

    def neighbours(self, _links: object) -> tuple:
        self.asked.append("neighbours")
        return ()


class Guests:
    """Guests of two namespaces."""

    def there(self) -> list[Guest]:
        return [
            Guest(name, "running", {"netns": netns})
            for name, netns in (("vm1", None), ("vm2", "other"))
        ]


def test_guests_are_those_of_the_same_namespace() -> None:
    assert [one.name for one in read.guests(None, Guests())] == ["vm1"]
    assert [one.name for one in read.guests("other", Guests())] == ["vm2"]


def test_a_host_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    now = Snapshot(patient.LINKS, holders=patient.HOLDERS)
    routes = [
        Route(2, dst, 254, 0, 0, 1, 0, 3, (Hop("br0", gateway),))
        for dst, gateway in [
            ("default", "192.0.2.1"),
            ("default", None),
            ("198.51.100.0/24", "192.0.2.2"),
        ]
    ]
    monkeypatch.setattr(read, "links", lambda _netlink: now)
    monkeypatch.setattr(read.rtnl_route, "decode_routes", lambda _bodies, _names: routes)
    kernel = Kernel()
    files = {"run/systemd/netif/links/2": "ADMIN_STATE=configured\n"}
    found = read.host(
        kernel,
        [patient.VM1],
        dropping=lambda name, _link: (f"a chain about {name}",),
        traces=lambda _nic, _index: Traces(files),
    )
    assert found.gateways == {"br0": ["192.0.2.1"]}
    assert found.drops == {"br0": ("a chain about br0",), "br1": ("a chain about br1",)}
    assert list(found.managers) == ["eth0"]
    assert "eth0 is managed by systemd-networkd" in found.managers["eth0"][0]
    assert kernel.asked == [
        f"dump {rtnl_route.RTM_GETROUTE}",
        f"dump {rtnl_mdb.RTM_GETMDB}",
        "fdb",
        "neighbours",
    ]
    assert list(found.routes) == routes and found.queried == frozenset()
