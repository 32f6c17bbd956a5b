# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who makes a disk larger, and what is said of it after an undo."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.growth import Growth
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.guest import Guest
from ansible_collections.hypervisor.network.tests.unit._qemu.test_hotplug import SEEN

SPEC = {"memory": 64}
LARGER = Change("grow", "disk", "/a", {"guest": "vm1", "size": 8}, {"guest": "vm1", "size": 16}, payload=SPEC)  # fmt: skip


class Grower:
    """Keeps vm1, of which QEMU says C(seen), and notes what it is asked for. C(/full) cannot be made larger."""

    def __init__(self, seen: Any = None) -> None:
        self._guest = Guest("vm1", seen=seen)
        self.asked: list[Any] = []

    def read_all(self, names: list[str]) -> dict[str, Guest]:
        return dict.fromkeys(names, self._guest)

    def tell(self, *asked: Any) -> None:
        self.asked.append(asked)

    def grow_image(self, *asked: Any) -> None:
        self.asked.append(asked)

    def check_growth(self, name: str, spec: Any, path: str) -> None:
        self.asked.append((name, spec, path))
        if path == "/full":
            raise Refused("There is no room.")


@pytest.mark.parametrize(
    ("seen", "path", "asked"),
    [
        (SEEN, "/a", ("vm1", [("block_resize", {"node-name": "n", "size": 16})])),
        (SEEN, "/other", ("vm1", SPEC, "/other", 16)),
        (None, "/a", ("vm1", SPEC, "/a", 16)),
    ],
    ids=["by the QEMU that has it open", "that QEMU does not have", "of a guest that is stopped"],
)
def test_a_disk_is_made_larger_by_who_has_it_open(seen: Any, path: str, asked: Any) -> None:
    grower = Grower(seen)
    Growth(grower).carry_out(Change("grow", "disk", path, None, LARGER.after, payload=SPEC))
    assert grower.asked == [asked]


def test_each_is_looked_at_before_the_first_and_other_changes_are_not() -> None:
    grower = Grower()
    others = [Change("create", "disk", "/b", None, {"guest": "vm1"}), Change("start", "guest", "vm1")]  # fmt: skip
    Growth(grower).check([*others, LARGER])
    assert grower.asked == [("vm1", SPEC, "/a")]
    full = Change("grow", "disk", "/full", None, LARGER.after, payload=SPEC)
    with pytest.raises(Refused, match="no room"):
        Growth(Grower()).check([LARGER, full])


def test_what_an_undo_leaves_is_said_of_those_that_grew() -> None:
    grown = Growth(Grower())
    assert grown.remarks() == []
    grown.check([LARGER])
    assert grown.remarks() == []
    grown.carry_out(LARGER)
    (said,) = grown.remarks()
    assert said.startswith("The disk /a keeps its 16 bytes: ")
