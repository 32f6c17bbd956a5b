# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of a guarded change: a directory for each, and in it one state file whose name is the state.

::

    /var/lib/hypervisor-network/txn/<id>/      root, 0700
    ├── snapshot.json                          what stood before, in iproute2's words, for people
    └── armed | applied | confirmed | undoing | rolling-back | rolled-back | rollback-failed

    armed -> applied -> confirmed
      |         |
      +---------+----> rolling-back -> rolled-back | rollback-failed
      |                     |
      +--> undoing ---------+-> rolled-back

Every step is one rename(2): a confirmation and the deadline cannot both win, and who comes too late finds the winner's name. So a
transaction is also confirmed or rolled back by hand, on a console, with nothing but mv(1). And nobody brings the network back who has not won
that: in undoing it is the module that failed, in rolling-back the guard.
"""

from __future__ import annotations

import contextlib
import fcntl
import glob
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
from ansible_collections.hypervisor.network.plugins.module_utils._guard import record
from ansible_collections.hypervisor.network.plugins.module_utils._host import (
    locks,
    places,
    procfs,
)

ROOT = f"{places.KEPT}/txn"
LOCKS = places.RUN
ARMED, APPLIED, CONFIRMED = "armed", "applied", "confirmed"
UNDOING, ROLLING_BACK = "undoing", "rolling-back"
ROLLED_BACK, ROLLBACK_FAILED = "rolled-back", "rollback-failed"
PENDING = (ARMED, APPLIED, UNDOING, ROLLING_BACK)
ENDED = (CONFIRMED, ROLLED_BACK, ROLLBACK_FAILED)
# the last word first: should somebody have copied a state file where mv was meant
STATES = (*ENDED, ROLLING_BACK, UNDOING, APPLIED, ARMED)
SNAPSHOT, BY_HAND = "snapshot.json", "by_hand"
ASKED_FOR = "it was asked for"
_KEPT = 20  # ended transactions that stay for people to read
_ID_BYTES = 16
_SET_ASIDE = ".unreadable"
_MAKING = ".making-"
_STALE_SECONDS = 3600.0  # nobody makes a record for so long
_TICK = 0.01
_END_SECONDS = 120.0  # two ways back, and the system's own between


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
            names = os.listdir(self.path)
        except (FileNotFoundError, NotADirectoryError):
            names = []
        found = next((state for state in STATES if state in names), None)
        if found is None:
            raise BadInput(
                f"There is no transaction {self.id} on this host; 'ls {self.root}' shows those that there are."
            )
        return found

    @property
    def facts(self) -> dict[str, Any]:
        """What the state file holds, with the id and the state; of one that cannot be read, C(unreadable) says why."""
        for _again in range(3):
            state = self.state
            own = {"id": self.id, "state": state}
            try:
                return {**record.read(os.path.join(self.path, state)), **own}
            except FileNotFoundError:
                continue  # renamed while we looked
            except record.Unreadable as why:
                return {**own, "unreadable": str(why)}
        return {"id": self.id, "state": self.state}

    @property
    def by_hand(self) -> list[str]:
        """The way back as commands that a person types; none where nobody has written them, or they can't be read."""
        try:
            found = record.read(os.path.join(self.path, SNAPSHOT)).get(BY_HAND)
        except (record.Unreadable, OSError):
            return []
        return [str(one) for one in found] if isinstance(found, list) else []

    def move(self, before: str, after: str) -> bool:
        """From one state to another; False where somebody else was first. Raises OSError where the disk takes no rename."""
        try:
            os.rename(os.path.join(self.path, before), os.path.join(self.path, after))
        except FileNotFoundError:
            return False
        if (
            after in ENDED
        ):  # before that, time counts more than a power cut, which ends the change anyway
            with contextlib.suppress(OSError):
                record.sync(self.path)
        return True

    def note(self, state: str, **facts: Any) -> None:
        """Add facts to the state file, in a state that nobody else leaves. What was known stays where a full disk takes no more. Raises OSError."""
        try:
            known = record.read(os.path.join(self.path, state))
        except record.Unreadable:
            known = {}
        record.write(self.path, state, {**known, **facts})


def begin(facts: Mapping[str, Any], snapshot: Any, root: str = ROOT) -> Transaction:
    """A new transaction in the state armed. C(facts) go into its state file, C(snapshot) beside it.

    It comes into being whole, by a rename of its directory. Raises OSError; then there is nothing of it.
    """
    places.own_directory(os.path.dirname(root), 0o755)
    places.own_directory(root, 0o700)
    _forget_old(root)
    transaction = Transaction(secrets.token_hex(_ID_BYTES), root)
    making = os.path.join(root, _MAKING + transaction.id)
    try:
        os.mkdir(making, 0o700)
        record.write(making, SNAPSHOT, snapshot)
        record.write(making, ARMED, {**facts, "began": time.time()})
        os.rename(making, transaction.path)
        record.sync(root)
    except BaseException:
        for path in (making, transaction.path):
            shutil.rmtree(path, ignore_errors=True)
        raise
    return transaction


def _is_id(value: str) -> bool:
    return len(value) == 2 * _ID_BYTES and set(value) <= set("0123456789abcdef")


def named(value: str, root: str = ROOT) -> Transaction:
    """The transaction of that id; BadInput where it can't be one."""
    if not _is_id(value):
        raise BadInput(
            f"{value!r} is no transaction's id; it is the {2 * _ID_BYTES} hexadecimal digits that the guarded task returned."
        )
    return Transaction(value, root)


def every(root: str = ROOT) -> list[dict[str, Any]]:
    """The facts of all transactions, the latest first."""
    found = []
    for name in filter(_is_id, _names(root)):
        try:
            found.append(Transaction(name, root).facts)
        except BadInput:
            continue  # being removed, or none of ours
    return sorted(found, key=lambda facts: facts.get("began", 0), reverse=True)


def _names(root: str) -> list[str]:
    try:
        return os.listdir(root)
    except FileNotFoundError:
        return []


def set_aside(root: str = ROOT) -> list[str]:
    """Move records that cannot be read out of the way, and tell of each in a sentence. One that a guard still holds stays."""
    told = []
    for facts in every(root):
        path = os.path.join(root, facts["id"])
        if "unreadable" not in facts or _in_use(path):
            continue
        try:
            os.rename(path, path + _SET_ASIDE)
        except OSError:
            continue  # it stops nobody where it is
        told.append(
            f"The record {path} of an earlier guarded change can't be read ({facts['unreadable']}), so it was set aside as {path}{_SET_ASIDE}; "
            "look at it, and remove it."
        )
    return told


def hold(transaction: Transaction) -> int:
    """A descriptor that says, as long as it is open, that somebody still needs the record."""
    descriptor = os.open(transaction.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    return descriptor


def _in_use(path: str) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return False
    except OSError:
        return True
    finally:
        os.close(descriptor)


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
    _sweep_locks(directory, _lock_path(netns, directory))
    return descriptor


def _sweep_locks(directory: str, mine: str) -> None:
    """Remove what killed guards have left of their locks, in whichever namespace. Without a holder it does no harm: whoever comes next takes it."""
    for path in glob.glob(os.path.join(glob.escape(directory), ".guard*.lock")):
        if path == mine or _age(path) < _STALE_SECONDS:
            continue
        with contextlib.suppress(OSError):
            held = locks.hold(path)
            if held is not None:
                locks.let_go(held, path)


def unlock(netns: str | None, descriptor: int, directory: str = LOCKS) -> None:
    """Give the lock up for everybody who inherited it; no file of it is left."""
    locks.let_go(descriptor, _lock_path(netns, directory))


def wait_for_guard(netns: str | None, directory: str = LOCKS) -> bool:
    """Wait until no guard of this namespace lives any more; False where one still does after two minutes."""
    places.own_directory(directory, places.RUN_MODE)
    deadline = time.monotonic() + _END_SECONDS
    while True:
        held = locks.hold(_lock_path(netns, directory))
        if held is not None:
            unlock(netns, held, directory)
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(_TICK)  # flock(2) has no deadline to wait with


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
    """Of what has ended, and of what was set aside, the latest stay; what a run that was killed had begun goes."""
    gone = [facts["id"] for facts in every(root) if facts["state"] in ENDED][_KEPT:]
    aside = [name for name in _names(root) if name.endswith(_SET_ASIDE)]
    gone += sorted(aside, key=lambda name: _age(os.path.join(root, name)))[_KEPT:]
    gone += [
        name
        for name in _names(root)
        if name.startswith(_MAKING) and _age(os.path.join(root, name)) > _STALE_SECONDS
    ]
    for one in gone:
        shutil.rmtree(os.path.join(root, one), ignore_errors=True)


def _age(path: str) -> float:
    try:
        return time.time() - os.lstat(path).st_mtime
    except OSError:
        return 0.0
