# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's filters are loaded with its actions, which Ansible loads before it forks a worker."""

from __future__ import annotations

import importlib

import pytest

from ansible_collections.hypervisor.network.plugins.plugin_utils import _role_filters

ACTIONS = "ansible_collections.hypervisor.network.plugins.action"
FILTERS = "ansible_collections.hypervisor.network.plugins.filter"


@pytest.mark.parametrize("action", ["unapplied_tags", "verdict"])
def test_who_loads_an_action_of_the_role_has_its_filters(
    action: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(_role_filters.filter_loader, "get", asked.append)
    importlib.reload(importlib.import_module(f"{ACTIONS}.{action}"))
    (name,) = set(asked)
    collection, _dot, filter_name = name.rpartition(".")
    assert collection == "hypervisor.network"
    assert (
        filter_name in importlib.import_module(f"{FILTERS}.{filter_name}").FilterModule().filters()
    )
