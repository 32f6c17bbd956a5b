# SPDX-License-Identifier: GPL-3.0-or-later
"""Which version of a machine a guest is: that of its first start, so that an upgrade of QEMU does not exchange its hardware.

To QEMU, pc and q35 are other words for the newest version that it has, such as pc-q35-7.2.
"""

from __future__ import annotations

import functools
import re
from typing import Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    GuestError,
    Refused,
)
from ansible_collections.hypervisor.network.plugins.module_utils._host import programs

_LINE = re.compile(r"([A-Za-z0-9_.+-]+) .*?(?:\(alias of ([A-Za-z0-9_.+-]+)\))?")


@functools.cache
def known(program: str) -> Mapping[str, str]:
    """The machines that an emulator has by name, each with its versioned name. Raises GuestError."""
    try:
        done = programs.run([program, "-machine", "help"])
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
