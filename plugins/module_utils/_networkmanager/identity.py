# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What NetworkManager keeps of a device below /run, and by what a NIC makes itself known to DHCP servers, so that a bridge does it by the same.

By default the DHCPv4 client identifier is made of the MAC, the DUID of the machine, and the DHCPv6 IAID of the interface's name, which is another for
a bridge; a profile may say that they are made of the profile's UUID, which is another too. So the bridge gets the bytes that were seen.
Source: NetworkManager's nm-config-data (nm_config_device_state_load), nm-settings(5).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ansible_collections.hypervisor.network.plugins.module_utils._networkmanager.keyfile import (
    Groups,
    render,
    value,
)

_HEX = re.compile(r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2})+")


@dataclass(frozen=True)
class Identity:
    """The words of a profile: the client identifier and the DUID as bytes in hexadecimal, the IAID as a number; None where none was seen."""

    client_id: str | None = None
    duid: str | None = None
    iaid: str | None = None


def identity(state: Groups) -> Identity:
    """From the file that NetworkManager keeps of a device."""
    return Identity(
        _bytes(value(state, "dhcp4", "dhcp4.dhcp_client_identifier")),
        _bytes(value(state, "dhcp6", "dhcp6.dhcp6_client_id")),
        _iaid(value(state, "dhcp6", "dhcp6.iaid")),
    )


def missing(profile: Groups, found: Identity) -> str | None:
    """What a server knows the NIC by, and can't be told of here; None where nothing is missing."""
    asks = value(profile, "ipv4", "method", "auto") == "auto"
    return "the DHCPv4 client identifier" if asks and found.client_id is None else None


def metric(state: Groups) -> int | None:
    """Of the device's routes, where its profile gives none."""
    number = _number(value(state, "device", "route-metric-default-effective"))
    return None if number is None else int(number)


def assumed(profile: str) -> str:
    """The file of a device that NetworkManager, when it starts, takes as it stands, with this profile, and changes nothing of."""
    return render({"device": {"managed": "true", "connection-uuid": profile}})


def _bytes(text: str) -> str | None:
    return text.lower() if _HEX.fullmatch(text) else None


def _iaid(text: str) -> str | None:
    """An IAID is kept as bytes, and given as a number."""
    if _HEX.fullmatch(text):
        return str(int(text.replace(":", ""), 16))
    return _number(text)


def _number(text: str) -> str | None:
    return text if re.fullmatch(r"[0-9]{1,10}", text) else None
