# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the target needs."""

from __future__ import annotations


class ModuleDocFragment:
    """The Python libraries of the netlink modules."""

    DOCUMENTATION = r"""
options: {}
requirements:
  - pyroute2 >= 0.7.2 (Debian package C(python3-pyroute2))
  - netaddr >= 0.8.0 (Debian package C(python3-netaddr)), for MAC notations other than C(52:54:00:12:34:56)
"""
