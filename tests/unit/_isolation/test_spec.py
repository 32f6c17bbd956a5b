# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be asked of a proof."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import BadInput
from ansible_collections.hypervisor.network.plugins.module_utils._isolation.spec import (
    Wish,
    checked,
)

BLUE = {"name": "blue", "vlan": 10, "ports": ["tap1", "tap3"], "dhcp": False}
RED = {"name": "red", "vlan": None, "ports": ["tap2"], "dhcp": True}


def asked(*tenants: dict[str, Any], **more: Any) -> Wish:
    given = {
        "tenants": list(tenants),
        "uplinks": [],
        "trunks": [],
        "count": 3,
        "timeout": 10.0,
        **more,
    }
    return checked(given)


def test_tenants_and_whose_port_is_whose() -> None:
    wish = asked({**BLUE, "ports": ["tap1", "tap3", "tap1"]}, RED, uplinks=["eth0"])
    assert wish.tenants[0].ports == ("tap1", "tap3"), "a port that is named twice is one port"
    assert wish.owner("tap2") is wish.tenants[1] and wish.owner("eth0") is None
    assert (wish.uplinks, wish.count, wish.timeout) == (("eth0",), 3, 10.0)


@pytest.mark.parametrize(
    ("tenants", "more", "words"),
    [
        ([BLUE, {**RED, "name": "blue"}], {}, "'blue' is listed twice"),
        ([{**BLUE, "name": "the host"}], {}, "'the host' is listed twice, or has the name"),
        ([{**BLUE, "vlan": 0}], {}, "blue: vlan"),
        ([{**BLUE, "vlan": 4095}], {}, "blue: vlan"),
        ([{**BLUE, "ports": []}], {}, "The tenant blue has no ports"),
        ([BLUE, {**RED, "ports": ["tap3"]}], {}, "tap3 is a port of blue and of red"),
        (
            [BLUE],
            {"uplinks": ["tap1"]},
            "tap1 is listed as a port of blue and as an uplink or trunk",
        ),
        (
            [BLUE],
            {"trunks": ["tap3"]},
            "tap3 is listed as a port of blue and as an uplink or trunk",
        ),
        ([BLUE], {"count": 0}, "count"),
        ([BLUE], {"timeout": -1.0}, "timeout"),
    ],
)
def test_what_can_not_be_proven_is_refused(
    tenants: list[dict[str, Any]], more: dict[str, Any], words: str
) -> None:
    with pytest.raises(BadInput) as caught:
        asked(*tenants, **more)
    assert words in str(caught.value) and "\n" not in str(caught.value)
