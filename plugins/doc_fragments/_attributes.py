# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The attributes that every module documents."""

from __future__ import annotations


class ModuleDocFragment:
    """One fragment for the usual module, one for the read-only ones, and what is different where a change is guarded, or where only the controller works.

    Of two fragments, the one that a module names first wins.
    """

    DOCUMENTATION = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/hypervisor.network.all) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - hypervisor.network.all
  async:
    description: Supports being used with the C(async) keyword.
    support: full
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
    support: full
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in C(check_mode)), when in diff mode.
    support: full
  idempotent:
    description: When run twice in a row outside check mode, with the same arguments, the second invocation indicates no change.
    support: full
  platform:
    description: Target OS/families that can be operated against.
    platforms: linux
    support: full
"""

    GUARDED = r"""
options: {}
attributes:
  async:
    description: Supports being used with the C(async) keyword.
    support: none
    details:
      - The task itself confirms a guarded change over a new connection, which nobody would do for one in the background.
"""

    CONTROLLER = r"""
options: {}
attributes:
  action_group:
    support: none
    membership: []
    details:
      - It is no module for playbooks.
  async:
    support: none
    details:
      - It runs on the controller only.
  platform:
    platforms: all
"""

    INFO = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/hypervisor.network.all) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - hypervisor.network.all
  async:
    description: Supports being used with the C(async) keyword.
    support: full
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
    support: full
    details:
      - This module only reads, so check mode does what a run does.
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in C(check_mode)), when in diff mode.
    support: none
    details:
      - This module changes nothing, so there is nothing to show.
  idempotent:
    description: When run twice in a row outside check mode, with the same arguments, the second invocation indicates no change.
    support: full
  platform:
    description: Target OS/families that can be operated against.
    platforms: linux
    support: full
"""
