# SPDX-License-Identifier: GPL-3.0-or-later
"""Which version of a machine a guest is: that of its first start, so that an upgrade of QEMU does not exchange its hardware.

To QEMU, pc and q35 are other words for the newest version that it has, such as pc-q35-7.2. To ask it takes half as long as a start, so its answer
is remembered, until another program is installed in its place.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
from typing import Any, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    GuestError,
    Refused,
)
from ansible_collections.hypervisor.network.plugins.module_utils._host import programs
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import rundir

_RECORD = ".machines.json"
_PROGRAM = b"\x7fELF"
_SCRIPT = 4096  # bytes, of which Debian's has 700
_SECONDS = 60.0  # busy, without KVM
# One that sets C(exe) to a path, to another where it is asked for Xen, and ends in becoming that
_WRAPPER = re.compile(
    rb"#! ?/bin/sh\n(?:#[^\n]*\n)*xenredir=/[^\n]*\nexe=(?P<program>/[A-Za-z0-9_./+-]+)\n(?:(?!exec |exe=(?!\$xenredir\n)).)*"
    rb'exec "\$exe" "\$@"\n',
    re.DOTALL,
)
_LINE = re.compile(r"([A-Za-z0-9_.+-]+) .*?(?:\(alias of ([A-Za-z0-9_.+-]+)\))?")


# What emulators told this run, and no later one knows yet
_TOLD: dict[str, Mapping[str, str]] = {}


@functools.cache
def known(program: str, root: str = rundir.ROOT) -> Mapping[str, str]:
    """The machines that an emulator has by name, each with its versioned name. Raises GuestError."""
    identity, one = _identity(program), _record(root).get(program)
    if identity is not None and isinstance(one, dict) and one.get("of") == identity:
        return one["machines"]
    _TOLD[program] = _asked(program)
    return _TOLD[program]


def remember(program: str, root: str = rundir.ROOT) -> None:
    """Keep what an emulator told for later runs: where a guest begins, since who only looks writes nothing."""
    identity, found = _identity(program), _TOLD.pop(program, None)
    if found and identity is not None and os.path.isdir(root):
        with contextlib.suppress(OSError):
            answer = {"of": identity, "machines": found}
            rundir.store(os.path.join(root, _RECORD), {**_record(root), program: answer})


def _record(root: str) -> Mapping[str, Any]:
    return rundir.load(os.path.join(root, _RECORD)) or {}


def _identity(program: str, wrapped: bool = True) -> list[Any] | None:
    """What another program in its place has otherwise; None of a script that may run any.

    Debian's qemu-system-i386 is a script beside the program, for those who also have Xen: of such a one both count. C(wrapped): it may be one.
    """
    try:
        with open(program, "rb") as file:
            about = os.fstat(file.fileno())
            begin = file.read(_SCRIPT)
    except OSError:
        return None
    own = [about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns]
    if begin.startswith(_PROGRAM):
        return own
    wrapper = _WRAPPER.fullmatch(begin) if wrapped else None
    inner = None if wrapper is None else _identity(wrapper["program"].decode("ascii"), False)
    return None if inner is None else own + inner


def _asked(program: str) -> dict[str, str]:
    try:
        done = programs.run([program, "-machine", "help"], _SECONDS)
    except OSError as error:
        raise GuestError(f"{program} does not tell its machines: {error.strerror}.") from None
    return parsed(done.output)


def parsed(said: str) -> dict[str, str]:
    """What C(-machine help) prints, of which the first line is a heading."""
    found = {}
    for line in said.splitlines()[1:]:
        names = _LINE.fullmatch(line)
        if names:
            found[names.group(1)] = names.group(2) or names.group(1)
    return found


def version(
    name: str, asked: str, before: str | None, machines: Mapping[str, str], emulator: str
) -> str:
    """The versioned name of the machine that the guest C(name) asks for; C(before) is what that word meant at its first start. Raises Refused.

    An emulator whose answer has no machines in it is left to say itself what it lacks.
    """
    wanted = before or machines.get(asked, asked)
    if wanted in machines or not machines:
        return wanted
    newest = machines.get(asked)
    if before is not None and newest is not None:
        raise Refused(
            f"{name} is not started: its machine is {before} since its first start, which this host's QEMU has not any more; say machine: {newest} "
            "for hardware of a newer version, or install a QEMU that has it."
        )
    raise Refused(
        f"{name} is not started: this host's QEMU has no machine {wanted}; name one that '{emulator} -machine help' tells."
    )
