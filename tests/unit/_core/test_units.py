# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What users type becomes what the kernel counts in, or one sentence."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hypervisor.network.plugins.module_utils._core import units
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import BadInput


@pytest.mark.parametrize(
    "name", ["br0", "a", "x" * 15, "eth0.10", "vm-1_tap", ".hidden", "br+0", "0"]
)
def test_a_usable_name_stays_as_it_is(name: str) -> None:
    assert units.interface_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "x" * 16,
        "ä" * 8,
        "",
        "%d",
        "br%d",
        "-x",
        "--",
        ".",
        "..",
        "a/b",
        "br0\n",
        "br0\0",
        "br:0",
        "br 0",
        "brü",
        "\t",
        "all",
        "default",
        "$(id)",
        "{{x}}",
    ],
)
def test_a_name_that_the_kernel_misreads_or_refuses_is_refused_in_one_line(name: str) -> None:
    with pytest.raises(BadInput) as caught:
        units.interface_name(name, "bridge")
    assert str(caught.value).startswith("bridge ") and "\n" not in str(caught.value)


@given(st.text(max_size=20))
def test_any_text_is_a_name_or_a_refusal(text: str) -> None:
    try:
        name = units.interface_name(text)
    except BadInput:
        return
    assert (
        name == text
        and 1 <= len(name.encode()) <= 15
        and not set(name) & set("%:/ \n\t\0")
        and not name.startswith("-")
    )


@pytest.mark.parametrize(
    "written",
    [
        "52:54:00:AB:cd:01",
        "52-54-00-ab-cd-01",
        "5254.00ab.cd01",
        "525400abcd01",
        "52:54:0:ab:cd:1",
        "525400:abcd01",
    ],
)
def test_a_mac_in_any_notation_becomes_the_kernels(written: str) -> None:
    assert units.mac(written) == "52:54:00:ab:cd:01"


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("00:00:00:00:00:00", "all zero"),
        ("01:00:5e:00:00:01", "multicast"),
        ("ff:ff:ff:ff:ff:ff", "multicast"),
        ("33:33:00:00:00:01", "multicast"),
        ("52:54:00:ab:cd", "not a MAC"),
        ("52:54:00:ab:cd:01:02", "not a MAC"),
        ("52:54:00:ab:cd:0g", "not a MAC"),
        ("", "not a MAC"),
        ("br0", "not a MAC"),
        ("52:54:00:ab:cd:01\nup", "not a MAC"),
    ],
)
def test_a_mac_that_no_device_may_have_is_refused_with_its_reason(written: str, why: str) -> None:
    with pytest.raises(BadInput, match=why) as caught:
        units.mac(written)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("given_seconds", "kept"),
    [(0, 0.0), (2, 2.0), (2.5, 2.5), (0.01, 0.01), (0.004, 0.0), (29.999, 30.0), (30, 30.0)],
)
def test_seconds_are_kept_in_whole_hundredths(given_seconds: float, kept: float) -> None:
    assert units.seconds(given_seconds, "forward_delay", 0, 30) == kept


@pytest.mark.parametrize("value", [-0.01, -1, 30.01, 1e300, math.inf, -math.inf, math.nan])
def test_seconds_outside_the_range_are_refused(value: float) -> None:
    with pytest.raises(BadInput, match="forward_delay"):
        units.seconds(value, "forward_delay", 0, 30)


@pytest.mark.parametrize("value", [1, 65535])
def test_a_whole_number_at_its_limits_is_taken(value: int) -> None:
    assert units.whole(value, "cost", 1, 65535) == value


@pytest.mark.parametrize("value", [0, 65536, -1, 10**12])
def test_a_whole_number_beyond_its_limits_is_refused(value: int) -> None:
    with pytest.raises(BadInput, match="cost"):
        units.whole(value, "cost", 1, 65535)


@pytest.mark.parametrize(
    "value", ["10.9.0.1/24", "10.9.0.0/31", "192.0.2.1/32", "2001:db8::/64", "2001:db8::1/128"]
)
def test_an_address_that_a_host_can_have(value: str) -> None:
    assert str(units.host_address(value)) == value


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("10.9.0.1", "has no prefix length"),
        ("10.9.0.1/33", "is no address with a prefix length"),
        ("fe80::1%eth0/64", "is no address with a prefix length"),
        ("br0/24", "is no address with a prefix length"),
        ("0.0.0.0/0", "is an unspecified, multicast or loopback address"),
        ("224.0.0.1/24", "is an unspecified, multicast or loopback address"),
        ("::1/128", "is an unspecified, multicast or loopback address"),
        ("10.9.0.0/24", "is the network's own or its broadcast address"),
        ("10.9.0.255/24", "is the network's own or its broadcast address"),
    ],
)
def test_an_address_that_no_host_can_have(value: str, why: str) -> None:
    with pytest.raises(BadInput, match=why):
        units.host_address(value)


def test_a_number_outside_its_range_names_whose_range_it_is() -> None:
    assert units.whole(3, "count", 1, 3) == 3
    with pytest.raises(BadInput, match="count 4 is outside this module's range of 1 to 3"):
        units.whole(4, "count", 1, 3, "this module's range")
