# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. A host as the variables of the role bridge_host: what was made by hand, adopted, or only to be copied.

Left out is what the kernel or QEMU would choose anyway, so that what is left can be read. Defaults: Linux' net/bridge/br_device.c, br_if.c,
br_multicast.c (br_dev_setup, new_nbp, br_multicast_init).
"""

from __future__ import annotations

import re
from typing import Any, Callable, Iterable, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core import units
from ansible_collections.hypervisor.network.plugins.module_utils._core import vlan as vlan_words
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import BadInput
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    Link,
    Snapshot,
)
from ansible_collections.hypervisor.network.plugins.module_utils._link import (
    bridge as bridge_planner,
)
from ansible_collections.hypervisor.network.plugins.module_utils._link import device
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import guest as guest_words
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import (
    attributes as option_tables,
)

_DEVICE = {"mtu": 1500, "txqueuelen": 1000, "alias": "", "addr_gen_mode": "eui64"}
# The role says these two by itself, and differently from the kernel.
_ALWAYS = ("stp_state", "forward_delay")
_BRIDGE = {
    "hello_time": 2, "max_age": 20, "ageing_time": 300, "priority": 32768, "vlan_filtering": False, "vlan_protocol": "802.1Q", "vlan_default_pvid": 1,
    "vlan_stats_enabled": False, "vlan_stats_per_port": False, "group_fwd_mask": 0, "group_address": "01:80:c2:00:00:00", "mcast_router": 1,
    "mcast_snooping": True, "mcast_query_use_ifaddr": False, "mcast_querier": False, "mcast_hash_max": 4096, "mcast_last_member_count": 2,
    "mcast_startup_query_count": 2, "mcast_last_member_interval": 1, "mcast_membership_interval": 260, "mcast_querier_interval": 255,
    "mcast_query_interval": 125, "mcast_query_response_interval": 10, "mcast_startup_query_interval": 31.25, "nf_call_iptables": False,
    "nf_call_ip6tables": False, "nf_call_arptables": False, "mcast_stats_enabled": False, "mcast_igmp_version": 2, "mcast_mld_version": 1,
    "no_linklocal_learn": False, "mst_enabled": False, "fdb_max_learned": 0,
}  # fmt: skip
_PORT = {
    "priority": 32, "hairpin": False, "guard": False, "root_block": False, "fastleave": False, "learning": True, "flood": True, "proxy_arp": False,
    "proxy_arp_wifi": False, "mcast_router": 1, "mcast_flood": True, "mcast_to_unicast": False, "vlan_tunnel": False, "bcast_flood": True,
    "group_fwd_mask": 0, "neigh_suppress": False, "isolated": False, "locked": False, "mab": False, "backup_port": "",
}  # fmt: skip
_NICS = ("", "bond", "vlan")
_COSTS = (100, 19, 4, 2)  # port_cost: the kernel's own, by the device's speed
_PASSING = ("port_state", "cost")  # the one comes and goes by itself, the other is judged by _COSTS
_TAP = {
    "mode": "tap",
    "multi_queue": False,
    "vnet_hdr": False,
    "pi": False,
    "owner": -1,
    "group": -1,
}
_QEMUS = ("vnet_hdr", "pi")  # of a tap in use they are what its process chose
_ITEM = {"bus": "virtio", "read_only": False, "model": "virtio", "queues": 1, "vhost": False}
# Ansible makes values of such text where it is pasted into variables, or of a file that begins so
_TEMPLATE = re.compile(r"\{\{|\{%|\{#|^#jinja2:")
_BY_DEVICE = ("name", *device.COMMON)
_CHECKED = (*option_tables.PORT, *option_tables.BRIDGE)
_TICK = 2 / units.TICKS  # what rounding makes of a time


def variables(
    now: Snapshot,
    guests: Mapping[str, tuple[Mapping[str, Any], bool]],
    uids: Mapping[str, int] | None = None,
) -> dict[str, list[dict[str, Any]]]:
    """The role's three lists. C(guests) are the definitions of the guests by name, and whether they run; C(uids) the numbers of their users.

    A tap that belongs to the user of its guest does not say so: the role gives it to that.

    Addresses are said of bridges without an uplink alone: what an uplink has, the role keeps. Ports that are neither TAPs nor the uplink have no
    place in the role.
    What a module would refuse, or a template engine would run, is left out: an alias may be any bytes, and a name nearly any.
    """
    owners = {
        nic["tap"]: (uids or {}).get(spec.get("user") or guest_words.USER)
        for spec, _runs in guests.values()
        for nic in spec.get("nics") or ()
    }
    links = [link for link in now.links.values() if _said("name", link.name)]
    return {
        "bridge_host_bridges": [_bridge(now, link) for link in links if link.kind == "bridge"],
        "bridge_host_taps": [
            _tap(now, link, owners.get(link.name)) for link in links if link.kind == "tun"
        ],
        "bridge_host_guests": [_guest(name, *found) for name, found in sorted(guests.items())],
    }


def _bridge(now: Snapshot, link: Link) -> dict[str, Any]:
    uplink = _uplink(now, link)
    said = {key: link.options[key] for key in _ALWAYS if key in link.options}
    # without a MAC of its own a bridge has that of its uplink, or the lowest of its ports
    ports = any(port.mac == link.mac for port in now.ports_of(link.name))
    own_mac = {} if ports or not _said("mac", link.mac) else {"mac": link.mac}
    if said.get("stp_state") and said.get("forward_delay", 0) < bridge_planner.STP_LEAST_DELAY:
        said["forward_delay"] = bridge_planner.STP_LEAST_DELAY  # a daemon's tree may go faster
    return {
        "name": link.name,
        **(_static(now, link.name) if uplink is None else {"uplink": uplink}),
        **_state(link),
        **own_mac,
        **said,
        **_unusual(
            link.options,
            _BRIDGE,
            [one.option for one in option_tables.BRIDGE if one.option not in _ALWAYS],
        ),
        **_vlans(link, "self_vlans", link),
    }


def _static(now: Snapshot, name: str) -> dict[str, Any]:
    """The addresses of a bridge that somebody gave it for good; nothing is said of one that has others too, which would be lost."""
    found = now.addresses_of(name)
    if not found or any(one.scope or one.peer or not one.lasts for one in found):
        return {}
    return {"method": "static", "address": [one.text for one in found]}


def _uplink(now: Snapshot, bridge: Link) -> str | None:
    """A NIC, or what else has the bridge's MAC; of guests that are namespaces the bridge has the other ends too."""
    ports = [port for port in now.ports_of(bridge.name) if port.kind != "tun"]
    names = [port.name for port in ports if port.kind in _NICS or port.mac == bridge.mac]
    return next((name for name in names if _said("name", name)), None)


def _tap(now: Snapshot, link: Link, guests_user: int | None) -> dict[str, Any]:
    found = {
        "name": link.name,
        **_state(link),
        **(
            {} if link.options["mode"] == "tun" or not _said("mac", link.mac) else {"mac": link.mac}
        ),
    }
    own = [
        key
        for key in _TAP
        if not (link.running and key in _QEMUS)
        and not (key == "owner" and link.options["owner"] == guests_user)
    ]
    found.update(
        {
            key: str(value) if key in ("owner", "group") else value
            for key, value in _unusual(link.options, _TAP, own).items()
        }
    )
    if link.port is None or link.master is None or not _said("name", link.master):
        return found
    cost = {} if link.port.get("cost") in _COSTS else {"cost": link.port.get("cost")}
    options = [one.option for one in option_tables.PORT if one.option not in _PASSING]
    return {
        **found,
        "bridge": link.master,
        **cost,
        **_unusual(link.port, _PORT, options),
        **_vlans(link, "vlans", now.links[link.master]),
    }


def _state(link: Link) -> dict[str, Any]:
    values = {key: getattr(link, key) for key in _DEVICE}
    if link.options.get("mode") == "tun" and link.addr_gen_mode == "random":
        # the kernel's own word for a device without a MAC, as soon as somebody holds it
        del values["addr_gen_mode"]
    usual = _unusual(values, _DEVICE, _DEVICE)
    return usual if link.up else {"up": False, **usual}


def _unusual(
    values: Mapping[str, Any], usual: Mapping[str, Any], keys: Iterable[str]
) -> dict[str, Any]:
    return {
        key: values[key]
        for key in keys
        if values.get(key) is not None
        and not _same(values[key], usual.get(key))
        and _said(key, values[key])
    }


def _said(option: str, value: Any) -> bool:
    """Whether the value is one that a task can say and that is text to whoever reads it: unprintable are control characters, bytes that are no UTF-8,
    and marks that turn the direction of writing.
    """
    if isinstance(value, str) and (not value.isprintable() or _TEMPLATE.search(value)):
        return False
    # bridges and ports share names of options
    checks = [one.check for one in _CHECKED if one.option == option]
    if option in _BY_DEVICE:
        checks.append(lambda given: device.checked({"name": "x", option: given}))
    return value is not None and (not checks or any(_taken(check, value) for check in checks))


def _taken(check: Callable[[Any], Any], value: Any) -> bool:
    try:
        check(value)
    except BadInput:
        return False
    return True


def _same(value: Any, usual: Any) -> bool:
    if isinstance(value, float) and usual is not None:
        return abs(value - usual) <= _TICK
    return value == usual


def _vlans(link: Link, option: str, bridge: Link) -> dict[str, Any]:
    usual = vlan_words.of_a_new_port(bridge)
    # those of a bridge that does not filter say nothing, and the role would refuse them
    if link.vlans is None or usual is None or not bridge.options.get("vlan_filtering"):
        return {}
    if dict(link.vlans) == dict(usual):
        return {}
    found = vlan_words.as_list(link.vlans)
    if option == "vlans" and len(found) == 1 and found[0]["pvid"] and found[0]["untagged"]:
        return {"access_vlan": found[0]["vid"]}
    return {option: found}


def _guest(name: str, spec: Mapping[str, Any], running: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"name": name} if running else {"name": name, "state": "stopped"}
    for key, value in spec.items():
        if (
            key in ("name", "netns", "supervisor")
            or value is None
            or value == guest_words.DEFAULTS.get(key)
        ):
            continue
        found[key] = (
            [
                {
                    word: one
                    for word, one in item.items()
                    if one is not None and one != _ITEM.get(word)
                }
                for item in value
            ]
            if _items(value)
            else value
        )
    return found


def _items(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, Mapping) for one in value)
