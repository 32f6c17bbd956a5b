# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. By what a NIC makes itself known to DHCP servers, so that a bridge does it by the same: the same address from the same server.

networkd's client identifier is by default made of an IAID and the host's DUID; and the IAID of the NIC's persistent name, or else of its MAC. A bridge
has no persistent name, so its own would be another. Sources: systemd.network(5), sd-dhcp-client's dhcp_identifier_set_iaid, what networkd keeps in
/run/systemd/netif/{links,leases}.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._networkd import unit
from ansible_collections.hypervisor.network.plugins.module_utils._networkd.unit import Section

_BY_IAID = 0xFF  # RFC 4361
_V4, _V6 = ("yes", "true", "on", "1", "ipv4", "v4"), ("yes", "true", "on", "1", "ipv6", "v6")


@dataclass(frozen=True)
class Identity:
    """Which protocols a link uses, and the IAIDs by which servers know it; None where it is not known by one."""

    ipv4: bool
    ipv6: bool
    iaid4: int | None = None
    iaid6: int | None = None


def identity(
    config: Sequence[Section],
    link: Mapping[str, str],
    lease: Mapping[str, str],
    said: Sequence[Section] = (),
) -> Identity:
    """From what is configured, and from the keys of networkd's own files on the link and on its lease.

    C(said) is what our file of the bridge says already, for a link that has no lease just now.
    """
    asked = unit.value(config, "Network", "DHCP", "no").lower()
    four = _of_client_id(lease.get("CLIENTID", ""))
    six = unit.number(link.get("DHCP6_CLIENT_IAID", ""))
    if four is None:
        four = unit.number(unit.value(said, "DHCPv4", "IAID"))
    if six is None:
        six = unit.number(unit.value(said, "DHCPv6", "IAID"))
    return Identity(asked in _V4, asked in _V6, four, six)


def missing(config: Sequence[Section], found: Identity) -> str | None:
    """What the server knows the link by, and can't be told of here; None where nothing is missing."""
    by_mac = unit.value(config, "DHCPv4", "ClientIdentifier") or unit.value(
        config, "DHCP", "ClientIdentifier"
    )
    if found.ipv4 and found.iaid4 is None and by_mac not in ("mac", "duid-only"):
        return "the DHCPv4 client identifier"
    return None


def sections(found: Identity) -> list[Section]:
    """What makes a bridge known by the same."""
    return [
        Section(name, (("IAID", f"0x{iaid:08x}"),))
        for name, used, iaid in (
            ("DHCPv4", found.ipv4, found.iaid4),
            ("DHCPv6", True, found.iaid6),
        )
        if used and iaid is not None
    ]


def _of_client_id(text: str) -> int | None:
    """The IAID in a client identifier, which is written in hexadecimal."""
    try:
        raw = bytes.fromhex(text.replace(":", ""))
    except ValueError:
        return None
    return int.from_bytes(raw[1:5], "big") if len(raw) > 5 and raw[0] == _BY_IAID else None
