# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. A guest's disks and network cards as QEMU is told of them: the same objects on its command line, and over its monitor while it runs."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._qemu.drives import limits_of
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.files import Image

_NIC_MODELS = {"virtio": "virtio-net-pci"}
# The bus that disks of the bus scsi hang on; its controller is there from the start, or not at all
SCSI = "scsi0.0"
_DISKS = {"virtio": "virtio-blk-pci", "scsi": "scsi-hd", "sata": "ide-hd", "ide": "ide-hd"}


def block(node: str, image: Image, read_only: bool, **how: Any) -> dict[str, Any]:
    """What blockdev-add is given for an image."""
    # the cache comes down to what is below by itself, what becomes of a discard does not; there it counts once a snapshot is merged
    below = {key: how[key] for key in ("discard",) if key in how}
    return {"node-name": node, "discard": "unmap", **how, **opened(image, read_only, **below)}


def opened(image: Image, read_only: bool, **below: Any) -> dict[str, Any]:
    """An image and all below it, spelled out: what its header says by the time that QEMU reads it counts no more. C(below): how else that is opened."""
    found: dict[str, Any] = {
        "driver": image.format,
        "read-only": read_only,
        "file": _file(image.path),
    }
    if image.format == "qcow2":
        found["backing"] = None
        if image.backing is not None:
            found["backing"] = {**below, **opened(image.backing, True, **below)}
        if image.data_file is not None:
            found["data-file"] = _file(image.data_file)
    return found


def _file(path: str) -> dict[str, Any]:
    # locking "auto" is "on" wherever the file system can; a second guest on the same image is refused by QEMU itself. Whether it is
    # read-only comes from the image above: said here too, a backing file could not be written to when a snapshot is merged into it
    return {"driver": "file", "filename": path, "locking": "auto"}


def caching(disk: Mapping[str, Any]) -> dict[str, Any]:
    """What blockdev-add is given that is not as QEMU does it by itself: C(cache) past the host's page cache, C(discard) of blocks that the guest frees."""
    direct = {"cache": {"direct": True}} if disk.get("cache") == "none" else {}
    return {**direct, **{key: disk[key] for key in ("discard",) if disk.get(key) is not None}}


def disk_device(node: str, disk: Mapping[str, Any], **where: Any) -> dict[str, Any]:
    """What device_add is given for a disk whose image is C(node); C(where) is the bus that it hangs on."""
    cached = {"write-cache": "off"} if disk.get("cache") == "writethrough" else {}
    return {
        "driver": _DISKS[disk["bus"]],
        **where,
        **cached,
        "id": f"{node}-dev",
        # limits hang on what such a drive has and a node has not
        "drive": f"{node}-drive" if limits_of(disk) else node,
        **_given(disk, serial="serial", boot_index="bootindex"),
    }


def throttled(disk: Mapping[str, Any], backend: Mapping[str, Any]) -> dict[str, str]:
    """The options of C(-drive) that stand for what blockdev-add would be given, but for the image itself: with limits it can only be that."""
    found = {"if": "none", "id": f"{backend['node-name']}-drive"}
    if backend.get("cache"):
        found["cache.direct"] = "on"
    if backend["read-only"]:
        found["readonly"] = "on"
    for option, value in limits_of(disk).items():
        found[f"throttling.{option.replace('_', '-')}"] = str(value)
    return found


def netdev(number: int, nic: Mapping[str, Any]) -> dict[str, Any]:
    """What QMP's netdev_add is given for a card, the one with that place from 0; C(nic) has every option of an item of C(nics)."""
    # no script: bridge and tap are made by tasks of their own, and QEMU is allowed to start no program
    found: dict[str, Any] = {
        "type": "tap",
        "id": f"net{number}",
        "ifname": nic["tap"],
        "script": "no",
        "downscript": "no",
        "vhost": nic["vhost"],
    }
    if nic["queues"] > 1:
        found["queues"] = nic["queues"]
    return found


def nic_device(number: int, nic: Mapping[str, Any]) -> dict[str, Any]:
    """What QMP's device_add is given for a card, with the arguments of C(netdev)."""
    found: dict[str, Any] = {
        "driver": _NIC_MODELS.get(nic["model"], nic["model"]),
        "id": f"nic{number}",
        "netdev": f"net{number}",
        "mac": nic["mac"],
    }
    if nic["queues"] > 1:
        found.update({"mq": True, "vectors": 2 * nic["queues"] + 2})
    return {**found, **_given(nic, mtu="host_mtu", boot_index="bootindex")}


def _given(item: Mapping[str, Any], **names: str) -> dict[str, Any]:
    return {theirs: item[ours] for ours, theirs in names.items() if item[ours] is not None}
