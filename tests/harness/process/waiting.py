# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""To wait for what tells nobody that it happened, and for the end of a process."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable
from typing import Any

PATIENCE = 10.0


def at_load(seconds: float) -> float:
    """What is promised of an idle machine, where others want the processors too: longer by as much as they are (the guard was 0.06 s late at 24 on two)."""
    return seconds * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def wait_for(condition: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
    """The condition's value as soon as it is true."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"not within {seconds:g} s: {what}"
        time.sleep(0.01)


def kill_and_wait(pid: int) -> None:
    """Kill a process that a test started, without a word, and wait until it is gone."""
    handle = os.pidfd_open(pid)
    try:
        signal.pidfd_send_signal(handle, signal.SIGKILL)
        select.select([handle], [], [], PATIENCE)
    finally:
        os.close(handle)
