# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. NetworkManager's profiles of a NIC that is a port, and of the bridge that has its addresses.

What the NIC's own profile says of a host in a network is what the bridge gets, whoever's words they are; what it says of the link stays with the NIC.
Beside it stand the identity that DHCP servers know the NIC by, its metric, and what the bridge is by now, read from the kernel: NetworkManager's
defaults are a MAC of its own, STP, and a forward delay of 15 seconds. Source: nm-settings-keyfile(5).
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from typing import Any, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._managers import owners
from ansible_collections.hypervisor.network.plugins.module_utils._networkmanager.identity import (
    Identity,
)
from ansible_collections.hypervisor.network.plugins.module_utils._networkmanager.keyfile import (
    Groups,
    render,
    value,
)

OURS = "hypervisor-network"
# Of a profile: what makes the device a host, which goes with its addresses, and what is of its link, which stays
_HOSTS = ("ipv4", "ipv6", "hostname", "proxy")
_LINKS = ("ethernet", "802-1x", "dcb", "ethtool", "link", "sriov", "tc", "match", "user")
# Of [connection]: what the administrator says of the network, and no longer of the NIC
_OF_THE_NETWORK = (
    "dns-over-tls",
    "llmnr",
    "lldp",
    "mdns",
    "metered",
    "permissions",
    "secondaries",
    "wait-device-timeout",
    "zone",
)
_PRIORITY, _HIGHEST = 130, 999  # cloud-init gives its own 120
_NAMESPACE = uuid.UUID("5e2fbd0c-7c6f-5a5c-9d66-2c9e4b9a6f3a")
# An option of the bridge, NetworkManager's word for it, and its default there, which is the kernel's
_BRIDGE = (
    ("ageing_time", "ageing-time", 300),
    ("hello_time", "hello-time", 2),
    ("max_age", "max-age", 20),
    ("priority", "priority", 32768),
    ("group_fwd_mask", "group-forward-mask", 0),
    ("mcast_snooping", "multicast-snooping", True),
    ("mcast_querier", "multicast-querier", False),
    ("vlan_default_pvid", "vlan-default-pvid", 1),
    ("vlan_protocol", "vlan-protocol", "802.1Q"),
    ("vlan_stats_enabled", "vlan-stats-enabled", False),
)


@dataclass(frozen=True)
class Known:
    """What NetworkManager says of a NIC: its profile's UUID, name and content, and by what the NIC is known to DHCP servers.

    C(metric) is that of the NIC's routes where the profile gives none. C(theirs): the NIC is a port of its bridge by profiles of somebody else's, and
    C(profile) is what those say of the NIC's link, and of the bridge as a host. C(lost) is the path of our profile of the bridge, where it is gone.
    """

    source: str
    filename: str
    profile: Groups
    identity: Identity
    metric: int | None = None
    theirs: bool = False
    lost: str = ""


def uuid_of(*names: str) -> str:
    """The UUID of our profile of a bridge, or of a bridge and its NIC: the same on each run."""
    return str(uuid.uuid5(_NAMESPACE, "/".join(names)))


def name_of(*names: str) -> str:
    """The profile's name: hv-br0, hv-br0-eth0."""
    return owners.PROFILE.format("-".join(names))


def priority(known: Known) -> int:
    """Above the NIC's own profile, which stays for whoever wants to go back."""
    return max(_PRIORITY, _rank(known.profile, 0) + 1)


def _rank(profile: Groups, default: int) -> int:
    try:
        return int(value(profile, "connection", "autoconnect-priority", str(default)))
    except ValueError:
        return default


def outranked(known: Known) -> bool:
    """Whether a profile of ours can't come before the NIC's own at boot."""
    return priority(known) > _HIGHEST


def bridge(
    name: str,
    mac: str | None,
    known: Known,
    options: Mapping[str, Any],
    vlans: Mapping[str, str] | None = None,
    mtu: int | None = None,
) -> str:
    """The profile of a bridge that has what its NIC had. C(options) and C(vlans) are the bridge's, as the kernel has them; C(mtu) is one that its ports did
    not give it. Raises Refused."""
    link = {"mac-address": mac} if mac else {}
    groups: dict[str, Mapping[str, str]] = {
        "connection": {
            "id": name_of(name),
            "uuid": uuid_of(name),
            "type": "bridge",
            "interface-name": name,
            "autoconnect-priority": str(priority(known)),
            "autoconnect-slaves": "1",
            **_only(known.profile.get("connection", {}), _OF_THE_NETWORK),
        },
        "ethernet": {"mtu": str(mtu)} if mtu is not None else {},
        "bridge": {**link, **_options(name, options), **vlan_words(vlans)},
    }  # fmt: skip
    for group in _HOSTS:
        if group in known.profile:
            groups[group] = known.profile[group]
    groups["ipv4"] = _addressed("ipv4", known)
    groups["ipv6"] = _addressed("ipv6", known)
    return render(groups, f"hypervisor.network: {name}, with what its NIC had")


def port(
    nic: str,
    bridge_name: str,
    known: Known,
    said: Mapping[str, str] | None = None,
    alone: bool = False,
    mtu: int | None = None,
    mac: str | None = None,
) -> str:
    """The profile of a NIC that is a port. C(said) is what its [bridge-port] has; C(alone): it is no uplink, and its profile has no bridge in its name.

    C(mtu) is the NIC's, where its profile says none; C(mac) the one that it was made with, where it shall be found by that and not by its name.
    """
    groups: dict[str, Mapping[str, str]] = {
        "connection": _of_a_port(nic, bridge_name, "ethernet", known, alone),
        **{group: known.profile[group] for group in _LINKS if known.profile.get(group)},
        "bridge-port": said or {},
    }
    if mtu is not None:
        groups["ethernet"] = {"mtu": str(mtu), **known.profile.get("ethernet", {})}
    if mac is not None:
        own = groups["connection"]
        groups["connection"] = {key: said for key, said in own.items() if key != "interface-name"}
        groups["ethernet"] = {**groups.get("ethernet", {}), "mac-address": mac.upper()}
    what = f"a port of {bridge_name}" if alone else f"the uplink of {bridge_name}"
    return render(groups, f"hypervisor.network: {nic} is {what}")


def tap(
    name: str,
    bridge_name: str,
    tun: Mapping[str, str],
    said: Mapping[str, str],
    mac: str | None = None,
) -> str:
    """The profile of a tap, which NetworkManager makes."""
    nobody = Known("", "", {}, Identity())
    groups = {
        "connection": _of_a_port(name, bridge_name, "tun", nobody, True),
        "ethernet": {"cloned-mac-address": mac} if mac else {},
        "tun": tun,
        "bridge-port": said,
    }
    return render(groups, f"hypervisor.network: {name} is a port of {bridge_name}")


def by_mac(known: Known) -> bool:
    """Whether the NIC's profile goes by the MAC that it was made with."""
    return bool(mac(known.profile))


def mac(profile: Groups) -> str:
    """The MAC by which a profile finds its NIC; empty where it goes by the name."""
    return value(profile, "ethernet", "mac-address").lower()


def by_name(known: Known) -> Known:
    """The same for whatever has the name."""
    own = {key: said for key, said in known.profile.get("ethernet", {}).items() if key != "mac-address"}  # fmt: skip
    return replace(known, profile={**known.profile, "ethernet": own})


def _of_a_port(dev: str, bridge_name: str, kind: str, known: Known, alone: bool) -> dict[str, str]:
    names = (dev,) if alone else (bridge_name, dev)
    return {
        "id": name_of(*names),
        "uuid": uuid_of(*names),
        "type": kind,
        "interface-name": dev,
        "autoconnect-priority": str(priority(known)),
        "master": bridge_name,
        "slave-type": "bridge",
    }


def as_before(port_groups: Groups, host: Groups) -> dict[str, Mapping[str, str]]:
    """A profile by which our two are made again: what the bridge has of a host, what the port has of its link."""
    rank = _rank(host, _PRIORITY)
    said = {
        **_only(host.get("connection", {}), _OF_THE_NETWORK),
        "autoconnect-priority": str(rank - 1),
    }
    return {
        "connection": said,
        **{group: port_groups[group] for group in _LINKS if group in port_groups},
        **{group: host[group] for group in _HOSTS if group in host},
    }


def back(nic: str, known: Known) -> str:
    """The profile of a NIC that is a host's again until the next boot."""
    groups: dict[str, Mapping[str, str]] = {
        "connection": {
            "id": name_of("back", nic),
            "uuid": uuid_of("back", nic),
            "type": "ethernet",
            "interface-name": nic,
            "autoconnect-priority": str(min(priority(known) + 1, _HIGHEST)),
            **_only(known.profile.get("connection", {}), _OF_THE_NETWORK),
        },
        **{group: known.profile[group] for group in (*_LINKS, *_HOSTS) if group in known.profile},
    }
    return render(groups, f"hypervisor.network: {nic} as it was, until the next boot")


def hands_off_taps(own: Sequence[str] = ()) -> str:
    """What keeps NetworkManager's hands off taps: those that it has once taken, it takes down and out of their bridge. Not off those of its C(own)."""
    words = ["interface-name:tap*", *(f"except:interface-name:={name}" for name in sorted(own))]
    said = {"keyfile": {"unmanaged-devices+": ";".join(words)}}
    return render(said, "hypervisor.network: guests' taps are nobody's but ours")


def _only(keys: Mapping[str, str], wanted: tuple[str, ...]) -> dict[str, str]:
    return {key: said for key, said in keys.items() if key in wanted}


def _addressed(family: str, known: Known) -> dict[str, str]:
    """What is said of a family's addresses; a bridge's own metric would be 425 and its own identity another."""
    said = dict(known.profile.get(family, {"method": "auto"}))
    identity = known.identity
    if known.metric is not None and said.get("method") not in ("disabled", "ignore", "link-local"):
        said.setdefault("route-metric", str(known.metric))
    if family == "ipv4":
        mine = {"dhcp-client-id": identity.client_id}
    else:
        mine = {"dhcp-duid": identity.duid, "dhcp-iaid": identity.iaid}
    return {**said, **{key: word for key, word in mine.items() if word is not None}}


def _options(name: str, options: Mapping[str, Any]) -> dict[str, str]:
    """What the bridge is; the two that decide how long it is mute are always said."""
    stp = bool(options.get("stp_state"))
    found = {
        "stp": _word(stp),
        "forward-delay": _seconds(name, "forward_delay", options.get("forward_delay", 0)),
    }
    for option, word, default in _BRIDGE:
        now = options.get(option, default)
        if now is not None and now != default:
            found[word] = _seconds(name, option, now) if isinstance(now, float) else _word(now)
    if options.get("vlan_filtering"):
        found["vlan-filtering"] = "true"
    return found


def _seconds(name: str, option: str, given: Any) -> str:
    if given != int(given):
        raise Refused(
            f"{option} of {name} is {given:g} s, and NetworkManager has words for whole seconds only; set it to {round(given)}."
        )
    return str(int(given))


def _word(given: Any) -> str:
    return str(given).lower() if isinstance(given, bool) else str(given)


def vlan_words(vlans: Mapping[str, str] | None) -> dict[str, str]:
    """VLANs in NetworkManager's words: "1 pvid untagged, 100-199"."""
    if not vlans:
        return {}
    return {
        "vlans": ", ".join(
            f"{vids} {how}".replace(" tagged", "").strip() for vids, how in vlans.items()
        )
    }
