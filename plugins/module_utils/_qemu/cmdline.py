# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. A guest's definition becomes QEMU's command line.

Everything that holds a path goes in JSON, where a comma is a comma; the few options that know no JSON get it doubled. The
command line holds no secret: every user of the host can read it in the process table. Needs QEMU 7.2 or newer (JSON for
-netdev).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._qemu.files import (
    Files,
    Fittings,
    Image,
)

# The descriptors that the supervisor hands to QEMU. The lock is never read: it is held until the process is gone. The last is there for
# a serial_log only.
QMP_FD, SPARE_FD, LOCK_FD, SERIAL_FD = 3, 4, 5, 6

_SANDBOX = "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"
_NIC_MODELS = {"virtio": "virtio-net-pci"}
_CONTROLLERS = {
    "scsi": {"driver": "virtio-scsi-pci", "id": "scsi0"},
    "sata": {"driver": "ahci", "id": "sata0"},
}


@dataclass(frozen=True)
class Launch:
    """What only the host could tell: the program's path, the accelerator, where the pidfile goes, the files as they were looked at, and what else it gets.

    C(monitors) are paths where QEMU shall listen itself; without them it is handed sockets.
    """

    program: str
    accel: str
    pidfile: str
    files: Files = field(default_factory=Files)
    paused: bool = False
    fitted: Fittings = field(default_factory=Fittings)
    monitors: tuple[str, ...] = ()


def argv(name: str, spec: Mapping[str, Any], launch: Launch) -> list[str]:
    """The command line of a guest. C(spec) is what C(_qemu/plan.checked) made and with_defaults completed."""
    words = [
        launch.program,
        "-name",
        name,
        "-nodefaults",
        "-no-user-config",
        "-display",
        "none",
        "-sandbox",
        _SANDBOX,
    ]
    words += [*_machine(spec, launch), "-accel", launch.accel]
    cpu = spec.get("cpu") or ("host" if launch.accel == "kvm" else None)
    if cpu is not None:
        words += ["-cpu", _escaped(cpu)]
    words += ["-smp", str(spec["cpus"]), "-m", f"{spec['memory']}M"]
    where = [f"path={_escaped(path)}" for path in launch.monitors]
    for place, ident in zip(where or [f"fd={QMP_FD}", f"fd={SPARE_FD}"], ("qmp", "spare")):
        words += [
            "-chardev",
            f"socket,id={ident},{place},server=on,wait=off",
            "-mon",
            f"chardev={ident},mode=control",
        ]
    words += ["-pidfile", launch.pidfile]
    if launch.paused:
        words.append("-S")
    words += (
        _disks(spec, launch)
        + _nics(spec)
        + _tpm(spec, launch)
        + _agent(spec, launch)
        + _extras(spec)
        + _seed(launch)
        + _kernel(spec, launch)
    )
    if spec.get("serial_log") is not None:
        words += ["-add-fd", f"fd={SERIAL_FD},set=0,opaque=serial_log"]
        words += [
            "-chardev",
            "file,id=serial0,path=/dev/fdset/0,append=on",
            "-serial",
            "chardev:serial0",
        ]
    if spec.get("vnc") is not None:
        words += [
            "-device",
            _json({"driver": "VGA"}),
            "-vnc",
            f"unix:{_escaped(launch.files.paths['vnc'])}",
        ]
    return words + list(spec.get("extra_args") or ())


def _machine(spec: Mapping[str, Any], launch: Launch) -> list[str]:
    """The machine, and the UEFI firmware as the two flash chips that it has: code that nobody writes, and the guest's own variables."""
    firmware, machine = launch.fitted.firmware, launch.fitted.machine or spec["machine"]
    if firmware is None:
        return ["-machine", machine]
    words: list[str] = []
    for node, image in (
        ("firmware", Image(firmware.code, firmware.code_format)),
        ("variables", Image(launch.fitted.paths["firmware"], "qcow2")),
    ):
        words += ["-blockdev", _json({"node-name": node, **_opened(image, node == "firmware")})]
    machine = f"{machine},pflash0=firmware,pflash1=variables"
    if not firmware.smm:
        return [*words, "-machine", machine]
    secure = "driver=cfi.pflash01,property=secure,value=on"
    return [*words, "-machine", f"{machine},smm=on", "-global", secure]


def _tpm(spec: Mapping[str, Any], launch: Launch) -> list[str]:
    if "tpm" not in launch.fitted.paths:
        return []
    x86 = spec["emulator"].endswith(("x86_64", "i386"))
    return [
        "-chardev",
        f"socket,id=tpm,path={_escaped(launch.fitted.paths['tpm'])}",
        "-tpmdev",
        "emulator,id=tpm0,chardev=tpm",
        "-device",
        _json({"driver": "tpm-crb" if x86 else "tpm-tis-device", "tpmdev": "tpm0"}),
    ]


def _agent(spec: Mapping[str, Any], launch: Launch) -> list[str]:
    """The port that an agent in the guest answers at; its socket is in the guest's own directory."""
    if not spec.get("agent"):
        return []
    port = {"driver": "virtserialport", "chardev": "agent", "name": "org.qemu.guest_agent.0"}
    return [
        "-chardev",
        f"socket,id=agent,path={_escaped(launch.fitted.paths['agent'])},server=on,wait=off",
        "-device",
        _json({"driver": "virtio-serial-pci", "id": "serial-bus"}),
        "-device",
        _json({**port, "id": "agent-dev", "bus": "serial-bus.0"}),
    ]


def _extras(spec: Mapping[str, Any]) -> list[str]:
    """Small devices that make a guest a better one on a host with others."""
    words: list[str] = []
    if spec.get("rng"):
        words += ["-object", "rng-builtin,id=rng0"]
        words += ["-device", _json({"driver": "virtio-rng-pci", "id": "rng-dev", "rng": "rng0"})]
    if spec.get("balloon"):
        balloon = {"driver": "virtio-balloon-pci", "id": "balloon-dev"}
        words += [
            "-device",
            _json({**balloon, "free-page-reporting": True, "deflate-on-oom": True}),
        ]
    if spec.get("generation_id"):
        words += ["-device", _json({"driver": "vmgenid", "guid": "auto", "id": "generation-dev"})]
    return words


def _seed(launch: Launch) -> list[str]:
    """Behind everything else, so that a guest which gets a seed finds its other devices where they were."""
    if "cloud_init" not in launch.fitted.paths:
        return []
    device = {"driver": "virtio-blk-pci", "id": "seed-dev", "drive": "seed", "serial": "cloud-init"}
    return [
        *_blockdev("seed", Image(launch.fitted.paths["cloud_init"], "raw"), True),
        "-device",
        _json(device),
    ]


def _disks(spec: Mapping[str, Any], launch: Launch) -> list[str]:
    words: list[str] = []
    disks = spec.get("disks") or ()
    for bus, controller in _CONTROLLERS.items():
        if any(disk["bus"] == bus for disk in disks):
            words += ["-device", _json(controller)]
    ahci_port = 0
    for number, disk in enumerate(disks):
        node = f"disk{number}"
        image = launch.files.images[disk["path"]]
        words += _blockdev(node, image, disk["read_only"], **_caching(disk))
        if disk["bus"] == "virtio":
            device = {"driver": "virtio-blk-pci"}
        elif disk["bus"] == "scsi":
            device = {"driver": "scsi-hd", "bus": "scsi0.0"}
        elif disk["bus"] == "sata":
            device = {"driver": "ide-hd", "bus": f"sata0.{ahci_port}"}
            ahci_port += 1
        else:
            device = {"driver": "ide-hd"}
        words += [
            "-device",
            _json(
                {
                    **device,
                    **({"write-cache": "off"} if disk.get("cache") == "writethrough" else {}),
                    "id": f"{node}-dev",
                    "drive": node,
                    **_given(disk, serial="serial", boot_index="bootindex"),
                }
            ),
        ]
    if "cdrom" in launch.files.paths:
        words += _blockdev("cdrom", Image(launch.files.paths["cdrom"], "raw"), True)
        words += ["-device", _json({"driver": "ide-cd", "id": "cdrom-dev", "drive": "cdrom"})]
    return words


def _caching(disk: Mapping[str, Any]) -> dict[str, Any]:
    """What is not as QEMU does it by itself: past the host's page cache, and blocks that the guest frees kept."""
    direct = {"cache": {"direct": True}} if disk.get("cache") == "none" else {}
    return {**direct, **_present(disk, "discard")}


def _present(item: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: item[key] for key in keys if item.get(key) is not None}


def _blockdev(node: str, image: Image, read_only: bool, **how: Any) -> list[str]:
    return [
        "-blockdev",
        _json({"node-name": node, "discard": "unmap", **how, **_opened(image, read_only)}),
    ]


def _opened(image: Image, read_only: bool) -> dict[str, Any]:
    """An image and all below it, spelled out: what its header says by the time that QEMU reads it counts no more."""
    opened: dict[str, Any] = {
        "driver": image.format,
        "read-only": read_only,
        "file": _file(image.path),
    }
    if image.format == "qcow2":
        opened["backing"] = None if image.backing is None else _opened(image.backing, True)
        if image.data_file is not None:
            opened["data-file"] = _file(image.data_file)
    return opened


def _file(path: str) -> dict[str, Any]:
    # locking "auto" is "on" wherever the file system can; a second guest on the same image is refused by QEMU itself. Whether it is
    # read-only comes from the image above: said here too, a backing file could not be written to when a snapshot is merged into it
    return {"driver": "file", "filename": path, "locking": "auto"}


def _nics(spec: Mapping[str, Any]) -> list[str]:
    words: list[str] = []
    for number, nic in enumerate(spec.get("nics") or ()):
        # no script: bridge and tap are made by tasks of their own, and QEMU is allowed to start no program
        netdev: dict[str, Any] = {
            "type": "tap",
            "id": f"net{number}",
            "ifname": nic["tap"],
            "script": "no",
            "downscript": "no",
        }
        netdev["vhost"] = nic["vhost"]
        device: dict[str, Any] = {
            "driver": _NIC_MODELS.get(nic["model"], nic["model"]),
            "id": f"nic{number}",
            "netdev": f"net{number}",
        }
        device["mac"] = nic["mac"]
        if nic["queues"] > 1:
            netdev["queues"] = nic["queues"]
            device.update({"mq": True, "vectors": 2 * nic["queues"] + 2})
        words += ["-netdev", _json(netdev)]
        words += [
            "-device",
            _json({**device, **_given(nic, mtu="host_mtu", boot_index="bootindex")}),
        ]
    return words


def _kernel(spec: Mapping[str, Any], launch: Launch) -> list[str]:
    words: list[str] = []
    for option in ("boot", "kernel", "initrd", "append"):
        if spec.get(option) is not None:
            words += [f"-{option}", launch.files.paths.get(option, spec[option])]
    return words


def _given(item: Mapping[str, Any], **names: str) -> dict[str, Any]:
    return {theirs: item[ours] for ours, theirs in names.items() if item[ours] is not None}


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, separators=(",", ":"))


def _escaped(value: str) -> str:
    """A value of an option that knows no JSON: a comma ends it unless it is doubled."""
    return value.replace(",", ",,")
