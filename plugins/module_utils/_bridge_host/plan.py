# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. The variables of the role bridge_host as the lists that its steps hand to the modules, each list whole.

Which option of an item belongs to which module is what the modules' own argument specs say.
"""

from __future__ import annotations

from typing import Any, Collection, Iterable, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._bridge_host import (
    tenants as tenant_rules,
)
from ansible_collections.hypervisor.network.plugins.module_utils._bridge_host.items import (
    UPLINK_OPTIONS,
    dropped,
    kept,
    taps_of,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core import vlan as vlan_words
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.stanzas import (
    as_list,
    bridge_stanzas,
    tap_stanza,
)
from ansible_collections.hypervisor.network.plugins.module_utils._link import (
    bridge as bridge_planner,
)
from ansible_collections.hypervisor.network.plugins.module_utils._link import port as port_planner
from ansible_collections.hypervisor.network.plugins.module_utils._link import tap as tap_planner
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import spec as guest_spec
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import spec_nics
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.guest import TPM_USER

_TOOLS = ("python3-pyroute2", "python3-netaddr")
_BOOT = ("bridge-utils",)
_QEMU = {
    "x86": ("qemu-system-x86", "ipxe-qemu"),
    "arm": ("qemu-system-arm",),
    "misc": ("qemu-system-misc",),
}
_IMAGES = ("qemu-utils",)
_UEFI = {
    "x86_64": ("ovmf",),
    "i386": ("ovmf-ia32",),
    "aarch64": ("qemu-efi-aarch64",),
    "arm": ("qemu-efi-arm",),
}
_TPM = ("swtpm",)
_SEEDS = ("xorriso",)
STAND_IN = "nobody"  # owns nothing, and is in no group, as a user who is new
# as the step packages makes guest_spec.USER: no login, no home
GUESTS_ACCOUNT = {
    "comment": "QEMU guests",
    "home": "/nonexistent",
    "shell": "/usr/sbin/nologin",
}
_STP_DELAY = 15  # the kernel's own, in seconds


def plan(
    bridges: Sequence[Mapping[str, Any]],
    taps: Sequence[Mapping[str, Any]],
    guests: Sequence[Mapping[str, Any]],
    tenants: Sequence[Mapping[str, Any]] = (),
    now: Sequence[Mapping[str, Any]] = (),
    user_to_come: bool = False,
    addresses: Sequence[Mapping[str, Any]] = (),
    uncloud: bool = False,
) -> dict[str, Any]:
    """What each step does.

    C(now) and C(addresses) are the bridges and addresses that bridge_info found. C(user_to_come): check mode, on a host whose guests' user a run
    would have made by now; one who may as little stands in for it. C(uncloud): what is persisted switches off what cloud-init
    does about the network, so it is no reason to refuse an uplink. Returns C(empty) (nothing is listed at all), C(new) (something listed is not
    there yet, or is to go), C(packages) and C(nics) (lists of names), C(user) (whom guests run as, None where that is nobody whom
    this collection makes), C(aware) (the bridges that filter VLANs), C(isolation) (what bridge_isolation is told), and C(absent)
    and C(present), each a dict of C(guests), C(taps), C(ports), C(uplinks), C(stanzas), C(bridges): lists of module items.
    C(present) has two more: C(rehearsed), the guests without their network cards, and C(plugs), the taps of each guest by name.
    """
    bridges, taps = tenant_rules.applied(bridges, taps, guests, tenants)
    there = {bridge["name"]: bridge for bridge in now}
    whole = [
        with_defaults(item, there.get(item["name"], {}).get("options"))
        for item in bridges
        if kept(item)
    ]
    owned = [with_owner(item, guests) for item in taps if kept(item)]
    started = [with_wait(with_macs(given(item))) for item in guests if kept(item)]
    user = guests_user(started, owned)
    if user_to_come:
        started = [{**item, "user": STAND_IN} if _is_ours(item) else item for item in started]
    ports = {(bridge["name"], one["name"]) for bridge in now for one in bridge["ports"]}
    plugs = [(item["name"], item["uplink"]) for item in whole if item.get("uplink")] + [
        (item.get("bridge"), item["name"]) for item in owned
    ]
    carried = {
        item["name"]: tenant_rules.carried(item, taps, guests, tenants)
        for item in whole
        if item.get("uplink")
    }
    trunks = {name: vids for name, vids in carried.items() if vids}
    defaults = {item["name"]: vlan_words.default_vlan(item) for item in whole}
    plugged = {
        item["name"]: [tap["name"] for tap in owned if tap.get("bridge") == item["name"]]
        for item in whole
    }
    gone = {"bridges": dropped(bridges), "taps": dropped(taps), "guests": dropped(guests)}
    return {
        "empty": not (bridges or taps or guests),
        "new": any(gone.values())
        or any(item["name"] not in there for item in whole)
        or not ports.issuperset(plugs),
        "aware": [item["name"] for item in whole if item.get("vlan_filtering")],
        "isolation": tenant_rules.proof(bridges, taps, guests, tenants),
        "nics": [item["uplink"] for item in bridges if item.get("uplink")],
        "packages": packages(whole, started) if bridges or taps or guests else [],
        "user": user,
        "tpm_user": TPM_USER if any(item.get("tpm") for item in started) else None,
        "present": {
            "bridges": [
                {
                    **up(item, there),
                    **only(item, bridge_planner.SPEC),
                    **own_addresses(item),
                    **port_mtus(item, whole, owned),
                }
                for item in whole
            ],
            "uplinks": [
                {**uplink(item), **(_override(item, "cloud_init") if uncloud else {})}
                for item in whole
                if item.get("uplink")
            ],
            "stanzas": [
                stanza
                for item in whole
                for stanza in bridge_stanzas(
                    item, trunks.get(item["name"], ()), plugged.get(item["name"], ())
                )
            ]
            + [
                tap_stanza(item, defaults.get(item.get("bridge"), vlan_words.default_vlan(None)))
                for item in owned
            ],
            "taps": [
                {
                    "up": True,
                    **only(without_owner(item) if user_to_come else item, tap_planner.SPEC),
                }
                for item in owned
            ],
            # the uplink first: a tenant's tap is not plugged in before its VLAN has a way out
            "ports": [
                tenant_rules.uplink_port(item, trunks[item["name"]], there.get(item["name"]))
                for item in whole
                if item["name"] in trunks
            ]
            + [port(item) for item in owned if item.get("bridge")],
            "guests": started,
            "rehearsed": [rehearsed(item) for item in started],
            "plugs": {item["name"]: list(taps_of(item)) for item in started},
        },
        "absent": {
            "guests": [only(given(item), guest_spec.SPEC) for item in gone["guests"]],
            "taps": [only(item, ("name", "state", "force")) for item in gone["taps"]],
            "uplinks": [uplink(item) for item in gone["bridges"] if item.get("uplink")],
            "stanzas": [absent_stanza(item) for item in [*gone["taps"], *gone["bridges"]]],
            "bridges": [
                {**only(item, ("name", "state", "force")), **held_addresses(item, addresses)}
                for item in gone["bridges"]
            ],
        },
    }


def only(item: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    """The options C(keys) of an item, of those that are given: C({option: value})."""
    return {key: item[key] for key in keys if item.get(key) is not None}


def with_defaults(item: Mapping[str, Any], options: Mapping[str, Any] | None) -> dict[str, Any]:
    """A bridge with its STP and forward delay spelled out, because the file has to say them.

    A bridge that exists keeps its C(options). A new one without STP forwards at once: the kernel's own 15 seconds of silence
    are for STP, and would cut off an uplink.
    """
    stp = item.get("stp_state") or (options or {}).get("stp_state") or False
    defaults = {"stp_state": stp, "forward_delay": _STP_DELAY if stp else 0}
    if options is not None:
        defaults = {key: options[key] for key in ("stp_state", "forward_delay") if key in options}
    return {**defaults, **{key: value for key, value in item.items() if value is not None}}


def up(item: Mapping[str, Any], there: Collection[str]) -> dict[str, bool]:
    """A bridge is up; a new one that waits for its uplink goes up with it, so that its link-local address is made of the MAC which that brings."""
    return {} if item.get("uplink") and item["name"] not in there else {"up": True}


def own_addresses(item: Mapping[str, Any]) -> dict[str, list[str]]:
    """The host's own addresses on a bridge that no uplink brings any, as C({"addresses": ["192.0.2.1/24"]}); C({}) with an uplink, whose move with it."""
    own = as_list(item.get("address"))
    return {"addresses": own} if own and not item.get("uplink") else {}


def port_mtus(
    item: Mapping[str, Any], bridges: Iterable[Mapping[str, Any]], taps: Sequence[Mapping[str, Any]]
) -> dict[str, dict[str, int | None]]:
    """The taps that a bridge will have, C({"port_mtus": {"tap1": 1400, "tap2": None}}), where any bridge is given an MTU: they might move it.

    Of a bridge that is given none too, since its taps may leave another. The NIC is bridge_uplink's business.
    """
    own = {tap["name"]: tap.get("mtu") for tap in taps if tap.get("bridge") == item["name"]}
    asked = any(bridge.get("mtu") is not None for bridge in bridges)
    return {"port_mtus": own} if own and asked else {}


def held_addresses(
    item: Mapping[str, Any], addresses: Iterable[Mapping[str, Any]]
) -> dict[str, list[str]]:
    """The addresses that go with a bridge without an uplink, as C({"addresses": [...]}), else C({}); C(addresses) are those of bridge_info."""
    own = [one["address"] for one in addresses if one["dev"] == item["name"] and one["scope"] == "global"]  # fmt: skip
    return {"addresses": own} if own and not item.get("uplink") else {}


def uplink(item: Mapping[str, Any]) -> dict[str, Any]:
    """What bridge_uplink is told of a bridge: its C(name) is the NIC, its C(bridge) the item, and UPLINK_OPTIONS that are given."""
    return {
        "name": item["uplink"],
        "bridge": item["name"],
        **only(item, ("state", *UPLINK_OPTIONS)),
    }


def _override(item: Mapping[str, Any], more: str) -> dict[str, list[str]]:
    """The refusals that a bridge passes over, and one more."""
    return {"override": list(dict.fromkeys([*as_list(item.get("override")), more]))}


def port(item: Mapping[str, Any]) -> dict[str, Any]:
    """What bridge_port is told of a tap. Its C(up) is tap_device's business."""
    own = {"force", *port_planner.SPEC} - (set(tap_planner.SPEC) - {"force"})
    return {"name": item["name"], **only(item, [key for key in port_planner.SPEC if key in own])}


def with_owner(tap: Mapping[str, Any], guests: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """A tap belongs to the user that its guest runs as, so that QEMU can open it without being root, and nobody else can."""
    if tap.get("owner") is not None:
        return dict(tap)
    for guest in guests:
        if kept(guest) and tap["name"] in taps_of(guest):
            return {**tap, "owner": guest.get("user") or guest_spec.USER}
    return dict(tap)


def without_owner(tap: Mapping[str, Any]) -> dict[str, Any]:
    """A tap without C(owner) where that is this collection's own user, who is made later; another's stays."""
    return {key: tap[key] for key in tap if key != "owner" or tap[key] != guest_spec.USER}


def guests_user(
    guests: Iterable[Mapping[str, Any]], taps: Iterable[Mapping[str, Any]]
) -> str | None:
    """The name of the collection's own user where a guest or a tap needs it, else None."""
    needed = any(map(_is_ours, guests)) or any(tap.get("owner") == guest_spec.USER for tap in taps)
    return guest_spec.USER if needed else None


def _is_ours(guest: Mapping[str, Any]) -> bool:
    return guest.get("user") in (None, guest_spec.USER)


def given(guest: Mapping[str, Any]) -> dict[str, Any]:
    """A guest without what its disks and cards do not say: a module with choices takes no null for it."""
    whole = dict(guest)
    for option in ("disks", "nics"):
        if guest.get(option):
            whole[option] = [only(item, item) for item in guest[option]]
    return whole


def with_macs(guest: Mapping[str, Any]) -> dict[str, Any]:
    """A guest whose NICs all have the MAC that qemu_guest would give them, so that verify knows what to look for."""
    nics = guest.get("nics")
    if not nics:
        return dict(guest)
    return {
        **guest,
        "nics": [
            {**nic, "mac": nic.get("mac") or spec_nics.guest_mac(guest["name"], number)}
            for number, nic in enumerate(nics)
        ],
    }


def with_wait(guest: Mapping[str, Any]) -> dict[str, Any]:
    """A guest without a NIC sends nothing that could be waited for."""
    return dict(guest) if guest.get("nics") else {"wait_for": ["running"], **guest}


def rehearsed(guest: Mapping[str, Any]) -> dict[str, Any]:
    """A guest as it is tried before its taps are there: all of it but the network cards."""
    return {**guest, "nics": [], "wait_for": ["running"]}


def absent_stanza(item: Mapping[str, Any]) -> dict[str, Any]:
    """What interfaces_stanza is told of a device that goes; a bridge's uplink gets back what the bridge took over."""
    back = {"hand_back": item["uplink"]} if item.get("uplink") else {}
    return {"name": item["name"], "state": "absent", **back}


def packages(bridges: Sequence[Any], guests: Sequence[Mapping[str, Any]]) -> list[str]:
    """The Debian packages that bridges and guests need, beside those that every host needs, each once."""
    needed = list(_TOOLS)
    if bridges:
        needed += _BOOT
    for guest in guests:
        machine = (guest.get("emulator") or "qemu-system-x86_64").rpartition("qemu-system-")[2]
        family = (
            "x86"
            if machine in ("x86_64", "i386")
            else "arm"
            if machine in ("aarch64", "arm")
            else "misc"
        )
        needed += _QEMU[family]
        uefi = guest.get("firmware") == "uefi"
        needed += _IMAGES if guest.get("disks") or uefi else ()
        needed += _UEFI.get(machine, ()) if uefi else ()
        needed += _TPM if guest.get("tpm") else ()
        needed += _SEEDS if guest.get("cloud_init") else ()
    return list(dict.fromkeys(needed))
