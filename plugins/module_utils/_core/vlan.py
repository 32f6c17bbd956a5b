# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. The VLANs of a bridge port, or of the bridge itself, in one canonical form.

That form is C({"10": "pvid untagged", "100-199": "tagged"}): ascending ranges that are as long as they can be, each with how its frames leave
the port, and "pvid" where untagged frames that come in belong to it. Two sets of VLANs are the same where these are equal.
"""

from __future__ import annotations

import re
from typing import Any, Iterable, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    BadInput,
    Refused,
    Unsupported,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link

Vlans = Mapping[str, str]
Range = tuple[int, int, str]  # first VID, last VID, how

_KERNELS_DEFAULT = 1
TAGGED, UNTAGGED, PVID, PVID_TAGGED = "tagged", "untagged", "pvid untagged", "pvid tagged"
_WITHOUT_PVID = {PVID: UNTAGGED, PVID_TAGGED: TAGGED}
FIRST, LAST = 1, 4094  # 0 and 4095 are reserved by IEEE 802.1Q
_VIDS = re.compile(r"([0-9]{1,4})(?:-([0-9]{1,4}))?")

ITEM: dict[str, Any] = {
    "type": "list",
    "elements": "dict",
    "options": {
        "vid": {"type": "str", "required": True},
        "pvid": {"type": "bool", "default": False},
        "untagged": {"type": "bool", "default": False},
    },
}
SPEC: dict[str, dict[str, Any]] = {
    "access_vlan": {"type": "int"},
    "trunk_vlans": {"type": "list", "elements": "str"},
    "native_vlan": {"type": "int"},
    "vlans": ITEM,
    "vlans_mode": {"type": "str", "choices": ["exact", "merge"], "default": "exact"},
}


def wished(item: Mapping[str, Any]) -> dict[str, str] | None:
    """The VLANs that a port's options ask for; None where none of them is given. Raises BadInput, which names the device."""
    given = [key for key in ("access_vlan", "trunk_vlans", "vlans") if item.get(key) is not None]
    native = item.get("native_vlan")
    try:
        if len(given) > 1:
            raise BadInput(
                f"{' and '.join(given)} are both given, and each says all of the port's VLANs; keep one of them."
            )
        if native is not None and given != ["trunk_vlans"]:
            raise BadInput(
                "native_vlan is the untagged VLAN of a trunk; give trunk_vlans with it, or access_vlan instead."
            )
        if given == ["access_vlan"]:
            return {str(_vid(item["access_vlan"], "access_vlan")): PVID}
        if given == ["trunk_vlans"]:
            vids = {
                vid: TAGGED for text in item["trunk_vlans"] for vid in _vids(text, "trunk_vlans")
            }
            return compact(
                {**vids, _vid(native, "native_vlan"): PVID} if native is not None else vids
            )
        return of_entries(item["vlans"], "vlans") if given else None
    except BadInput as error:
        raise BadInput(f"{item['name']}: {error}") from None


def of_entries(entries: Iterable[Mapping[str, Any]], option: str) -> dict[str, str]:
    """The VLANs of a list of C({vid, pvid, untagged}). Raises BadInput."""
    found: dict[int, str] = {}
    for entry in entries:
        vids = _vids(entry["vid"], option)
        twice = sorted(set(vids) & set(found))
        if twice:
            raise BadInput(f"{option} names VLAN {twice[0]} twice; describe each VLAN once.")
        if entry.get("pvid") and len(vids) > 1:
            raise BadInput(
                f"{option} gives pvid to the range {entry['vid']}, but untagged frames belong to one VLAN; name that one by itself."
            )
        words = ("pvid " if entry.get("pvid") else "") + (
            UNTAGGED if entry.get("untagged") else TAGGED
        )
        found.update(dict.fromkeys(vids, words))
    pvids = [vid for vid, words in found.items() if words in _WITHOUT_PVID]
    if len(pvids) > 1:
        raise BadInput(
            f"{option} gives pvid to {pvids[0]} and to {pvids[1]}, but untagged frames belong to one VLAN; keep one."
        )
    return compact(found)


def as_list(vlans: Vlans) -> list[dict[str, Any]]:
    """The VLANs as the option O(vlans) takes them: C(vid) is a number, or a string for a range."""
    return [
        {
            "vid": int(text) if text.isdigit() else text,
            "pvid": words in _WITHOUT_PVID,
            "untagged": words.endswith(UNTAGGED),
        }
        for text, words in vlans.items()
    ]


def shown(device: dict[str, Any]) -> dict[str, Any]:
    """A device's result with its VLANs as lists: a predicted change has them in canonical form."""
    lists = {
        key: as_list(device[key])
        for key in ("vlans", "self_vlans")
        if isinstance(device.get(key), Mapping)
    }
    return {**device, **lists}


def ranges(vlans: Vlans) -> list[Range]:
    """C((first, last, words)) of each range."""
    found = []
    for text, words in vlans.items():
        first, _dash, last = text.partition("-")
        found.append((int(first), int(last or first), words))
    return found


def expanded(vlans: Vlans) -> dict[int, str]:
    """Each VLAN by its number with its words: C({10: "tagged", 11: "tagged"}) of C({"10-11": "tagged"})."""
    return {vid: words for first, last, words in ranges(vlans) for vid in range(first, last + 1)}


def compact(vids: Mapping[int, str]) -> dict[str, str]:
    """VLANs by their numbers in canonical form, ranges as long as they can be: C({1: "tagged", 2: "tagged"}) is C({"1-2": "tagged"})."""
    return written(_joined((vid, vid, vids[vid]) for vid in sorted(vids)))


def written(found: Iterable[Range]) -> dict[str, str]:
    """Ranges that are in order and as long as they can be, in canonical form."""
    return {
        str(first) if first == last else f"{first}-{last}": words for first, last, words in found
    }


def merged(now: Vlans, wish: Vlans) -> dict[str, str]:
    """What is there, and what is wished for over it; a port has one PVID."""
    vids, new = expanded(now), expanded(wish)
    if any(words in _WITHOUT_PVID for words in new.values()):
        vids = {vid: _WITHOUT_PVID.get(words, words) for vid, words in vids.items()}
    return compact({**vids, **new})


def steps(now: Vlans | None, wish: Vlans) -> tuple[list[Range], list[Range]]:
    """The ranges to take away, and then those to give, to get from C(now) to C(wish).

    C(now) is None where nobody knows what is there: all that is not wished for is taken away, which the kernel does in silence where it is absent.
    """
    after = expanded(wish)
    before = expanded(now) if now is not None else dict.fromkeys(range(FIRST, LAST + 1), "")
    gone = _joined((vid, vid, "") for vid in sorted(before) if vid not in after)
    come = ((vid, vid, words) for vid, words in sorted(after.items()) if before.get(vid) != words)
    return gone, _joined(come)


def lost(now: Vlans, wish: Vlans) -> set[int]:
    """The VLANs that C(wish) takes away, or whose frames would come or leave otherwise."""
    after = expanded(wish)
    return {vid for vid, words in expanded(now).items() if after.get(vid) != words}


def pvids(vlans: Vlans) -> set[int]:
    """The VLAN that untagged frames belong to, or none."""
    return {first for first, _last, words in ranges(vlans) if words in _WITHOUT_PVID}


def rewritten(vlans: Vlans, old: int, new: int) -> dict[str, str]:
    """What a change of the bridge's vlan_default_pvid makes of the VLANs of a port or of the bridge itself.

    Who is still on the old default goes along; from no default at all everybody gets the new one, whatever PVID they had, who does
    not have that VLAN yet (Linux: __br_vlan_set_default_pvid, br_vlan_disable_default_pvid).
    """
    vids = expanded(vlans)
    on_default = bool(old) and vids.get(old) == PVID
    if old == new or (old and not on_default) or (new and new in vids):
        return dict(vlans)
    if on_default:
        del vids[old]
    return merged(compact(vids), {str(new): PVID}) if new else compact(vids)


def of_a_new_port(bridge: Link | None) -> dict[str, str] | None:
    """What a device that joins the bridge gets from the kernel; None where nobody can tell."""
    if bridge is None or "vlan_default_pvid" not in bridge.options:
        return None
    default = bridge.options["vlan_default_pvid"]
    return {str(default): PVID} if default else {}


def of_an_uplink(own: Vlans, begins: Vlans) -> dict[str, str]:
    """What the NIC carries that leads out of a bridge whose C(own) VLANs are the host's: these, in the same way.

    C(begins) is what the kernel gives to whoever joins. It stays only where the host leaves untagged frames to it: beside another PVID its frames
    would leave the NIC untagged too, and be those of two VLANs.
    """
    return merged({} if pvids(own) else begins, own)


def default_vlan(bridge: Mapping[str, Any] | None) -> int:
    """The VLAN that a bridge, as an item of a module, gives to whoever joins it, the host among them; 0 for none."""
    value = (bridge or {}).get("vlan_default_pvid")
    return _KERNELS_DEFAULT if value is None else value


def check_filtering(bridge: str, options: Mapping[str, Any], what: str) -> None:
    """Refuse VLANs that the kernel would accept and ignore; C(options) are those that the bridge has or gets.

    Raises Refused, Unsupported where the kernel has no VLAN filtering.
    """
    if "vlan_protocol" not in options:
        raise Unsupported(
            f"{bridge}: this kernel has no VLAN filtering, so {what} would be ignored; leave them out, "
            "or boot a kernel that is built with CONFIG_BRIDGE_VLAN_FILTERING."
        )
    if not options.get("vlan_filtering"):
        raise Refused(
            f"{bridge} does not filter VLANs, so {what} would be ignored; give the bridge vlan_filtering: true (linux_bridge) first."
        )


def _vid(value: int, option: str) -> int:
    if not FIRST <= value <= LAST:
        raise BadInput(
            f"{option} {value} is no VLAN: they go from {FIRST} to {LAST}, since 0 and 4095 are reserved."
        )
    return value


def _vids(text: Any, option: str) -> range:
    found = _VIDS.fullmatch(str(text).strip())
    if not found:
        raise BadInput(
            f"{option} {text!r} is neither a VLAN nor a range of them; write it like 20 or 100-199."
        )
    first, last = _vid(int(found[1]), option), _vid(int(found[2] or found[1]), option)
    if last < first:
        raise BadInput(f"{option} {text} ends before it begins; write {last}-{first}.")
    return range(first, last + 1)


def _joined(found: Iterable[Range]) -> list[Range]:
    """Neighbours of the same kind as one range."""
    joined: list[Range] = []
    for first, last, words in found:
        if joined and joined[-1][1] == first - 1 and joined[-1][2] == words:
            joined[-1] = (joined[-1][0], last, words)
        else:
            joined.append((first, last, words))
    return joined
