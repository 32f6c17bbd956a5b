# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Network namespaces for tests: make, use from the inside, remove for certain.

Names carry the process that made them (C(hn-PID-N-role)); what a killed process left behind is swept by the next run.
"""

from __future__ import annotations

import ctypes
import itertools
import json
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable

PREFIX = "hn-"
_CLONE_NEWNS, _CLONE_NEWNET = 0x00020000, 0x40000000
_NUMBERS = itertools.count()
_LIBC = ctypes.CDLL(None, use_errno=True)


def run(*argv: str, netns: str | None = None, stdin: str | None = None) -> str:
    """Run a program, inside a namespace where one is named, and return what it printed.

    Raises C(RuntimeError) whose text holds the program's own complaint.
    """
    words = [*(["ip", "netns", "exec", netns] if netns else []), *argv]
    done = subprocess.run(words, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(
            f"{' '.join(words)}: exit {done.returncode}: {(done.stderr or done.stdout).strip()}"
        )
    return done.stdout


def pings(netns: str, address: str) -> bool:
    """Whether an address answers within a second. Raises C(RuntimeError) where nothing could be asked."""
    words = ["ip", "netns", "exec", netns, "ping", "-c1", "-W1", "-n", address]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1, 2):  # answered, not answered, no way there
        raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip()}")
    return done.returncode == 0


def batch(netns: str, lines: str) -> None:
    """Feed lines to C(ip -batch) in a namespace; it stops at the first error."""
    run("ip", "-n", netns, "-batch", "-", stdin=lines)


def ip_json(netns: str, *words: str) -> list[dict[str, Any]]:
    """What C(ip -j) says in a namespace; an empty answer is an empty list."""
    return json.loads(run("ip", "-n", netns, "-j", *words) or "[]")


def rule6(netns: str, words: str) -> None:
    """Add a rule of IPv6, which C(batch) has no word for."""
    run("ip", "-n", netns, "-6", "rule", "add", *words.split())


def inside(netns: str, function: Callable[..., Any], *args: Any) -> Any:
    """Call a function in a thread of its own that has entered the namespace, and return or raise what it does.

    A socket made there stays there; so does what is read below /proc/sys/net.
    """
    answer: dict[str, Any] = {}

    def work() -> None:
        try:
            enter(netns)
            answer["value"] = function(*args)
        except BaseException as error:  # handed to the caller below
            answer["error"] = error

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if "error" in answer:
        raise answer["error"]
    return answer["value"]


def enter(netns: str) -> None:
    """Move this thread into a namespace, for good."""
    descriptor = os.open(f"/run/netns/{netns}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if _LIBC.setns(descriptor, _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"cannot enter the namespace {netns}")
    finally:
        os.close(descriptor)


@contextmanager
def folder_of_our_own(path: str) -> Iterator[None]:
    """Everything that this process starts sees an empty folder at C(path), and nobody else does; for what other runs side by side would touch."""
    here, before = os.getcwd(), os.open("/proc/self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    try:
        Path(path).mkdir(mode=0o755, parents=True, exist_ok=True)
        if _LIBC.unshare(_CLONE_NEWNS):
            raise OSError(ctypes.get_errno(), "cannot have mounts of our own")
        run("mount", "--make-rprivate", "/")
        run("mount", "-t", "tmpfs", "-o", "mode=0755", "none", path)
        yield
    finally:
        if _LIBC.setns(before, _CLONE_NEWNS):
            raise OSError(ctypes.get_errno(), "cannot go back to the machine's mounts")
        os.close(before)
        os.chdir(here)


class Namespaces:
    """A set of namespaces by role, as a context: made on entry, and gone on exit whatever happened in between."""

    def __init__(self, *roles: str) -> None:
        mark = f"{PREFIX}{os.getpid()}-{next(_NUMBERS)}"
        self.names = {role: f"{mark}-{role}" for role in roles}

    def __enter__(self) -> dict[str, str]:
        sweep()
        try:
            for name in self.names.values():
                run("ip", "netns", "add", name)
                run("ip", "-n", name, "link", "set", "lo", "up")
        except BaseException:
            self.__exit__()
            raise
        return self.names

    def __exit__(self, *_unused: object) -> None:
        for name in self.names.values():
            remove(name)


def remove(name: str) -> None:
    """Remove a namespace and whatever still runs in it; one that is gone already is fine."""
    if not Path("/run/netns", name).exists():
        return
    for pid in run("ip", "netns", "pids", name).split():
        try:
            os.kill(int(pid), 9)
        except ProcessLookupError:
            pass
    run("ip", "netns", "delete", name)


def sweep() -> None:
    """Remove the namespaces of processes that died without removing theirs."""
    for path in Path("/run/netns").glob(f"{PREFIX}*-*-*"):
        pid = path.name[len(PREFIX) :].split("-")[0]
        if pid.isdigit() and not Path("/proc", pid).exists():
            remove(path.name)
