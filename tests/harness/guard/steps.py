# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A conversion in slow motion, and one that is disturbed at any message: the collection's own loop, in a process inside the host.

The only file of the harness that runs the code under test by other ways than as a module; what it does to the host is judged from outside.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from typing import Any, Callable

from ansible_collections.hypervisor.network.plugins.module_utils._core.reconcile import reconcile
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.snapshot import Netlink
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.apply import UplinkNoun
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.preflight import Spec

from ..net.netns import enter

_FORK = multiprocessing.get_context("fork")
_PATIENCE = 30.0


class Steps:
    """Iterate over a conversion's changes, each in words and just applied; leaving early leaves the host half converted."""

    def __init__(self, netns: str, nic: str, bridge: str, present: bool = True) -> None:
        self._pipe, other = _FORK.Pipe()
        self._process = _FORK.Process(target=_in_steps, args=(netns, nic, bridge, present, other))

    def __enter__(self) -> Iterator[str]:
        self._process.start()
        return self._changes()

    def _changes(self) -> Iterator[str]:
        while True:
            self._pipe.send("go")
            if not self._pipe.poll(_PATIENCE):
                raise RuntimeError(f"a change took longer than {_PATIENCE} s")
            answer = self._pipe.recv()
            if answer is None:
                return
            if isinstance(answer, BaseException):
                raise answer
            yield answer

    def __exit__(self, *_unused: object) -> None:
        self._process.kill()
        self._process.join()
        self._process.close()


def disturbed(
    netns: str, nic: str, bridge: str, number: int, trouble: Callable[[str], BaseException]
) -> dict[str, Any]:
    """Convert, with C(trouble) instead of the message of this number (from 0).

    Returns C({"error": text or None, "type": its class, "sent": messages of the whole run}).
    """
    pipe, other = _FORK.Pipe()
    process = _FORK.Process(target=_disturbed, args=(netns, nic, bridge, number, trouble, other))
    process.start()
    try:
        if not pipe.poll(_PATIENCE):
            raise RuntimeError(f"the disturbed conversion took longer than {_PATIENCE} s")
        return pipe.recv()
    finally:
        process.kill()
        process.join()
        process.close()


def _in_steps(netns: str, nic: str, bridge: str, present: bool, pipe: Any) -> None:
    try:
        enter(netns)
        noun = UplinkNoun(Netlink(), Spec(nic, bridge, present))
        now = noun.read()
        for change in noun.plan(now, Spec(nic, bridge, present)):
            pipe.recv()
            noun.apply((change,), now)
            pipe.send(str(change))
        pipe.recv()
        pipe.send(None)
    except EOFError:
        pass
    except BaseException as error:  # told to the test, which raises it
        pipe.send(RuntimeError(repr(error)))


class _Troubled(Netlink):
    """A socket that raises C(trouble) once, instead of sending the message of a number."""

    def __init__(self, number: int, trouble: Callable[[str], BaseException]) -> None:
        super().__init__()
        self.sent = 0
        self._number = number
        self._trouble = trouble

    def send(self, kind: int, flags: int, body: bytes, what: str) -> None:
        self.sent += 1
        if self.sent - 1 == self._number:
            raise self._trouble(what)
        super().send(kind, flags, body, what)


def _disturbed(
    netns: str,
    nic: str,
    bridge: str,
    number: int,
    trouble: Callable[[str], BaseException],
    pipe: Any,
) -> None:
    enter(netns)
    netlink = _Troubled(number, trouble)
    spec = Spec(nic, bridge)
    answer: dict[str, Any] = {"error": None, "type": None}
    try:
        reconcile(UplinkNoun(netlink, spec), spec)
    except BaseException as error:  # KeyboardInterrupt is one of the troubles
        answer = {"error": str(error), "type": type(error).__name__}
    pipe.send({**answer, "sent": netlink.sent})
