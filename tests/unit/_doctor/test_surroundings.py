# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sysctls and sysfs, as the doctor reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._doctor import surroundings
from ansible_collections.hypervisor.network.plugins.module_utils._doctor.case import Part, Wire
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.virtual_functions import (
    Settings,
)
from ansible_collections.hypervisor.network.tests.harness.model.tree import write


@pytest.mark.parametrize(
    ("every", "own", "is_strict"),
    [("0", "1", True), ("1", "0", True), ("0", "0", False), ("2", "1", False), ("1", "2", False), ("", "1", True), ("x", None, False)],
)  # fmt: skip
def test_the_larger_rp_filter_counts(
    tmp_path: Path, every: str, own: str | None, is_strict: bool
) -> None:
    write(tmp_path, {"all/rp_filter": every, **({"br0/rp_filter": own} if own else {})})
    assert surroundings.strict(["br0"], str(tmp_path)) == (frozenset({"br0"}) if is_strict else frozenset())  # fmt: skip


OF_CARD = {"pf0": {3: Settings(True, False)}, "pf1": {1: Settings(False, True)}}


@pytest.mark.parametrize(
    ("index", "card", "number", "part"),
    [
        (2, None, None, None),
        (2, "pf0", "virtfn3", Part("pf0", 3, True, False, "iavf")),
        (2, "pf0", "virtfn4", Part("pf0", 4, driver="iavf")),  # which came between two looks
        (2, "pf2", "virtfn3", Part("pf2", 3, driver="iavf")),
        (2, "", "virtfn3", Part(driver="iavf")),  # the card is another namespace's
        (2, "pf0", "other", Part(driver="iavf")),
        (9, "pf0", "virtfn3", None),  # another device of that name
    ],
)
def test_a_part_of_a_card_is_told_by_sysfs(
    tmp_path: Path, index: int, card: str | None, number: str | None, part: Part | None
) -> None:
    """As Linux has it: the device's folder leads to the card's, where a number leads back."""
    write(tmp_path, {"net/eth0/ifindex": f"{index}", "11.0/vendor": ""})
    (tmp_path / "11.0/driver").symlink_to(tmp_path / "drivers/iavf")
    (tmp_path / "net/eth0/device").symlink_to(tmp_path / "11.0")
    if number is not None:
        write(
            tmp_path, {f"01.0/net/{card}/ifindex" if card else "01.0/vendor": "", "11.1/vendor": ""}
        )
        (tmp_path / "11.0/physfn").symlink_to(tmp_path / "01.0")
        (tmp_path / "01.0/virtfn1").symlink_to(tmp_path / "11.1")
        (tmp_path / "01.0" / number).symlink_to(tmp_path / "11.0")
    found = surroundings.wires([Link("eth0", 2)], not_asked, lambda: OF_CARD, str(tmp_path / "net"))
    assert found == {"eth0": Wire(part)}


def not_asked() -> Any:
    raise AssertionError("there is no such uplink")


@pytest.mark.parametrize(("passed", "own"), [(set(), True), ({"eth0"}, False)])
def test_a_macvlan_takes_its_own_frames_only_where_it_is_not_passed_through(
    tmp_path: Path, passed: set[str], own: bool
) -> None:
    link = Link("eth0", 2, "macvlan")
    found = surroundings.wires([link], lambda: frozenset(passed), not_asked, str(tmp_path))
    assert found["eth0"].own_frames_only is own


@pytest.mark.parametrize(
    ("vendor", "product", "cloud"),
    [
        ("Amazon EC2\n", "t3.micro", "Amazon EC2"),
        ("Microsoft Corporation", "Virtual Machine", "Microsoft Corporation"),
        ("Microsoft Corporation", "Surface Pro", None),
        ("Google", "Google Compute Engine", "Google"),
        ("Google", "Chromebook", None),
        ("Hetzner", "vServer", "Hetzner"),
        ("QEMU", "Standard PC", None),
        ("", "", None),
    ],
)
def test_whose_machine_it_is(tmp_path: Path, vendor: str, product: str, cloud: str | None) -> None:
    write(tmp_path, {"sys_vendor": vendor, "product_name": product})
    assert surroundings.cloud(str(tmp_path)) == cloud


def test_a_machine_that_tells_nothing_is_nobodys(tmp_path: Path) -> None:
    assert surroundings.cloud(str(tmp_path / "none")) is None
