# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks of signals, as /proc/PID/status tells them."""

from __future__ import annotations

# The C library keeps these two for its threads, and sets nobody's back: GNU make leaves them ignored
_OWN_OF_GLIBC = 1 << 31 | 1 << 32


def none_in(mask: str) -> bool:
    """Whether a mask in hexadecimal digits holds no signal that a program could ask for."""
    return not int(mask, 16) & ~_OWN_OF_GLIBC
