# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lists that a user gives to the role bridge_host, and what its steps and its refusals make of them."""

from __future__ import annotations

from typing import Any

from ansible_collections.hypervisor.network.plugins.filter.bridge_host_refusals import (
    bridge_host_refusals,
)
from ansible_collections.hypervisor.network.plugins.module_utils._bridge_host import (
    items as role_items,
)
from ansible_collections.hypervisor.network.plugins.module_utils._bridge_host import (
    plan as role_plan,
)

QUIET = (
    "ip link set dev eth0 master br0 addrgenmode none && "
    "sysctl -qe -w net/ipv6/conf/eth0/accept_ra=0 net/ipv6/conf/eth0/disable_ipv6=1 net/ipv6/conf/eth0/disable_ipv6=0 || true"
)


BR0 = {
    "name": "br0",
    "uplink": "eth0",
    "method": "dhcp",
    "stp_state": False,
    "forward_delay": 0,
    "maxwait": 0,
}


def plan(
    bridges: list = (),
    taps: list = (),
    guests: list = (),
    info: dict | None = None,
    tenants: list = (),
    **more: Any,
) -> dict[str, Any]:
    """What the role's steps are handed, from what a user lists and what bridge_info found."""
    wish = {"bridges": bridges, "taps": taps, "guests": guests, "tenants": tenants}
    return role_plan.plan(**role_items.typed_all(wish), now=(info or {}).get("bridges", ()), **more)


def there(name: str, *ports: str, **options: Any) -> dict[str, Any]:
    """What bridge_info tells of a host with one bridge."""
    return {
        "bridges": [
            {
                "name": name,
                "options": {"stp_state": False, "forward_delay": 15.0, **options},
                "ports": [{"name": port} for port in ports],
            }
        ]
    }


def options_of(stanza: dict[str, Any]) -> dict[str, list[str]]:
    """The lines of a stanza, those of one option together."""
    found: dict[str, list[str]] = {}
    for key, value in stanza["options"]:
        found.setdefault(key, []).append(value)
    return found


TAP1 = {"name": "tap1", "bridge": "br0"}


VM1 = {"name": "vm1", "nics": [{"tap": "tap1", "mac": "52:00:00:00:00:01"}]}


STATIC = {**BR0, "method": "static", "address": ["192.0.2.10/24"], "gateway": ["192.0.2.1"]}


def of_variables(
    bridges: Any = (), taps: Any = (), guests: Any = (), tenants: Any = ()
) -> list[str]:
    """What is refused of a user's lists alone."""
    wish = {"bridges": bridges, "taps": taps, "guests": guests, "tenants": tenants}
    return bridge_host_refusals(wish)


def is_one_sentence(found: list[str], *words: str) -> None:
    assert len(found) == 1, found
    assert found[0].endswith((".", ". ")) and "\n" not in found[0]
    for word in words:
        assert word in found[0]
