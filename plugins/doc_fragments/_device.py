# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that every module on network devices has."""

from __future__ import annotations


class ModuleDocFragment:
    """The network namespace."""

    DOCUMENTATION = r"""
options:
  netns:
    description:
      - Name of the network namespace to work in, as C(ip netns) knows it. It must exist.
      - Without it, the work is done in the namespace that the connection lands in.
    type: str
"""
