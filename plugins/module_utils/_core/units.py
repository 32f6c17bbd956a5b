# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. Normalisers: what users type becomes what the kernel counts in, or BadInput with the reason.

Each function takes the value and the option's name (for the message) and returns the canonical form. None is never passed in.
"""

from __future__ import annotations

import ipaddress
import math
import re
from typing import Union

from ansible_collections.hypervisor.network.plugins.module_utils._core.deps import needed
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import BadInput

NAME_BYTES = 15  # IFNAMSIZ without its NUL
TICKS = 100  # USER_HZ: the kernel gives bridge times in hundredths of a second

_MAC = re.compile(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z0-9_.@+=,#~!^-]+")


def interface_name(value: str, option: str = "name") -> str:
    """A name that the kernel, ifupdown and a shell all take: 1 to 15 bytes, no '%', ':', '/', blank, no leading '-'.

    Stricter than the kernel, which makes "0" out of '%d' and takes '-x' (Linux: dev_valid_name, dev_alloc_name). Raises BadInput.
    """
    if len(value.encode("utf-8", "surrogateescape")) > NAME_BYTES:
        raise BadInput(
            f"{option} '{value}' has more than {NAME_BYTES} bytes, the kernel's limit for a device name; choose a shorter one."
        )
    if not _NAME.fullmatch(value) or value in (".", "..") or value.startswith("-"):
        raise BadInput(
            f"{option} {value!r} is not a usable device name; use letters, digits, '_', '-' and '.', not beginning with '-'."
        )
    if value in ("all", "default"):
        raise BadInput(
            f"{option} '{value}' is what the kernel calls the settings of all devices in /proc/sys/net; choose another name."
        )
    return value


def mac(value: str, option: str = "mac") -> str:
    """A unicast MAC as xx:xx:xx:xx:xx:xx in lower case, from any notation that netaddr reads. Raises BadInput."""
    canonical = hardware_address(value, option)
    if canonical == "00:00:00:00:00:00":
        raise BadInput(
            f"{option} {value} is all zero, which no device may have; give a real address, such as 52:54:00:12:34:56."
        )
    if int(canonical[:2], 16) & 1:
        raise BadInput(
            f"{option} {value} is a multicast address, which no device may have; clear the lowest bit of its first byte."
        )
    return canonical


def hardware_address(value: str, option: str = "mac") -> str:
    """Any 48-bit address as xx:xx:xx:xx:xx:xx in lower case. Raises BadInput."""
    if _MAC.fullmatch(value):
        return value.lower()
    with needed("netaddr"):
        import netaddr
    try:
        return str(netaddr.EUI(value, version=48, dialect=netaddr.mac_unix_expanded)).lower()
    except (netaddr.AddrFormatError, ValueError, TypeError):
        raise BadInput(
            f"{option} {value!r} is not a MAC address; write it like 52:54:00:12:34:56."
        ) from None


def seconds(
    value: float, option: str, low: float, high: float, limits: str = "the kernel's range"
) -> float:
    """Seconds in whole hundredths, within [low, high]; C(limits) says whose range that is. Raises BadInput."""
    if not math.isfinite(value):
        raise BadInput(
            f"{option} {value:g} is no number of seconds; {limits} is {low:g} to {high:g}."
        )
    ticks = round(value * TICKS)
    if not low * TICKS <= ticks <= high * TICKS:
        raise BadInput(f"{option} {value:g} is outside {limits} of {low:g} to {high:g} seconds.")
    return ticks / TICKS


def whole(value: int, option: str, low: int, high: int, limits: str = "the kernel's range") -> int:
    """An integer within [low, high]; C(limits) says whose range that is. Raises BadInput."""
    if not low <= value <= high:
        raise BadInput(f"{option} {value} is outside {limits} of {low} to {high}.")
    return value


def host_address(value: str) -> Union[ipaddress.IPv4Interface, ipaddress.IPv6Interface]:
    """An address with its prefix that a host can have. Raises BadInput."""
    if "/" not in value:
        raise BadInput(f"address {value} has no prefix length; write it like 192.0.2.10/24.")
    try:
        if "%" in value:
            raise ValueError(value)
        one = ipaddress.ip_interface(value)
    except ValueError:
        raise BadInput(
            f"address {value} is no address with a prefix length; write it like 192.0.2.10/24."
        ) from None
    if one.ip.is_unspecified or one.ip.is_multicast or one.ip.is_loopback:
        raise BadInput(
            f"address {value} is an unspecified, multicast or loopback address, which no NIC can have; give the host's own."
        )
    network = one.network
    if (
        one.version == 4
        and network.prefixlen < 31
        and one.ip in (network.network_address, network.broadcast_address)
    ):
        raise BadInput(
            f"address {value} is the network's own or its broadcast address; give the host's own."
        )
    return one
