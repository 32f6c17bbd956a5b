# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. The one loop that carries out a plan, and the only place that knows check mode.

C(plan(now, wish)) applied is the run; shown, it is check mode; C(plan(after, wish)) must be empty, and that is the
read-back; C(plan(now, before)) is the undo. Side effects come in as the methods of a noun.
"""

from __future__ import annotations

import contextlib
import gc
from typing import Any, Iterator, Protocol

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    Fault,
    HypervisorNetworkError,
    KernelError,
    ReadBackError,
    UndoFailed,
    during,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import (
    Change,
    Outcome,
    Plan,
    listed,
)

_PASSES = 2
_GUARDED = "The guard gives the host back when its time is over."
_UNDONE = "Everything this run did was undone; the host is as it was before."


class Noun(Protocol):
    """What the loop needs of a noun: three verbs that touch the machine, and two that only think."""

    def read(self) -> Any:
        """Dump what is there now, as a snapshot."""

    def plan(self, now: Any, wish: Any) -> Plan:
        """PURE: the changes from C(now) to C(wish), in the order of their dependencies; may raise BadInput or Refused."""

    def apply(self, changes: Plan, now: Any) -> None:
        """Carry out a plan that was made from the snapshot C(now), in its order, stopping at the first error."""

    def wish_back(self, before: Any, changes: Plan) -> Any:
        """PURE: the wish that describes C(before) for everything that C(changes) touch; None where they can't be taken back."""


class Guard(Protocol):
    """What the loop needs of a dead-man's switch; see _guard/deadman.py."""

    def arm(self, before: Any, changes: Plan) -> None:
        """Be ready to bring back C(before) from whatever C(changes) lead to, or raise: nothing was changed yet."""

    def applied(self) -> None:
        """Everything is applied and read back; from now on a confirmation counts. Raises where the guard has gone back already."""

    def claim(self) -> None:
        """Win the right to undo; raises what became of the host where it is the guard that goes back."""

    def hand_over(self, why: str) -> None:
        """The loop could not undo its work, C(why) in sentences; raises what became of the host in the guard's hands."""

    def stand_down(self, why: str) -> None:
        """The loop failed, C(why), and has undone its work by itself."""

    def facts(self) -> dict[str, Any]:
        """What a task returns of the change that waits for its confirmation, empty where none does."""


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Lists of thousands are small objects that all live: the collector would look at them again and again, and find nothing."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


@_uncollected()
def reconcile(
    noun: Noun, wish: Any, check_mode: bool = False, guard: Guard | None = None
) -> Outcome:
    """Read, plan, apply, read back; undo on any failure after the first write.

    A noun with a C(prepare(before)) loads what writing takes as soon as there is something to write, in check mode too, which then refuses what the run
    would. One with a C(verify(before, after)) has the last word before success, and C(remarks()) are its sentences after an undo.
    A C(guard) is armed before the first write.
    Raises what planning and applying raise, with a sentence on the undo added; ReadBackError where the host accepted every
    write and still differs from the wish; UndoFailed where the way back failed too.
    """
    with during("reading the host"):
        before = noun.read()
    with during("planning"):
        changes = tuple(noun.plan(before, wish))
    prepare = getattr(noun, "prepare", None)
    if changes and prepare is not None:
        with during("preparing the changes"):
            prepare(before)
    if check_mode or not changes:
        return Outcome(changes, before, before)
    if guard is not None:
        with during("starting the guard"):
            guard.arm(before, changes)
    try:
        after = _carried_out(noun, wish, before, changes, guard)
    except BaseException as error:  # Ctrl-C and SystemExit leave no half-made network either
        if guard is not None:
            with during("asking the guard who undoes", _GUARDED):
                guard.claim()
        _undo(noun, before, changes, error, guard)
        raise
    return Outcome(changes, before, after)


def _carried_out(noun: Noun, wish: Any, before: Any, changes: Plan, guard: Guard | None) -> Any:
    """What stands after C(changes); what a Fault leaves of them is for the undo to say."""
    with during(f"carrying out {listed([str(change) for change in changes], 3)}", ""):
        noun.apply(changes, before)
    with during("reading back", ""):
        after = noun.read()
        left = tuple(noun.plan(after, wish))
    if left:
        raise ReadBackError(_differs(left))
    verify = getattr(noun, "verify", None)
    if verify is not None:
        with during("verifying", ""):
            verify(before, after)
    if guard is not None:
        with during("telling the guard that all is applied", ""):
            guard.applied()
    return after


def _undo(
    noun: Noun, before: Any, changes: Plan, error: BaseException, guard: Guard | None
) -> None:
    """Bring back C(before), and say so in C(error)'s message."""
    try:
        with during("undoing", ""):
            if noun.wish_back(before, changes) is None:
                if isinstance(error, Fault):
                    error.args = (f"{error} What it had done by then stays.",)
                return
            back = restore(noun, before, changes)
    except Exception as second:
        if guard is not None:
            with during("handing the undo over to the guard", _GUARDED):
                guard.hand_over(f"{error} The undo failed as well: {second}")
        raise UndoFailed(
            f"{error} The undo failed as well, the host is half changed, so put right what stopped it and run the task again: {second}"
        ) from error
    with during("telling what was undone", _UNDONE):
        remarks = getattr(noun, "remarks", list)()
        if guard is not None:
            guard.stand_down(str(error))
    if isinstance(error, HypervisorNetworkError):
        error.args = (
            " ".join(
                [
                    f"{error} Everything this run did was undone ({len(back)} {'step' if len(back) == 1 else 'steps'}); the host is as it was before.",
                    *remarks,
                ]
            ),
        )


def restore(noun: Noun, before: Any, changes: Plan) -> list[Change]:
    """Bring back C(before) for everything that C(changes) touch, from whatever stands now; returns what it took. Raises ReadBackError.

    What was deleted has to be there again before it can be seen what it lacks, so one look is not enough.
    """
    done: list[Change] = []
    wish = noun.wish_back(before, changes)
    for again in range(_PASSES):
        now = noun.read()
        back = tuple(noun.plan(now, wish))
        if not back:
            return done
        try:
            noun.apply(back, now)
        except KernelError:
            # a network manager was at work meanwhile: what stands by then is another look's
            if again:
                raise
            continue
        done += back
    left = tuple(noun.plan(noun.read(), wish))
    if left:
        raise ReadBackError(_differs(left))
    return done


def _differs(left: Plan) -> str:
    return f"The host accepted every write and still differs: {_in_words(left)}; look for what sets it back, such as a network manager."


def _in_words(changes: Plan) -> str:
    parts = []
    for change in changes[:3]:
        keys = sorted(change.after or change.before or {})
        parts.append(
            f"{change} ({', '.join(f'{key}: {(change.before or {}).get(key)} is not {(change.after or {}).get(key)}' for key in keys)})"
        )
    more = len(changes) - len(parts)
    return "; ".join(parts) + (f"; and {more} more" if more else "")
