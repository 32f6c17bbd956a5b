# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of a guest's disks and cards are one option each, which names all that an item takes."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from ansible_collections.hypervisor.network.plugins.module_utils._qemu import (
    spec_disks,
    spec_nics,
)
from ansible_collections.hypervisor.network.plugins.plugin_utils._docs_devices import DISKS, NICS


@pytest.mark.parametrize(
    ("text", "name", "spec"), [(DISKS, "disks", spec_disks.SPEC), (NICS, "nics", spec_nics.SPEC)]
)
def test_each_key_of_an_item_is_told(text: str, name: str, spec: dict[str, Any]) -> None:
    ((told, option),) = yaml.safe_load(text).items()
    assert told == name and set(option["suboptions"]) == set(spec)
