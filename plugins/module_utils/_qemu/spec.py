# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What may be asked of a guest: the options, their checks, and a wish in canonical form."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import Any, Callable, Iterable, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core import units
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    BadInput,
    Refused,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import extra_args

_DISK_SPEC: dict[str, dict[str, Any]] = {
    "path": {"type": "path", "required": True},
    "format": {"type": "str", "choices": ["qcow2", "raw"]},
    "size": {"type": "str"},
    "backing_file": {"type": "path"},
    "backing_format": {"type": "str", "choices": ["qcow2", "raw"]},
    "bus": {"type": "str", "choices": ["virtio", "ide", "sata", "scsi"], "default": "virtio"},
    "read_only": {"type": "bool", "default": False},
    "serial": {"type": "str"},
    "boot_index": {"type": "int"},
}
_NIC_SPEC: dict[str, dict[str, Any]] = {
    "tap": {"type": "str", "required": True},
    "bridge": {"type": "str"},
    "mac": {"type": "str"},
    "model": {"type": "str", "default": "virtio"},
    "queues": {"type": "int", "default": 1},
    "vhost": {"type": "bool", "default": False},
    "mtu": {"type": "int"},
    "boot_index": {"type": "int"},
}
SPEC: dict[str, dict[str, Any]] = {
    "name": {"type": "str"},
    "state": {
        "type": "str",
        "choices": ["running", "stopped", "paused", "absent"],
        "default": "running",
    },
    "emulator": {"type": "str"},
    "machine": {"type": "str"},
    "accel": {"type": "str", "choices": ["auto", "kvm", "tcg"]},
    "cpu": {"type": "str"},
    "cpus": {"type": "int"},
    "memory": {"type": "str"},
    "disks": {"type": "list", "elements": "dict", "options": _DISK_SPEC},
    "cdrom": {"type": "path"},
    "nics": {"type": "list", "elements": "dict", "options": _NIC_SPEC},
    "boot": {"type": "str"},
    "kernel": {"type": "path"},
    "initrd": {"type": "path"},
    "append": {"type": "str"},
    "serial_log": {"type": "path"},
    "vnc": {"type": "path"},
    "user": {"type": "str"},
    "allow_root": {"type": "bool"},
    "allowed_roots": {"type": "list", "elements": "path"},
    "supervisor": {"type": "str", "choices": ["auto", "process"], "default": "auto"},
    "on_change": {"type": "str", "choices": ["keep", "restart"], "default": "keep"},
    "shutdown_timeout": {"type": "float", "default": 60},
    "wait_for": {
        "type": "list",
        "elements": "str",
        "choices": ["running", "mac_learned"],
        "default": ["running"],
    },
    "wait_timeout": {"type": "float", "default": 60},
    "extra_args": {"type": "list", "elements": "str"},
    "netns": {"type": "str"},
}
# The collection's own: a system user that owns nothing but guests, made by the role's packages step
USER = "hypervisor-guest"
# Where a Debian host keeps images, kernels, logs and sockets: not /etc, /root, /proc, /sys nor /dev
ROOTS = (
    "/boot", "/data", "/home", "/media", "/mnt", "/opt", "/run", "/srv", "/tmp", "/usr/lib", "/usr/share", "/var/cache", "/var/lib",
    "/var/log", "/var/tmp",
)  # fmt: skip
DEFAULTS: dict[str, Any] = {
    "user": USER,
    "emulator": "qemu-system-x86_64",
    "accel": "auto",
    "cpus": 1,
    "memory": 512,
    "disks": [],
    "nics": [],
}

_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")
_EMULATOR = re.compile(r"(?:/[A-Za-z0-9_./+-]*/)?qemu-system-[a-z0-9_]+")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_CPU = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.,+=-]*")
_BOOT = re.compile(r"[a-dn-p]{1,8}")
_SERIAL = re.compile(r"[A-Za-z0-9_.-]{1,20}")  # 20: VIRTIO_BLK_ID_BYTES
_SIZE = re.compile(r"\s*(\d+)\s*([kmgt]?)(?:i?b)?\s*", re.IGNORECASE)
_SIZES = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


@dataclass(frozen=True)
class Wish:
    """What is asked of one guest. C(spec) holds given keys only, unless C(exact): then it is the whole definition.

    C(images) maps a disk's path to what it is made of where it is missing ({format, size, backing_file}); C(drop) names
    images that have to go.
    """

    name: str
    state: str
    spec: Mapping[str, Any] = field(default_factory=dict)
    on_change: str = "keep"
    shutdown_timeout: float = 60.0
    wait_for: tuple[str, ...] = ("running",)
    wait_timeout: float = 60.0
    images: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    drop: tuple[str, ...] = ()
    exact: bool = False


def checked(item: Mapping[str, Any], netns: str | None = None) -> Wish:
    """A module's item as a wish. Raises BadInput, naming the guest and the option."""
    name = guest_name(item["name"])
    try:
        spec = {key: _CHECKS[key](item[key], key) for key in _CHECKS if item.get(key) is not None}
        if netns is not None:
            spec["netns"] = netns
        if item.get("nics") is not None:
            spec["nics"] = [_nic(nic, name, number) for number, nic in enumerate(item["nics"])]
        images = {
            disk["path"]: image for disk in item.get("disks") or () for image in _image(disk, name)
        }
        for option in ("shutdown_timeout", "wait_timeout"):
            if not 0 <= item[option] <= 86400:
                raise BadInput(
                    f"{option} {item[option]:g} is outside 0 to 86400 seconds; give a number within."
                )
        _check_together(spec, item)
    except BadInput as error:
        raise BadInput(f"{name}: {error}") from None
    return Wish(
        name, item["state"], spec, item["on_change"], item["shutdown_timeout"], tuple(item["wait_for"]), item["wait_timeout"], images,
    )  # fmt: skip


def checked_all(items: Iterable[Mapping[str, Any]], netns: str | None = None) -> list[Wish]:
    """All wishes of a run. Raises BadInput, also where two guests would share a tap, a MAC or an image."""
    wishes = [checked(item, netns) for item in items]
    for kind, owners in (
        ("tap", _owners(wishes, "nics", "tap")),
        ("MAC", _owners(wishes, "nics", "mac")),
        ("image", _owners(wishes, "disks", "path")),
    ):
        for thing, names in owners.items():
            if len(names) > 1:
                raise BadInput(
                    f"{' and '.join(names)} are given the same {kind} {thing}; each needs its own."
                )
    return wishes


def guest_name(value: str) -> str:
    """A guest's name: it becomes a directory, a QEMU option and part of a unit's name."""
    if not _NAME.fullmatch(value):
        raise BadInput(
            f"name {value!r} is not a usable guest name; begin with a-z, then up to 30 of a-z, 0-9 and '-'."
        )
    return value


def guest_mac(name: str, number: int = 0) -> str:
    """The MAC of a guest's NIC where none is given: locally administered, unicast, the same on every run."""
    digest = hashlib.sha256(f"{name}/{number}".encode()).hexdigest()
    return ":".join(["52", "54", *(digest[at : at + 2] for at in (0, 2, 4, 6))])


def with_defaults(spec: Mapping[str, Any], name: str = "The guest") -> dict[str, Any]:
    """The definition of the guest C(name), so that it can be started. Raises BadInput where QEMU has no default and the user gave none."""
    full = {**DEFAULTS, **spec}
    if full.get("machine") is None:
        if not full["emulator"].endswith(("x86_64", "i386")):
            raise BadInput(
                f"{name}: {full['emulator']} has no default machine; name one in 'machine', such as virt."
            )
        full["machine"] = "pc"
    for option in ("initrd", "append"):
        if full.get(option) is not None and full.get("kernel") is None:
            raise BadInput(f"{name}: {option} needs a kernel; name it in 'kernel'.")
    return full


def _owners(wishes: Iterable[Wish], option: str, key: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for wish in wishes:
        if wish.state in ("running", "paused"):
            for item in wish.spec.get(option) or ():
                if not (option == "disks" and item["read_only"]):
                    found.setdefault(item[key], []).append(wish.name)
    return found


def _text(value: str, option: str) -> str:
    """One line of text: what ends a line or a C string ends an option too."""
    if any(ord(character) < 32 or ord(character) == 127 for character in value):
        raise BadInput(f"{option} holds a control character; give one line of plain text.")
    return value


def _path(value: str, option: str) -> str:
    """An absolute path of a file, never QEMU's json: or protocol: forms."""
    _text(value, option)
    if not value.startswith("/") or value.startswith("//") or ".." in value.split("/"):
        raise BadInput(
            f"{option} {value!r} is not an absolute path without '..'; name a file such as /var/lib/images/vm1.qcow2."
        )
    return value


def _matching(pattern: re.Pattern[str], form: str) -> Callable[[str, str], str]:
    def check(value: str, option: str) -> str:
        if not pattern.fullmatch(value):
            raise BadInput(f"{option} {value!r} is not {form}.")
        return value

    return check


def _bytes(value: str, option: str, unit: int) -> int:
    """A size in bytes; a bare number counts in C(unit)."""
    found = _SIZE.fullmatch(str(value))
    if not found or int(found.group(1)) == 0:
        raise BadInput(f"{option} {value!r} is not a size; write 512, 512M or 4G.")
    return int(found.group(1)) * (
        1024 ** _SIZES[found.group(2).lower()] if found.group(2) else unit
    )


def _memory(value: str, option: str) -> int:
    """MiB."""
    size = _bytes(value, option, 1024**2)
    if size % 1024**2:
        raise BadInput(
            f"{option} {value!r} is no whole number of MiB; write it like 512, 512M or 2G."
        )
    return size // 1024**2


def _roots(values: list[str], option: str) -> list[str]:
    if not values:
        raise BadInput(f"{option} names no directory; name those that hold the guest's files.")
    return [_path(value, option).rstrip("/") or "/" for value in values]


def _arguments(values: list[str], option: str) -> list[str]:
    return extra_args.checked([_text(value, option) for value in values], option)


def _initrd(value: str, option: str) -> str:
    if "," in value:
        raise BadInput(
            f"{option} {value!r} holds a comma, which divides the modules of a multiboot kernel; give it another name."
        )
    return _path(value, option)


def _disk(disk: Mapping[str, Any]) -> dict[str, Any]:
    path = _path(disk["path"], "disks.path")
    if disk["serial"] is not None:
        _matching(_SERIAL, "a serial number of up to 20 letters, digits, '_', '.' and '-'")(
            disk["serial"], "disks.serial"
        )
    return {
        "path": path,
        **{key: disk[key] for key in ("format", "bus", "read_only", "serial", "boot_index")},
    }


def _nic(nic: Mapping[str, Any], guest: str, number: int) -> dict[str, Any]:
    own = dict(nic)
    own["tap"] = units.interface_name(nic["tap"], "nics.tap")
    own["mac"] = (
        guest_mac(guest, number) if nic["mac"] is None else units.mac(nic["mac"], "nics.mac")
    )
    _matching(_WORD, "the name of a NIC model, such as virtio or e1000")(nic["model"], "nics.model")
    if not 1 <= nic["queues"] <= 256:
        raise BadInput(f"nics.queues {nic['queues']} is outside 1 to 256; give a number within.")
    if nic["model"] != "virtio" and (nic["queues"] > 1 or nic["mtu"] is not None):
        raise BadInput(
            f"nics.queues and nics.mtu are for the model virtio only, and {nic['tap']} has {nic['model']}."
        )
    if nic["mtu"] is not None and not 68 <= nic["mtu"] <= 65535:
        raise BadInput(f"nics.mtu {nic['mtu']} is outside 68 to 65535; give a number within.")
    return own


def _image(disk: Mapping[str, Any], guest: str) -> Iterable[dict[str, Any]]:
    """What a disk is made of where it is missing: nothing, or one recipe."""
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
    recipe["size"] = None if disk["size"] is None else _bytes(disk["size"], "disks.size", 1024**2)
    recipe["backing_file"] = (
        None if disk["backing_file"] is None else _path(disk["backing_file"], "disks.backing_file")
    )
    if disk.get("backing_format") is not None:
        recipe["backing_format"] = disk["backing_format"]
    if recipe["backing_file"] is not None and recipe["format"] != "qcow2":
        raise BadInput(
            f"disks.backing_file needs format: qcow2, and {disk['path']} has {recipe['format']}."
        )
    yield recipe


def check_user(who: str, uid: int, user: str, allow_root: bool | None) -> None:
    """Raise Refused where a guest would be root. C(uid) is what the host makes of C(user), whatever its name."""
    if uid == 0 and not allow_root:
        raise Refused(
            f"{who} would run as root, so that a guest who breaks out of QEMU owns the host; leave user out (it is {USER}), name another than "
            f"'{user}', or say allow_root: true."
        )


def _check_together(spec: Mapping[str, Any], item: Mapping[str, Any]) -> None:
    if "mac_learned" in item["wait_for"] and spec.get("nics") == []:
        raise BadInput(
            "wait_for mac_learned needs a NIC; name its tap in 'nics', or leave mac_learned out."
        )
    if not 1 <= spec.get("cpus", 1) <= 512:
        raise BadInput(f"cpus {spec['cpus']} is outside 1 to 512; give a number within.")


_CHECKS: dict[str, Callable[[Any, str], Any]] = {
    "emulator": _matching(_EMULATOR, "a QEMU system emulator; name one such as qemu-system-x86_64"),
    "machine": _matching(_WORD, "the name of a machine; options of it cannot be given here"),
    "accel": lambda value, option: value,
    "cpu": _matching(_CPU, "a CPU model of QEMU, such as host or max"),
    "cpus": lambda value, option: value,
    "memory": _memory,
    "disks": lambda value, option: [_disk(disk) for disk in value],
    "cdrom": _path,
    "boot": _matching(_BOOT, "a boot order; write letters such as n, c, d or cd"),
    "kernel": _path,
    "initrd": _initrd,
    "append": _text,
    "serial_log": _path,
    "vnc": _path,
    "user": _matching(_WORD, "a user's name or number"),
    "allow_root": lambda value, option: value,
    "allowed_roots": _roots,
    "extra_args": _arguments,
}
