# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An Ansible callback that writes how long each task took: C({task: [milliseconds, ...]}) into the file BENCH_TIMES names."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: timed
type: stdout
short_description: Times of tasks as JSON
description: Used by the benchmark only.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "timed"

    def __init__(self, *args, **more):
        super().__init__(*args, **more)
        self._times: dict[str, list[float]] = {}
        self._start = 0.0

    def v2_playbook_on_task_start(self, task, is_conditional):
        self._start = time.monotonic()

    def v2_runner_on_ok(self, result):
        name = result.task.get_name() if hasattr(result, "task") else result._task.get_name()
        self._times.setdefault(name, []).append((time.monotonic() - self._start) * 1000)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        inner = getattr(result, "result", None) or result._result
        self._display.error(str(inner.get("msg", inner)))

    def v2_playbook_on_stats(self, stats):
        Path(os.environ["BENCH_TIMES"]).write_text(json.dumps(self._times), encoding="utf-8")
