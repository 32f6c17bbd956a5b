# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what takes long is run too: C(make faults), C(make acceptance) and C(make integration) ask for it, C(make test) has the short form of each."""

from __future__ import annotations

import os

# C(HYPERVISOR_NETWORK_CONTAINED=1): cases of a machine of their own run in a container of seconds, for whoever works on them
CONTAINED = bool(os.environ.get("HYPERVISOR_NETWORK_CONTAINED"))
LONG = bool(os.environ.get("HYPERVISOR_NETWORK_LONG"))
