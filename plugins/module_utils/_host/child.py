# SPDX-License-Identifier: GPL-3.0-or-later
"""What a child must not have from its parent: ignored signals, a place before or behind others when memory ends, open descriptors.

A guard ignores what would end it, and is spared by the kernel; a DHCP client that it starts is an ordinary daemon of the host.
"""

from __future__ import annotations

import os
import signal
from typing import Collection

ORDINARY = 0
_UMASK = 0o022  # as daemons of the host have it: what a DHCP client writes is read by others
_UNCATCHABLE = (signal.SIGKILL, signal.SIGSTOP)


def ordinary(oom_score: int = ORDINARY) -> None:
    """Every signal does again what it does by default, none is blocked, and the kernel spares this process no more than any other.

    To be called in the child, before it executes its program.
    """
    for number in signal.valid_signals():
        if number not in _UNCATCHABLE:
            try:
                signal.signal(number, signal.SIG_DFL)
            except (OSError, ValueError):  # the C library's own
                continue
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    os.umask(_UMASK)
    set_oom_score(oom_score)


def set_oom_score(value: int) -> None:
    """From -1000 (the kernel never takes this process when memory ends) to 1000 (it takes this one first); see proc(5)."""
    try:
        with open("/proc/self/oom_score_adj", "wb", buffering=0) as file:
            file.write(b"%d" % value)
    except OSError:
        pass  # less than its parent's is not for everybody to have


def close_all_but(keep: Collection[int]) -> None:
    """Close every descriptor of this process that is not among C(keep)."""
    for descriptor in [int(name) for name in os.listdir("/proc/self/fd")]:
        if descriptor not in keep:
            try:
                os.close(descriptor)
            except OSError:
                pass  # the one that listed them
