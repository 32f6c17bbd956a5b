# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters of the role bridge_host, loaded by an action of the role's, and so by the process that all workers are forked from.

A filter is loaded by each worker that comes upon one, with all filters of its collection, which takes longer than anything else that a controller does for a
host. The class of an action is loaded before a task's workers are forked, for tasks that are skipped, too.
"""

from __future__ import annotations

from ansible.plugins.loader import filter_loader


def load() -> None:
    """Load them, for whoever is forked from this process from now on."""
    filter_loader.get("hypervisor.network.bridge_host_findings")
