# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a module of the collection inside a hypervisor, and stand still at a point of it: C(drive.py MODULE POINT), its arguments as JSON on standard input.

Prints C(at POINT) there, and is killed when the session that started it ends. C(never) lets it run to its end. This is the module itself; only
the calls named below are watched.
"""

from __future__ import annotations

import io
import json
import os
import runpy
import select
import signal
import sys
from typing import Any, Callable

from ansible_collections.hypervisor.network.plugins.module_utils._guard import deadman
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import (
    snapshot as rtnl_snapshot,
)


def stand_still(point: str) -> None:
    os.write(2, f"at {point}\n".encode())
    session = select.poll()
    session.register(2, 0)  # errors alone: nobody reads any more
    session.poll()
    os.kill(os.getpid(), signal.SIGKILL)


def before(owner: Any, name: str, point: str, here: Callable[..., bool] = lambda *_: True) -> None:
    """Stand still when this function is called, where C(here(arguments)) says so."""
    usual = getattr(owner, name)

    def watched(*args: Any, **named: Any) -> Any:
        if here(*args):
            stand_still(point)
        return usual(*args, **named)

    setattr(owner, name, watched)


def after(owner: Any, name: str, point: str, here: Callable[..., bool] = lambda *_: True) -> None:
    """Stand still when this function has returned."""
    usual = getattr(owner, name)

    def watched(*args: Any, **named: Any) -> Any:
        answer = usual(*args, **named)
        if here(*args):
            stand_still(point)
        return answer

    setattr(owner, name, watched)


def _attaches(_socket: Any, _kind: int, _flags: int, _body: bytes, what: str) -> bool:
    return "a port of" in what


def _configures(*paths: Any) -> bool:
    # those are backups
    return str(paths[0]).startswith(".hypervisor-network-") and not str(paths[1]).startswith("etc-")


def _nth(which: int) -> Callable[..., bool]:
    """Whether it is the so many-th file of a configuration that is renamed."""
    seen: list[str] = []

    def here(*paths: Any) -> bool:
        if _configures(*paths):
            seen.append(str(paths[1]))
        return len(seen) == which

    return here


POINTS: dict[str, Callable[[], None]] = {
    "before-arm": lambda: before(deadman.Guard, "arm", "before-arm"),
    "armed": lambda: after(deadman.Guard, "arm", "armed"),
    "attached": lambda: after(rtnl_snapshot.Netlink, "send", "attached", _attaches),
    "applied": lambda: after(deadman.Guard, "applied", "applied"),
    "staged": lambda: before(os, "rename", "staged", _configures),
    "renamed": lambda: after(os, "rename", "renamed", _configures),
    "renamed-2": lambda: after(os, "rename", "renamed-2", _nth(2)),
    "renamed-3": lambda: after(os, "rename", "renamed-3", _nth(3)),
    "renamed-4": lambda: after(os, "rename", "renamed-4", _nth(4)),
    "never": lambda: None,
}


def main(module: str, point: str) -> None:
    POINTS[point]()
    arguments = json.loads(sys.stdin.read())
    if module == "bridge_uplink":  # which foresees, and leaves the rest to its guarded form
        own = {key: arguments.pop(key) for key in list(arguments) if key.startswith("_")}
        module, arguments = "guarded_change", {"module": module, "options": arguments, **own}
    del sys.argv[1:]  # a module reads its arguments from there, where there are any
    sys.stdin = io.TextIOWrapper(
        io.BytesIO(json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode())
    )
    runpy.run_module(
        f"ansible_collections.hypervisor.network.plugins.modules.{module}",
        run_name="__main__",
        alter_sys=True,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
