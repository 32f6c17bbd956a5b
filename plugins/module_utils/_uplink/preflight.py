# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. When a NIC can't be converted: every refusal before the first change, each in one sentence with its reason and a cure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ansible_collections.hypervisor.network.plugins.module_utils._core import units
from ansible_collections.hypervisor.network.plugins.module_utils._core import vlan as vlan_words
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    BadInput,
    Refused,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import listed
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import (
    address as rtnl_address,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.route import PROTO_RA
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import (
    managers as network_managers,
)
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import preflight_clients
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.layout import (
    Inet,
    Layout,
    bridged,
    unbridged,
)

# netplan only writes for the other
_ALIKE = {"netplan": ("netplan", "networkd"), "networkd": ("netplan", "networkd")}
_IFA_F_DADFAILED = 0x08
# their rx_handler is in the place that the bridge needs
_TAKERS = ("macvlan", "macvtap", "ipvlan", "ipvtap", "macsec")
_HARMLESS_RIDERS = ("vlan", "veth")  # a veth's lower device is its other end
_BOND_MODES = {5: "balance-tlb", 6: "balance-alb"}
_MAC_BYTES = 6
# addr_gen_mode: the interface identifier is a hash over the device's own permanent address, which a bridge has not
_STABLE_PRIVACY = ("2", "3")
# What may be overridden by name, because somebody who knows better may be right; the rest no kernel would do.
OVERRIDES = (
    "bond", "bound", "clsact", "cloud_init", "connman", "dhcpcd", "duplicate", "filter", "keepalived", "netplan", "networkd", "networkmanager", "rider",
    "wicked", "wireless", "xdp",
)  # fmt: skip


@dataclass(frozen=True)
class Spec:
    """What a user asks of an uplink: C(nic), C(bridge), C(present), and which refusals are overridden.

    C(mac), C(mtu) and C(accept_ra) are the bridge's, None for the NIC's. C(own_network) tells whether it is the host's own network, and not a
    namespace that is named: other managers are only looked for there.
    """

    nic: str
    bridge: str
    present: bool = True
    accept_outage: bool = False
    allow_address_change: bool = False
    override: frozenset[str] = frozenset()
    own_network: bool = False
    mac: str | None = None
    mtu: int | None = None
    accept_ra: bool | None = None


def check_names(spec: Spec) -> None:
    """Refuse names that can be no devices. Raises BadInput."""
    units.interface_name(spec.nic)
    units.interface_name(spec.bridge, "bridge")
    if spec.nic == spec.bridge:
        raise BadInput(
            f"{spec.nic} cannot be the uplink of itself; name the NIC in 'name' and the bridge in 'bridge'."
        )


def check(now: Inet, spec: Spec) -> None:
    """Refuse what this host can't do. Raises BadInput and Refused."""
    nic = now.links.get(spec.nic)
    if nic is None:
        there = ", ".join(
            name
            for name, link in now.links.items()
            if not link.loopback and link.kind in ("", "veth", "bond", "vlan")
        )
        raise BadInput(
            f"There is no device {spec.nic} on this host; the devices that could be an uplink are: {there or 'none'}."
        )
    bridge = now.links.get(spec.bridge)
    if bridge is not None and bridge.kind != "bridge":
        raise Refused(
            f"{bridge.name} exists and is no bridge but a device of kind '{bridge.kind or 'hardware'}'; choose another name for the bridge."
        )
    if nic.master == spec.bridge and not spec.present:
        _check_who_described(now, spec)
    if spec.present != (nic.master == spec.bridge):
        preflight_clients.check_carrier(now, nic, spec.bridge)
    if not spec.present or nic.master == spec.bridge:
        return
    _check_nic(now, nic, spec)
    _check_managers(now, nic, spec)
    rules = [rule for rule in now.filter_rules if spec.bridge not in re.split(r"[^\w.-]", rule)]
    _refuse(
        spec, "filter", rules,
        f"The packet filter names {nic.name} in '{(rules or [''])[0]}', and what the host sends and receives will pass {spec.bridge} instead; "
        f"name {spec.bridge} there as well",
    )  # fmt: skip
    _refuse(
        spec, "bound", now.listeners,
        f"What listens on {nic.name} alone will hear nothing once the addresses are on {spec.bridge}: {listed(now.listeners, 3)}; "
        f"bind it to {spec.bridge}, or to no device",
    )  # fmt: skip
    if (
        bridge is not None
        and bridge.options.get("stp_state")
        and bridge.options.get("forward_delay", 0) > 0
        and not spec.accept_outage
    ):
        delay = bridge.options["forward_delay"]
        raise Refused(
            f"{bridge.name} runs STP with forward_delay {delay:g}: the host would be unreachable for {2 * delay:g} seconds while the port listens and "
            "learns; turn stp_state off for the conversion, or say accept_outage: true."
        )
    if bridge is not None:
        _check_vlans(now, bridge, nic)
    _check_inet(now, spec)


def _check_vlans(now: Inet, bridge: Link, nic: Link) -> None:
    """What moves to a bridge that filters VLANs needs one there, and a NIC on its way into another lets nobody hear the LAN meanwhile."""
    if not bridge.options.get("vlan_filtering"):
        return
    own, begins = bridge.vlans or {}, vlan_words.of_a_new_port(bridge) or {}
    moving = [one.text for one in now.addresses_of(nic.name)]
    moving += [f"the lease of {one.program}" for one in now.clients if one.dev == nic.name]
    if moving and vlan_words.PVID not in own.values():
        raise Refused(
            f"{bridge.name} filters VLANs, and the host itself is in none of them untagged, so {moving[0]} of {nic.name} would be cut off there; give "
            f"{bridge.name} the host's VLAN first, by self_vlans of linux_bridge with pvid and untagged, and {nic.name} gets it as it joins."
        )
    passing = vlan_words.lost(begins, vlan_words.of_an_uplink(own, begins))
    inside = [
        port.name
        for port in now.ports_of(bridge.name)
        if passing & set(vlan_words.expanded(port.vlans or {}))
    ]
    if inside:
        raise Refused(
            f"{nic.name} would be in VLAN {min(passing)} for a moment, which {bridge.name} gives to whoever joins it, and so {listed(inside)} there would be "
            f"in the host's LAN; give {bridge.name} vlan_default_pvid: 0 and those ports their access_vlan, or take them out first."
        )


def target(now: Inet, spec: Spec) -> Layout:
    """What shall stand, of a host that can do it. Raises BadInput and Refused."""
    check(now, spec)
    if not spec.present:
        return unbridged(now, spec.nic, spec.bridge)
    return bridged(now, spec.nic, spec.bridge, spec.mac, spec.mtu, spec.accept_ra)


def _check_managers(now: Inet, nic: Link, spec: Spec) -> None:
    """What other managers have a hand in; one that has an adapter is asked to let go, where it can be."""
    managed = now.managed
    if managed is not None and managed.objection:
        _refuse(spec, managed.nic.manager, True, managed.objection)
    for name, sentence in network_managers.objections(nic.name, now.traces):
        if managed is None or name not in _ALIKE.get(managed.nic.manager, (managed.nic.manager,)):
            _refuse(spec, name, True, sentence)


def _check_who_described(now: Inet, spec: Spec) -> None:
    """What would not outlive a boot: a bridge is taken apart that its administrator's own files describe."""
    if now.managed is not None and now.managed.described:
        manager = now.managed.nic.manager
        _refuse(
            spec, manager, True,
            f"{spec.nic} is a port of {spec.bridge} by what its administrator gave to {manager}, which the next boot would make of it again; take "
            f"{spec.bridge} out there",
        )  # fmt: skip


def check_duplicates(spec: Spec, elsewhere: Mapping[str, str]) -> None:
    """Refuse to move addresses that other hosts answer for, given with the MAC of each. Raises Refused."""
    for address, mac in elsewhere.items():
        _refuse(
            spec, "duplicate", True,
            f"{address} of {spec.nic} is the address of another host of the LAN as well, which answers for it from {mac}; give one of them another",
        )  # fmt: skip


def _refuse(spec: Spec, name: str, found: object, sentence: str) -> None:
    """Refuse what was found, unless the user overrides it by name."""
    if found and name not in spec.override:
        raise Refused(f"{sentence}, or say override: [{name}].")


def _check_nic(now: Inet, nic: Link, spec: Spec) -> None:
    if nic.loopback or nic.kind in ("bridge", "tun"):
        kind = "the loopback device" if nic.loopback else f"a device of kind '{nic.kind}'"
        raise Refused(
            f"{nic.name} is {kind}, which can't be an uplink; name the NIC that leads to the LAN."
        )
    if nic.mac is None or len(nic.mac.split(":")) != _MAC_BYTES:
        raise Refused(
            f"{nic.name} is no Ethernet device, and only those can be ports of a bridge; route to the guests instead."
        )
    _refuse(
        spec, "wireless", nic.wireless,
        f"{nic.name} is wireless: an access point drops frames from other MACs than the station's own, so it can't be an uplink; "
        "use a wired NIC, route or masquerade the guests behind the host, or use WDS (4addr) where the access point offers it",
    )  # fmt: skip
    if nic.master is not None:
        master = now.links.get(nic.master)
        kind = master.kind if master else "other"
        cure = "convert the bond itself" if kind == "bond" else f"take it out of {nic.master} first"
        raise Refused(
            f"{nic.name} already belongs to {nic.master}, a device of kind '{kind}'; {cure}."
        )
    on_it = [link for link in now.links.values() if link.lower == nic.name]
    riders = sorted(link.name for link in on_it if link.kind in _TAKERS)
    _refuse(
        spec,
        "rider",
        riders,
        f"{nic.name} carries {', '.join(riders)}, which would take its frames before a bridge could; delete that first",
    )
    bound = sorted(link.name for link in on_it if link.kind not in _TAKERS + _HARMLESS_RIDERS)
    _refuse(
        spec,
        "bound",
        bound,
        f"{nic.name} is what {', '.join(bound)} would go on sending through, where no route will lead; bind to {spec.bridge} or to no device first",
    )
    _refuse(
        spec,
        "xdp",
        nic.xdp,
        f"{nic.name} has an XDP program, which sees the guests' frames too; detach it with 'ip link set {nic.name} xdp off'",
    )
    hooks = [kind for dev, kind in now.hooks if dev == nic.name]
    cure = f"remove it with 'tc qdisc del dev {nic.name} {(hooks or ['clsact'])[0]}'"
    _refuse(
        spec,
        "clsact",
        hooks,
        f"{nic.name} has filters on arrival (qdisc {', '.join(hooks)}), which see the guests' frames too; {cure}",
    )
    if nic.kind == "bond":
        _check_bond(nic, spec)


def _check_bond(bond: Link, spec: Spec) -> None:
    mode = _BOND_MODES.get(bond.options.get("mode", 0))
    trouble = "mode " + mode + ", which rewrites the guests' MACs" if mode else ""
    if bond.options.get("fail_over_mac"):
        trouble = "fail_over_mac, so its MAC would change and the bridge's not"
    if bond.options.get("monitors_by_arp"):
        trouble = (
            "arp_ip_target, which asks from the bond's own address, and that moves, unlike miimon"
        )
    _refuse(spec, "bond", trouble, f"The bond {bond.name} has {trouble}; change that first")


def warnings(now: Inet, spec: Spec, came_to: str = "") -> list[str]:
    """What will be different although nothing is refused, a sentence each; C(came_to) is the address that whoever confirms comes to."""
    nic = now.links.get(spec.nic)
    found = list(now.pretenders)
    if nic is None or not spec.present:
        return found
    if spec.accept_ra is None and _hears_routers(now, nic.master or nic.name):
        found.append(
            f"{spec.bridge} believes router advertisements as {nic.name} did, and with them any guest's, which could become this host's default IPv6 "
            "router; say accept_ra: false where the host's IPv6 is static, accept_ra: true where its router's advertisements are wanted."
        )
    if nic.master == spec.bridge:
        return found
    found += [
        f"{client.program} of {client.dev} runs with '{' '.join(client.left)}', which its successor on {spec.bridge} does not get: only known options "
        "go over, with files that are the distribution's or root's own."
        for client in now.clients
        if client.left and client.dev == spec.nic
    ]
    entered = now.device_of(came_to)
    if entered not in (None, spec.nic, spec.bridge) and now.links[entered].lower != spec.nic:
        found.append(
            f"This host is reached by {entered}, and so is it by the connection that confirms, which shows nothing of {spec.bridge} then: its gateways "
            "are all that is asked."
        )
    if now.forwards_dropped:
        found.append(
            f"The host's packet filter drops what passes {spec.bridge} from port to port ({listed(now.forwards_dropped, 3)}): the guests will be mute until "
            f"a rule there accepts what {spec.bridge} passes on; chains of iptables and of the families ip, ip6 and inet see it no more after "
            "'sysctl net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0'."
        )
    vlans = sorted(
        link.name for link in now.links.values() if link.lower == nic.name and link.kind == "vlan"
    )
    if vlans:
        found.append(
            f"The VLAN devices {', '.join(vlans)} stay on {nic.name} and take their frames first: the guests of {spec.bridge} won't see those VLANs."
        )
    autoconfigured = [
        one.text
        for one in now.addresses
        if one.dev == nic.name
        and one.family == rtnl_address.AF_INET6
        and not one.flags & rtnl_address.IFA_F_PERMANENT
    ]
    if autoconfigured and now.sysctls.get(f"ipv6/conf/{nic.name}/addr_gen_mode") in _STABLE_PRIVACY:
        found.append(
            f"{nic.name} makes stable-privacy IPv6 addresses, and {spec.bridge} will make others: {', '.join(autoconfigured)} moves along until it expires."
        )
    return found


def _hears_routers(now: Inet, dev: str) -> bool:
    """Whether the kernel takes routes and addresses from router advertisements on a device: 2 does so on a host that forwards as well."""
    words = {
        key: now.sysctls.get(f"ipv6/conf/{dev}/{key}")
        for key in ("accept_ra", "forwarding", "disable_ipv6")
    }
    hears = words["accept_ra"] == "2" or (
        words["accept_ra"] == "1" and words["forwarding"] in ("0", None)
    )
    return hears and words["disable_ipv6"] in ("0", None)


def _check_inet(now: Inet, spec: Spec) -> None:
    learned = [
        str(one) for one in now.routes if one.protocol == PROTO_RA and spec.nic in one.devs
    ] + [one.text for one in now.addresses if one.dev == spec.nic and rtnl_address.advertised(one)]
    if spec.accept_ra is False and learned:
        raise Refused(
            f"{spec.nic} has {learned[0]} from a router's advertisement, which would expire with accept_ra: false; give the host a static IPv6 address and "
            "route first, or leave accept_ra out."
        )
    for dev in (spec.nic, spec.bridge):
        link = now.links.get(dev)
        if link is not None and not link.up and now.addresses_of(dev):
            raise Refused(
                f"{dev} is down although it has addresses, so their routes can't be seen; set it up or remove the addresses first."
            )
    objects = [str(route) for route in now.routes if spec.nic in route.devs and route.nexthop_id]
    if objects:
        raise Refused(
            f"The route {objects[0]} uses a nexthop object bound to {spec.nic}, which can't move to {spec.bridge}; replace it by a plain route."
        )
    failed = [
        one.text for one in now.addresses if one.dev == spec.nic and one.flags & _IFA_F_DADFAILED
    ]
    if failed:
        raise Refused(
            f"{failed[0]} of {spec.nic} is the address of another host of the LAN: its duplicate address detection failed; remove it first."
        )
    leased = [
        one.text
        for one in now.addresses
        if one.dev == spec.nic
        and one.family == rtnl_address.AF_INET
        and not one.flags & rtnl_address.IFA_F_PERMANENT
    ]
    unknown = None if now.managed is None else now.managed.unknown
    if unknown is not None and not spec.allow_address_change:
        raise Refused(
            f"{unknown[0].upper()}{unknown[1:]} of {spec.nic} is not known, so {spec.bridge} could get another address; wait until {spec.nic} has its "
            "lease, make it static, or say allow_address_change: true."
        )
    if (
        leased
        and now.managed is None
        and not any(client.dev == spec.nic for client in now.clients)
        and not spec.allow_address_change
    ):
        raise Refused(
            f"{spec.nic} has the leased address {leased[0]}, and no DHCP client that could hand its lease over to {spec.bridge} was found; "
            "let isc-dhclient, dhcpcd or udhcpc hold it, make it static, or say allow_address_change: true."
        )
    preflight_clients.check_files(now, spec.nic, spec.bridge, spec.allow_address_change)
