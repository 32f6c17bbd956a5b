# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a child has of a parent that ignores signals and is spared by the kernel: nothing. The oracle is /proc/PID/status."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap

from ansible_collections.hypervisor.network.plugins.module_utils._host import child
from ansible_collections.hypervisor.network.tests.harness.process.signals import none_in

GUARD = """
import os, signal, subprocess
from ansible_collections.hypervisor.network.plugins.module_utils._host import child
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGPIPE, signal.SIGUSR1):
    signal.signal(number, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGALRM})
child.set_oom_score(500)
print(open("/proc/self/oom_score_adj").read().strip(), flush=True)
subprocess.run(["grep", "-E", "^(SigIgn|SigBlk)", "/proc/self/status"], preexec_fn=child.ordinary)
subprocess.run(["cat", "/proc/self/oom_score_adj"], preexec_fn=child.ordinary)
"""


def test_a_child_of_the_guard_is_an_ordinary_process() -> None:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(GUARD)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    parent, *masks, score = done.stdout.splitlines()
    assert int(parent) == 500
    told = dict(re.split(r":\s+", line) for line in masks)
    assert set(told) == {"SigBlk", "SigIgn"} and all(none_in(mask) for mask in told.values()), told
    assert int(score) == 0


def test_only_what_is_kept_stays_open() -> None:
    reader, writer = os.pipe()
    spare = os.open(os.devnull, os.O_RDONLY)
    if os.fork() == 0:
        child.close_all_but({0, 1, 2, writer})
        still = [one for one in (reader, spare, writer) if os.path.exists(f"/proc/self/fd/{one}")]
        os.write(writer, json.dumps(still).encode())
        os._exit(0)
    os.close(writer)
    os.close(spare)
    with os.fdopen(reader, "rb") as stream:
        assert json.load(stream) == [writer]
    os.wait()
