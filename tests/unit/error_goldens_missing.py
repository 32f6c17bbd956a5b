# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many raises of each file below plugins have no golden in tests/errors yet: none. What wants a kernel, a file or a program is in tests/harness/provoke."""

from __future__ import annotations

MISSING: dict[str, int] = {}
