# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sysctls and sysfs, as the doctor reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._doctor import surroundings
from ansible_collections.hypervisor.network.plugins.module_utils._doctor.case import Wire
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


@pytest.mark.parametrize(
    ("files", "part"),
    [({}, False), ({"device/physfn": ""}, True), ({"ifindex": "9", "device/physfn": ""}, False)],
)
def test_a_part_of_a_card_is_told_by_sysfs(
    tmp_path: Path, files: dict[str, str], part: bool
) -> None:
    write(tmp_path, {f"eth0/{name}": text for name, text in {"ifindex": "2", **files}.items()})
    found = surroundings.wires([Link("eth0", 2)], not_asked, str(tmp_path))
    assert found == {"eth0": Wire(part_of_a_card=part)}


def not_asked() -> frozenset[str]:
    raise AssertionError("there is no macvlan")


@pytest.mark.parametrize(("passed", "own"), [(set(), True), ({"eth0"}, False)])
def test_a_macvlan_takes_its_own_frames_only_where_it_is_not_passed_through(
    tmp_path: Path, passed: set[str], own: bool
) -> None:
    link = Link("eth0", 2, "macvlan")
    found = surroundings.wires([link], lambda: frozenset(passed), str(tmp_path))
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
