# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write what each task did as a line of JSON, for the tests to compare: C({run, host, task, changed, changes})."""

from __future__ import annotations

import json
import os
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: recorder
type: aggregate
short_description: Write what each task did as a line of JSON
description:
  - For the acceptance tests. The file is named by the environment variable RECORDER_FILE.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "recorder"

    def v2_runner_on_ok(self, result: Any) -> None:
        outcome = result._result
        with open(os.environ["RECORDER_FILE"], "a", encoding="utf-8") as file:
            for one in outcome.get("results", [outcome]):
                line = {
                    "host": result._host.get_name(),
                    "task": result._task.get_name(),
                    "changed": bool(outcome.get("changed")) and bool(one.get("changed")),
                    "changes": one.get("changes") or [],
                    "msg": one.get("msg"),
                }
                file.write(json.dumps(line) + "\n")
