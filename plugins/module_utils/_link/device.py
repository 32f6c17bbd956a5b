# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What every network device has in common: the options up, mac, mtu, txqueuelen, alias and addr_gen_mode, and how they are compared."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core import units
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    BadInput,
    Refused,
    Unsupported,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import differing
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    ADDR_GEN_MODES,
    Link,
    Snapshot,
)

COMMON = ("up", "mac", "mtu", "txqueuelen", "alias", "addr_gen_mode")
# what the kernel's bridge and tun drivers take (min_mtu, ETH_MAX_MTU)
MTU_LEAST, MTU_MOST = 68, 65535
IPV6_MTU = 1280  # a device with less has no IPv6
ETHERNET_MTU = 1500  # ETH_DATA_LEN, what every new device has
_ALIAS_BYTES = 255  # IFALIASZ without its NUL

SPEC: dict[str, dict[str, Any]] = {
    "name": {"type": "str"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "up": {"type": "bool"},
    "mac": {"type": "str"},
    "mtu": {"type": "int"},
    "txqueuelen": {"type": "int"},
    "alias": {"type": "str"},
    "addr_gen_mode": {"type": "str", "choices": list(ADDR_GEN_MODES)},
}
NETNS: dict[str, dict[str, Any]] = {"netns": {"type": "str"}}


def checked(item: Mapping[str, Any]) -> dict[str, Any]:
    """The common options that are given, C({option: value}) in canonical form: a MAC in lower case, C(mtu) in bytes. Raises BadInput, which names both."""
    name = units.interface_name(item["name"])
    found = {key: item[key] for key in COMMON if item.get(key) is not None}
    try:
        if "mac" in found:
            found["mac"] = units.mac(found["mac"])
        if "mtu" in found:
            check_mtu(found["mtu"], "mtu")
        if "txqueuelen" in found:
            units.whole(found["txqueuelen"], "txqueuelen", 0, 2**31 - 1)
        if "alias" in found:
            _alias(found["alias"])
    except BadInput as error:
        raise BadInput(f"{name}: {error}") from None
    return found


def check_mtu(mtu: int, option: str) -> None:
    """Raises BadInput for one that no bridge and no tap can have."""
    units.whole(mtu, option, MTU_LEAST, MTU_MOST)


def _alias(value: str) -> None:
    if len(value.encode("utf-8", "surrogateescape")) > _ALIAS_BYTES:
        raise BadInput(
            f"alias has more than {_ALIAS_BYTES} bytes, the kernel's limit; choose a shorter one."
        )
    if any(ord(character) < 32 or ord(character) == 127 for character in value):
        raise BadInput("alias holds a control character; give one line of plain text.")


def values(link: Link) -> dict[str, Any]:
    """The common options as the link has them."""
    return {key: getattr(link, key) for key in COMMON}


def changed(link: Link, wish: Mapping[str, Any]) -> dict[str, Any]:
    """The given common options that differ from the link's. Raises Unsupported."""
    mtu = wish.get("mtu") or link.mtu
    if (
        wish.get("addr_gen_mode") is not None
        and link.addr_gen_mode is None
        and not link.mtu < IPV6_MTU <= mtu
    ):
        raise Unsupported(
            f"{link.name} has no IPv6, and so no addr_gen_mode: this kernel has none, or the MTU of {mtu} is under {IPV6_MTU}; leave the option out."
        )
    return differing(values(link), {key: wish.get(key) for key in COMMON})


def held(now: Snapshot, link: Link) -> bool:
    """Whether a process has the tap open: the kernel shows that as carrier, but only while the tap is up."""
    return link.kind == "tun" and (link.running or (not link.up and link.name in now.holders))


def check_idle(now: Snapshot, link: Link, wish: Mapping[str, Any], why: str) -> None:
    """Refuse to do to a tap that a process holds what would harm its guest. Raises Refused."""
    if not wish.get("force") and held(now, link):
        raise Refused(
            f"{link.name} is held by {now.holders.get(link.name) or 'a process'}, and {why}; stop the guest first, or say force: true."
        )
