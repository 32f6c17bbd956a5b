# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a host has ifupdown2, by the one program that no other ifupdown brings."""

from __future__ import annotations

import os

# the second is the package's own place, where /usr need not be merged
_SIGNS = ("usr/sbin/ifreload", "sbin/ifreload")


def is_here(root: str = "/") -> bool:
    """Whether it reads interfaces(5) of the host below C(root): a link counts, wherever it leads."""
    return any(os.path.lexists(os.path.join(root, sign)) for sign in _SIGNS)
