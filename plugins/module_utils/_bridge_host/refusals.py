# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What the role bridge_host refuses before its first change, each in one sentence: what, why, what to do.

C(of_variables) needs nothing but the variables, C(of_nics) what /sys and /run say of the uplinks, C(of_host) what
bridge_info found. What concerns one device alone is refused by that device's module.
"""

from __future__ import annotations

import ipaddress
from typing import Any, Collection, Iterable, Iterator, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._bridge_host import (
    tenants as tenant_rules,
)
from ansible_collections.hypervisor.network.plugins.module_utils._bridge_host.items import (
    dropped,
    kept,
    taps_of,
)
from ansible_collections.hypervisor.network.plugins.module_utils._bridge_host.plan import with_macs
from ansible_collections.hypervisor.network.plugins.module_utils._core import guarding, units
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    BadInput,
    HypervisorNetworkError,
    Refused,
)
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.stanzas import as_list
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import spec as guest_spec
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import (
    managers as network_managers,
)

Items = Sequence[Mapping[str, Any]]
# any of these reads /etc/network/interfaces
IFUPDOWNS = ("ifupdown", "ifupdown2", "ifupdown-ng")


def of_variables(
    bridges: Items, taps: Items, guests: Items, tenants: Items = (), guard_timeout: Any = None
) -> list[str]:
    """What is wrong with the variables, whatever the host is like. C(guard_timeout) as the user wrote it, None where it is not given."""
    checks = (
        _guard_timeout(guard_timeout),
        _twice("bridge_host_bridges", bridges),
        _twice("bridge_host_taps", taps),
        _twice("bridge_host_guests", guests),
        _names(bridges, taps, guests),
        _shared_names(bridges, taps),
        _uplinks(bridges),
        _stp(bridges),
        _addresses(bridges),
        _plugs(bridges, taps, guests),
        _macs(bridges, taps, guests),
        _twice("bridge_host_tenants", tenants),
        tenant_rules.refusals(bridges, taps, guests, tenants),
    )
    return list(dict.fromkeys(sentence for check in checks for sentence in check))


def of_nics(
    nics: Mapping[str, Collection[str]], lines: Iterable[str], adapted: Collection[str] = ()
) -> list[str]:
    """What keeps NICs from becoming uplinks, each given with what is overridden; C(lines) are C(path:KEY=value), as in C(read_nics).

    C(adapted) are managers that hand a NIC over themselves.
    """
    known, managers = read_nics(lines)
    sentences = []
    for nic, overridden in nics.items():
        facts = known.get(nic)
        if facts is None:
            there = ", ".join(sorted(set(known) - {"lo"})) or "none"
            sentences.append(
                f"There is no NIC {nic} on this host, so it can't be an uplink; name one of those that it has: {there}."
            )
            continue
        if facts.get("DEVTYPE") == "wlan" and "wireless" not in overridden:
            sentences.append(
                f"{nic} is wireless: an access point drops frames from other MACs than the station's own, so it can't be the uplink of a bridge; "
                "use a wired NIC, or route the guests behind the host."
            )
        elif facts.get("DEVTYPE") == "bridge":
            sentences.append(
                f"{nic} is a bridge, and the kernel makes no bridge a port of a bridge; name the NIC itself."
            )
        manager = managers.get(facts.get("IFINDEX", ""))
        if manager in adapted:
            continue
        if manager is not None and network_managers.override_of(manager) not in overridden:
            sentences.append(f"{network_managers.refusal(nic, manager)}.")
    return sentences


def of_packages(installed: Collection[str] | None, persist: bool) -> Iterator[str]:
    """What a host lacks that no step installs; C(installed) are packages, None where there is no dpkg to tell."""
    if installed is None:
        yield "This host is not of the Debian family, whose packages and ifupdown this role uses; use the modules of the collection by themselves here."
    elif persist and not set(installed).intersection(IFUPDOWNS):
        yield (
            "No ifupdown is installed, so nothing would read /etc/network/interfaces at boot; install it and describe the uplink there, or set "
            "bridge_host_persist to false."
        )


def of_kernel(aware: Collection[str], said: str | None) -> Iterator[str]:
    """Bridges that shall filter VLANs where the kernel has none; C(said) is what it said when it was asked for one, None where it made it."""
    if aware and said is not None:
        yield (
            f"The bridges of this kernel filter no VLANs ({said}), so {', '.join(aware)} would keep no tenants apart; boot a kernel that is built with "
            "CONFIG_BRIDGE_VLAN_FILTERING, or leave tenants and vlan_filtering out."
        )


def refuse(sentences: Iterable[str]) -> None:
    """Raise Refused with all of them, where there are any."""
    all_of_them = " ".join(sentences)
    if all_of_them:
        raise Refused(all_of_them)


def of_host(
    bridges: Items, taps: Items, guests: Items, tenants: Items, info: Mapping[str, Any]
) -> list[str]:
    """What the bridges of this host, as bridge_info found them, stand in the way of."""
    there = {bridge["name"]: bridge for bridge in info["bridges"]}
    checks = (
        _foreign_uplinks(bridges, there),
        _going_bridges(bridges, taps, there, info["addresses"]),
        _address_changes(bridges, info["addresses"]),
        tenant_rules.hosts_refusals(bridges, taps, guests, tenants, there),
    )
    return [sentence for check in checks for sentence in check]


def read_nics(lines: Iterable[str]) -> tuple[dict[str, dict[str, str]], dict[str, str]]:
    """The NICs by name with their uevent's keys, and by interface index who manages them.

    C(lines) come from /sys/class/net/NIC/uevent (INTERFACE, IFINDEX, DEVTYPE), /run/NetworkManager/devices/INDEX (managed) and
    /run/systemd/netif/links/INDEX (ADMIN_STATE).
    """
    files: dict[str, dict[str, str]] = {}
    for line in lines:
        path, _colon, pair = line.partition(":")
        key, _equals, value = pair.partition("=")
        files.setdefault(path, {})[key] = value
    nics = {
        keys["INTERFACE"]: keys
        for path, keys in files.items()
        if path.startswith("/sys/") and "INTERFACE" in keys
    }
    managers = {}
    for path, keys in files.items():
        owner = network_managers.state_file_owner(keys)
        if owner is not None:
            managers[path.rpartition("/")[2]] = owner
    return nics, managers


def _guard_timeout(value: Any) -> Iterator[str]:
    if value is None:
        return
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        yield f"bridge_host_guard_timeout {value!r} is no number of seconds; give 10 to 900, or 0 for no guard."
        return
    try:
        guarding.check_timeout(seconds)
    except BadInput as error:
        yield f"bridge_host_{error}"


def _twice(variable: str, items: Items) -> Iterator[str]:
    names = [item["name"] for item in items]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"'{name}' is listed twice in {variable}; each may be described once."


def _names(bridges: Items, taps: Items, guests: Items) -> Iterator[str]:
    for check, value, where in (
        *((units.interface_name, item["name"], "the bridge name") for item in bridges),
        *(
            (units.interface_name, item["uplink"], "the uplink")
            for item in bridges
            if item.get("uplink") is not None
        ),
        *((units.interface_name, item["name"], "the tap name") for item in taps),
        *(
            (units.interface_name, item["bridge"], f"{item['name']}: the bridge")
            for item in taps
            if item.get("bridge") is not None
        ),
    ):
        yield from _said(check, value, where)
    for item in guests:
        yield from _said(guest_spec.guest_name, item["name"])


def _said(check: Any, *arguments: Any) -> Iterator[str]:
    try:
        check(*arguments)
    except HypervisorNetworkError as error:
        yield str(error)[:1].upper() + str(error)[1:]


def _shared_names(bridges: Items, taps: Items) -> Iterator[str]:
    for name in sorted({item["name"] for item in bridges} & {item["name"] for item in taps}):
        yield f"'{name}' is the name of a bridge and of a tap; a host has one device of a name."
    for item in bridges:
        if item.get("uplink") == item["name"]:
            yield f"{item['name']} can't be its own uplink; name the NIC that it shall have as a port."


def _uplinks(bridges: Items) -> Iterator[str]:
    taken: dict[str, str] = {}
    for item in bridges:
        nic = item.get("uplink")
        if nic is None and item.get("method") == "dhcp":
            yield f"{item['name']} has no uplink, so it can't take over addresses by method dhcp; name its uplink, or leave method out."
        if nic is None and item.get("gateway"):
            yield f"{item['name']} has no uplink, so no gateway is behind it; leave gateway out, or name the uplink."
        if nic is None or not kept(item):
            continue
        if nic in taken:
            yield f"{nic} is the uplink of {taken[nic]} and of {item['name']}; a NIC can be a port of one bridge only: take it out of one of them."
        taken.setdefault(nic, item["name"])


def _stp(bridges: Items) -> Iterator[str]:
    for item in bridges:
        delay = item.get("forward_delay")
        if kept(item) and item.get("stp_state") and delay is not None and delay < 2:
            yield (
                f"{item['name']} asks for STP with a forward_delay of {delay:g} seconds, and with STP the kernel silently raises it to 2; "
                "ask for at least 2, or for stp_state: false."
            )


def _addresses(bridges: Items) -> Iterator[str]:
    for item in bridges:
        name, addresses = item["name"], as_list(item.get("address"))
        if item.get("method") == "static" and not addresses and kept(item):
            yield f"{name} has method static and no address; list the addresses that it shall have, or leave method out to keep what it has."
        if item.get("method") != "static" and (addresses or item.get("gateway")):
            yield f"{name} lists an address or gateway without method static, so they would be ignored; add method: static, or take them out."
        networks = []
        for address in addresses:
            try:
                networks.append(units.host_address(str(address)))
            except BadInput as error:
                yield f"{name}: {error}"
        for gateway in as_list(item.get("gateway")):
            if len(networks) == len(addresses):
                yield from _gateway(name, str(gateway), networks)


def _gateway(name: str, text: str, addresses: Sequence[Any]) -> Iterator[str]:
    try:
        gateway = ipaddress.ip_address(text)
    except ValueError:
        yield f"{name}: gateway {text} is no address; write it like 192.0.2.1."
        return
    if not gateway.is_link_local and not any(
        gateway in one.network for one in addresses if one.version == gateway.version
    ):
        yield f"{name}: gateway {text} is in none of its networks ({', '.join(str(one.network) for one in addresses)}); correct it or an address."


def _plugs(bridges: Items, taps: Items, guests: Items) -> Iterator[str]:
    listed, leaving = (
        {item["name"]: item for item in taps},
        {item["name"] for item in dropped(bridges)},
    )
    users: dict[str, str] = {}
    for item in taps:
        if kept(item) and item.get("bridge") in leaving:
            yield f"{item['name']} is to be a port of {item['bridge']}, which is listed as absent; list the tap as absent too, or give it another bridge."
    for guest in guests:
        if not kept(guest):
            continue
        for tap in taps_of(guest):
            if tap not in listed:
                yield f"{guest['name']} has a NIC on {tap}, which bridge_host_taps does not list; list it there with its bridge."
            elif not kept(listed[tap]):
                yield f"{guest['name']} has a NIC on {tap}, which is listed as absent; keep the tap, or list the guest as absent too."
            elif listed[tap].get("bridge") is None:
                yield f"{guest['name']} has a NIC on {tap}, which has no bridge, so the guest would have no network; give the tap a bridge."
            if tap in users:
                yield f"{users[tap]} and {guest['name']} both have a NIC on {tap}; a tap carries one guest: give each its own."
            users.setdefault(tap, guest["name"])


def _macs(bridges: Items, taps: Items, guests: Items) -> Iterator[str]:
    owners: dict[str, str] = {}
    devices = [
        (item["name"], item["mac"])
        for item in [*bridges, *taps]
        if kept(item) and item.get("mac") is not None
    ]
    cards = [
        (guest["name"], nic["mac"])
        for guest in map(with_macs, guests)
        if kept(guest)
        for nic in guest.get("nics") or ()
    ]
    for name, value in devices + cards:
        try:
            mac = units.mac(value)
        except HypervisorNetworkError as error:
            yield f"{name}: {error}"
            continue
        if mac in owners:
            yield f"{owners[mac]} and {name} have the same MAC {mac}; on one network each needs its own: change one of them."
        owners.setdefault(mac, name)


def _foreign_uplinks(bridges: Items, there: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for item in bridges:
        for other in there.values():
            mine = other["name"] == item["name"]
            if (
                kept(item)
                and not mine
                and item.get("uplink") in [port["name"] for port in other["ports"]]
            ):
                yield f"{item['uplink']} is a port of {other['name']} already, so {item['name']} can't have it; list {other['name']} as absent first."


def _going_bridges(
    bridges: Items, taps: Items, there: Mapping[str, Mapping[str, Any]], addresses: Items
) -> Iterator[str]:
    leaving = {item["name"] for item in dropped(taps)}
    for item in dropped(bridges):
        bridge = there.get(item["name"])
        if bridge is None or item.get("force"):
            continue
        own = [
            one["address"]
            for one in addresses
            if one["dev"] == item["name"] and one["scope"] == "global"
        ]
        # behind a NIC its addresses may be all that the host has; without one they are the bridge's own, and go with it
        carried = any(port.get("kind") != "tun" for port in bridge["ports"])
        if own and carried and not item.get("uplink"):
            yield f"{item['name']} is to go and holds {', '.join(own)}; name its uplink beside state: absent, so that the addresses go back there."
        strangers = [
            port["name"]
            for port in bridge["ports"]
            if port["name"] not in leaving | {item.get("uplink")}
        ]
        if strangers:
            yield f"{item['name']} is to go and still has the ports {', '.join(strangers)}; list them as absent too, or say force: true."


def _address_changes(bridges: Items, addresses: Items) -> Iterator[str]:
    for item in bridges:
        if not kept(item) or item.get("method") != "static" or not item.get("uplink"):
            continue
        has = {
            ipaddress.ip_interface(one["address"])
            for one in addresses
            if one["dev"] in (item["name"], item["uplink"])
        }
        missing = [
            str(one)
            for one in as_list(item.get("address"))
            if ipaddress.ip_interface(one) not in has
        ]
        if missing:
            found = ", ".join(sorted(str(one) for one in has if not one.ip.is_link_local)) or "none"
            yield (
                f"{item['name']} shall have {', '.join(missing)}, which {item['uplink']} does not have now (it has {found}); "
                "an address is moved and never changed on the way: change it on the NIC first, or list what it has."
            )
