# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be asked of a disk, and what a missing image is made of."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import BadInput
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import spec_disks


def disk(**given: Any) -> dict[str, Any]:
    """A disk as Ansible hands it over: every option is there."""
    return {
        **{key: spec.get("default") for key, spec in spec_disks.SPEC.items()},
        "path": "/a",
        **given,
    }


def refusal(**given: Any) -> str:
    with pytest.raises(BadInput) as caught:
        spec_disks.checked(disk(**given))
        list(spec_disks.recipes(disk(**given), "vm1"))
    return str(caught.value)


def test_a_disk_is_what_the_guest_has_of_it_and_not_how_it_was_made() -> None:
    assert spec_disks.checked(disk(size="1G", backing_file="/b", serial="one")) == {
        "path": "/a",
        "format": None,
        "bus": "virtio",
        "read_only": False,
        "serial": "one",
        "boot_index": None,
    }


def test_an_image_that_nobody_says_how_to_make_is_not_made() -> None:
    assert list(spec_disks.recipes(disk(), "vm1")) == []


def test_an_image_is_made_with_its_size_on_its_base() -> None:
    made = {"size": "1", "backing_file": "/b", "backing_format": "raw"}
    (recipe,) = spec_disks.recipes(disk(**made), "vm1")
    assert recipe == {
        "guest": "vm1",
        "path": "/a",
        "format": "qcow2",
        "size": 2**20,
        "backing_file": "/b",
        "backing_format": "raw",
    }


@pytest.mark.parametrize(
    ("given", "part"),
    [
        ({"path": "a"}, "disks.path"),
        ({"serial": "x" * 21}, "serial number of up to 20"),
        ({"size": "big"}, "disks.size"),
        ({"backing_format": "raw"}, "needs a backing_file"),
        ({"backing_file": "/b", "format": "raw"}, "needs format: qcow2"),
        ({"backing_file": "nbd://host/b"}, "disks.backing_file"),
        ({"iops_total": 0}, "disks.iops_total 0 is outside 1"),
        ({"iops_read": -1}, "disks.iops_read -1 is outside 1"),
        ({"bps_write": "fast"}, "disks.bps_write 'fast' is not a size"),
        ({"bps_write": "1,iops=1"}, "disks.bps_write"),
        ({"bps_total": "2P"}, "disks.bps_total"),
        ({"bps_total": "1024T"}, "is outside 1"),
        ({"bps_total": "1M", "bps_read": "1M"}, "cannot have bps_read or bps_write"),
        ({"iops_total": 1, "iops_write": 1}, "cannot have iops_read or iops_write"),
    ],
)
def test_a_disk_that_is_refused(given: dict[str, Any], part: str) -> None:
    assert part in refusal(**given)


def test_limits_are_numbers_and_those_that_are_not_given_are_not_there() -> None:
    found = spec_disks.checked(disk(iops_read=5, bps_total="2M"))
    assert (found["iops_read"], found["bps_total"]) == (5, 2 * 2**20)
    assert "iops_total" not in found
