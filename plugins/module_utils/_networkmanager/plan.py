# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What NetworkManager reads at boot, from what stands: a profile for each bridge, NIC, port and tap, what keeps its hands off other taps, and a
hook for what it has no words for, or does not do, see hook.py.

Source: nm-settings-keyfile(5), NetworkManager.conf(5), NetworkManager-dispatcher(8).
"""

from __future__ import annotations

from typing import Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core import vlan as vlan_words
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import listed
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._managers import bound, owners
from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import (
    File,
    Standing,
    Wish,
)
from ansible_collections.hypervisor.network.plugins.module_utils._networkmanager import (
    described,
    profiles,
)
from ansible_collections.hypervisor.network.plugins.module_utils._networkmanager import (
    hook as hooks,
)
from ansible_collections.hypervisor.network.plugins.module_utils._networkmanager.described import (
    Described,
)
from ansible_collections.hypervisor.network.plugins.module_utils._networkmanager.identity import (
    Identity,
)
from ansible_collections.hypervisor.network.plugins.module_utils._networkmanager.profiles import (
    OURS,
    Known,
)

CONNECTIONS = f"/etc/{owners.CONNECTIONS}"
_HOOKS = "/etc/NetworkManager/dispatcher.d"
_CONF = "/etc/NetworkManager/conf.d"
PRIVATE, PUBLIC, PROGRAM = 0o600, 0o644, 0o755
_MTU = 1500  # Ethernet's
_NOBODY = (None, -1, 0xFFFFFFFF)  # of a tap that anybody, or any group, may open
# Of a bridge, with the kernel's own: what neither it nor the hook can set, because the ports are there by then
_BRIDGE_UNSAID = {"mst_enabled": False, "vlan_stats_per_port": False}
_DEFAULT_VLAN = 1  # the kernel's and NetworkManager's


def plan(now: Standing, wish: Wish, theirs: Mapping[str, Described] | None = None) -> list[File]:
    """The files, also those that shall go. Raises Refused for what NetworkManager can't say. C(theirs) are the devices that somebody else's profiles
    describe, by name.

    A bridge's own profile is written last, and goes first: without it ports are none, so a plug that is pulled between two files leaves the old network
    or the new one.
    """
    if not wish.present:
        return _gone(wish)
    theirs = described.whole(now, wish, theirs or {})
    found: list[File] = []
    for name in (*wish.ports, *wish.taps):
        link = now.links[name]
        if name in theirs:
            continue
        if link.master is None:
            raise Refused(
                f"{name} is a port of no bridge, so NetworkManager would have nothing to boot it as; put it into a bridge first, or leave it out."
            )
        found.append(
            File(profile(name), (_tap if name in wish.taps else _port)(now, link), PRIVATE)
        )
    for name in wish.bridges:
        found += _beside(now, wish, name, theirs) if name in theirs else _bridge(now, wish, name)
    return found


def _beside(now: Standing, wish: Wish, name: str, theirs: Mapping[str, Described]) -> list[File]:
    """Of a bridge of somebody else's profiles: the hook, where these do not say all, and hands off taps, where there are some of nobody's profile."""
    bridge = now.links[name]
    _refuse_unsaid(bridge)
    ports = [now.links[one] for one in (*wish.uplinks, *wish.ports, *wish.taps) if now.links[one].master == name]  # fmt: skip
    nic = now.uplink_of(name, wish)
    for link in (*(() if nic else (bridge,)), *(one for one in ports if one.name != nic)):
        _check_up(link)
    told = described.boots(now, wish, bridge, theirs)
    loose = [one.name for one in ports if one.name in wish.taps and one.name not in theirs]
    own = [one.name for one in ports if one.name in wish.taps]
    return [
        File(conf(name), profiles.hands_off_taps(own) if loose else None, PUBLIC),
        File(hook(name), hooks.text(bridge, ports, told), PROGRAM),
    ]


def profile(*names: str) -> str:
    """The file of a profile of ours that outlives a boot."""
    return f"{CONNECTIONS}/{profiles.name_of(*names)}.nmconnection"


def conf(bridge: str) -> str:
    """The file that keeps NetworkManager's hands off taps."""
    return f"{_CONF}/{OURS}-{bridge}.conf"


def hook(bridge: str) -> str:
    """The program that NetworkManager calls when a device is up."""
    return f"{_HOOKS}/50-{OURS}-{bridge}"


def _gone(wish: Wish) -> list[File]:
    pairs = [profile(one, nic) for one in wish.bridges for nic in wish.uplinks]
    own = [path for one in wish.bridges for path in (profile(one), conf(one), hook(one))]
    return [
        File(path, None)
        for path in (*own, *pairs, *(profile(one) for one in (*wish.ports, *wish.taps)))
    ]


def _bridge(now: Standing, wish: Wish, name: str) -> list[File]:
    bridge = now.links[name]
    _refuse_unsaid(bridge)
    ports = [now.links[one] for one in (*wish.uplinks, *wish.ports, *wish.taps) if now.links[one].master == name]  # fmt: skip
    filtering = bool(bridge.options.get("vlan_filtering"))
    nic = now.uplink_of(name, wish)
    for link in (*(() if nic else (bridge,)), *(one for one in ports if one.name != nic)):
        _check_up(link)
    known = _own_addresses(now, name) if nic is None else now.known[nic]
    if filtering:
        _check_vlans(bridge, ports)
    vlans = bridge.vlans if filtering else None
    mtu = bridge.mtu if bridge.mtu != min((one.mtu for one in ports), default=_MTU) else None
    text = profiles.bridge(name, bridge.mac, known, bridge.options, vlans, mtu)
    own_taps = [one.name for one in ports if one.name in wish.taps]
    found = [
        File(conf(name), profiles.hands_off_taps(own_taps), PUBLIC),
        File(hook(name), hooks.text(bridge, ports), PROGRAM),
    ]
    last = File(profile(name), text, PRIVATE)
    if nic is not None:
        own = now.links[nic]
        said = _port_words(own, own.vlans if filtering else None)
        mac = bound.mac_of(now, wish, nic, profiles.by_mac(known))
        if wish.match == bound.NAME:
            known = profiles.by_name(known)
        text = profiles.port(nic, name, known, said, mtu=_own_mtu(own), mac=mac)
        found.append(File(profile(name, nic), text, PRIVATE))
    return [*found, last]


def _refuse_unsaid(bridge: Link) -> None:
    strange = [
        key
        for key, own in _BRIDGE_UNSAID.items()
        if bridge.options.get(key, own) not in (own, None)
    ]
    if strange:
        raise Refused(
            f"NetworkManager has no words for {', '.join(strange)} of {bridge.name}, which the next boot would lose; give it back the kernel's own, or leave "
            "that bridge out."
        )


def _check_up(link: Link) -> None:
    if not link.up:
        raise Refused(
            f"{link.name} is down, and NetworkManager would boot it up; bring it up, or leave it out."
        )


def _check_vlans(bridge: Link, ports: Sequence[Link]) -> None:
    """A guest must not be in the wrong VLAN even for a moment, and no word of a profile takes the default one away."""
    default = bridge.options.get("vlan_default_pvid", _DEFAULT_VLAN)
    inside = [one.name for one in (bridge, *ports) if default and default not in vlan_words.expanded(one.vlans or {})]  # fmt: skip
    if inside:
        raise Refused(
            f"NetworkManager would boot {listed(inside)} in VLAN {default} too, which {bridge.name} gives to whoever joins it; have it give "
            "none (vlan_default_pvid: 0, and a VLAN for each port and for the host), or leave that bridge out."
        )


def _own_addresses(now: Standing, name: str) -> Known:
    """A bridge without an uplink has what it has by now."""
    by_family: dict[str, list[str]] = {"ipv4": [], "ipv6": []}
    for one in now.addresses_of(name):
        by_family["ipv6" if ":" in one.text else "ipv4"].append(one.text)
    groups = {
        family: {
            "method": "manual",
            **{f"address{number}": text for number, text in enumerate(texts, 1)},
        }
        if texts
        else {"method": "disabled"}
        for family, texts in by_family.items()
    }
    return Known("", "", groups, Identity())


def _port(now: Standing, port: Link) -> str:
    return profiles.port(
        port.name,
        port.master or "",
        Known("", "", {}, Identity()),
        _port_words(port, _vlans(now, port)),
        alone=True,
        mtu=_own_mtu(port),
    )


def _vlans(now: Standing, port: Link) -> Mapping[str, str] | None:
    """Of a port whose bridge filters them."""
    bridge = now.links.get(port.master or "")
    return port.vlans if bridge is not None and bridge.options.get("vlan_filtering") else None


def _own_mtu(nic: Link) -> int | None:
    return nic.mtu if nic.mtu != _MTU else None


def _tap(now: Standing, tap: Link) -> str:
    """A tap that NetworkManager makes, for whom it belongs to."""
    said = {"mode": "1" if tap.options.get("mode") == "tun" else "2"}
    for key, word in (("owner", "owner"), ("group", "group")):
        if tap.options.get(key) not in _NOBODY:
            said[word] = str(tap.options[key])
    for key, word in (("pi", "pi"), ("vnet_hdr", "vnet-hdr"), ("multi_queue", "multi-queue")):
        if tap.options.get(key):
            said[word] = "true"
    mac = tap.mac if said["mode"] == "2" else None
    return profiles.tap(tap.name, tap.master or "", said, _port_words(tap, _vlans(now, tap)), mac)


def _port_words(port: Link, vlans: Mapping[str, str] | None) -> dict[str, str]:
    """[bridge-port]; a cost of NetworkManager's own would be 100."""
    options = port.port or {}
    found = {}
    if options.get("cost") is not None:
        found["path-cost"] = str(options["cost"])
    if options.get("priority", 32) != 32:
        found["priority"] = str(options["priority"])
    if options.get("hairpin"):
        found["hairpin-mode"] = "true"
    return {**found, **profiles.vlan_words(vlans)}
