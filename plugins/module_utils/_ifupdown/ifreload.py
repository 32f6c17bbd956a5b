# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What ifupdown2 is told, so that C(ifreload -a), which makes a host as its files say, leaves guests, VLANs and links alone.

It takes everything out of a bridge that C(bridge_ports) does not name, as taps, until a hook of ours plugs them in again; it gives each device that has a
stanza link-local addresses by EUI-64, for which it takes a port without any down and up; and what no word of its own says of a bridge and its ports it sets
to its default: a bridge filters no VLANs until a hook says so again, and its port is in VLAN 1 (addons/bridge.py and address.py of ifupdown2 3). So what
hooks say, it is told in its words too. So is the MAC of a bridge, since it passes over C(bridge_hw): udev would give the bridge one of its own at each boot.
"""

from __future__ import annotations

import re
import shlex
from typing import Callable, Iterable, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core import units
from ansible_collections.hypervisor.network.plugins.module_utils._core import vlan as vlan_words
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.commands import (
    link_set,
    pairs,
    simple,
)
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.document import (
    Document,
    Stanza,
)
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.grammar import (
    COMMANDS,
    Line,
    canonical,
    words,
)
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.lines import places

Said = dict[str, dict[str, str]]  # device -> option -> value

# The kernel's own bound of multicast groups: ifupdown2's is 512, beyond which a bridge floods them, and a guest with IPv6 is in two or more.
_ANY_BRIDGE = {"bridge_ports_condone_regex": ".*", "bridge-hashmax": "4096"}
_NO_LINK_LOCAL = ("ipv6-addrgen", "off")
_FILTERS = "bridge-vlan-aware"
_SYSCTL = ("sysctl", "-qe", "-w")
_MAC = re.compile(r"([0-9a-f]{2}:){5}[0-9a-f]{2}", re.IGNORECASE)


def _yes_no(value: str) -> str | None:
    return {"0": "no", "1": "yes"}.get(value)


def _on_off(value: str) -> str | None:
    return {"0": "off", "1": "on"}.get(value)


def _number(value: str) -> str | None:
    return value if value.isdigit() else None


def _seconds(value: str) -> str | None:
    """It knows whole ones only; other times are left to the hook."""
    seconds, rest = divmod(int(value), units.TICKS) if value.isdigit() else (0, 1)
    return None if rest else str(seconds)


# Options as `ip link set type bridge` takes them, and what ifupdown2 calls them; what it has no word for it does not touch.
_BRIDGE: Mapping[str, tuple[str, Callable[[str], str | None]]] = {
    "vlan_filtering": (_FILTERS, _yes_no),
    "vlan_protocol": ("bridge-vlan-protocol", str.lower),
    "vlan_stats_enabled": ("bridge-vlan-stats", _on_off),
    "mcast_router": ("bridge-mcrouter", _number),
    "mcast_snooping": ("bridge-mcsnoop", _yes_no),
    "mcast_query_use_ifaddr": ("bridge-mcqifaddr", _yes_no),
    "mcast_querier": ("bridge-mcquerier", _yes_no),
    "mcast_hash_max": ("bridge-hashmax", _number),
    "mcast_last_member_count": ("bridge-mclmc", _number),
    "mcast_startup_query_count": ("bridge-mcsqc", _number),
    "mcast_last_member_interval": ("bridge-mclmi", _seconds),
    "mcast_membership_interval": ("bridge-mcmi", _seconds),
    "mcast_querier_interval": ("bridge-mcqpi", _seconds),
    "mcast_query_interval": ("bridge-mcqi", _seconds),
    "mcast_query_response_interval": ("bridge-mcqri", _seconds),
    "mcast_startup_query_interval": ("bridge-mcsqi", _seconds),
    "mcast_stats_enabled": ("bridge-mcstats", _on_off),
    "mcast_igmp_version": ("bridge-igmp-version", _number),
    "mcast_mld_version": ("bridge-mld-version", _number),
}


def left_alone(docs: Mapping[str, Document], name: str, before: Mapping[str, Document]) -> None:
    """Write that into the stanzas of a name and of the devices that its hooks name, where nothing else is said of it.

    C(before) is how the files were: what the hooks that stood there made of it is said anew, or no more.
    """
    earlier, now = _by_hooks(before, name), _by_hooks(docs, name)
    for device in {**earlier, **now}:
        was, shall = earlier.get(device, {}), now.get(device, {})
        for path, stanza in reversed(places(docs, device)):
            # of several stanzas of a bridge, the one that has its ports has its options
            keys = [key for key in {**was, **shall} if device != name or _has(stanza, key)]
            for key in keys:
                _say(docs[path], stanza.start, key, was.get(key), shall.get(key))


def forwards(bridge: str, said: Mapping[str, str]) -> str:
    """A hook by which a bridge forwards packets as C(said) by family: with an address it would by ifupdown2, whatever C(ip-forward) says there."""
    values = [f"net/{family}/conf/{bridge}/forwarding={value}" for family, value in said.items()]
    return f"{' '.join(_SYSCTL)} {' '.join(map(shlex.quote, values))} || true"


def ours(line: Line, device: str, stanza: Stanza) -> bool:
    """Whether a line is what C(left_alone) wrote for a device, by the hooks of a stanza, and goes with them; or what C(forwards) says of the stanza's own."""
    if device == stanza.name and canonical(line.key) in COMMANDS and _forwards(line.value, device):
        return True
    said = {canonical(key): value for key, value in _of_stanza(stanza).get(device, {}).items()}
    return line.kind == "option" and said.get(canonical(line.key)) == line.value


def _forwards(hook: str, device: str) -> bool:
    words = next(simple(hook), [])
    begin = len(_SYSCTL)
    value = rf"net/ipv[46]/conf/{re.escape(device)}/forwarding=\d+"
    return (
        words[:begin] == list(_SYSCTL)
        and len(words) > begin
        and all(re.fullmatch(value, one) for one in words[begin:])
    )


def _by_hooks(docs: Mapping[str, Document], name: str) -> Said:
    found: Said = {}
    for _path, stanza in places(docs, name):
        for device, said in _of_stanza(stanza).items():
            found.setdefault(device, {}).update(said)
    return found


def _of_stanza(stanza: Stanza) -> Said:
    """What its hooks say of devices, in the words of ifupdown2."""
    hooks = (line.value for line in stanza.lines if canonical(line.key) in COMMANDS)
    commands = [one for hook in hooks for one in simple(hook)]
    ports = [word for value in stanza.values("bridge_ports") for word in words(value)]
    found: Said = {stanza.name: dict(_ANY_BRIDGE)} if ports else {}
    for mac in filter(_MAC.fullmatch, stanza.values("bridge_hw")):  # not the name of a port
        found.setdefault(stanza.name, {})["hwaddress"] = mac
    default = "1"  # the kernel's
    for command in commands:
        device = link_set(command)
        if device is not None and ["addrgenmode", "none"] in pairs(command):
            found.setdefault(device, {}).update([_NO_LINK_LOCAL])
        if device == stanza.name and ["type", "bridge"] in pairs(command):
            options = command[command.index("bridge") + 1 :]
            given = dict(zip(options[::2], options[1::2]))
            default = given.get("vlan_default_pvid", default)
            found.setdefault(device, {}).update(_bridge(given))
    if found.get(stanza.name, {}).get(_FILTERS) == "yes":
        for port in ports:
            found.setdefault(port, {}).update(_port(port, commands, default))
    return found


def _bridge(given: Mapping[str, str]) -> dict[str, str]:
    told = {key: _BRIDGE[key][1](value) for key, value in given.items() if key in _BRIDGE}
    return {_BRIDGE[key][0]: value for key, value in told.items() if value is not None}


def _port(port: str, commands: Iterable[Sequence[str]], default: str) -> dict[str, str]:
    """The VLANs that a port has in the end: that of its bridge, and what C(bridge vlan) adds and takes away."""
    pvid = int(default) if default.isdigit() else 0
    vids = {pvid} - {0}
    for command in commands:
        given = dict(pairs(command))
        if list(command[:2]) != ["bridge", "vlan"] or given.get("dev") != port:
            continue
        named = _vids(given.get("vid", ""))
        pvid = 0 if pvid in named else pvid
        vids = vids | named if command[2] == "add" else vids - named
        if command[2] == "add" and "pvid" in command:
            pvid = max(named, default=pvid)
    others = vlan_words.compact(dict.fromkeys(vids - {pvid}, vlan_words.TAGGED))
    return {
        **({"bridge-vids": " ".join(others)} if others else {}),
        **({"bridge-pvid": str(pvid)} if pvid else {"bridge-allow-untagged": "no"}),
    }


def _vids(text: str) -> set[int]:
    first, _dash, last = text.partition("-")
    ends = (first, last or first)
    if not all(map(str.isdigit, ends)):
        return set()
    return set(range(int(first), min(int(ends[1]), vlan_words.LAST) + 1))


def _has(stanza: Stanza, key: str) -> bool:
    if key == "hwaddress":
        return bool(stanza.values("bridge_hw"))
    return not canonical(key).startswith("bridge_") or bool(stanza.values("bridge_ports"))


def _say(doc: Document, start: int, key: str, was: str | None, shall: str | None) -> None:
    """Give the stanza that begins there an option, or take it away, unless somebody else gave it."""
    stanza = doc.at(start)
    now, then = stanza.values(key), [] if shall is None else [shall]
    if now != then and now in ([], [was]):
        doc.set_option(stanza, key, then)
