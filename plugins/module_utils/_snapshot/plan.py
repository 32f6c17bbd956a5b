# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. Snapshots of a guest: (what there is, a wish) -> changes.

What a run that was killed left half done comes first, whatever is wished: each phase of a snapshot (_qemu/chain.py) says what is
still to do, and what QEMU has open says how far it came.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Iterable, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import (
    INTERRUPTS,
    SAFE,
    Change,
    listed,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import chain as chain_model
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.chain import (
    EXTERNAL,
    INTERNAL,
    Entry,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.guest import (
    ABSENT,
    UNRESPONSIVE,
)
from ansible_collections.hypervisor.network.plugins.module_utils._snapshot import spec
from ansible_collections.hypervisor.network.plugins.module_utils._snapshot.held import PAUSED
from ansible_collections.hypervisor.network.plugins.module_utils._snapshot.model import Now
from ansible_collections.hypervisor.network.plugins.module_utils._snapshot.spec import Wish

KIND = "snapshot"
STOPPED, CRASH, QUIESCED, MEMORY = "stopped", "crash", "quiesced", "memory"


def plan(now: Now, wish: Wish) -> list[Change]:
    """The changes that bring the guest's snapshots to the wish. Raises Refused."""
    _check_guest(now)
    changes, then = _settled(now, wish)
    if not wish.live and not now.down and wish.state != spec.PRESENT:
        wanted = _wished(then, wish)
        if wanted:
            raise Refused(
                f"{now.guest} runs, and live: false is asked for; stop it first with qemu_guest, state: stopped."
            )
    return [*changes, *_wished(then, wish)]


def _wished(now: Now, wish: Wish) -> list[Change]:
    if wish.state == spec.PRESENT:
        return _present(now, wish)
    if wish.state == spec.ABSENT:
        return _absent(now, wish.name)
    return _reverted(now, wish.name)


def _check_guest(now: Now) -> None:
    if now.status == ABSENT:
        raise Refused(
            f"There is no guest {now.guest} on this host; define it with qemu_guest first."
        )
    if now.status == UNRESPONSIVE:
        raise Refused(
            f"{now.guest} runs and does not answer its monitor, so its disks must not be touched; look why, or end it with qemu_guest, state: stopped."
        )
    if not now.disks:
        raise Refused(
            f"{now.guest} has no disk that it may write to, so there is nothing to keep; give it one in 'disks'."
        )
    pending = {
        overlay
        for entry in now.chain.entries
        if entry.phase != chain_model.PRESENT
        for overlay in entry.disks.values()
    }
    for disk in now.disks:
        on_record = {disk.top.path} | {
            layer.path
            for above, layer in zip(disk.layers, disk.layers[1:])
            if above.path in pending
        }
        if disk.live is not None and disk.live not in on_record:
            raise Refused(
                f"{now.guest} runs on {disk.live}, and not on {disk.top.path}, which its snapshots have put on top of that; stop it before it has written "
                "much, and look who started it."
            )


def _settled(now: Now, wish: Wish) -> tuple[list[Change], Now]:
    """What finishes the work of runs that were killed, and what there will be then."""
    changes = []
    released = []
    if now.held and not now.down:
        released.append(
            Change(
                "release",
                "guest",
                now.guest,
                dict.fromkeys(now.held, True),
                dict.fromkeys(now.held, False),
            )  # fmt: skip
        )
    # A killed merge holds it still since QEMU has let go of an overlay that is on record: were the guest let go first and the power cut, what it
    # writes meanwhile would be below that overlay, on which it starts
    merged_first = PAUSED in now.held and any(
        entry.phase == chain_model.DELETING for entry in now.chain.entries
    )
    changes += [] if merged_first else released
    for entry in now.chain.entries:
        before = {"phase": entry.phase}
        if entry.phase == chain_model.MAKING or (
            entry.phase == chain_model.PENDING and not _in_use(now, entry)
        ):
            changes.append(Change("discard", KIND, entry.name, before, None, payload=entry))
            now = now.without(entry)
        elif entry.phase == chain_model.PENDING:
            changes.append(
                Change(
                    "complete",
                    KIND,
                    entry.name,
                    before,
                    {"phase": chain_model.PRESENT},
                    payload=entry,
                )  # fmt: skip
            )
            now = replace(now, chain=now.chain.with_entry(entry.now(chain_model.PRESENT)))
        elif entry.phase == chain_model.DELETING:
            changes.append(Change("delete", KIND, entry.name, before, None, payload=entry))
            now = now.without(entry)
        elif entry.phase == chain_model.REVERTING:
            if not now.down:
                raise Refused(
                    f"{now.guest} runs while going back to its snapshot {entry.name} is half done, so its disks are of two moments; stop it with "
                    "qemu_guest, state: stopped, and run the task again."
                )
            changes.append(Change("revert", KIND, entry.name, before, {"phase": chain_model.PRESENT}, INTERRUPTS, entry))  # fmt: skip
            if (wish.state, wish.name) == (spec.REVERTED, entry.name):
                now = replace(now, loaded=entry.name)
            now = replace(now, chain=now.chain.with_entry(entry.now(chain_model.PRESENT)))
    changes += released if merged_first else []
    changes += [Change("remove", "file", path, {"path": path}, None) for path in now.chain.garbage]
    return changes, now


def _in_use(now: Now, entry: Entry) -> bool:
    """Whether QEMU has begun to write to the overlays of an entry: of a guest that runs by what it has open, else by what is in them."""
    for disk in now.disks:
        overlay = entry.disks.get(disk.path)
        if overlay is None:
            continue
        if disk.live is not None:
            if disk.live == overlay:
                return True
        elif any(layer.path == overlay and not layer.empty for layer in disk.layers):
            return True
    return False


def _present(now: Now, wish: Wish) -> list[Change]:
    entry = now.chain.entry(wish.name)
    if entry is not None or any(layer.saved(wish.name) for disk in now.disks for layer in disk.layers):  # fmt: skip
        _check_there(now, wish, entry)
        return []
    if not wish.live and not now.down:
        raise Refused(
            f"{now.guest} runs, and live: false is asked for; stop it first with qemu_guest, state: stopped."
        )
    raw = [disk.top.path for disk in now.disks if disk.top.format != "qcow2"]
    kind = wish.kind or (INTERNAL if now.down and not raw else EXTERNAL)
    if kind == INTERNAL:
        _check_internal(now, raw)
        disks = {disk.path: disk.top.path for disk in now.disks}
        consistency = STOPPED if now.down else MEMORY
    else:
        for disk in now.disks:
            if disk.taken:
                raise Refused(
                    f"{now.guest} gets no snapshot {wish.name}: {disk.beside} is there already, and is none of its overlays; move it away, or choose "
                    "another name."
                )
            if disk.live is None and not now.down:
                raise Refused(
                    f"{now.guest} gets no snapshot {wish.name}: it runs without its disk {disk.path}, which its definition names; start it anew first."
                )
        disks = {disk.path: disk.beside for disk in now.disks}
        consistency = STOPPED if now.down else QUIESCED if wish.quiesce else CRASH
    after = {"kind": kind, "consistency": consistency, "disks": disks}
    made = Entry(wish.name, kind, chain_model.MAKING, 0.0, consistency, None, disks)
    risk = INTERRUPTS if consistency == MEMORY else SAFE
    return [Change("create", KIND, wish.name, None, after, risk, made)]


def _check_there(now: Now, wish: Wish, entry: Entry | None) -> None:
    """Refuse to call that the wished snapshot which is another one, or only some of it."""
    kind = INTERNAL if entry is None else entry.kind
    if wish.kind not in (None, kind):
        raise Refused(
            f"{now.guest} has a snapshot {wish.name} that is {kind}, and not {wish.kind}; remove it first with state: absent, or choose another name."
        )
    if entry is None:
        _check_whole(now, wish.name)


def _check_whole(now: Now, name: str) -> None:
    """Refuse an internal snapshot that only some disks have."""
    without = [
        disk.path for disk in now.disks if not any(layer.saved(name) for layer in disk.layers)
    ]
    if without:
        raise Refused(
            f"The snapshot {name} of {now.guest} is not on {listed(without)}, so it is of no single moment; remove it with state: absent, or choose "
            "another name."
        )


def _check_internal(now: Now, raw: Sequence[str]) -> None:
    foreign = [] if now.down else [name for name, form in now.others.items() if form != "qcow2"]
    if raw or foreign:
        raise Refused(
            f"{now.guest} gets no internal snapshot: {listed([*raw, *foreign])} is not qcow2, and would be left out; use kind: external."
        )


def _absent(now: Now, name: str) -> list[Change]:
    entry = now.chain.entry(name)
    if entry is not None and entry.kind == EXTERNAL:
        _check_no_saved(now, entry, "merged away")
        risk = SAFE
        return [Change("delete", KIND, name, _words(entry), None, risk, entry)]
    holders = {
        disk.path: layer.path for disk in now.disks for layer in disk.layers if layer.saved(name)
    }
    if not holders:
        if entry is None:
            return []
        return [Change("discard", KIND, name, _words(entry), None, payload=entry)]
    lower = [path for disk, path in holders.items() if path not in _tops(now)]
    if lower and not now.down:
        raise Refused(
            f"The snapshot {name} of {now.guest} is in {listed(lower)}, below a newer external snapshot; stop the guest first, or remove that snapshot."
        )
    found = replace(entry or Entry(name, INTERNAL), disks=holders)
    return [Change("delete", KIND, name, _words(found), None, payload=found)]


def _reverted(now: Now, name: str) -> list[Change]:
    if now.loaded == name:
        return []
    entry = now.chain.entry(name)
    if entry is not None and entry.kind == EXTERNAL:
        return _reverted_external(now, entry)
    saved = {
        disk.path: one for disk in now.disks for layer in disk.layers if (one := layer.saved(name))
    }
    if not saved:
        known = [one.name for one in now.chain.entries]
        raise Refused(
            f"{now.guest} has no snapshot {name}"
            + (f", only {listed(known)}" if known else "")
            + "; make it with state: present before it is needed."
        )
    _check_whole(now, name)
    above = [disk.path for disk in now.disks if not disk.top.saved(name)]
    if above:
        raise Refused(
            f"The snapshot {name} of {now.guest} is below a newer external snapshot of {listed(above)}, which would be lost; remove that one first with "
            "state: absent."
        )
    if now.down and all(one.untouched for one in saved.values()):
        return []
    if not now.down and not any(one.memory for one in saved.values()):
        raise Refused(
            f"{now.guest} runs, and its snapshot {name} holds disks only, which must not change below it; stop it with qemu_guest, state: stopped, first."
        )
    found = replace(
        entry or Entry(name, INTERNAL),
        disks={disk.path: disk.top.path for disk in now.disks},
    )
    return [Change("revert", KIND, name, {}, _words(found), INTERRUPTS, found)]


def _reverted_external(now: Now, entry: Entry) -> list[Change]:
    newer = [
        one.name
        for one in now.chain.entries[now.chain.entries.index(entry) + 1 :]
        if one.kind == EXTERNAL and set(one.disks) & set(entry.disks)
    ]
    if newer:
        raise Refused(
            f"{now.guest} cannot go back to {entry.name}: {listed(newer)} is newer, and would be lost; remove it first with state: absent."
        )
    overlays = [
        layer
        for disk in now.disks
        for layer in disk.layers
        if layer.path == entry.disks.get(disk.path)
    ]
    if now.down and all(layer.empty and not layer.snapshots for layer in overlays):
        return []
    if not now.down:
        raise Refused(
            f"{now.guest} runs, and its snapshot {entry.name} holds disks only, which must not change below it; stop it with qemu_guest, state: stopped, "
            "first."
        )
    _check_no_saved(now, entry, "thrown away")
    return [Change("revert", KIND, entry.name, {}, _words(entry), INTERRUPTS, entry)]


def _check_no_saved(now: Now, entry: Entry, becomes: str) -> None:
    for disk in now.disks:
        for layer in disk.layers:
            if layer.path == entry.disks.get(disk.path) and layer.snapshots:
                inside = listed([one.name for one in layer.snapshots])
                raise Refused(
                    f"The overlay {layer.path} of the snapshot {entry.name} holds the internal snapshot {inside}, which would be {becomes} with it; remove "
                    "that first with state: absent."
                )


def _tops(now: Now) -> set[str]:
    return {disk.top.path for disk in now.disks}


def _words(entry: Entry) -> dict[str, Any]:
    return {"kind": entry.kind, "consistency": entry.consistency, "disks": dict(entry.disks)}


def wish_back(wish: Wish, changes: Iterable[Change]) -> Wish | None:
    """The wish that takes back what was made; None where something was merged or thrown away, which goes forward only."""
    if any(change.action in ("delete", "revert") for change in changes):
        return None
    return Wish(wish.guest, wish.name, spec.ABSENT, netns=wish.netns)


def described(now: Now, changes: Iterable[Change] = ()) -> list[dict[str, Any]]:
    """The guest's snapshots as a module returns them, the oldest first; C(changes) are those that check mode foretells."""
    found = {
        entry.name: {
            "name": entry.name,
            "kind": entry.kind,
            "seconds": entry.seconds,
            "consistency": entry.consistency,
            "memory": entry.consistency == MEMORY,
            "note": entry.note,
            "disks": dict(entry.disks),
        }
        for entry in now.chain.entries
    }
    for disk in now.disks:
        for layer in disk.layers:
            for saved in layer.snapshots:
                one = found.setdefault(
                    saved.name,
                    {"name": saved.name, "kind": INTERNAL, "seconds": float(saved.seconds), "consistency": None, "note": None, "disks": {}},
                )  # fmt: skip
                one["disks"][disk.path] = layer.path
                one["memory"] = saved.memory or one.get("memory", False)
    for change in changes:
        if change.kind == KIND and change.after is None:
            found.pop(change.name, None)
        elif change.kind == KIND and change.action == "create":
            found[change.name] = {
                "name": change.name,
                "seconds": None,
                "note": None,
                "memory": change.after["consistency"] == MEMORY,
                **change.after,
            }
    return sorted(found.values(), key=lambda one: (one["seconds"] is None, one["seconds"] or 0))
