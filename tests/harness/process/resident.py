# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process that runs modules again and again: the start of Python and its imports are paid once, not per case.

Reads one JSON object a line, C({"module", "args", "check", "fail"}), calls the module's own C(main()) with these arguments, and prints one,
C({"result", "writes", "traceback"}). C(fail) makes the write with that number go wrong: C({"at": 3, "errno": 1}) or C({"at": 3, "interrupt": true}),
and with C("for": 2) the one after it too; C({"at": 3, "meanwhile": ["ip", ...]}) runs a program right before it instead. Writes are
netlink messages that change something, and the ioctls that make a tap.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import subprocess
import sys
import traceback
from typing import Any, Callable, Sequence

from ansible.module_utils import basic

from ansible_collections.hypervisor.network.plugins.module_utils._core import errors
from ansible_collections.hypervisor.network.plugins.module_utils._link import apply as link_apply
from ansible_collections.hypervisor.network.plugins.module_utils._link import tuntap
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import (
    snapshot as rtnl_snapshot,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import socket as rtnl_socket

MODULES = "ansible_collections.hypervisor.network.plugins.modules"


class Injector:
    """Counts the writes, and makes the chosen ones fail."""

    def __init__(self) -> None:
        self.sockets: list[rtnl_snapshot.Netlink] = []
        self.begin(None)

    def begin(self, fail: dict[str, Any] | None) -> None:
        self.writes = 0
        self.fail = fail
        for one in self.sockets:
            one.close()
        self.sockets.clear()

    def before(self, what: str) -> None:
        self.writes += 1
        if self.fail and 0 <= self.writes - self.fail["at"] < self.fail.get("for", 1):
            if self.fail.get("meanwhile"):
                subprocess.run(self.fail["meanwhile"], check=True)
                return
            if self.fail.get("interrupt"):
                raise KeyboardInterrupt
            raise errors.KernelError(what, self.fail["errno"])

    def wrap(self, function: Callable, what: Callable[..., str]) -> Callable:
        def wrapped(*args: Any, **more: Any) -> Any:
            self.before(what(*args))
            return function(*args, **more)

        return wrapped


def install() -> Injector:
    """Put the injector between the collection and the kernel."""
    injector = Injector()
    opened = rtnl_snapshot.Netlink.__init__

    def remembered(self: rtnl_snapshot.Netlink) -> None:
        opened(self)
        injector.sockets.append(self)

    rtnl_snapshot.Netlink.__init__ = remembered  # type: ignore[method-assign]
    rtnl_snapshot.Netlink.send = injector.wrap(
        rtnl_snapshot.Netlink.send, lambda _self, _kind, _flags, _body, what: what
    )  # type: ignore[method-assign]
    send_all = rtnl_snapshot.Netlink.send_all

    def one_by_one(self: rtnl_snapshot.Netlink, messages: Sequence[rtnl_socket.Message]) -> None:
        for message in messages:
            injector.before(message.what)
            send_all(self, [message])

    rtnl_snapshot.Netlink.send_all = one_by_one  # type: ignore[method-assign]
    configure = injector.wrap(tuntap.configure, lambda name, _options: f"configure {name}")
    link_apply.LinkNoun.__init__.__defaults__ = (configure, None)
    return injector


def run(order: dict[str, Any], injector: Injector) -> dict[str, Any]:
    """One run of a module."""
    injector.begin(order.get("fail"))
    own = {"_ansible_check_mode": order.get("check", False), "_ansible_diff": True}
    basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": {**order["args"], **own}}).encode()
    basic._ANSIBLE_PROFILE = "legacy"
    printed = io.StringIO()
    trouble = None
    try:
        with contextlib.redirect_stdout(printed):
            importlib.import_module(f"{MODULES}.{order['module']}").main()
    except SystemExit:
        pass
    except BaseException:  # handed to the test, which decides
        trouble = traceback.format_exc()
    text = printed.getvalue()
    result = json.loads(text) if text else None
    if "fault of the collection" in (result or {}).get("msg", ""):
        trouble = result["msg"]
    return {
        "result": result,
        "writes": injector.writes,
        "traceback": trouble,
    }


def main() -> None:
    injector = install()
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line), injector)), flush=True)


if __name__ == "__main__":
    main()
