# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. One table per noun: the option's name in iproute2, the kernel's attribute, its type, scale and range.

Argument specs, encoding, decoding, range checks and the docs' test all come from these tables. Numbers and sizes are those of
Linux' include/uapi/linux/if_link.h (IFLA_BR_*, IFLA_BRPORT_*, IFLA_TUN_*); none depends on what the installed pyroute2 knows.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, Iterable, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core import units
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import BadInput

# How a value lies in the attribute. "t" types count in hundredths of a second, "bool" ones in 0 and 1.
_FORMATS = {
    "u8": "=B",
    "u16": "=H",
    "be16": "!H",
    "u32": "=I",
    "u64": "=Q",
    "t32": "=I",
    "t64": "=Q",
    "dev": "=I",
}


@dataclass(frozen=True)
class Attribute:
    """A settable option of a device.

    C(number) is the netlink attribute, C(wire) its type there (u8, u16, be16, u32, u64, t32, t64, mac, id, dev, or bool with a size as
    in "bool8"), C(words) maps the user's words to numbers where it has any, C(low) and C(high) bound what the kernel takes, in the user's unit.
    A dev is the name of a device, "" for none; on the wire, and in encode and decode, it is an index, and 0.
    C(bit) is set for the flags that share the attribute IFLA_BR_MULTI_BOOLOPT, C(never) holds the bits of a mask that the kernel refuses,
    C(prefix) what an address must begin with, C(lapses) a value that the kernel takes back by itself, and what becomes of it: it is nobody's wish,
    and read as that, since else a host would differ from its variables by waiting.
    """

    option: str
    number: int
    wire: str
    low: float = 0
    high: float = 0
    words: Mapping[str, int] | None = None
    bit: int | None = None
    never: int = 0
    prefix: str = ""
    lapses: tuple[int, int] | None = None

    @property
    def type(self) -> str:
        """The option's type in an argument spec."""
        if self.words or self.wire in ("mac", "id", "dev"):
            return "str"
        if self.wire.startswith("bool") or self.bit is not None:
            return "bool"
        return "float" if self.wire.startswith("t") else "int"

    def check(self, value: Any) -> Any:
        """The value in canonical form, or BadInput."""
        if self.wire == "dev":
            return value and units.interface_name(value, self.option)
        if self.wire == "mac":
            return self._check_address(units.hardware_address(value, self.option))
        if self.type == "float":
            return units.seconds(value, self.option, self.low, self.high)
        if self.type == "int":
            if self.lapses and str(value) == str(self.lapses[0]):
                raise BadInput(
                    f"{self.option} {value} is what the kernel makes {self.lapses[1]} of after a while by itself; give {self.lapses[1]}, or another that lasts."
                )
            value = units.whole(value, self.option, int(self.low), int(self.high))
            if value & self.never:
                raise BadInput(
                    f"{self.option} {value} has bits of {self.never}, the groups that no bridge forwards, which the kernel refuses; give {value & ~self.never}."
                )
        return value

    def _check_address(self, value: str) -> str:
        if not value.startswith(self.prefix) or value in _TAKEN_GROUPS:
            raise BadInput(
                f"{self.option} {value} is outside the kernel's range; give {self.prefix}0 or {self.prefix}4 to {self.prefix}f."
            )
        return value

    def encode(self, value: Any) -> bytes:
        """A canonical value as the attribute's payload."""
        # struct br_boolopt_multi: the values, and the mask of those that are meant
        if self.bit is not None:
            return struct.pack("=II", int(value) << self.bit, 1 << self.bit)
        if self.wire == "mac":
            return bytes.fromhex(value.replace(":", ""))
        if self.words:
            value = self.words[value]
        elif self.type == "float":
            value = round(value * units.TICKS)
        return struct.pack(self._format, int(value))

    def known(self, payload: bytes) -> bool:
        """Whether the kernel that sent the payload has the option: of flags that share an attribute it names those it knows."""
        return self.bit is None or bool(struct.unpack_from("=II", payload)[1] & 1 << self.bit)

    def decode(self, payload: bytes) -> Any:
        """The payload as the user's value."""
        if self.bit is not None:
            return bool(struct.unpack_from("=I", payload)[0] & 1 << self.bit)
        if self.wire == "mac":
            return payload[:6].hex(":")
        if self.wire == "id":  # struct ifla_bridge_id, as brctl writes it
            return f"{payload[:2].hex()}.{payload[2:8].hex()}"
        value = struct.unpack_from(self._format, payload)[0]
        if self.words:
            return next(
                (word for word, number in self.words.items() if number == value), str(value)
            )
        if self.type == "bool":
            return value != 0  # STP_STATE reads 2 where a user-space daemon runs the protocol
        if self.lapses and value == self.lapses[0]:
            return self.lapses[1]
        return value / units.TICKS if self.type == "float" else value

    @property
    def _format(self) -> str:
        return _FORMATS[self.wire.replace("bool", "u")]


_U32 = 2**32 - 1
_DAYS = _U32 / units.TICKS
# of longer query intervals newer kernels take this much without a word, of less than a second, one
_DAY = 86400
_BOOLOPT = 46  # IFLA_BR_MULTI_BOOLOPT
_GROUPS = "01:80:c2:00:00:0"  # IEEE 802.1D's link-local groups
# pause frames, LACP, 802.1X: never a bridge's own
_TAKEN_GROUPS = tuple(_GROUPS + digit for digit in "123")

BRIDGE = (
    Attribute("forward_delay", 1, "t32", 0, 30),
    Attribute("hello_time", 2, "t32", 1, 10),
    Attribute("max_age", 3, "t32", 6, 40),
    Attribute("ageing_time", 4, "t32", 0, _DAYS),
    Attribute("stp_state", 5, "bool32"),
    Attribute("priority", 6, "u16", 0, 65535),
    Attribute("vlan_filtering", 7, "bool8"),
    Attribute("vlan_protocol", 8, "be16", words={"802.1Q": 0x8100, "802.1ad": 0x88A8}),
    Attribute("group_fwd_mask", 9, "u16", 0, 65535, never=0b111),
    Attribute("group_address", 20, "mac", prefix=_GROUPS),
    Attribute("mcast_router", 22, "u8", 0, 2),
    Attribute("mcast_snooping", 23, "bool8"),
    Attribute("mcast_query_use_ifaddr", 24, "bool8"),
    Attribute("mcast_querier", 25, "bool8"),
    Attribute("mcast_hash_max", 27, "u32", 1, _U32),
    Attribute("mcast_last_member_count", 28, "u32", 0, _U32),
    Attribute("mcast_startup_query_count", 29, "u32", 0, _U32),
    Attribute("mcast_last_member_interval", 30, "t64", 0, _DAYS),
    Attribute("mcast_membership_interval", 31, "t64", 0, _DAYS),
    Attribute("mcast_querier_interval", 32, "t64", 0, _DAYS),
    Attribute("mcast_query_interval", 33, "t64", 1, _DAY),
    Attribute("mcast_query_response_interval", 34, "t64", 0, _DAYS),
    Attribute("mcast_startup_query_interval", 35, "t64", 1, _DAY),
    Attribute("nf_call_iptables", 36, "bool8"),
    Attribute("nf_call_ip6tables", 37, "bool8"),
    Attribute("nf_call_arptables", 38, "bool8"),
    Attribute("vlan_default_pvid", 39, "u16", 0, 4094),
    Attribute("vlan_stats_enabled", 41, "bool8"),
    Attribute("mcast_stats_enabled", 42, "bool8"),
    Attribute("mcast_igmp_version", 43, "u8", 2, 3),
    Attribute("mcast_mld_version", 44, "u8", 1, 2),
    Attribute("vlan_stats_per_port", 45, "bool8"),
    Attribute("no_linklocal_learn", _BOOLOPT, "u64", bit=0),
    Attribute("mst_enabled", _BOOLOPT, "u64", bit=2),
    Attribute("fdb_max_learned", 49, "u32", 0, _U32),
)

PORT_STATES = {"disabled": 0, "listening": 1, "learning": 2, "forwarding": 3, "blocking": 4}

PORT = (
    Attribute("port_state", 1, "u8", words=PORT_STATES),
    Attribute("priority", 2, "u16", 0, 63),
    Attribute("cost", 3, "u32", 1, 65535),
    Attribute("hairpin", 4, "bool8"),
    Attribute("guard", 5, "bool8"),
    Attribute("root_block", 6, "bool8"),
    Attribute("fastleave", 7, "bool8"),
    Attribute("learning", 8, "bool8"),
    Attribute("flood", 9, "bool8"),
    Attribute("proxy_arp", 10, "bool8"),
    Attribute("proxy_arp_wifi", 12, "bool8"),
    Attribute("mcast_router", 25, "u8", 0, 2, lapses=(3, 1)),  # for mcast_querier_interval
    Attribute("mcast_flood", 27, "bool8"),
    Attribute("mcast_to_unicast", 28, "bool8"),
    Attribute("vlan_tunnel", 29, "bool8"),
    Attribute("bcast_flood", 30, "bool8"),
    Attribute("group_fwd_mask", 31, "u16", 0, 65535, never=0b010),
    Attribute("neigh_suppress", 32, "bool8"),
    Attribute("isolated", 33, "bool8"),
    Attribute("backup_port", 34, "dev"),
    Attribute("locked", 39, "bool8"),
    Attribute("mab", 40, "bool8"),
)

# Never set by these tables' numbers: taps are made by ioctl, and only read here.
TUN = (
    Attribute("owner", 1, "u32", 0, _U32),
    Attribute("group", 2, "u32", 0, _U32),
    Attribute("mode", 3, "u8", words={"tun": 1, "tap": 2}),
    Attribute("pi", 4, "bool8"),
    Attribute("vnet_hdr", 5, "bool8"),
    Attribute("persist", 6, "bool8"),
    Attribute("multi_queue", 7, "bool8"),
)

# Read-only facts that bridge_info and the reports show.
BRIDGE_FACTS = (
    Attribute("root_id", 10, "id"),
    Attribute("bridge_id", 11, "id"),
    Attribute("root_port", 12, "u16"),
    Attribute("root_path_cost", 13, "u32"),
    Attribute("topology_change", 14, "bool8"),
    Attribute("topology_change_detected", 15, "bool8"),
    Attribute("hello_timer", 16, "t64"),
    Attribute("tcn_timer", 17, "t64"),
    Attribute("topology_change_timer", 18, "t64"),
    Attribute("gc_timer", 19, "t64"),
    Attribute("fdb_n_learned", 48, "u32"),
)
PORT_FACTS = (
    Attribute("designated_root", 13, "id"),
    Attribute("designated_bridge", 14, "id"),
    Attribute("port_id", 17, "u16"),
    Attribute("port_no", 18, "u16"),
    Attribute("designated_port", 15, "u16"),
    Attribute("designated_cost", 16, "u16"),
    Attribute("topology_change_ack", 19, "bool8"),
    Attribute("config_pending", 20, "bool8"),
    Attribute("message_age_timer", 21, "t64"),
    Attribute("forward_delay_timer", 22, "t64"),
    Attribute("hold_timer", 23, "t64"),
)


def spec_of(table: Iterable[Attribute]) -> dict[str, dict[str, Any]]:
    """Ansible's argument spec of a table's options: C({option: {"type": type, "choices": [words]}}), choices where there are words."""
    spec: dict[str, dict[str, Any]] = {}
    for attribute in table:
        spec[attribute.option] = {"type": attribute.type}
        if attribute.words:
            spec[attribute.option]["choices"] = list(attribute.words)
    return spec


def checked(table: Iterable[Attribute], item: Mapping[str, Any]) -> dict[str, Any]:
    """The options of C(item) that are given, in canonical form; BadInput names the device and the option."""
    try:
        return {
            one.option: one.check(item[one.option])
            for one in table
            if item.get(one.option) is not None
        }
    except BadInput as error:
        raise BadInput(f"{item['name']}: {error}") from None
