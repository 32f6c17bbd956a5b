# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Conversions under the guard, with times that no user may choose, killed where the test wants: in a process inside the host.

What becomes of the host is judged from outside, by iproute2 and by packets; of the transaction only the file names are read.
"""

from __future__ import annotations

import fcntl
import json
import multiprocessing
import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable

from ansible_collections.hypervisor.network.plugins.module_utils._core.reconcile import reconcile
from ansible_collections.hypervisor.network.plugins.module_utils._fdb import spec as fdb_spec
from ansible_collections.hypervisor.network.plugins.module_utils._guard import (
    transaction as transactions,
)
from ansible_collections.hypervisor.network.plugins.module_utils._guarded.tasks import (
    guarded_entries,
    guarded_groups,
    guarded_links,
)
from ansible_collections.hypervisor.network.plugins.module_utils._guarded.uplink import (
    GuardedUplink,
)
from ansible_collections.hypervisor.network.plugins.module_utils._link import (
    bridge as bridge_planner,
)
from ansible_collections.hypervisor.network.plugins.module_utils._link import port as port_planner
from ansible_collections.hypervisor.network.plugins.module_utils._link import tap as tap_planner
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.snapshot import Netlink
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.preflight import Spec

from ..model.mdb_tables import wish_of
from ..net.netns import batch, enter

_FORK = multiprocessing.get_context("fork")
_PATIENCE = 60.0  # two DHCP clients that wait for a lease in vain


class Killing(Netlink):
    """A socket that kills its process, or sends it another signal, before it sends the change of a number (from 0)."""

    def __init__(self, number: int | None, with_signal: int = signal.SIGKILL) -> None:
        super().__init__()
        self._left = number
        self._signal = with_signal

    def send(self, kind: int, flags: int, body: bytes, what: str) -> None:
        if self._left is not None and not what.startswith("probe"):
            if self._left == 0:
                os.kill(os.getpid(), self._signal)
            self._left -= 1
        super().send(kind, flags, body, what)


def convert(
    netns: str,
    seconds: float,
    kill_at: int | None = None,
    present: bool = True,
    before: Callable[[GuardedUplink], None] | None = None,
    during: Callable[[GuardedUplink], None] | None = None,
) -> dict[str, Any]:
    """Convert eth0 to the uplink of br0 under a guard of C(seconds), and leave it unconfirmed.

    C(before(noun)) is called before, C(during(noun)) when everything is applied and the guard does not know yet. Returns
    C({"id", "changes", "error"}), or C({}) where the process was killed.
    """
    return _in_the_host(_convert, netns, seconds, kill_at, present, before, during)


@contextmanager
def stopped(netns: str, seconds: float, at: int) -> Iterator[Callable[[], dict[str, Any]]]:
    """A conversion as of C(convert) that is stopped before its change of a number; the function lets it go on, and returns as C(convert) does."""
    pipe, other = _FORK.Pipe()
    args = (netns, seconds, at, True, None, None, other, signal.SIGSTOP)
    process = _FORK.Process(target=_convert, args=args)
    process.start()
    other.close()

    def go_on() -> dict[str, Any]:
        os.kill(process.pid, signal.SIGCONT)
        try:
            assert pipe.poll(_PATIENCE), "it never ended"
            return pipe.recv()
        except EOFError:
            return {}

    try:
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        yield go_on
    finally:
        process.kill()
        process.join(_PATIENCE)
        process.close()
        pipe.close()


def change_links(
    netns: str,
    seconds: float,
    kill_at: int | None = None,
    before: Callable[[Any], None] | None = None,
    unproven: bool = False,
    **wish: dict[str, Any],
) -> dict[str, Any]:
    """Change one thing, C(bridge={...}), C(port=...), C(tap=...) or C(entry=...), under a guard, and leave it unconfirmed; returns as C(convert).

    With C(unproven) no gateway is asked afterwards: a change that silences them stands until the deadline.
    """
    return _in_the_host(_change_links, netns, seconds, kill_at, before, unproven, wish)


def _in_the_host(target: Callable[..., None], netns: str, *args: Any) -> dict[str, Any]:
    pipe, other = _FORK.Pipe()
    process = _FORK.Process(target=target, args=(netns, *args, other))
    process.start()
    other.close()
    try:
        if not pipe.poll(_PATIENCE):
            raise RuntimeError(f"the conversion took longer than {_PATIENCE} s")
        return pipe.recv()
    except EOFError:
        return {}
    finally:
        process.join(_PATIENCE)
        process.close()
        pipe.close()


def _convert(
    netns: str,
    seconds: float,
    kill_at: int | None,
    present: bool,
    before: Any,
    during: Any,
    pipe: Any,
    with_signal: int = signal.SIGKILL,
) -> None:
    enter(netns)
    spec = Spec("eth0", "br0", present)
    noun = GuardedUplink(Killing(kill_at, with_signal), spec, seconds, netns, force=True)
    answer: dict[str, Any] = {"error": None, "changes": 0}
    if before is not None:
        before(noun)
    if during is not None:
        noun.verify = lambda _before, _after: during(noun)  # type: ignore[method-assign]
    _reconcile(noun, spec, answer, pipe)


def _change_links(
    netns: str,
    seconds: float,
    kill_at: int | None,
    before: Any,
    unproven: bool,
    wish: dict[str, Any],
    pipe: Any,
) -> None:
    enter(netns)
    planners = {"bridge": bridge_planner, "port": port_planner, "tap": tap_planner}
    params = {"guard_mode": "auto", "guard_timeout": seconds, "netns": netns}
    if "entry" in wish:
        options = {
            **{key: value.get("default") for key, value in fdb_spec.SPEC.items()},
            "entries": None,
            "flush": None,
            **wish["entry"],
        }
        entries = fdb_spec.checked([options], options)
        noun = guarded_entries(Killing(kill_at), params, [entries])
        _tables(noun, entries, before, unproven, pipe)
        return
    if "group" in wish:
        groups = wish_of(wish["group"])
        noun = guarded_groups(Killing(kill_at), params, groups)
        _tables(noun, groups, before, unproven, pipe)
        return
    wishes = {
        kind: [planners[kind].checked({"state": "present", **item})] for kind, item in wish.items()
    }
    every = [one for group in wishes.values() for one in group]
    noun = guarded_links(Killing(kill_at), params, every)
    if before is not None:
        before(noun)
    if unproven:
        noun.verify = lambda _before, _after: None
    _reconcile(noun, wishes, {}, pipe)


def _tables(noun: Any, wish: Any, before: Any, unproven: bool, pipe: Any) -> None:
    if before is not None:
        before(noun)
    if unproven:
        noun.verify = lambda _before, _after: None
    _reconcile(noun, wish, {}, pipe)


def _reconcile(noun: Any, wish: Any, answer: dict[str, Any], pipe: Any) -> None:
    answer = {"error": None, "changes": 0, **answer}
    try:
        answer["changes"] = len(reconcile(noun, wish, guard=noun.guard).changes)
    except Exception as error:  # told to the test
        answer["error"] = str(error)
    pipe.send({**answer, "id": noun.guard.facts().get("id", "") if noun.guard else ""})


def at_change(netns: str, number: int, commands: str) -> Callable[[Any], None]:
    """For C(convert): these lines of C(ip -batch) right before the change of a number, from 0."""

    def prepare(noun: Any) -> None:
        apply = noun.apply

        def slowly(changes: Any, now: Any) -> None:
            noun.apply = apply
            for count, change in enumerate(changes):
                if count == number:
                    batch(netns, commands)
                apply((change,), now)

        noun.apply = slowly

    return prepare


class Transactions:
    """The transactions of one host, as a context: at its end none is pending, and none is left on the disk."""

    def __init__(self, netns: str) -> None:
        self.netns = netns

    def __enter__(self) -> Transactions:
        return self

    def __exit__(self, *_unused: object) -> None:
        for one in self.every():
            for state in ("applied", "armed", "undoing"):
                if (one / state).exists():
                    self.move(one.name, state, "rolling-back")
        self.wait()
        for one in self.every():
            shutil.rmtree(one)
        Path(self.lock).unlink(missing_ok=True)

    @property
    def lock(self) -> str:
        return f"/run/hypervisor-network/.guard-{self.netns}.lock"

    def every(self) -> list[Path]:
        """The directories of this host's transactions, the oldest first."""
        root = Path(transactions.ROOT)
        found = [one for one in root.iterdir() if self.netns in _text(one)] if root.exists() else []
        return sorted(found, key=lambda one: one.stat().st_ctime)

    def state(self, name: str) -> str:
        """The name of the state file. One that is renamed while its folder is read may be seen twice, or not at all: then it is read again."""
        for _try in range(1000):
            found = _STATES & set(os.listdir(Path(transactions.ROOT, name)))
            if len(found) == 1:
                return found.pop()
        raise AssertionError(f"{name} has the states {sorted(found)}")

    def facts(self, name: str) -> dict[str, Any]:
        """What the state file holds, whatever it is called by now."""
        return json.loads(
            Path(transactions.ROOT, name, self.state(name)).read_text(encoding="utf-8")
        )

    def move(self, name: str, before: str, after: str) -> bool:
        """What an administrator does on a console: mv."""
        folder = Path(transactions.ROOT, name)
        try:
            os.rename(folder / before, folder / after)
        except FileNotFoundError:
            return False
        return True

    def wait(self, seconds: float = 20.0) -> float:
        """Until no guard of this host holds the lock; how long that took."""
        began = time.monotonic()
        if not os.path.exists(self.lock):
            return 0.0
        with open(self.lock, "rb") as stream:
            while True:
                try:
                    fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    return time.monotonic() - began
                except BlockingIOError:
                    if time.monotonic() - began > seconds:
                        raise RuntimeError(
                            f"a guard of {self.netns} still lives after {seconds} s"
                        ) from None
                    time.sleep(0.005)

    def guards(self) -> list[int]:
        """The PIDs that hold the lock: the watcher, then the guard it watches."""
        pids = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    held = [os.readlink(one) for one in (entry / "fd").iterdir()]
                except OSError:
                    continue
                if self.lock in held:
                    pids.append(int(entry.name))
        return sorted(pids, key=lambda pid: _parent(pid) in pids)


_STATES = {"armed", "applied", "confirmed", "undoing", "rolling-back", "rolled-back", "rollback-failed"}  # fmt: skip


def _text(folder: Path) -> str:
    """What its files say, from the start again where one was renamed or removed meanwhile; nothing where the folder is gone itself."""
    while True:
        try:
            files = [one for one in folder.iterdir() if one.is_file()]
            return "".join(one.read_text(encoding="utf-8", errors="replace") for one in files)
        except FileNotFoundError:
            if not folder.exists():
                return ""


def _parent(pid: int) -> int:
    return int(
        Path("/proc", str(pid), "stat").read_text(encoding="ascii").rpartition(")")[2].split()[1]
    )
