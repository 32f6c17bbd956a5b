# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every network device has in common."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    BadInput,
    Refused,
    Unsupported,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    Holder,
    Link,
    Snapshot,
)
from ansible_collections.hypervisor.network.plugins.module_utils._link import device


def given(**options: Any) -> dict[str, Any]:
    return device.checked({**dict.fromkeys(device.SPEC), "name": "tap1", **options})


def test_only_what_is_given_is_wished_for_in_canonical_form() -> None:
    assert given() == {}
    assert given(mac="02-00-00-00-00-0A", up=False, alias="", txqueuelen=0) == {
        "mac": "02:00:00:00:00:0a",
        "up": False,
        "alias": "",
        "txqueuelen": 0,
    }


@pytest.mark.parametrize(
    "options",
    [
        {"mtu": 68},
        {"mtu": 65535},
        {"txqueuelen": 2**31 - 1},
        {"alias": "ü" * 127 + "x"},
        {"alias": "two words"},
    ],
)
def test_the_limits_are_in(options: dict[str, Any]) -> None:
    assert given(**options) == options


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"mtu": 67}, "mtu"),
        ({"mtu": 65536}, "mtu"),
        ({"txqueuelen": -1}, "txqueuelen"),
        ({"txqueuelen": 2**31}, "txqueuelen"),
        ({"alias": "ü" * 128}, "more than 255 bytes"),
        ({"alias": "two\nlines"}, "control character"),
        ({"alias": "\x7f"}, "control character"),
        ({"mac": "nobody"}, "mac"),
    ],
)
def test_what_no_device_takes_is_refused_with_its_name(options: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput, match=words) as caught:
        given(**options)
    assert str(caught.value).startswith("tap1: ") and "\n" not in str(caught.value)


def test_what_differs_and_is_given_is_changed() -> None:
    link = Link("tap1", flags=0x1, mtu=1500, alias="a", ipv6={"addr_gen_mode": "eui64"})
    assert device.changed(
        link, {"mtu": 1500, "alias": "", "up": None, "addr_gen_mode": "none"}
    ) == {
        "alias": "",
        "addr_gen_mode": "none",
    }


@pytest.mark.parametrize(
    ("mtu", "wished", "fine"),
    [(1000, 1280, True), (1000, None, False), (1280, None, False), (1500, None, False)],
)
def test_a_device_without_ipv6_has_no_addr_gen_mode_unless_its_mtu_gives_it(
    mtu: int, wished: int | None, fine: bool
) -> None:
    link, wish = Link("tap1", mtu=mtu), {"addr_gen_mode": "none", "mtu": wished}
    if fine:
        assert device.changed(link, wish)["addr_gen_mode"] == "none"
    else:
        with pytest.raises(Unsupported, match=f"tap1 has no IPv6.*MTU of {mtu} is under 1280"):
            device.changed(link, wish)


UP, CARRIER = 0x1, 0x10000


@pytest.mark.parametrize(
    ("link", "held"),
    [
        (Link("tap1", kind="tun", flags=UP | CARRIER), True),
        (Link("tap1", kind="tun", flags=UP), False),
        (Link("tap1", kind="tun", flags=0), True),
        (Link("tap2", kind="tun", flags=0), False),
        (Link("eth0", kind="", flags=UP | CARRIER), False),
    ],
    ids=["carrier", "none", "down and open", "down", "a NIC"],
)
def test_a_tap_is_held_where_it_has_carrier_or_is_down_and_open(link: Link, held: bool) -> None:
    now = Snapshot({link.name: link}, holders={"tap1": Holder(7, "vm1")})
    assert device.held(now, link) is held
    if held:
        with pytest.raises(
            Refused, match=r"^tap1 is held by the process 7 \(the guest vm1\), and so it is"
        ):
            device.check_idle(now, link, {}, "so it is")
    else:
        device.check_idle(now, link, {}, "so it is")
    device.check_idle(now, link, {"force": True}, "so it is")


def test_who_holds_a_tap_may_be_nobody_that_one_can_name() -> None:
    link = Link("tap1", kind="tun", flags=UP | CARRIER)
    with pytest.raises(Refused, match="^tap1 is held by a process, and "):
        device.check_idle(Snapshot({"tap1": link}), link, {}, "so it is")
