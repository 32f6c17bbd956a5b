# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. Links as rtnetlink's bytes: decoded for planners, and the attributes that set one.

Why not pyroute2's message classes: which attributes they know depends on their version, what they do not know they drop in
silence, and a dump of 1000 links costs them ten times what walking the attributes costs. So pyroute2 carries the changes
(socket.py) and the files beside it say what is in messages, the same for every version.
Layouts: Linux' include/uapi/linux/rtnetlink.h, if_link.h.
"""

from __future__ import annotations

import socket as _names  # only the AF_ numbers and inet_ntop: no socket is opened here
import struct
from typing import Any, Iterable, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    ADDR_GEN_MODES,
    Lazily,
    Link,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import (
    attributes as option_tables,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.attributes import Attribute
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.nla import (
    attribute,
    number,
    text,
    walk,
)

# rtnetlink message types
RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK, RTM_SETLINK = 16, 17, 18, 19
IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU, IFLA_LINK, IFLA_MASTER = 1, 3, 4, 5, 10
(
    IFLA_TXQLEN,
    IFLA_OPERSTATE,
    IFLA_LINKINFO,
    IFLA_IFALIAS,
    IFLA_AF_SPEC,
    IFLA_LINK_NETNSID,
    IFLA_XDP,
) = 13, 16, 18, 20, 26, 37, 43
IFLA_INFO_KIND, IFLA_INFO_DATA, IFLA_INFO_SLAVE_KIND, IFLA_INFO_SLAVE_DATA = 1, 2, 4, 5
_LINK = struct.Struct("=BxHiII")  # family, type, index, flags, change
_XDP_ATTACHED, _VXLAN_LINK, _VLAN_ID = 2, 3, 1
_AF_INET6, _INET6_ADDR_GEN_MODE = int(_names.AF_INET6), 8
# linux/if_link.h, and the numbers of linux/ipv6.h in what it holds
_INET6_CONF, _FORWARDING, _ACCEPT_RA, _DISABLE_IPV6 = 2, 0, 3, 26
_BOND_MODE, _BOND_ARP_IP_TARGET, _BOND_FAIL_OVER_MAC, _BOND_NS_IP6_TARGET = 1, 8, 13, 31
_TABLES = {"bridge": option_tables.BRIDGE + option_tables.BRIDGE_FACTS, "tun": option_tables.TUN}


def link_header(index: int = 0, flags: int = 0, change: int = 0, family: int = 0) -> bytes:
    return _LINK.pack(family, 0, index, flags, change)


def encode_options(table: Iterable[Attribute], values: Mapping[str, Any]) -> bytes:
    """The given options as attributes; flags that share one attribute are sent as one."""
    payloads: dict[int, bytes] = {}
    for one in table:
        if values.get(one.option) is None:
            continue
        payload = one.encode(values[one.option])
        if one.bit is not None and one.number in payloads:
            payload = bytes(a | b for a, b in zip(payloads[one.number], payload))
        payloads[one.number] = payload
    return b"".join(attribute(number, payload) for number, payload in payloads.items())


def decode_options(table: Iterable[Attribute], data: bytes) -> dict[str, Any]:
    """The options that the kernel reported; one that is missing here is one that this kernel lacks."""
    found = walk(data)
    return {
        one.option: one.decode(found[one.number])
        for one in table
        if one.number in found and one.known(found[one.number])
    }


def linkinfo(kind: str, options: bytes = b"") -> bytes:
    """IFLA_LINKINFO of a device of that kind, with its encoded options."""
    data = attribute(IFLA_INFO_DATA, options) if options else b""
    return attribute(IFLA_LINKINFO, attribute(IFLA_INFO_KIND, kind.encode() + b"\0") + data)


def slaveinfo(options: bytes) -> bytes:
    """IFLA_LINKINFO with the options of a bridge port."""
    return attribute(
        IFLA_LINKINFO,
        attribute(IFLA_INFO_SLAVE_KIND, b"bridge\0") + attribute(IFLA_INFO_SLAVE_DATA, options),
    )


def decode_links(messages: Iterable[bytes]) -> dict[str, Link]:
    """RTM_NEWLINK bodies as links by name, in the kernel's order."""
    walked = []
    names = {}
    for body in messages:
        _family, _type, index, flags, _change = _LINK.unpack_from(body)
        found = walk(body, _LINK.size)
        name = text(found[IFLA_IFNAME])
        names[index] = name
        walked.append((name, index, flags, found))
    return {name: _link(name, index, flags, found, names) for name, index, flags, found in walked}


def _link(
    name: str, index: int, flags: int, found: Mapping[int, bytes], names: Mapping[int, str]
) -> Link:
    info = walk(found.get(IFLA_LINKINFO, b""))
    kind = text(info.get(IFLA_INFO_KIND, b""))
    master = number(found.get(IFLA_MASTER))
    # IFLA_LINK is an index of another namespace where IFLA_LINK_NETNSID stands beside it.
    lower = None if IFLA_LINK_NETNSID in found else names.get(number(found.get(IFLA_LINK)))
    if kind == "vxlan" and lower is None:  # says it in its own words
        lower = names.get(number(walk(info.get(IFLA_INFO_DATA, b"")).get(_VXLAN_LINK)))
    options: Mapping[str, Any] = {}
    if kind in _TABLES:
        options = Lazily(
            lambda: (
                _tun_options(info)
                if kind == "tun"
                else decode_options(_TABLES[kind], info.get(IFLA_INFO_DATA, b""))
            )
        )
    if kind == "vlan":
        options = Lazily(
            lambda: {
                "id": struct.unpack_from("=H", walk(info.get(IFLA_INFO_DATA, b""))[_VLAN_ID])[0]
            }
        )
    if kind == "bond":
        options = Lazily(lambda: _bond_options(info))
    port = None
    if text(info.get(IFLA_INFO_SLAVE_KIND, b"")) == "bridge":
        port = Lazily(lambda: _port_options(info, names))
    return Link(
        name=name,
        index=index,
        kind=kind,
        flags=flags,
        mac=found[IFLA_ADDRESS].hex(":") if IFLA_ADDRESS in found else None,
        mtu=number(found.get(IFLA_MTU)),
        txqueuelen=number(found.get(IFLA_TXQLEN)),
        alias=text(found.get(IFLA_IFALIAS, b"")),
        master=names.get(master) if master else None,
        lower=None if lower == name else lower,
        options=options,
        port=port,
        xdp=IFLA_XDP in found and any(walk(found[IFLA_XDP]).get(_XDP_ATTACHED, b"")),
        ipv6=Lazily(lambda: _ipv6(found)),
    )


def _ipv6(found: Mapping[int, bytes]) -> dict[str, Any]:
    inet6 = walk(walk(found.get(IFLA_AF_SPEC, b"")).get(_AF_INET6, b""))
    mode, conf = inet6.get(_INET6_ADDR_GEN_MODE), inet6.get(_INET6_CONF, b"")
    known = {} if mode is None else {"addr_gen_mode": ADDR_GEN_MODES[mode[0]]}
    if len(conf) > _DISABLE_IPV6 * 4:
        words = struct.unpack_from(f"={_DISABLE_IPV6 + 1}i", conf)
        # 2 listens to routers on a host that forwards as well
        hears = words[_ACCEPT_RA] == 2 or (words[_ACCEPT_RA] == 1 and not words[_FORWARDING])
        known["believes_routers"] = hears and not words[_DISABLE_IPV6]
    return known


def addr_gen_mode(mode: str) -> bytes:
    """The attribute that sets it."""
    return attribute(
        IFLA_AF_SPEC,
        attribute(_AF_INET6, attribute(_INET6_ADDR_GEN_MODE, bytes([ADDR_GEN_MODES.index(mode)]))),
    )


def _bond_options(info: Mapping[int, bytes]) -> dict[str, Any]:
    """What decides whether a bond can be an uplink, as numbers of linux/if_bonding.h."""
    found = walk(info.get(IFLA_INFO_DATA, b""))
    targets = walk(found.get(_BOND_ARP_IP_TARGET, b"")) or walk(found.get(_BOND_NS_IP6_TARGET, b""))
    return {
        "mode": sum(found.get(_BOND_MODE, b"")),
        "fail_over_mac": sum(found.get(_BOND_FAIL_OVER_MAC, b"")),
        "monitors_by_arp": bool(targets),
    }


def _port_options(info: Mapping[int, bytes], names: Mapping[int, str]) -> dict[str, Any]:
    """A port's options; the kernel says nothing of a backup port where there is none."""
    found = decode_options(
        option_tables.PORT + option_tables.PORT_FACTS, info.get(IFLA_INFO_SLAVE_DATA, b"")
    )
    return {**found, "backup_port": names.get(found.get("backup_port", 0), "")}


def _tun_options(info: Mapping[int, bytes]) -> dict[str, Any]:
    """A TUN's options; owner and group that nobody was named for are -1."""
    return {
        "owner": -1,
        "group": -1,
        **decode_options(option_tables.TUN, info.get(IFLA_INFO_DATA, b"")),
    }
