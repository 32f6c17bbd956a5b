# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What may be written into interfaces(5): ifupdown itself takes 'brigde_ports' and 10.0.0.999 without a word.

Two strengths. What would change the meaning of the file (a line end, a NUL, a keyword as an option's name) is always
refused; what ifupdown would take and then fail on, or ignore, is refused while C(validate) is on.
"""

from __future__ import annotations

import difflib
import ipaddress
import re
from dataclasses import dataclass
from typing import Any, Callable, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core import units
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import BadInput
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.grammar import (
    COMMANDS,
    canonical,
    is_keyword,
    words,
)

METHODS = {
    "inet": ("loopback", "static", "manual", "dhcp", "bootp", "tunnel", "ppp", "wvdial", "ipv4ll"),
    "inet6": ("auto", "loopback", "static", "manual", "dhcp", "tunnel", "v4tunnel", "6to4"),
}
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,78}\??")  # ifupdown keeps 79 bytes of a first word

# of one stanza
SPEC: dict[str, dict[str, Any]] = {
    "name": {"type": "str"},
    "family": {"type": "str", "choices": ["inet", "inet6"]},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "method": {"type": "str"},
    "auto": {"type": "bool"},
    "allow_hotplug": {"type": "bool"},
    "options": {"type": "raw"},
    "take_over": {"type": "str"},
    "hand_back": {"type": "str"},
    "file": {"type": "path"},
}


@dataclass(frozen=True)
class Wish:
    """One item, checked. C(options) maps each given option to all its values, in order; no values: it shall not be there.
    C(family) is None where every family is meant (absent without a family)."""

    name: str
    state: str
    family: str | None
    method: str | None
    options: Mapping[str, tuple[str, ...]]
    auto: bool | None
    allow_hotplug: bool | None
    take_over: str | None
    hand_back: str | None
    file: str | None
    validate: bool


def checked(item: Mapping[str, Any], validate: bool = True) -> Wish:
    """An item of interfaces_stanza as a wish. C(item) has all its options, None where not given. Raises BadInput, which names the stanza and the option."""
    name = _stanza_name(item["name"])
    absent = item["state"] == "absent"
    family = item["family"] or (None if absent else "inet")
    try:
        for option in ("take_over", "hand_back"):
            if item[option] is not None:
                units.interface_name(item[option], option)
                if ":" in name:
                    raise BadInput(
                        f"{option} is for a bridge; {name} is a second address, and follows its device."
                    )
                if item[option] == name:
                    raise BadInput(
                        f"{option} names the stanza itself; name the NIC that is its port."
                    )
        if item["take_over"] is not None and absent:
            raise BadInput("take_over is for state 'present'; with 'absent' use hand_back.")
        if item["hand_back"] is not None and not absent:
            raise BadInput("hand_back is for state 'absent'; with 'present' use take_over.")
        if item["file"] is not None:
            one_line(item["file"], "file")
        options = {} if absent else _options(item["options"])
        if item["method"] is not None:
            _method(item["method"], family or "inet", validate)
        if validate:
            _known(name, family or "inet", item["method"], options)
    except BadInput as error:
        raise BadInput(f"{name}: {error}") from None
    return Wish(
        name, item["state"], family, item["method"], options, item["auto"], item["allow_hotplug"],
        item["take_over"], item["hand_back"], item["file"], validate,
    )  # fmt: skip


def _stanza_name(value: str) -> str:
    """A device's name, or that of a second address of it, as in C(eth0:1): the two together are a label, which has the same limit."""
    device, colon, label = value.partition(":")
    if not colon:
        return units.interface_name(value)
    units.interface_name(device)
    if not re.fullmatch(r"[A-Za-z0-9_.:-]+", label) or len(value) > units.NAME_BYTES:
        raise BadInput(
            f"name {value!r} is no usable label of {device}; write it like {device}:1, with {units.NAME_BYTES} characters at most."
        )
    return value


def one_line(value: str, option: str) -> str:
    """A value that stays on its line; surrounding blanks are dropped, as ifupdown drops them. Raises BadInput."""
    if any(
        ord(character) < 32 and character != "\t" or ord(character) == 127 for character in value
    ):
        raise BadInput(
            f"{option} holds a line end or a control character, which would begin another line of the file; give plain text."
        )
    value = value.strip(" \t")
    if value.endswith("\\"):
        raise BadInput(
            f"{option} ends in a backslash, which would swallow the next line of the file; leave it out."
        )
    return value


def _method(method: str, family: str, validate: bool) -> None:
    if not words(method) == [one_line(method, "method")]:
        raise BadInput(
            f"method {method!r} is not one word; use one of {', '.join(METHODS[family])}."
        )
    if validate and method not in METHODS[family]:
        raise BadInput(
            f"method '{method}' is none of {family}; use one of {', '.join(METHODS[family])}."
        )


def _options(given: Any) -> dict[str, tuple[str, ...]]:
    if given is None:
        return {}
    if isinstance(given, Mapping):
        pairs = list(given.items())
    elif (
        isinstance(given, Sequence)
        and not isinstance(given, (str, bytes))
        and all(
            isinstance(pair, Sequence) and not isinstance(pair, (str, bytes)) and len(pair) == 2
            for pair in given
        )
    ):
        pairs = [(pair[0], pair[1]) for pair in given]
    else:
        raise BadInput(
            "options is neither a dictionary nor a list of [key, value] pairs; write it as one of them."
        )
    found: dict[str, list[str]] = {}
    spelled: dict[str, str] = {}
    for key, value in pairs:
        key = str(key)
        if not _KEY.fullmatch(key) or is_keyword(key):
            raise BadInput(
                f"option {key!r} is not a usable name; use letters, digits, '_' and '-', and no keyword of interfaces(5)."
            )
        if value is None:
            continue
        values = found.setdefault(spelled.setdefault(canonical(key), key), [])
        for single in value if isinstance(value, (list, tuple)) else [value]:
            text = one_line(_text(key, single), f"option '{key}'")
            if text:
                values.append(text)
    return {key: tuple(values) for key, values in found.items()}


def _text(key: str, value: Any) -> str:
    # YAML turns a bare off into False before anybody can ask which word it was.
    if isinstance(value, bool):
        yes, no = ("yes", "no") if canonical(key) == "bridge_vlan_aware" else ("on", "off")
        return yes if value else no
    if isinstance(value, (int, float, str)):
        return str(value)
    raise BadInput(
        f"option '{key}' has a value that is no text, number or list of them; write one line per value."
    )


def address(value: str, netmask: str | None = None) -> str:
    """An address in canonical form, with its prefix where it has one: what two spellings of the same have in common."""
    plain, _slash, prefix = value.partition("/")
    try:
        if prefix or netmask:
            return str(ipaddress.ip_interface(f"{plain}/{prefix or netmask}"))
        return str(ipaddress.ip_address(plain))
    except ValueError:
        return value


def _host(value: str, family: str, key: str) -> ipaddress.IPv4Interface | ipaddress.IPv6Interface:
    kind = ipaddress.IPv4Interface if family == "inet" else ipaddress.IPv6Interface
    try:
        found = kind(value)
    except ValueError:
        example = "192.0.2.10/24" if family == "inet" else "2001:db8::10/64"
        raise BadInput(f"{key} {value} is no {family} address; write it like {example}.") from None
    if found.ip.is_multicast or found.ip.is_unspecified:
        raise BadInput(
            f"{key} {value} is a multicast or an unspecified address, which no interface can have; give the host's own."
        )
    return found


def _address(value: str, family: str, key: str) -> None:
    found = _host(value, family, key)
    net = found.network
    if (
        "/" in value
        and family == "inet"
        and net.prefixlen < 31
        and found.ip in (net.network_address, net.broadcast_address)
    ):
        raise BadInput(
            f"{key} {value} is the network's own or its broadcast address; give the host's."
        )


def _gateway(value: str, family: str, key: str) -> None:
    if "/" in value:
        raise BadInput(f"{key} {value} has a prefix; give the gateway's bare address.")
    _host(value, family, key)


def _netmask(value: str, family: str, key: str) -> None:
    base = "0.0.0.0" if family == "inet" else "::"
    try:
        ipaddress.ip_network(f"{base}/{value}")
    except ValueError:
        raise BadInput(
            f"{key} {value} is no netmask; leave it out and write the prefix into address."
        ) from None


def _hwaddress(value: str, _family: str, key: str) -> None:
    parts = words(value)
    if parts == ["random"]:
        return
    units.mac(parts[-1], key)


def _integer(low: int, high: int) -> Callable[[str, str, str], None]:
    def check(value: str, _family: str, key: str) -> None:
        if not re.fullmatch(r"-?\d{1,12}", value) or not low <= int(value) <= high:
            raise BadInput(f"{key} {value} is no whole number of {low} to {high}.")

    return check


def _seconds(
    low: float, high: float, also: tuple[float, ...] = ()
) -> Callable[[str, str, str], None]:
    def check(value: str, _family: str, key: str) -> None:
        number = float(value) if re.fullmatch(r"\d{1,10}(\.\d{1,6})?", value) else -1.0
        if not (low <= number <= high or number in also):
            zero = " (or 0)" if also else ""
            raise BadInput(
                f"{key} {value} is outside the kernel's range of {low:g} to {high:g} seconds{zero}."
            )

    return check


def _word(*allowed: str) -> Callable[[str, str, str], None]:
    def check(value: str, _family: str, key: str) -> None:
        if value not in allowed:
            raise BadInput(f"{key} {value} is none of {', '.join(allowed)}.")

    return check


def _ports(value: str, _family: str, key: str) -> None:
    seen: set[str] = set()
    ports = words(value)
    if "regex" in ports:  # what follows is a pattern and no name
        return
    for port in ports:
        if port not in ("none", "all", "noregex"):
            units.interface_name(port, key)
        if port in seen:
            raise BadInput(f"{key} names {port} twice; name each port once.")
        seen.add(port)


def _any(_value: str, _family: str, _key: str) -> None:
    """Free text."""


def _port_and_number(value: str, _family: str, key: str) -> None:
    """bridge-utils hands it to brctl(8), once; ifupdown2 takes C(eth0=10 eth1=20)."""
    parts = words(value)
    plain = len(parts) == 2 and parts[1].isdigit()
    if not plain and not (parts and all(re.fullmatch(r"[^=]+=\d+", part) for part in parts)):
        raise BadInput(
            f"{key} {value} is not one port and its number; bridge-utils takes one, so write those of other ports as lines "
            "'up bridge link set dev PORT cost NUMBER' (or priority)."
        )


def _no_gcint(_value: str, _family: str, key: str) -> None:
    raise BadInput(
        f"{key} is nothing that the kernel has, and brctl no longer has the command for it; leave it out."
    )


_ON_OFF = _word("on", "off", "yes", "no")
# What only ifupdown2 reads of a bridge and its ports (ifupdown-addons-interfaces(5), and that of Proxmox VE); bridge-utils overlooks them.
IFUPDOWN2 = frozenset(
    f"bridge_{word}"
    for word in (
        "pathcosts portprios mclmc mcrouter mcsnoop mcsqc mcqifaddr mcquerier hashel hashmax mclmi mcmi mcqpi mcqi mcqri mcsqi mcqv4src "
        "portmcrouter portmcfl vids pvid access allow_untagged port_vids port_pvids learning igmp_version mld_version unicast_flood "
        "multicast_flood broadcast_flood vlan_protocol vlan_stats arp_nd_suppress mcstats l2protocol_tunnel ports_condone_regex "
        "vlan_vni_map always_up igmp_querier_src disable_mac_learning"
    ).split()
)
# Options of ifupdown's own methods and complete ones of bridge-utils; None stands for text that only its reader can judge.
_KNOWN: dict[str, Callable[[str, str, str], None]] = {
    **dict.fromkeys((*COMMANDS, *IFUPDOWN2), _any),
    **dict.fromkeys(
        "broadcast network scope pointopoint hostname leasetime vendor client bootfile server media description provider unit options "
        "mode endpoint dstaddr local dns_nameservers dns_nameserver dns_search dns_domain dns_sortlist dns_options "
        "request_prefix ll_attempts ll_interval dad_interval preferred_lifetime encaplimit vlan_raw_device vlan_id "
        "bond_master bond_slaves bond_mode bond_miimon bond_primary ethernet_wol ethernet_port ethernet_autoneg link_speed link_duplex "
        "bridge_hw bridge_waitport".split(),
        _any,
    ),
    "address": _address, "netmask": _netmask, "gateway": _gateway, "hwaddress": _hwaddress, "hwaddr": _hwaddress,
    "mtu": _integer(68, 65535), "metric": _integer(0, 2**32 - 1), "ttl": _integer(0, 255), "dad_attempts": _integer(0, 2**31 - 1),
    "accept_ra": _integer(0, 2), "autoconf": _integer(0, 1), "privext": _integer(0, 2), "dhcp": _integer(0, 1),
    "bridge_pathcost": _port_and_number, "bridge_portprio": _port_and_number, "bridge_gcint": _no_gcint,
    "bridge_ports": _ports, "bridge_stp": _ON_OFF, "bridge_vlan_aware": _ON_OFF,
    "bridge_fd": _seconds(2, 30, (0.0,)), "bridge_hello": _seconds(1, 10), "bridge_maxage": _seconds(6, 40),
    "bridge_ageing": _seconds(0, 2**31), "bridge_maxwait": _seconds(0, 2**31), "bridge_bridgeprio": _integer(0, 65535),
}  # fmt: skip


def _known(
    name: str, family: str, method: str | None, options: Mapping[str, Sequence[str]]
) -> None:
    for key, values in options.items():
        plain = canonical(key)
        check = _KNOWN.get(plain)
        if check is None:
            near = difflib.get_close_matches(plain, _KNOWN, 1, 0.8)
            if near or plain.startswith("bridge_"):
                cure = f"did you mean '{near[0]}'?" if near else "leave it out."
                raise BadInput(
                    f"option '{key}' is unknown to ifupdown and bridge-utils; set validate to false if another tool reads it, else {cure}"
                )
            continue
        for value in values:
            check(value, family, key)
        if len(values) > 1 and plain not in (*COMMANDS, "address") and check is not _any:
            raise BadInput(
                f"option '{key}' has {len(values)} values and takes one; leave the others out."
            )
    plain_options = {canonical(key): values for key, values in options.items()}
    addresses = [address(value) for value in plain_options.get("address", ())]
    if len(set(addresses)) != len(addresses):
        raise BadInput("options name an address twice; name each once.")
    if (
        any("/" not in value for value in plain_options.get("address", ()))
        and "netmask" not in plain_options
        and method != "tunnel"
    ):
        raise BadInput("address has no prefix; write it like 192.0.2.10/24.")
    if any(
        gateway in [value.partition("/")[0] for value in addresses]
        for gateway in plain_options.get("gateway", ())
    ):
        raise BadInput("gateway is the host's own address; give the router's.")
    if name in [port for value in plain_options.get("bridge_ports", ()) for port in words(value)]:
        raise BadInput("bridge_ports names the bridge itself; name its ports.")
    if plain_options.get("bridge_stp", ("off",))[:1] in (("on",), ("yes",)) and plain_options.get(
        "bridge_fd", ("2",)
    )[:1] == ("0",):
        raise BadInput(
            "bridge_stp on with bridge_fd 0 is not kept by the kernel, which raises the delay to 2 s; turn one of them off."
        )
