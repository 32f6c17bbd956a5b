# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""G9 to G11: a guest started by the module, against the same QEMU started by hand, and a look at many; all under tcg, which every machine has."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ansible_collections.hypervisor.network.plugins.module_utils._qemu.status import Status

from ..harness.host.guests import guest_user
from ..harness.net.netns import Namespaces, batch, run
from ..harness.process.waiting import kill_and_wait
from .rows import Row, in_turn

_MODULE = "ansible_collections.hypervisor.network.plugins.modules.qemu_guest"
_EMULATOR = "qemu-system-i386"
_MAC = "52:00:00:00:00:01"
_PATIENCE = 30.0
_MANY = 40
_LINES = (
    "link add br0 type bridge forward_delay 0\nlink set br0 up\n"
    "tuntap add tap1 mode tap user hypervisor-guest\nlink set tap1 master br0 up\n"
)


def start(_full: bool) -> list[Row]:
    """Until QMP has answered; of ours the time of the same module with nothing to do is taken off."""
    with _place() as place:
        return [
            Row(
                "G9",
                *in_turn(
                    5, lambda: place.by_module(learned=False), lambda: place.by_hand(learned=False)
                ),
            )
        ]


def learned(_full: bool) -> list[Row]:
    """Until the first frame of the guest's own firmware made an entry in the bridge's table."""
    with _place() as place:
        return [
            Row(
                "G10",
                *in_turn(
                    3, lambda: place.by_module(learned=True), lambda: place.by_hand(learned=True)
                ),
            )
        ]


def looked_at(_full: bool) -> list[Row]:
    """Of 40 guests all that a run reads of them, against their state alone, which a client asks one after the other for."""
    names = [f"bench{os.getpid()}-{number}" for number in range(_MANY)]
    wish = {"guests": [{"name": name} for name in names], "supervisor": "process"}
    guest_user()
    try:
        more = {"emulator": _EMULATOR, "memory": "16", "accel": "tcg", "nics": []}
        run(sys.executable, "-m", _MODULE, stdin=_arguments(**wish, **more, state="paused"))
        status = Status()
        sockets = [status.directory(name).sockets[0] for name in names]
        return [
            Row(
                "G11",
                *in_turn(
                    7,
                    lambda: _timed(lambda: status.read_all(names)),
                    lambda: _timed(lambda: [_asked(path) for path in sockets]),
                ),
            )
        ]
    finally:
        run(sys.executable, "-m", _MODULE, stdin=_arguments(**wish, state="absent"))


def _asked(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as client, client.makefile("rw") as stream:
        client.settimeout(_PATIENCE)
        client.connect(path)
        stream.readline()
        for command in ("qmp_capabilities", "query-status"):
            stream.write(json.dumps({"execute": command}) + "\n")
            stream.flush()
            stream.readline()


def _timed(act: Callable[[], Any]) -> float:
    begin = time.monotonic()
    act()
    return (time.monotonic() - begin) * 1000


def _arguments(**options: Any) -> str:
    return json.dumps({"ANSIBLE_MODULE_ARGS": {"shutdown_timeout": 0, **options}})


@contextmanager
def _place() -> Iterator[_Place]:
    folder = Path(tempfile.mkdtemp(prefix="hn-guest-"))
    guest_user()
    with Namespaces("guest") as names:
        try:
            batch(names["guest"], _LINES)
            yield _Place(names["guest"], folder)
        finally:
            shutil.rmtree(folder)


class _Place:
    def __init__(self, netns: str, folder: Path) -> None:
        self._netns = netns
        self._folder = folder
        self._name = f"bench{os.getpid()}"

    def by_module(self, learned: bool) -> float:
        nothing = self._module(state="absent")
        begin = time.monotonic()
        try:
            self._module(
                emulator=_EMULATOR,
                memory=32,
                accel="tcg",
                boot="n",
                nics=[{"tap": "tap1", "mac": _MAC, "model": "e1000"}],
            )
            if learned:
                self._await_mac()
            return (time.monotonic() - begin) * 1000 - nothing
        finally:
            self._module(state="absent", shutdown_timeout=0)
            self._forget_mac()

    def by_hand(self, learned: bool) -> float:
        monitor, pidfile = self._folder / "qmp", self._folder / "pid"
        begin = time.monotonic()
        run(
            _EMULATOR, "-daemonize", "-pidfile", str(pidfile), "-display", "none", "-nodefaults", "-m", "32", "-accel", "tcg", "-boot", "n",
            "-netdev", "tap,id=nic0,ifname=tap1,script=no,downscript=no", "-device", f"e1000,netdev=nic0,mac={_MAC}",
            "-qmp", f"unix:{monitor},server=on,wait=off", netns=self._netns,
        )  # fmt: skip
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(_PATIENCE)
                client.connect(str(monitor))
                client.recv(4096)
            if learned:
                self._await_mac()
            return (time.monotonic() - begin) * 1000
        finally:
            kill_and_wait(int(pidfile.read_text(encoding="ascii")))
            self._forget_mac()

    def _module(self, **options: Any) -> float:
        arguments = {"ANSIBLE_MODULE_ARGS": {"name": self._name, "netns": self._netns, **options}}
        begin = time.monotonic()
        run(sys.executable, "-m", _MODULE, stdin=json.dumps(arguments))
        return (time.monotonic() - begin) * 1000

    def _await_mac(self) -> None:
        end = time.monotonic() + _PATIENCE
        while not any(entry["mac"] == _MAC for entry in self._table()):
            if time.monotonic() > end:
                raise RuntimeError(f"the guest sent nothing within {_PATIENCE:g} s")
            time.sleep(0.02)

    def _table(self) -> list[dict[str, Any]]:
        return json.loads(
            run("bridge", "-n", self._netns, "-j", "fdb", "show", "brport", "tap1", "dynamic")
            or "[]"
        )

    def _forget_mac(self) -> None:
        run("ip", "-n", self._netns, "link", "set", "br0", "type", "bridge", "fdb_flush")
