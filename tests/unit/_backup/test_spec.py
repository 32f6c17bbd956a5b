# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be asked of a backup. The refusals are in tests/errors too."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._backup.spec import Wish
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import BadInput
from ansible_collections.hypervisor.network.tests.harness.provoke.backups import TARGET, checked


def test_what_is_asked_becomes_a_wish() -> None:
    assert checked() == Wish("vm1", TARGET, "new", "f00")
    assert checked(name=None).name == "20260101T030000Z"
    assert checked(target="/srv/backups/").target == TARGET and checked(target="/").target == "/"
    assert checked(rate="50M").rate == 50 * 2**20 and checked(rate="512").rate == 512
    assert checked(mode="full", format="raw", keep=1).format == "raw"


@pytest.mark.parametrize(
    "options",
    [
        {"name": None, "state": "absent"},
        *({"name": name} for name in ("", "../x", "a/b", "-c", "a.b", "a\n", "x" * 64)),
        *({"target": target} for target in ("", "x", "//x", "/a/../b", "/a\nb", "nbd://x")),
        {"keep": 0},
        {"keep": -1},
        {"format": "raw"},
        {"rate": "fast"},
        {"rate": "0"},
        {"guest": "../vm"},
    ],
)
def test_what_cannot_be(options: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        checked(**options)
