# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs becomes what boots, as a noun for the one loop: the files of the manager that owns the NIC, planned from the kernel, written, and read by it.

Other than a conversion it has no guard: the files say what stands already, and where the manager takes a port or an address away nevertheless, the
files are given back and read once more.
"""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import dataclass, replace
from typing import Any, Callable, Collection, Mapping, Sequence, Union

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    BadInput,
    ReadBackError,
    Refused,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import (
    Change,
    Outcome,
    listed,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    Link,
    Snapshot,
)
from ansible_collections.hypervisor.network.plugins.module_utils._doctor import takers
from ansible_collections.hypervisor.network.plugins.module_utils._host import cloud_files as host
from ansible_collections.hypervisor.network.plugins.module_utils._host import (
    files,
    nic_names,
    regular_file,
)
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.manager import Ifupdown
from ansible_collections.hypervisor.network.plugins.module_utils._link.ageing import (
    ages_faster,
    wait_for_own_ageing,
)
from ansible_collections.hypervisor.network.plugins.module_utils._managers import (
    beliefs,
    foreign,
    hands_off,
    there,
)
from ansible_collections.hypervisor.network.plugins.module_utils._managers import read as owners
from ansible_collections.hypervisor.network.plugins.module_utils._managers.owners import (
    NETWORKD_LASTING,
)
from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import (
    ALL,
    IFUPDOWN,
    NETWORKD,
    File,
    Owner,
    Standing,
    Wish,
    Writer,
)
from ansible_collections.hypervisor.network.plugins.module_utils._persist import cloud_init, given
from ansible_collections.hypervisor.network.plugins.module_utils._persist.missing import missing
from ansible_collections.hypervisor.network.plugins.module_utils._persist.writers import WRITERS
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import permanent
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.link import RTM_GETLINK
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.snapshot import Netlink

BACKUPS = "/var/backups/hypervisor-network"
_REST_SECONDS = 3.0  # a manager replaces its file of a device when it is at rest, and tells nobody
_TICK = 0.2
AUTO = "auto"


@dataclass(frozen=True)
class Restore:
    """The undo: the files as they were."""

    files: Sequence[File]


class Persistence:
    """See C(_core/reconcile.Noun). A wish is a port.Wish, or a Restore for the way back."""

    def __init__(
        self,
        netlink: Netlink,
        wish: Wish,
        manager: str = AUTO,
        backups: str | None = BACKUPS,
        adapters: Mapping[str, Writer] | None = None,
        root: str = "/",
        patience: float = given.PATIENCE,
        scope: str = ALL,
        have_read: Callable[[str], None] | None = None,
    ) -> None:
        self._netlink = netlink
        self._have_read = have_read or _networkctl_reload
        self._own = scope == ALL
        self._wish = wish
        self._asked = manager
        self._backups = backups
        self._adapters = WRITERS if adapters is None else adapters
        self._root = root
        self._patience = patience
        self.manager = manager

    def read(self) -> Standing:
        links = self._netlink.snapshot(addresses=True, vlans=True)
        changing = [one for one in self._wish.bridges if one in links.links and ages_faster(links.links[one])]  # fmt: skip
        if changing and self._wish.present:
            # a tree that changes shows another time than the one that boots
            wait_for_own_ageing(self._netlink, [{"name": one, "ageing_time": 0} for one in changing])  # fmt: skip
            links = self._netlink.snapshot(addresses=True, vlans=True)
        standing = links.links
        found = {
            name: owner
            for name in (*self._wish.uplinks, *self._wish.bridges)
            if name in standing and (owner := self._owner(name, standing[name].index)) is not None
        }
        if not found and self._asked == AUTO and self._wish.present and self._own:
            self._check_there(standing)  # what is missing has no manager, and says more
        self.manager = self._named(found)
        known = {
            nic: self._adapter().look(found[nic], standing[nic].master or "")
            for nic in self._wish.uplinks
            if nic in found and self._own
        }
        return replace(
            given.standing(self._netlink, links),
            owners=found,
            known=known,
            permanent=permanent.permanent_macs(self._netlink.dump(RTM_GETLINK)),
            unsteady=nic_names.reasons() if self._root == "/" else {},
        )

    def _owner(self, name: str, index: int) -> Owner | None:
        """Who says that it is theirs, or whose files describe it: ifupdown2 tells nobody but itself what is up."""
        owner = owners.owner(name, index, self._root)
        dialect = owners.dialect(self._root)
        writer = self._adapters.get(dialect)
        if owner is None and isinstance(writer, Ifupdown) and writer.describes(name):
            return Owner(dialect, name, index)
        return owner

    def _check_there(self, links: Mapping[str, Any]) -> None:
        missing = [name for name in self._wish.names if name not in links]
        if missing:
            raise BadInput(
                f"There is no device {listed(missing)} on this host, and what boots is read from what runs; make it first."
            )
        kinds = ((self._wish.bridges, "bridge", "bridge"), (self._wish.taps, "tun", "tap"))
        for names, kind, word in kinds:
            others = [name for name in names if links[name].kind != kind]
            if others:
                raise BadInput(
                    f"{others[0]} is no {word}, and the next boot would make it one; name it in bridges, uplinks, taps or ports, whichever it is."
                )
        loose = [nic for nic in self._wish.uplinks if links[nic].master not in self._wish.bridges]
        if loose:
            raise BadInput(
                f"{loose[0]} is not the uplink of one of the bridges that are named ({listed(self._wish.bridges) or 'none'}); make it one with bridge_uplink "
                "first, and name its bridge."
            )

    def _named(self, found: Mapping[str, Any]) -> str:
        """The manager that is asked for, or the one that owns the uplinks. Raises Refused."""
        if self._asked != AUTO:
            return self._asked
        names = {found[nic].manager for nic in self._wish.uplinks if nic in found}
        names = names or {one.manager for one in found.values()}
        if not names and not self._own:
            return owners.dialect(
                self._root
            )  # nobody has files of theirs for what others are kept off
        if len(names) != 1:
            verb = "is" if len(self._wish.names) == 1 else "are"
            said = f"{verb} managed by {' and '.join(sorted(names)) or 'nobody'}"
            raise Refused(
                f"{listed(self._wish.names)} {said}, so it can't be told whose files they go into; say manager, and name those of one manager in one task."
            )
        return names.pop()

    def _adapter(self) -> Writer:
        return self._adapters[self.manager]

    def plan(self, now: Standing, wish: Union[Wish, Restore]) -> list[Change]:
        """The files that differ. Probes what would stop writing them; writes nothing."""
        if isinstance(wish, Restore):
            return self._changes(wish.files)
        if wish.present and self._own:  # what others are kept off may be still to come
            self._check_there(now.links)
        changes = self._changes(self._wanted(now, wish))
        for edit in self._edits(changes):
            if os.path.isdir(os.path.dirname(edit.path)):
                files.probe(edit)
        return changes

    def foresee(self, then: Snapshot, routes: Sequence[Any]) -> list[Change]:
        """The files that are otherwise than a host as it will be has them, whose devices may be still to come. Nothing is probed.

        Raises Refused, by name, for what the manager has no words for.
        """
        now = self.read()
        links = with_ageing_of(then.links, now.links)
        later = replace(now, links=links, addresses=then.addresses, routes=routes)
        return self._changes(self._wanted(later, self._wish))

    def _wanted(self, now: Standing, wish: Wish) -> list[File]:
        """The files that shall be, and those that shall go: what keeps others off comes first, and goes last."""
        aside = self._aside(wish, there.there(self._root))
        if not self._own:
            return aside
        cloud = host.read(self._root)
        cloud_init.check(wish, cloud)
        for nic in wish.uplinks if wish.present else ():
            self._check(now, nic)
        own = cloud_init.framed(self._adapter().plan(now, wish), wish, cloud)
        return [*aside, *own] if wish.present else [*own, *aside]

    def _aside(self, wish: Wish, others: Collection[str]) -> list[File]:
        """What keeps other managers off; in a namespace beside the host's there are none."""
        return hands_off.files(wish, others, self.manager) if there.counts(self._root) else []

    def _check(self, now: Standing, nic: str) -> None:
        if nic not in now.known:
            raise Refused(
                f"{nic} is not managed by {self.manager}, so that would not make it a port at boot; leave manager out, or hand the NIC over to it first."
            )
        objection = self._adapter().objection(now.owners[nic], now.known[nic])
        if objection is not None:
            raise Refused(f"{objection}.")

    def _changes(self, wanted: Sequence[File]) -> list[Change]:
        changes = []
        for one in wanted:
            path = self._path(one.path)
            old = regular_file.read_bytes(path) if regular_file.is_file(path) else None
            new, meanwhile = _bytes(one.text), _bytes(one.meanwhile)
            if old != new:
                action = "delete" if new is None else "create" if old is None else "update"
                edit = files.Edit(path, old, new, meanwhile, one.mode)
                changes.append(
                    Change(action, "file", one.path, _words(old), _words(new), payload=edit)
                )
        return changes

    def apply(self, changes: Sequence[Change], now: Standing) -> None:
        edits = self._edits(changes)
        self._check_given_back(now)
        for path, content in self._copies(changes):
            files.back_up(path, content)
        os.makedirs(os.path.dirname(edits[0].path), mode=0o755, exist_ok=True)
        files.put(edits, os.path.dirname(edits[0].path))
        with foreign.kept(self._netlink):
            self._have_others_read(changes)
            if self._own:
                self._adapter().load(now, self._wish)
        given.wait(self._netlink, now, self._missed(), self._patience)

    def _have_others_read(self, changes: Sequence[Change]) -> None:
        """networkd goes by what it has read, and takes a tap by that when a guest starts. What it is no longer kept off it takes when it reads that: later.

        NetworkManager takes nothing that it has not made until its next start, and takes down what it made if it is told before.
        """
        aside = {one.path for one in self._aside(self._wish, ())}
        told = any(
            one.name in aside and one.name.startswith(NETWORKD_LASTING) and one.after is not None
            for one in changes
        )
        if told and there.runs(NETWORKD, self._root):
            self._have_read(self._root)

    def _missed(self) -> Sequence[str]:
        """The devices that keep all they have: a bridge whose files go keeps what it has by nobody's word."""
        wish = self._wish
        return wish.names if wish.present else [*wish.uplinks, *wish.ports, *wish.taps]

    def _check_given_back(self, now: Standing) -> None:
        """Nobody would renew the lease of a bridge whose files are gone. Not asked in check mode, where a task before may be about to give it back."""
        ports = [
            nic
            for nic in self._wish.uplinks
            if self._own and not self._wish.present and nic in now.links and now.links[nic].master
        ]
        if ports:
            raise Refused(
                f"{ports[0]} is still a port of {now.links[ports[0]].master}, whose lease nobody would renew without these files; give the NIC back with "
                "bridge_uplink, state: absent, first."
            )

    def verify(self, before: Standing, after: Standing) -> None:
        """Nothing that ran is gone. Raises ReadBackError."""
        lost = missing(before, after, self._missed())
        if lost:
            raise ReadBackError(
                f"{self.manager} took {listed([one.what for one in lost], 3)} when it read its files."
            )

    def disagreements(self, outcome: Outcome) -> dict[str, str]:
        """By device of the wish what its manager believes that is not so, a sentence without its end; none of what check mode has foretold."""
        foretold = outcome.changed and outcome.after is outcome.before
        if foretold or not self._wish.present or not there.counts(self._root):
            return {}
        # its own files of devices may be to come
        patience = min(_REST_SECONDS, self._patience) if outcome.changed else 0.0
        deadline = time.monotonic() + patience
        while (found := self._disagreements()) and time.monotonic() < deadline:
            time.sleep(_TICK)
        return found

    def _disagreements(self) -> dict[str, str]:
        wish, now = self._wish, self._netlink.snapshot(addresses=True)
        mine = wish.bridges if self._own and self.manager == IFUPDOWN else ()
        ports = (now.links[one] for one in wish.uplinks if one in now.links)
        said = {**beliefs.disagreements(now, self._root, mine), **takers.takers(ports, self._root)}
        return {one: said[one] for one in wish.names if one in said}

    def wish_back(self, before: Standing, changes: Sequence[Change]) -> Restore:
        del before
        return Restore(
            [
                File(change.name, _text(change.payload.old), change.payload.mode)
                for change in changes
            ]
        )

    def backups_of(self, changes: Sequence[Change]) -> list[str]:
        """The paths of the copies that a plan keeps."""
        return [path for path, _content in self._copies(changes)]

    def _copies(self, changes: Sequence[Change]) -> list[tuple[str, bytes]]:
        """What to keep and where; a file below /run is gone with the next boot anyway."""
        found = []
        for change in changes:
            old = change.payload.old
            if (
                self._backups is not None
                and old is not None
                and not change.name.startswith("/run/")
            ):
                mark = hashlib.sha256(old).hexdigest()[:16]
                name = f"{change.name.strip('/').replace('/', '-')}.{mark}"
                found.append((os.path.join(self._backups, name), old))
        return found

    @staticmethod
    def _edits(changes: Sequence[Change]) -> list[files.Edit]:
        return [change.payload for change in changes]

    def _path(self, path: str) -> str:
        return os.path.join(self._root, path.lstrip("/"))


def with_ageing_of(links: Mapping[str, Link], later: Mapping[str, Link]) -> dict[str, Link]:
    """The bridges that did not tell their own ageing when they were read, with what they told C(later)."""
    return {
        name: replace(link, options={**link.options, "ageing_time": later[name].options.get("ageing_time")})
        if link.kind == "bridge" and name in later and link.options.get("ageing_time", "") is None
        else link
        for name, link in links.items()
    }  # fmt: skip


def _networkctl_reload(root: str) -> None:
    """Imported for hosts where networkd runs beside the manager of the devices."""
    from ansible_collections.hypervisor.network.plugins.module_utils._networkd.control import (
        Control,
    )

    Control(root).read()


def diff(changes: Sequence[Change]) -> list[dict[str, str]]:
    """Ansible's diff: each file's text, before and after."""
    return [
        {
            "before_header": change.name,
            "after_header": change.name,
            "before": _text(change.payload.old) or "",
            "after": _text(change.payload.new) or "",
        }
        for change in changes
    ]


def _text(content: bytes | None) -> str | None:
    return None if content is None else content.decode("utf-8", "surrogateescape")


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else text.encode("utf-8", "surrogateescape")


def _words(content: bytes | None) -> dict[str, str] | None:
    return None if content is None else {"sha256": hashlib.sha256(content).hexdigest()}
