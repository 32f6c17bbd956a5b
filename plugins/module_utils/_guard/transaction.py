# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of a guarded change: a directory for each, and in it one state file whose name is the state.

::

    /var/lib/hypervisor-network/txn/<id>/      root, 0700
    ├── snapshot.json                          what stood before, in iproute2's words, for people
    └── armed | applied | confirmed | rolling-back | rolled-back | rollback-failed

    armed -> applied -> confirmed
      |         |
      +---------+----> rolling-back -> rolled-back | rollback-failed

Every step is one rename(2): a confirmation and the deadline cannot both win, and who comes too late finds the winner's name. So a
transaction is also confirmed or rolled back by hand, on a console, with nothing but mv(1).
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import time
from dataclasses import dataclass
from typing import Any, Iterable, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    BadInput,
    Refused,
)
from ansible_collections.hypervisor.network.plugins.module_utils._host import (
    atomic,
    locks,
    places,
    procfs,
)

ROOT = f"{places.KEPT}/txn"
LOCKS = places.RUN
ARMED, APPLIED, CONFIRMED = "armed", "applied", "confirmed"
ROLLING_BACK, ROLLED_BACK, ROLLBACK_FAILED = "rolling-back", "rolled-back", "rollback-failed"
STATES = (ARMED, APPLIED, CONFIRMED, ROLLING_BACK, ROLLED_BACK, ROLLBACK_FAILED)
PENDING = (ARMED, APPLIED, ROLLING_BACK)
ASKED_FOR = "it was asked for"
_KEPT = 20  # ended transactions that stay for people to read
_ID_BYTES = 16


@dataclass(frozen=True)
class Transaction:
    """One guarded change. C(id) is 128 random bits in hexadecimal: who confirms must have been told it."""

    id: str
    root: str = ROOT

    @property
    def path(self) -> str:
        return os.path.join(self.root, self.id)

    @property
    def state(self) -> str:
        """The name of the state file. Raises BadInput where there is no such transaction."""
        try:
            found = [name for name in os.listdir(self.path) if name in STATES]
        except FileNotFoundError:
            found = []
        if not found:
            raise BadInput(
                f"There is no transaction {self.id} on this host; 'ls {self.root}' shows those that there are."
            )
        return found[0]

    @property
    def facts(self) -> dict[str, Any]:
        """What the state file holds, with the id and the state."""
        for _again in range(3):
            state = self.state
            try:
                with open(os.path.join(self.path, state), encoding="utf-8") as stream:
                    return {**json.load(stream), "id": self.id, "state": state}
            except FileNotFoundError:
                continue  # renamed while we looked
        return {"id": self.id, "state": self.state}

    def move(self, before: str, after: str) -> bool:
        """From one state to another; False where somebody else was first."""
        try:
            os.rename(os.path.join(self.path, before), os.path.join(self.path, after))
        except FileNotFoundError:
            return False
        return True

    def note(self, state: str, **facts: Any) -> None:
        """Add facts to the state file. Only the guard does, in a state that nobody else leaves. What was known stays where a full disk takes no more."""
        path = os.path.join(self.path, state)
        with open(path, encoding="utf-8") as stream:
            known = json.load(stream)
        atomic.write(path, json.dumps({**known, **facts}).encode())


def begin(facts: Mapping[str, Any], snapshot: Any, root: str = ROOT) -> Transaction:
    """A new transaction in the state armed. C(facts) go into its state file, C(snapshot) beside it."""
    places.own_directory(os.path.dirname(root), 0o755)
    places.own_directory(root, 0o700)
    _forget_old(root)
    transaction = Transaction(secrets.token_hex(_ID_BYTES), root)
    places.own_directory(transaction.path, 0o700)
    for name, content in (("snapshot.json", snapshot), (ARMED, {**facts, "began": time.time()})):
        atomic.write(os.path.join(transaction.path, name), json.dumps(content, indent=1).encode())
    return transaction


def named(value: str, root: str = ROOT) -> Transaction:
    """The transaction of that id; BadInput where it can't be one."""
    if len(value) != 2 * _ID_BYTES or not set(value) <= set("0123456789abcdef"):
        raise BadInput(
            f"{value!r} is no transaction's id; it is the {2 * _ID_BYTES} hexadecimal digits that the guarded task returned."
        )
    return Transaction(value, root)


def every(root: str = ROOT) -> list[dict[str, Any]]:
    """The facts of all transactions, the latest first."""
    try:
        names = os.listdir(root)
    except FileNotFoundError:
        return []
    found = []
    for name in names:
        try:
            found.append(Transaction(name, root).facts)
        except BadInput:
            continue  # being made, or being removed
    return sorted(found, key=lambda facts: facts.get("began", 0), reverse=True)


def pending(netns: str | None, root: str = ROOT) -> list[dict[str, Any]]:
    """The transactions of this namespace that have not ended, with the seconds they have left."""
    now = time.clock_gettime(time.CLOCK_BOOTTIME)
    return [
        {**facts, "seconds_left": max(0, round(facts.get("deadline", 0) - now, 1))}
        for facts in every(root)
        if facts["state"] in PENDING and facts.get("netns") == netns and facts.get("boot") == boot()
    ]


def rollbacks_in_a_row(wish: str, root: str = ROOT) -> int:
    """How often the latest transactions for the same wish were rolled back, without one that was confirmed between."""
    count = 0
    for facts in every(root):
        if facts.get("wish") != wish or facts["state"] in PENDING:
            continue
        if facts["state"] == CONFIRMED:
            break
        count += facts.get("why") != ASKED_FOR  # who orders it knows what he does
    return count


def wish_hash(words: Iterable[Any]) -> str:
    """A short name for what is wanted, the same for the same wish."""
    return hashlib.sha256(json.dumps(list(words), sort_keys=True).encode()).hexdigest()[:16]


def boot() -> str:
    """This boot's id: what was pending before a reboot is not any more."""
    return procfs.boot_id()


def lock(netns: str | None, directory: str = LOCKS) -> int:
    """The lock of this namespace's network, as an open file descriptor; the guard holds it until the end, and ends with C(unlock).

    Raises Refused, and tells which transaction holds it.
    """
    places.own_directory(directory, places.RUN_MODE)
    descriptor = locks.hold(_lock_path(netns, directory))
    if descriptor is None:
        raise Refused(_pending_sentence(netns))
    return descriptor


def unlock(netns: str | None, descriptor: int, directory: str = LOCKS) -> None:
    """Give the lock up for everybody who inherited it; no file of it is left."""
    locks.let_go(descriptor, _lock_path(netns, directory))


def wait_for_guard(netns: str | None, directory: str = LOCKS) -> None:
    """Return when no guard of this namespace lives any more."""
    places.own_directory(directory, places.RUN_MODE)
    held = locks.hold(_lock_path(netns, directory), wait=True)
    if held is not None:
        unlock(netns, held, directory)


def _lock_path(netns: str | None, directory: str) -> str:
    # a dot within the name: no guest's directory can be called that
    return os.path.join(directory, f".guard-{netns}.lock" if netns else ".guard.lock")


def _pending_sentence(netns: str | None) -> str:
    for facts in pending(netns):
        return (
            f"The transaction {facts['id']} ({facts.get('what', 'a guarded change')}) is pending, {facts['seconds_left']:g} s left; "
            "wait for its end, or confirm it or roll it back with its id."
        )
    return "Another guarded change is just beginning or ending on this host; run the task again in a moment."


def _forget_old(root: str) -> None:
    ended = [facts["id"] for facts in every(root) if facts["state"] not in PENDING]
    for one in ended[_KEPT:]:
        shutil.rmtree(os.path.join(root, one), ignore_errors=True)
