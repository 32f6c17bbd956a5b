# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of M(hypervisor.network.bridge_mdb): what may cut off the host is confirmed over a new connection, in the same task."""

from __future__ import annotations

from ansible_collections.hypervisor.network.plugins.plugin_utils._guarded_action import (
    GuardedAction,
)


class ActionModule(GuardedAction):
    """Run the module, and confirm what it guards."""

    MODULE = "hypervisor.network.bridge_mdb"
