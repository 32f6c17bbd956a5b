# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be asked of a snapshot."""

from __future__ import annotations

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import BadInput
from ansible_collections.hypervisor.network.plugins.module_utils._snapshot.spec import Wish
from ansible_collections.hypervisor.network.tests.harness.provoke.snapshots import checked


def test_what_is_asked_becomes_a_wish() -> None:
    assert checked(name="A_1-b", quiesce=True) == Wish("vm1", "A_1-b", quiesce=True)


@pytest.mark.parametrize(
    "name", ["", "-c", "a/b", "../x", "a.b", "a,b", "a\n", "a b", "x" * 64, "ä", "\u202ea", "a\0"]
)
def test_a_name_that_could_be_more_than_a_name(name: str) -> None:
    with pytest.raises(BadInput, match="not a usable name"):
        checked(name=name)


@pytest.mark.parametrize("options", [{"guest": "../vm"}, {"kind": "internal", "quiesce": True}])
def test_what_cannot_be(options: dict) -> None:
    with pytest.raises(BadInput):
        checked(**options)
