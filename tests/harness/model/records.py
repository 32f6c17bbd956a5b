# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The records of a guest, in memory."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any


class Records:
    """See _qemu/rundir. C(kept) are the records by name."""

    sockets = ("/nowhere/qmp",)
    public = "/nowhere"
    busy = nullcontext

    def __init__(self, **kept: Any) -> None:
        self.kept: dict[str, Any] = {f"{name}.json": one for name, one in kept.items()}

    def load(self, record: str) -> Any:
        return self.kept.get(record)

    def store(self, record: str, content: Any) -> None:
        self.kept[record] = content

    def drop(self, record: str) -> None:
        self.kept.pop(record, None)
