# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenes of a guarded change: its record, the dead-man's switch, and who confirms."""

from __future__ import annotations

import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Callable, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.reconcile import reconcile
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._guard import (
    checks,
    confirm,
    deadman,
)
from ansible_collections.hypervisor.network.plugins.module_utils._guard import (
    transaction as transactions,
)
from ansible_collections.hypervisor.network.plugins.module_utils._guard.gateways import Gateway
from ansible_collections.hypervisor.network.plugins.module_utils._guard.turn import Turn
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import surroundings

from . import stage as stages
from .stage import Stage, scene

ID = "f00d" * 8
_ROUTER = Gateway("IPv4", "192.0.2.1", "eth0")
_UNTIL_THE_END = 60  # seconds that a pretended guard lives at most


def _record(stage: Stage, facts: Mapping[str, Any]) -> transactions.Transaction:
    stage.put({"/var/lib": None})
    stage.patch.setattr(transactions.secrets, "token_hex", lambda _bytes: ID)
    return transactions.begin({"netns": None, **facts}, {}, f"{stage.top}{transactions.ROOT}")


def _moved(record: transactions.Transaction, state: str, **facts: Any) -> None:
    """Bring a transaction into another state, whatever it is in."""
    record.move(record.state, state)
    record.note(state, **facts)


@scene
def no_transaction(stage: Stage) -> None:
    assert transactions.Transaction(ID, f"{stage.top}{transactions.ROOT}").state


@scene
def second_change(stage: Stage, what: str | None = None) -> None:
    """A guarded change while another one's guard lives, C(what) it does, or while that has no record yet."""
    directory = str(stage.top / "run")
    pending = [] if what is None else [{"id": ID, "what": what, "seconds_left": 42.5}]
    stage.patch.setattr(transactions, "pending", lambda _netns: pending)
    held = transactions.lock(None, directory)
    try:
        transactions.lock(None, directory)
    finally:
        transactions.unlock(None, held, directory)


@scene
def late_write(stage: Stage) -> None:
    """A module that was stopped writes on when its guard goes back."""
    record = _record(stage, {})
    turn = Turn(record)
    try:
        record.move("armed", "rolling-back")
        with turn.held("armed"):
            raise AssertionError("it writes")
    finally:
        turn.close()


@scene
def tried_before(_stage: Stage, tries: int, cure: str) -> None:
    checks.check_tries("", cure, lambda _wish: tries)


@scene
def silence(_stage: Stage, source: str = "") -> None:
    """The gateway 192.0.2.1 of eth0 is silent after a change."""
    checks.must_answer([_ROUTER], source)


@scene
def silence_after_the_way_back(_stage: Stage, others: Sequence[str] = ()) -> None:
    checks.must_answer_again([_ROUTER], others)


@scene
def confirmation(
    stage: Stage,
    record: Mapping[str, Any],
    wish: str = "confirmed",
    objections: Sequence[str] = (),
    meanwhile: Mapping[str, Any] | None = None,
    unreadable: bool = False,
) -> None:
    """The module transaction asks for a state. C(record) is the transaction's, C(meanwhile) what another made of it between reading and writing."""
    facts = dict(record)
    state = facts.pop("state")
    transaction = _record(stage, {})
    _moved(transaction, state, **facts)
    if unreadable:
        Path(transaction.path, state).write_bytes(b"\0")
    stage.patch.setattr(transactions, "wait_for_guard", lambda _netns: True)
    stage.patch.setattr(confirm, "objections", lambda _facts, _environment: list(objections))
    noun = confirm.TransactionNoun(transaction, None, {})
    if meanwhile is not None:
        plan = noun.plan

        def planned(now: Mapping[str, Any], wished: str | None) -> Any:
            changes = plan(now, wished)
            _moved(transaction, **meanwhile)
            return changes

        stage.patch.setattr(noun, "plan", planned)
    reconcile(noun, wish)


def _pretended(guard: str) -> Callable[..., None]:
    """A process in the guard's stead, which C(dies), C(lives) until the module has ended, or never starts (C(silent))."""

    def in_the_background(_work: Any, keep: Sequence[int], last: Any) -> None:
        pipe = keep[0]
        if guard != "silent":
            os.write(pipe, b"r")
        if guard == "lives" and os.fork() == 0:
            os.read(pipe, 1)
        os._exit(0)

    return in_the_background


@scene
def guard(
    stage: Stage,
    then: str = "",
    why: str | None = None,
    guard: str = "lives",
    record: Mapping[str, Any] | None = None,
    late: bool = False,
    still: bool = False,
    at_last: Mapping[str, Any] | None = None,
    write: str | None = None,
) -> None:
    """A change is guarded, by a process that C(guard) is, and the module comes to C(then) when the record is in that state.

    C(late) is after the deadline, C(still) that the guard is not through, C(at_last) what it makes of the record, C(write) an errno of the record's disk.
    """
    begin = transactions.begin
    stage.put({"/var/lib": None})
    root = f"{stage.top}{transactions.ROOT}"
    stage.patch.setattr(transactions.secrets, "token_hex", lambda _bytes: ID)
    stage.patch.setattr(
        deadman,
        "transactions",
        SimpleNamespace(**{**vars(transactions), "begin": lambda *two: begin(*two, root)}),
    )
    where = deadman.transactions
    where.lock = lambda _netns: os.open(stage.top, os.O_RDONLY)
    where.unlock = lambda _netns, descriptor: os.close(descriptor)
    where.set_aside = list
    where.wait_for_guard = lambda _netns: waited()
    if write is not None:
        where.begin = _failing(write)
    stage.patch.setattr(deadman, "_in_the_background", _pretended(guard))

    def waited() -> bool:
        if at_last is not None:
            _moved(one.transaction, **at_last)
        return not still

    one = deadman.Guard(60, None, "", list, list, lambda _before, _changes: ({}, {}), list)
    one.arm(None, ())
    try:
        if guard == "dies":  # seen a moment later than asked for
            ready = deadman.select.select([one._pipe], [], [], _UNTIL_THE_END)
            assert ready[0]
        if record is not None:
            _moved(one.transaction, **record)
        if late:
            stage.patch.setattr(deadman, "time", _Later())
        getattr(one, then)(*([why] if why else []))
    finally:
        os.close(one._pipe)
        if one._turn is not None:
            one._turn.close()


@scene
def guard_dies_last(stage: Stage) -> None:
    """The guard dies between the module's look at it and its word that everything is applied."""
    stage.patch.setattr(
        deadman,
        "select",
        SimpleNamespace(
            select=lambda sockets, _out, _bad, seconds: (sockets if seconds else [], [], [])
        ),
    )
    guard(stage, "applied", guard="dies")


class _Later:
    """The clock an hour on."""

    CLOCK_BOOTTIME = time.CLOCK_BOOTTIME
    time = staticmethod(time.time)

    @staticmethod
    def clock_gettime(clock: int) -> float:
        return time.clock_gettime(clock) + 3600


def _failing(name: str) -> Callable[..., Any]:
    def fails(*_arguments: Any) -> Any:
        raise stages.failure(name)

    return fails


@scene
def stp(stage: Stage, guard_timeout: float, delay: float) -> None:
    """The switch behind eth0 says in its BPDUs that it runs STP with that forward delay, in seconds."""
    stage.patch.setattr(surroundings.bpdu, "listen", lambda _dev, _index: delay)
    surroundings._listen_for_stp(Link("eth0", 2), guard_timeout)


@scene
def lan_gone(_stage: Stage, error: str) -> None:
    """The NIC goes away while its LAN is listened to."""
    with surroundings._listening_on("eth0"):
        raise stages.failure(error)
