# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What may be asked of a guest's disks, and what an image is made of where it is missing."""

from __future__ import annotations

import re
from typing import Any, Iterable, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import BadInput
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import spec_words as words
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.drives import LIMITS

SPEC: dict[str, dict[str, Any]] = {
    "path": {"type": "path", "required": True},
    "format": {"type": "str", "choices": ["qcow2", "raw"]},
    "size": {"type": "str"},
    "backing_file": {"type": "path"},
    "backing_format": {"type": "str", "choices": ["qcow2", "raw"]},
    "bus": {"type": "str", "choices": ["virtio", "ide", "sata", "scsi"], "default": "virtio"},
    "read_only": {"type": "bool", "default": False},
    "cache": {"type": "str", "choices": ["writeback", "none", "writethrough"]},
    "discard": {"type": "str", "choices": ["unmap", "ignore"]},
    **{option: {"type": "int" if option.startswith("iops") else "str"} for option in LIMITS},
    "serial": {"type": "str"},
    "boot_index": {"type": "int"},
}
_MOST = 10**15  # THROTTLE_VALUE_MAX of QEMU
_SERIAL = re.compile(r"[A-Za-z0-9_.-]{1,20}")  # 20: VIRTIO_BLK_ID_BYTES


def checked(disk: Mapping[str, Any]) -> dict[str, Any]:
    """A disk in canonical form. Raises BadInput."""
    path = words.path(disk["path"], "disks.path")
    if disk["serial"] is not None:
        words.matching(_SERIAL, "a serial number of up to 20 letters, digits, '_', '.' and '-'")(
            disk["serial"], "disks.serial"
        )
    return {
        "path": path,
        **{key: disk[key] for key in ("format", "bus", "read_only", "serial", "boot_index")},
        **words.given(disk, "cache", "discard"),
        **_limits(disk),
    }


def _limits(disk: Mapping[str, Any]) -> dict[str, int]:
    """The limits, in operations and bytes a second. Raises BadInput."""
    found = {}
    for option, value in words.given(disk, *LIMITS).items():
        where = f"disks.{option}"
        number = value if option.startswith("iops") else words.size(value, where, 1)
        found[option] = words.between(1, _MOST)(number, where)
    for what in ("iops", "bps"):
        if f"{what}_total" in found and found.keys() & {f"{what}_read", f"{what}_write"}:
            raise BadInput(
                f"disks.{what}_total counts reads and writes together, so {disk['path']} cannot have {what}_read or {what}_write beside it; "
                "leave one of them out."
            )
    return found


def recipes(disk: Mapping[str, Any], guest: str) -> Iterable[dict[str, Any]]:
    """What a disk is made of where it is missing: nothing, or one recipe.

    That has C(guest), C(path), C(format), C(size) in bytes or None, C(backing_file) or None, and C(backing_format) where given. Raises BadInput.
    """
    if disk.get("backing_format") is not None and disk["backing_file"] is None:
        raise BadInput(
            f"disks.backing_format needs a backing_file, and {disk['path']} has none; leave it out."
        )
    if disk["size"] is None and disk["backing_file"] is None:
        return
    recipe: dict[str, Any] = {
        "guest": guest,
        "path": disk["path"],
        "format": disk["format"] or "qcow2",
    }
    recipe["size"] = (
        None if disk["size"] is None else words.size(disk["size"], "disks.size", 1024**2)
    )
    recipe["backing_file"] = (
        None
        if disk["backing_file"] is None
        else words.path(disk["backing_file"], "disks.backing_file")
    )
    if disk.get("backing_format") is not None:
        recipe["backing_format"] = disk["backing_format"]
    if recipe["backing_file"] is not None and recipe["format"] != "qcow2":
        raise BadInput(
            f"disks.backing_file needs format: qcow2, and {disk['path']} has {recipe['format']}."
        )
    yield recipe
