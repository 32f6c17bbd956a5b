# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. The guard's allowances, for those that need nothing else of it: the controller's action plugins."""

from __future__ import annotations

# Parts of the time that a guard must be given, in seconds
LINK_SECONDS = 4.0  # for a NIC whose driver renegotiates the link when it becomes a port
MARGIN_SECONDS = 3.0  # before the deadline: a confirmation under way must not meet it
