# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. Devices that profiles of somebody else's describe already: bridges, their uplinks and taps of a host that was set up by hand in NetworkManager's
way. Where these say what runs there is nothing to write. What may come a moment late the hook says, see hook.py; what may not is refused with the
command that says it in the profile, which is the administrator's.

Defaults are those of nm-settings(5); where nobody says a MAC, udev makes one.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Any, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core import vlan as vlan_words
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    BadInput,
    Refused,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import (
    Standing,
    Wish,
    alike,
)
from ansible_collections.hypervisor.network.plugins.module_utils._networkmanager.keyfile import (
    Groups,
    is_port,
    value,
)
from ansible_collections.hypervisor.network.plugins.module_utils._networkmanager.profiles import (
    vlan_words as in_its_words,
)

_TICKS = 100.0  # of a second, in which a profile has the times of multicast
_ETHERNET_MTU = 1500
_TRUE = ("true", "yes", "on", "1")
_ROUTERS = {"disabled": 0, "auto": 1, "enabled": 2}
# An option of a bridge, NetworkManager's word for it, and its default there; of those that can be given to a bridge that stands
_BRIDGE: Mapping[str, tuple[str, Any]] = {
    "ageing_time": ("ageing-time", 300.0), "hello_time": ("hello-time", 2.0), "max_age": ("max-age", 20.0), "priority": ("priority", 32768),
    "group_fwd_mask": ("group-forward-mask", 0), "group_address": ("group-address", "01:80:c2:00:00:00"),
    "mcast_snooping": ("multicast-snooping", True), "mcast_querier": ("multicast-querier", False),
    "mcast_query_use_ifaddr": ("multicast-query-use-ifaddr", False), "mcast_last_member_count": ("multicast-last-member-count", 2),
    "mcast_startup_query_count": ("multicast-startup-query-count", 2), "vlan_stats_enabled": ("vlan-stats-enabled", False),
}  # fmt: skip
_HASH = "multicast-hash-max"  # its default is the kernel's, which differs with its version
_MULTICAST_TIMES = (
    "last-member-interval", "membership-interval", "querier-interval", "query-interval", "query-response-interval", "startup-query-interval",
)  # fmt: skip
_PORT: Mapping[str, tuple[str, Any]] = {
    "cost": ("path-cost", 100), "priority": ("priority", 32), "hairpin": ("hairpin-mode", False),
}  # fmt: skip
# and of those that would come too late: a loop by then, or a guest's frames in another's VLAN
_BEFORE_PORTS = {"stp_state": ("stp", True), "vlan_filtering": ("vlan-filtering", False)}
_OF_VLANS = {"vlan_default_pvid": ("vlan-default-pvid", 1), "vlan_protocol": ("vlan-protocol", "802.1q")}  # fmt: skip
_NOBODY = (None, -1, 0xFFFFFFFF)


@dataclass(frozen=True)
class Described:
    """A profile that is in force for a device, and outlives a boot; C(own_mac) is the MAC that the device gets where nobody says one."""

    profile: Groups
    own_mac: str | None = None

    @property
    def name(self) -> str:
        """As nmcli(1) is told which one is meant."""
        return value(self.profile, "connection", "id") or value(self.profile, "connection", "uuid")


def whole(now: Standing, wish: Wish, theirs: Mapping[str, Described]) -> dict[str, Described]:
    """Of the devices that somebody else's profiles describe, those by which a bridge and what it is made of come up at boot as they stand."""
    bridges = {}
    for name in wish.bridges:
        nic = now.uplink_of(name, wish)
        if name in theirs and (nic is None or _joins(nic, name, theirs)):
            bridges[name] = theirs[name]
    ports = {
        name: theirs[name]
        for name in (*wish.uplinks, *wish.ports, *wish.taps)
        if (now.links[name].master or "") in bridges
        and _joins(name, now.links[name].master or "", theirs)
        and (name not in wish.taps or _is_as_said(now, name, theirs))
    }
    return {**bridges, **ports}


def _joins(dev: str, bridge: str, theirs: Mapping[str, Described]) -> bool:
    return dev in theirs and is_port(theirs[dev].profile, bridge, theirs[bridge].profile)


def _is_as_said(now: Standing, tap: str, theirs: Mapping[str, Described]) -> bool:
    link = now.links[tap]
    bridge = now.links[link.master or ""]
    return is_tap(link, bridge, theirs[tap], theirs[bridge.name].profile)


def boots(now: Standing, wish: Wish, bridge: Link, theirs: Mapping[str, Described]) -> dict[str, dict[str, Any]]:  # fmt: skip
    """By device, what the profiles of a bridge and its ports make of it at boot, as far as a hook may change it. Raises Refused for what it may not."""
    host = theirs[bridge.name]
    ports = [link for link in now.ports_of(bridge.name) if link.name in theirs]
    _check_bridge(now, wish, bridge, host)
    _check_autoconnect(now, wish, bridge, theirs)
    found = {bridge.name: _of_a_bridge(now, bridge, host.profile)}
    for port in ports:
        own = theirs[port.name]
        if bridge.options.get("vlan_filtering"):
            _check_vlans(bridge, port, own, "bridge-port")
        found[port.name] = {
            **{key: _like(value(own.profile, "bridge-port", word), default) for key, (word, default) in _PORT.items()},
            "mtu": _mtu(own.profile) or _ETHERNET_MTU,
        }  # fmt: skip
    return found


def is_tap(tap: Link, bridge: Link, found: Described, host: Groups) -> bool:
    """Whether a profile makes a tap as it stands, and a port of its bridge."""
    tun = found.profile.get("tun", {})
    owners = {key: "" if tap.options.get(key) in _NOBODY else str(tap.options[key]) for key in ("owner", "group")}  # fmt: skip
    chosen = {"pi": "pi", "vnet_hdr": "vnet-hdr"}  # by the process that has it open
    switches = {"multi_queue": "multi-queue", **({} if tap.running else chosen)}
    mode = "1" if tap.options.get("mode") == "tun" else "2"
    return (
        is_port(found.profile, bridge.name, host)
        and tun.get("mode", "1") == mode
        and all(tun.get(key, "") == own for key, own in owners.items())
        and all(
            (tun.get(word, "") in _TRUE) == bool(tap.options.get(key))
            for key, word in switches.items()
        )
        and (mode == "1" or tap.mac in (_mac(found.profile), found.own_mac))
    )


def _of_a_bridge(now: Standing, bridge: Link, profile: Groups) -> dict[str, Any]:
    said = profile.get("bridge", {})
    found = {key: _like(said.get(word, ""), default) for key, (word, default) in _BRIDGE.items()}
    for word in _MULTICAST_TIMES:
        if f"multicast-{word}" in said:
            found[f"mcast_{word.replace('-', '_')}"] = _like(said[f"multicast-{word}"], 0.0) / _TICKS  # fmt: skip
    if _HASH in said:
        found["mcast_hash_max"] = _like(said[_HASH], 0)
    if said.get("multicast-router") in _ROUTERS:
        found["mcast_router"] = _ROUTERS[said["multicast-router"]]
    if bridge.options.get("stp_state"):
        found["forward_delay"] = _like(said.get("forward-delay", ""), 15.0)
    by_itself = min((port.mtu for port in now.ports_of(bridge.name)), default=_ETHERNET_MTU)
    return {**found, "mtu": _mtu(profile) or by_itself}


def _check_bridge(now: Standing, wish: Wish, bridge: Link, found: Described) -> None:
    table = {**_BEFORE_PORTS, **(_OF_VLANS if bridge.options.get("vlan_filtering") else {})}
    for key, (word, default) in table.items():
        runs = bridge.options.get(key)
        # a kernel without VLANs says nothing of them
        if runs is not None and _word(runs) != _word(_like(value(found.profile, "bridge", word), default)):  # fmt: skip
            _refuse(bridge, found, f"bridge.{word}", _word(runs))
    given = _mac(found.profile)
    ports = [port.mac for port in now.ports_of(bridge.name)] if bridge.mac_given is False else []
    if bridge.mac and bridge.mac not in ([given] if given else [found.own_mac, *ports]):
        _refuse(bridge, found, "bridge.mac-address", bridge.mac)
    if bridge.options.get("vlan_filtering"):
        _check_vlans(bridge, bridge, found, "bridge")
    if now.uplink_of(bridge.name, wish) is None:
        _check_addresses(now, bridge, found)


def _check_addresses(now: Standing, bridge: Link, found: Described) -> None:
    """Of a bridge without an uplink, whose addresses are those that somebody gave it for good."""
    runs = [one.text for one in now.addresses_of(bridge.name) if one.lasts]
    for family in ("ipv4", "ipv6"):
        own = [one for one in runs if (":" in one) == (family == "ipv6")]
        if not alike(own, addresses(found.profile, family)):
            _refuse(bridge, found, f"{family}.addresses", ",".join(own))


def addresses(profile: Groups, family: str) -> list[str]:
    """The addresses that a profile gives; behind a comma stands a gateway."""
    return [
        said.partition(",")[0]
        for key, said in profile.get(family, {}).items()
        if key.startswith("address") and key[len("address") :].isdigit()
    ]


def _check_autoconnect(
    now: Standing, wish: Wish, bridge: Link, theirs: Mapping[str, Described]
) -> None:
    """A bridge comes with the first of its ports, or brings them with it, or by itself."""
    host = theirs[bridge.name]
    said = host.profile.get("connection", {})
    brings = (said.get("autoconnect-ports") or said.get("autoconnect-slaves")) == "1"
    nic = now.uplink_of(bridge.name, wish)
    dev, found = (bridge, host) if nic is None or brings else (now.links[nic], theirs[nic])
    if value(found.profile, "connection", "autoconnect", "true") not in _TRUE:
        _refuse(dev, found, "connection.autoconnect", "yes")


def _check_vlans(bridge: Link, dev: Link, found: Described, group: str) -> None:
    """What a profile says of VLANs stands beside the one that the kernel gives to whoever joins."""
    begins = vlan_words.of_a_new_port(bridge)
    if begins is None or dev.vlans is None:
        return
    told = said_vlans(value(found.profile, group, "vlans"))
    if vlan_words.expanded(vlan_words.merged(begins, told)) != vlan_words.expanded(dev.vlans):
        _refuse(dev, found, f"{group}.vlans", in_its_words(dev.vlans).get("vlans", ""))


def said_vlans(text: str) -> dict[str, str]:
    """VLANs in NetworkManager's words, as _core/vlan has them: "1 pvid untagged, 100-199"."""
    words = [one.split() for one in text.split(",") if one.strip()]
    try:
        return vlan_words.of_entries(
            [{"vid": one[0], "pvid": "pvid" in one, "untagged": "untagged" in one} for one in words],
            "vlans",
        )  # fmt: skip
    except BadInput:
        return {}


def _refuse(dev: Link, found: Described, setting: str, runs: str) -> None:
    name, said = shlex.quote(found.name), shlex.quote(runs)
    raise Refused(
        f"{dev.name} runs otherwise than its profile {found.name} has it, and what the profile does not say of {setting} would come too late from elsewhere; "
        f'say it there with "nmcli connection modify {name} {setting} {said}".'
    )


def _mac(profile: Groups) -> str:
    """The MAC that a profile gives its device; empty for none."""
    said = value(profile, "ethernet", "cloned-mac-address") or value(profile, "bridge", "mac-address")  # fmt: skip
    return said.lower() if ":" in said else ""


def _mtu(profile: Groups) -> int:
    return _like(value(profile, "ethernet", "mtu"), 0)


def _like(text: str, default: Any) -> Any:
    """A value of a profile, of the type of its default."""
    if not text:
        return default
    if isinstance(default, bool):
        return text.lower() in _TRUE
    if isinstance(default, str):
        return text.lower()
    try:
        return type(default)(text)
    except ValueError:
        return default


def _word(runs: Any) -> str:
    return ("yes" if runs else "no") if isinstance(runs, bool) else str(runs).lower()
