# SPDX-License-Identifier: GPL-3.0-or-later
"""What the managers of this host say of bridges and of their ports, by the files that each keeps below /run, beside what files of ours tell it; what
is otherwise is told by agreement.py. Nothing is written, and no program asked.
"""

from __future__ import annotations

import os
from typing import Collection, Iterator

from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    Link,
    Snapshot,
)
from ansible_collections.hypervisor.network.plugins.module_utils._managers import (
    agreement,
    hands_off,
    owners,
    state_files,
    there,
)
from ansible_collections.hypervisor.network.plugins.module_utils._managers.agreement import Belief
from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import (
    IFUPDOWN,
    NETWORKD,
    NETWORKMANAGER,
)
from ansible_collections.hypervisor.network.plugins.module_utils._managers.read import text

_LEASE = "run/systemd/netif/leases/{index}"
_FOLDERS = (os.path.dirname(state_files.LINK), os.path.dirname(state_files.DEVICE))


def disagreements(
    now: Snapshot, root: str = "/", ifupdowns: Collection[str] = ()
) -> dict[str, str]:
    """By device what its manager believes that is not so; a sentence without its end. C(now) has the addresses; C(ifupdowns) are those that shall be up
    to ifupdown, which files of ours don't tell from others. In a namespace beside the host's nobody believes anything.
    """
    if not there.counts(root):
        return {}
    asked = [one for one in _FOLDERS if os.path.isdir(os.path.join(root, one))]
    if not asked and not ifupdowns:
        return {}
    links = (one for one in now.links.values() if one.kind == "bridge" or one.port is not None)
    host = _Host(root, ifupdowns)
    return agreement.disagreements(now, {one.name: list(host.beliefs(one)) for one in links})


class _Host:
    """Who runs, what is up by ifupdown, and which files there are, is read once for all devices: of most ports there are two of the eight asked for."""

    def __init__(self, root: str, ifupdowns: Collection[str]) -> None:
        self._root = root
        self._there: dict[str, frozenset[str]] = {}
        self._runs = {one: there.runs(one, root) for one in (NETWORKD, NETWORKMANAGER)}
        self._ifupdowns = ifupdowns
        self._up = state_files.keys(self._text(owners.IFSTATE)) if ifupdowns else {}

    def beliefs(self, link: Link) -> Iterator[Belief]:
        yield self._networkds(link)
        yield self._networkmanagers(link)
        if link.name in self._ifupdowns:
            yield Belief(IFUPDOWN, up=link.name in self._up, look="ifquery --state")

    def _networkds(self, link: Link) -> Belief:
        facts = self._keys(state_files.LINK.format(index=link.index))
        lasting = hands_off.of_networkd(link.name)
        said = self._text(lasting)
        off = hands_off.is_networkds(said)
        handed = f"{owners.NETWORKD_HANDED}{link.name}.network"
        # by a file of ours what networkd reads of it; what outlives a boot is the last
        read = {
            handed: handed,
            **({} if off else {lasting: lasting}),
            f"{owners.NETPLANS}{link.name}.yaml": f"{owners.GENERATED}{link.name}.network",
        }
        ours = {one: by for one, by in read.items() if self._text(one)}
        return Belief(
            "systemd-networkd",
            self._runs[NETWORKD],
            state_files.is_networkds(facts),
            failed=facts.get("ADMIN_STATE") == state_files.FAILED,
            source=facts.get("NETWORK_FILE", ""),
            state=facts.get("OPER_STATE", ""),
            lease=self._keys(_LEASE.format(index=link.index)).get("ADDRESS", ""),
            ours=list(ours.values()),
            file=next(reversed(ours), ""),
            off=lasting if off else "",
            look=f"networkctl status {link.name}",
        )

    def _networkmanagers(self, link: Link) -> Belief:
        facts = self._keys(state_files.DEVICE.format(index=link.index))
        name = f"{owners.PROFILE.format(link.name)}.nmconnection"
        paths = (f"/{one}/{owners.CONNECTIONS}/{name}" for one in ("etc", "run"))
        file = next((one for one in paths if self._text(one)), "")
        uuid = self._keys(file).get("uuid", "") if file else ""
        return Belief(
            "NetworkManager",
            self._runs[NETWORKMANAGER],
            state_files.is_networkmanagers(facts),
            # one of ours, with which it took the bridge as it stood, is its own although it did not make the bridge
            state_files.is_others(facts) and facts.get("connection-uuid") != uuid,
            source=facts.get("connection-uuid", ""),
            ours=[uuid] if uuid else [],
            file=file,
            look=f"nmcli device show {link.name}",
        )

    def _keys(self, path: str) -> dict[str, str]:
        return state_files.keys(self._text(path))

    def _text(self, path: str) -> str:
        folder, _slash, name = path.lstrip("/").rpartition("/")
        there = self._there.get(folder)
        if there is None:
            there = self._there[folder] = _names(os.path.join(self._root, folder))
        return (text(f"{self._root}/{folder}/{name}") or "") if name in there else ""


def _names(folder: str) -> frozenset[str]:
    try:
        return frozenset(os.listdir(folder))
    except OSError:
        return frozenset()
