# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose turn it is to write: never two at once, and never the module's again once the guard has it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    DeadlineExceeded,
)
from ansible_collections.hypervisor.network.plugins.module_utils._guard import transaction, turn
from ansible_collections.hypervisor.network.plugins.module_utils._host import procfs

# A module that is in the middle of a write, and stays there
WRITER = """
import fcntl, sys, time
stream = open(sys.argv[1])
fcntl.flock(stream, fcntl.LOCK_EX)
print("writing", flush=True)
time.sleep(60)
"""


@pytest.fixture
def begun(tmp_path):
    return transaction.begin({"netns": None}, {}, str(tmp_path))


@pytest.fixture
def writer(begun):
    child = subprocess.Popen(
        [sys.executable, "-c", WRITER, os.path.join(begun.path, "armed")],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout.readline() == "writing\n"
    yield child
    child.kill()
    child.communicate()


def _me() -> procfs.Identity:
    return procfs.Process(os.getpid()).identity()


def test_the_module_writes_while_its_state_stands(begun):
    own = turn.Turn(begun)
    with own.held("armed"):
        pass
    begun.move("armed", "undoing")
    with own.held("undoing"):
        pass
    with pytest.raises(DeadlineExceeded), own.held("armed"):
        raise AssertionError("it was not its turn")
    own.close()


def test_the_guard_gets_it_at_once_where_nobody_writes_and_keeps_it(begun):
    module, guard = turn.Turn(begun), turn.Turn(begun)
    guard.take(_me())
    assert not module._taken_within(0.05)
    guard.close()
    assert module._taken_within(0.0)


def test_a_module_that_does_not_let_go_is_ended(begun, writer, monkeypatch):
    monkeypatch.setattr(turn, "_PATIENCE", 0.1)
    turn.Turn(begun).take(procfs.Process(writer.pid).identity())
    assert writer.wait(5) == -signal.SIGKILL


def test_for_a_stopped_module_nobody_waits(begun, writer):
    os.kill(writer.pid, signal.SIGSTOP)
    os.waitid(os.P_PID, writer.pid, os.WSTOPPED | os.WNOWAIT)
    began = time.monotonic()
    turn.Turn(begun).take(procfs.Process(writer.pid).identity())
    assert time.monotonic() - began < turn._PATIENCE
    assert writer.wait(5) == -signal.SIGKILL
