# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ifup starts for the guard is a daemon of the host, and not as the guard is."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from ansible_collections.hypervisor.network.plugins.module_utils._host.programs import PATH
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown import ifup
from ansible_collections.hypervisor.network.tests.harness.process.signals import none_in


def test_what_the_guard_starts_ignores_nothing_and_is_not_spared(tmp_path: Path) -> None:
    script = f"(grep -E '^SigIgn' /proc/self/status; cat /proc/self/oom_score_adj; echo $PATH) > {tmp_path}/found"
    pid = os.fork()
    if pid == 0:
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        Path("/proc/self/oom_score_adj").write_text("500")
        os.environ["PATH"] = str(tmp_path)
        os._exit(0 if ifup._ran("sh", "-c", script).startswith("sh -c") else 1)
    assert os.waitpid(pid, 0)[1] == 0
    _ignored, ignored, score, path = (tmp_path / "found").read_text().split()
    assert none_in(ignored) and (score, path) == ("0", PATH), ignored
