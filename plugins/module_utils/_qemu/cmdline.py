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

from ansible_collections.hypervisor.network.plugins.module_utils._qemu import (
    devices,
    slots,
    spec_smbios,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.drives import limits_of
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.files import (
    Files,
    Fittings,
    Image,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.seen import (
    PORTS,
    has_ports,
)

# The descriptors that the supervisor hands to QEMU. The lock is never read: it is held until the process is gone. The last is there for
# a serial_log only.
QMP_FD, SPARE_FD, LOCK_FD, SERIAL_FD = 3, 4, 5, 6

_SANDBOX = "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"
_CONTROLLERS = {
    "scsi": {"driver": "virtio-scsi-pci", "id": devices.SCSI.partition(".")[0]},
    "sata": {"driver": "ahci", "id": "sata0"},
}


@dataclass(frozen=True)
class Launch:
    """What only the host could tell: the program's path, the accelerator, where the pidfile goes, the files as they were looked at, and what else it gets.

    C(monitors) are paths where QEMU shall listen itself; without them it is handed sockets. C(slots) are the places of devices, see slots.py.
    """

    program: str
    accel: str
    pidfile: str
    files: Files = field(default_factory=Files)
    paused: bool = False
    fitted: Fittings = field(default_factory=Fittings)
    monitors: tuple[str, ...] = ()
    slots: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


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
        + _vsock(spec)
        + spec_smbios.arguments(spec)
        + _ports(launch.fitted.machine or spec["machine"])
        + _kernel(spec, launch)
    )
    words += _serial(spec, launch)
    if spec.get("vnc") is not None:
        words += [
            "-device",
            _json({"driver": "VGA"}),
            "-vnc",
            f"unix:{_escaped(launch.files.paths['vnc'])}",
        ]
    return slots.placed(words, spec, launch.slots) + list(spec.get("extra_args") or ())


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
        words += [
            "-blockdev",
            _json({"node-name": node, **devices.opened(image, node == "firmware")}),
        ]
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


def _serial(spec: Mapping[str, Any], launch: Launch) -> list[str]:
    """The serial line: a log, a socket for a human, or a socket whose log has what both sides say, as far as the guest sends it back."""
    words, log = [], None
    if spec.get("serial_log") is not None:
        words, log = ["-add-fd", f"fd={SERIAL_FD},set=0,opaque=serial_log"], "/dev/fdset/0"
    if "console" in launch.fitted.paths:
        line = (
            f"socket,id=serial0,path={_escaped(launch.fitted.paths['console'])},server=on,wait=off"
        )
        line += "" if log is None else f",logfile={log},logappend=on"
    elif log is not None:
        line = f"file,id=serial0,path={log},append=on"
    else:
        return []
    return [*words, "-chardev", line, "-serial", "chardev:serial0"]


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


def _vsock(spec: Mapping[str, Any]) -> list[str]:
    if spec.get("vsock") is None:
        return []
    device = {"driver": "vhost-vsock-pci", "id": "vsock-dev", "guest-cid": spec["vsock"]}
    return ["-device", _json(device)]


def _ports(machine: str) -> list[str]:
    """Room for what is plugged in later, where there is none without. Behind everything else, where they move no other device."""
    words: list[str] = []
    for number, port in enumerate(PORTS if has_ports(machine) else ()):
        words += ["-device", _json({"driver": "pcie-root-port", "id": port, "chassis": number + 1})]
    return words


def _disks(spec: Mapping[str, Any], launch: Launch) -> list[str]:
    words: list[str] = []
    disks = spec.get("disks") or ()
    for bus, controller in _CONTROLLERS.items():
        if any(disk["bus"] == bus for disk in disks):
            words += ["-device", _json(controller)]
    ahci_port = 0
    for number, disk in enumerate(disks):
        where = {}
        if disk["bus"] == "scsi":
            where = {"bus": devices.SCSI}
        elif disk["bus"] == "sata":
            where = {"bus": f"sata0.{ahci_port}"}
            ahci_port += 1
        words += _disk(f"disk{number}", disk, launch.files.images[disk["path"]])
        words += ["-device", _json(devices.disk_device(f"disk{number}", disk, **where))]
    if "cdrom" in launch.files.paths:
        words += _blockdev("cdrom", Image(launch.files.paths["cdrom"], "raw"), True)
        words += ["-device", _json({"driver": "ide-cd", "id": "cdrom-dev", "drive": "cdrom"})]
    return words


def _disk(node: str, disk: Mapping[str, Any], image: Image) -> list[str]:
    """The image of a disk. With limits it is a C(-drive): those of a throttle node would be in the way of every snapshot and its merge."""
    if not limits_of(disk):
        return _blockdev(node, image, disk["read_only"], **devices.caching(disk))
    backend = devices.block(node, image, disk["read_only"], **devices.caching(disk))
    options = devices.throttled(disk, backend)
    inside = {key: value for key, value in backend.items() if key not in ("read-only", "cache")}
    options["file"] = _escaped(f"json:{_json(inside)}")
    return ["-drive", ",".join(f"{key}={value}" for key, value in options.items())]


def _blockdev(node: str, image: Image, read_only: bool, **how: Any) -> list[str]:
    return ["-blockdev", _json(devices.block(node, image, read_only, **how))]


def _nics(spec: Mapping[str, Any]) -> list[str]:
    words: list[str] = []
    for number, nic in enumerate(spec.get("nics") or ()):
        words += ["-netdev", _json(devices.netdev(number, nic))]
        words += ["-device", _json(devices.nic_device(number, nic))]
    return words


def _kernel(spec: Mapping[str, Any], launch: Launch) -> list[str]:
    words: list[str] = []
    for option in ("boot", "kernel", "initrd", "append"):
        if spec.get(option) is not None:
            words += [f"-{option}", launch.files.paths.get(option, spec[option])]
    return words


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, separators=(",", ":"))


def _escaped(value: str) -> str:
    """A value of an option that knows no JSON: a comma ends it unless it is doubled."""
    return value.replace(",", ",,")
