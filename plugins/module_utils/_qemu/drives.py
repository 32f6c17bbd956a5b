# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. A guest's drives out of what QEMU says of them (query-block): their files from the top to the lowest, their sizes, their limits."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Mapping

FORMATS = ("qcow2", "raw")
_PERIPHERAL = "/machine/peripheral/"
# The limits of a disk by their options, with the words that block_set_io_throttle and query-block have for them
LIMITS = {
    "iops_total": "iops",
    "iops_read": "iops_rd",
    "iops_write": "iops_wr",
    "bps_total": "bps",
    "bps_read": "bps_rd",
    "bps_write": "bps_wr",
}


@dataclass(frozen=True)
class Drive:
    """A drive with something in it. C(files) are its images' files from the top to the lowest; C(snapshots): the internal ones in the top; C(bitmaps) as
    query-block has them. C(size) is what the guest sees, C(layers) are C({path, format, size, allocated}) from the top, in bytes, and C(limits) those
    that it has; C(io_status) is not ok where it holds the guest still.
    """

    qdev: str
    node: str
    format: str
    file: str
    read_only: bool = False
    size: int = 0
    files: tuple[str, ...] = ()
    snapshots: tuple[str, ...] = ()
    bitmaps: tuple[Mapping[str, Any], ...] = ()
    layers: tuple[Mapping[str, Any], ...] = field(default=(), compare=False)
    limits: Mapping[str, int] = field(default_factory=dict)
    io_status: str = "ok"

    @property
    def device(self) -> str | None:
        """The name of the device that has it, which is in the path that QEMU tells of some; None of one without a name, such as the firmware's flash."""
        if self.qdev.startswith(_PERIPHERAL):
            return self.qdev[len(_PERIPHERAL) :].partition("/")[0]
        return None if "/" in self.qdev else self.qdev or None


def drive(block: Mapping[str, Any]) -> Drive:
    """A drive out of query-block."""
    inserted = block["inserted"]
    image: Mapping[str, Any] | None = inserted.get("image")
    top = image or {}
    layers: list[dict[str, Any]] = []
    while image is not None:
        layers.append(
            {
                "path": file_of(image["filename"]),
                "format": image.get("format"),
                "size": image.get("virtual-size"),
                "allocated": image.get("actual-size"),
            }
        )
        image = image.get("backing-image")
    return Drive(
        str(block.get("qdev") or block.get("device") or ""), inserted["node-name"], inserted["drv"], file_of(inserted["file"]),
        bool(inserted["ro"]), int(top.get("virtual-size", 0)), tuple(layer["path"] for layer in layers),
        tuple(one["name"] for one in top.get("snapshots", ())), tuple(inserted.get("dirty-bitmaps") or ()), tuple(layers),
        {ours: inserted[theirs] for ours, theirs in LIMITS.items() if inserted.get(theirs)},
        str(block.get("io-status", "ok")),
    )  # fmt: skip


def file_of(name: str) -> str:
    """The path in what QEMU calls a file's name: that, or options in JSON where it was opened in an unusual way."""
    if not name.startswith("json:"):
        return name
    try:
        found = json.loads(name[len("json:") :])
        while not isinstance(found, str):
            found = found["filename"] if "filename" in found else found["file"]
    except (ValueError, RecursionError, KeyError, TypeError):
        return name
    return found


def throttling(device: str, limits: Mapping[str, int]) -> dict[str, Any]:
    """The arguments of block_set_io_throttle for a device by its path; C(limits) may have other options in it, and what is not there is unlimited."""
    return {"id": device, **{theirs: limits.get(ours) or 0 for ours, theirs in LIMITS.items()}}


def limits_of(disk: Mapping[str, Any]) -> dict[str, int]:
    """The limits that an item of C(disks) has."""
    return {key: disk[key] for key in LIMITS if disk.get(key)}
