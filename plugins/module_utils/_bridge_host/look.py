# SPDX-License-Identifier: GPL-3.0-or-later
"""One look at a host with the role's variables in hand: what is refused, what would be done, and what there is. Nothing is written, nothing started."""

from __future__ import annotations

import glob
import grp
import os
import pwd
import re
import time
from dataclasses import dataclass
from typing import Any, Iterator, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._bridge_host import (
    items as role_items,
)
from ansible_collections.hypervisor.network.plugins.module_utils._bridge_host import (
    managers,
    refusals,
    told,
    unmended,
)
from ansible_collections.hypervisor.network.plugins.module_utils._bridge_host import (
    plan as role_plan,
)
from ansible_collections.hypervisor.network.plugins.module_utils._bridge_host.rehearsal import (
    Rehearsal,
)
from ansible_collections.hypervisor.network.plugins.module_utils._bridge_host.steps import Refusal
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    MissingDependency,
)
from ansible_collections.hypervisor.network.plugins.module_utils._doctor import takers
from ansible_collections.hypervisor.network.plugins.module_utils._host.programs import path_of, run
from ansible_collections.hypervisor.network.plugins.module_utils._info import read as info
from ansible_collections.hypervisor.network.plugins.module_utils._link.read import read
from ansible_collections.hypervisor.network.plugins.module_utils._managers import beliefs, there
from ansible_collections.hypervisor.network.plugins.module_utils._managers import read as owners
from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import (
    NETPLAN,
    NETWORKD,
    NETWORKMANAGER,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import guest as guest_words
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import rundir
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.neigh import Forwarding
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.snapshot import Netlink
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import read as uplink_read

_FORMAT = "${Package} ${db:Status-Status}\\n"
_NIC_FILES = (
    "/sys/class/net/*/uevent",
    "/run/NetworkManager/devices/*",
    "/run/systemd/netif/links/*",
)
_PERSISTED = (NETWORKD, NETPLAN, NETWORKMANAGER)
_ADAPTED = ("systemd-networkd", "NetworkManager")  # as _uplink/managers calls them
_NIC_KEYS = re.compile(r"(?:INTERFACE|IFINDEX|DEVTYPE|managed|ADMIN_STATE)=")


@dataclass(frozen=True)
class Asked:
    """What is asked of a look: the role's variables as they were typed, and how far it goes, see host_plan's options."""

    wish: Mapping[str, Any]
    persist: bool
    guard_timeout: Any
    netns: str | None = None
    foresee: bool = True
    assume_packages: bool = False
    probe: bool = False
    fdb: Sequence[Mapping[str, Any]] | None = None
    cloud_init_network: bool | None = None
    refusals: str = "fail"


def look(asked: Asked) -> tuple[dict[str, Any], list[str]]:
    """What host_plan returns, and what it warns of. Raises what is to be refused."""
    items = role_items.typed_all(asked.wish)
    unread = False
    try:
        _check(items, asked)
        wanted = role_plan.plan(**items)
    except MissingDependency:
        # a MAC in a notation of its own is read by a library that is still to be installed
        unread, wanted = True, role_plan.plan(**_without_macs(items))
    if wanted["empty"]:
        return _nothing(wanted, whole=True), []
    # a NIC that is not there has no manager whose packages it could want
    refusals.refuse(_of_nics(items["bridges"], asked.netns is None))
    owned = _owners(items["bridges"]) if asked.netns is None else ({}, None, None)
    wanted, _others = managers.divided(wanted, *owned)
    missing = _missing(wanted["packages"], asked.persist and bool(wanted["present"]["stanzas"]))
    user = wanted["user"]
    needed = wanted["tpm_user"]
    lacking = None if needed is None or _exists(needed) else needed
    found = {
        "missing": missing,
        "user_ready": user is None or _is_ready(user),
        "tpm_user": lacking,
    }
    to_come = user is not None and not _exists(user)
    unready = missing or lacking or (to_come and not asked.foresee)
    stops = bool(unready) and not asked.assume_packages
    nothing = {**_nothing(wanted, whole=False), **found}
    if stops and asked.refusals != "tell":
        return nothing, []
    try:
        if unread:
            _check(items, asked)
        knows_vlans = _filters(wanted["aware"])
        return _whole(asked, items, found, to_come, knows_vlans, owned)
    except MissingDependency:
        # what is missing is told, and all else that can be read without it
        if not stops:
            raise
        return nothing, []


def _check(items: Mapping[str, Any], asked: Asked) -> None:
    refusals.refuse(refusals.of_variables(**items, guard_timeout=asked.guard_timeout))


def _without_macs(items: Mapping[str, Any]) -> dict[str, Any]:
    own = {
        name: [{key: value for key, value in one.items() if key != "mac"} for one in items[name]]
        for name in ("bridges", "taps")
    }
    return {**items, **own}


def _whole(
    asked: Asked,
    items: Mapping[str, Any],
    found: Mapping[str, Any],
    to_come: bool,
    knows_vlans: bool,
    owned: tuple[Mapping[str, str | None], str | None, str | None],
) -> tuple[dict[str, Any], list[str]]:
    netlink = Netlink()
    now = uplink_read.around(netlink, read(netlink))
    fdb = netlink.fdb(now.links)
    seen = info.told(netlink, now, now.routes, fdb, None, asked.netns)
    against = refusals.of_host(**items, info=seen)
    tell = asked.refusals == "tell"
    if not tell:
        refusals.refuse(against)
    lists = role_plan.plan(
        **items,
        now=seen["bridges"],
        user_to_come=to_come,
        addresses=seen["addresses"],
        uncloud=asked.persist and asked.cloud_init_network is False,
    )
    lists, persisted = managers.divided(lists, *owned)
    rehearsal = Rehearsal(
        netlink,
        now,
        asked.probe,
        asked.persist,
        float(asked.guard_timeout),
        asked.netns,
        asked.cloud_init_network,
        tell,
    )
    rehearsal.refused += [Refusal("host", "", sentence) for sentence in against]
    steps = rehearsal.steps(lists, knows_vlans, _stand_ins(items) if to_come else {})
    boots = rehearsal.boot(persisted["present"] if asked.persist else ())
    names = rundir.names()
    guests = rehearsal.guests.read(names) if names else []
    clock = time.time()
    result = {
        "fdb": _entries(rehearsal, fdb, asked.fdb) if asked.fdb else [],
        "boots": told.shown(boots),
        "unmended": [
            *told.shown(unmended.gateways(items["bridges"], rehearsal.now.routes)),
            *told.shown(unmended.holders(items["guests"], guests, now)),
        ],
        "plan": lists,
        "whole": True,
        "managers": persisted,
        **found,
        **seen,
        "takers": takers.of_links(now.links.values()) if asked.netns is None else {},
        "disagreements": beliefs.disagreements(now) if asked.netns is None else {},
        "guests": [
            guest_words.describe_with_wires(one, now.links, fdb, clock)
            for one in guests
            if one.spec.get("netns") == asked.netns
        ],
        "refused": [one.as_dict() for one in rehearsal.refused],
        "pending": {name: one for name, one in rehearsal.pending.items() if one},
        **told.of_steps(steps, now, float(asked.guard_timeout)),
    }
    # a step that has something to do says it itself
    warnings = [sentence for one in steps if not one.changes for sentence in one.warnings]
    return result, warnings


def _entries(
    rehearsal: Rehearsal, there: Sequence[Forwarding], asked: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """What of the forwarding entries that few hosts are asked for is otherwise; imported for those."""
    from ansible_collections.hypervisor.network.plugins.module_utils._bridge_host import entries

    return entries.changes(rehearsal.now, there, rehearsal.boots(), entries.checked(asked))


def _nothing(wanted: Mapping[str, Any], whole: bool) -> dict[str, Any]:
    return {
        "plan": wanted,
        "whole": whole,
        "missing": [],
        "user_ready": True,
        "tpm_user": None,
        "managers": {"present": [], "absent": []},
        "steps": [],
        "todo": {"absent": [], "present": []},
        "changes": [],
        "lines": [],
    }


def _missing(packages: list[str], persist: bool) -> list[str]:
    """The packages that are not installed. Raises Refused on a host that is no Debian, or whose network nobody would set up at boot from what is written."""
    program = path_of("dpkg-query")
    installed = None
    if program is not None:
        # it says 1 where one of them is unknown to it
        done = run([program, "--show", "--showformat", _FORMAT, *packages, *refusals.IFUPDOWNS])
        words = [line.split() for line in done.output.splitlines()]
        installed = {one[0] for one in words if one[1:] == ["installed"]}
    refusals.refuse(refusals.of_packages(installed, persist))
    return [one for one in packages if one not in (installed or ())]


def _filters(aware: list[str]) -> bool:
    """Whether bridges of this kernel are known to filter VLANs. Raises Refused where C(aware) ones shall and they don't.

    Tried in a namespace of its own that is gone with the command: no bridge of this host is needed, and none is touched.
    """
    if not aware:
        return False
    words = ["--net", "ip", "link", "add", "name", "probe", "type", "bridge", "vlan_filtering", "1"]
    done = run([path_of("unshare") or "unshare", *words])
    refusals.refuse(
        refusals.of_kernel(aware, " ".join(done.errors.split()) if done.status else None)
    )
    return True


def _of_nics(bridges: list[Mapping[str, Any]], own_network: bool) -> list[str]:
    nics = {one["uplink"]: one.get("override") or () for one in bridges if one.get("uplink")}
    adapted = _ADAPTED if own_network else ()
    return refusals.of_nics(nics, _nic_lines(), adapted) if nics else []


def _owners(
    bridges: list[Mapping[str, Any]], root: str = "/"
) -> tuple[dict[str, str | None], str | None, str | None]:
    """The managers of the uplinks whose files bridge_persist writes, None for others; who gets a bridge without an uplink; and this host's ifupdown where
    others are to be kept off what is not theirs."""
    nics = [one["uplink"] for one in bridges if one.get("uplink")]
    found = {nic: _owner(nic, root) for nic in nics}
    others = [] if nics else map(os.path.basename, glob.glob(f"{root}/sys/class/net/*"))
    host = managers.of_the_host(
        found, [own for own in (_owner(nic, root) for nic in others) if own is not None]
    )
    return found, host, owners.dialect(root) if there.concerned(root) else None


def _owner(nic: str, root: str) -> str | None:
    index = owners.text(f"{root}/sys/class/net/{nic}/ifindex")
    found = owners.owner(nic, int(index), root) if index else None
    return found.manager if found is not None and found.manager in _PERSISTED else None


def _nic_lines(root: str = "") -> Iterator[str]:
    """The kernel's name, number and type of each NIC, and who manages which, as C(path:KEY=value)."""
    for pattern in _NIC_FILES:
        for path in sorted(glob.glob(root + pattern)):
            try:
                with open(path, encoding="utf-8", errors="replace") as stream:
                    yield from (f"{path}:{line.rstrip()}" for line in stream if _NIC_KEYS.match(line))  # fmt: skip
            except OSError:
                continue  # gone meanwhile


def _exists(user: str) -> bool:
    return any(one.pw_name == user for one in pwd.getpwall())


def _is_ready(user: str) -> bool:
    """Whether the guests' user is as the step packages makes it."""
    try:
        account = pwd.getpwnam(user)
    except KeyError:
        return False
    try:
        kvm = grp.getgrnam("kvm")
    except KeyError:
        kvm = None
    own = {"comment": account.pw_gecos, "home": account.pw_dir, "shell": account.pw_shell}
    member = kvm is None or user in kvm.gr_mem or account.pw_gid == kvm.gr_gid
    return member and own == role_plan.GUESTS_ACCOUNT


def _stand_ins(items: Mapping[str, Any]) -> dict[str, int]:
    """Who owns the taps of a user to come meanwhile: the one that guests are planned for too."""
    lists = role_plan.plan(**items)
    uid = pwd.getpwnam(role_plan.STAND_IN).pw_uid
    return {
        one["name"]: uid for one in lists["present"]["taps"] if one.get("owner") == lists["user"]
    }
