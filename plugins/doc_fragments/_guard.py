# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of modules whose changes may cut off the host."""

from __future__ import annotations


class ModuleDocFragment:
    """The dead-man's switch."""

    DOCUMENTATION = r"""
options:
  guard_mode:
    description:
      - Which changes undo themselves unless the task confirms them over a new connection that it opens to the host afterwards.
      - V(auto) guards what may cut off the host, the changes with the risk C(may_cut_ssh). V(always) guards every change, and tries once more what was
        rolled back twice. V(never) guards none.
    type: str
    choices: [auto, always, never]
    default: auto
  guard_timeout:
    description:
      - Seconds after which a guarded change that nobody confirmed undoes itself, 10 to 900. V(0) for no guard.
    type: float
    default: 60
"""
