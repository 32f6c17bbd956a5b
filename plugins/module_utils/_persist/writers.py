# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose files bridge_persist writes: those of every manager in the table, and ifupdown's and ifupdown2's, which have no part in a conversion."""

from __future__ import annotations

from collections import ChainMap
from typing import Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.manager import Ifupdown
from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import (
    IFUPDOWN,
    IFUPDOWN2,
    Writer,
)
from ansible_collections.hypervisor.network.plugins.module_utils._persist.table import ADAPTERS

# of those that have adapters none is imported for it
WRITERS: Mapping[str, Writer] = ChainMap(
    {IFUPDOWN: Ifupdown(IFUPDOWN), IFUPDOWN2: Ifupdown(IFUPDOWN2)}, ADAPTERS
)
