# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What may be asked of a guest: the options, their checks, and a wish in canonical form."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Callable, Iterable, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    BadInput,
    Refused,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import (
    extra_args,
    spec_disks,
    spec_nics,
    spec_seed,
    spec_smbios,
    supervision,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import spec_words as words
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.guest import (
    DEFAULTS,
    USER,
    guest_name,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.spec_seed import Seed

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
    "disks": {"type": "list", "elements": "dict", "options": spec_disks.SPEC},
    "cdrom": {"type": "path"},
    "nics": {"type": "list", "elements": "dict", "options": spec_nics.SPEC},
    "boot": {"type": "str"},
    "kernel": {"type": "path"},
    "initrd": {"type": "path"},
    "append": {"type": "str"},
    "firmware": {"type": "str", "choices": ["bios", "uefi"]},
    "secure_boot": {"type": "bool"},
    "tpm": {"type": "bool"},
    "agent": {"type": "bool"},
    "console": {"type": "bool"},
    "rng": {"type": "bool"},
    "balloon": {"type": "bool"},
    "generation_id": {"type": "bool"},
    "vsock": {"type": "int"},
    "smbios": {"type": "dict", "options": spec_smbios.SPEC},
    "credentials": {"type": "dict", "no_log": False},
    "cloud_init": {"type": "dict", "options": spec_seed.SPEC},
    "serial_log": {"type": "path"},
    "vnc": {"type": "path"},
    "user": {"type": "str"},
    "allow_root": {"type": "bool"},
    "allowed_roots": {"type": "list", "elements": "path"},
    **supervision.SPEC,
    "on_change": {"type": "str", "choices": ["keep", "restart", "hotplug"], "default": "keep"},
    "shutdown_timeout": {"type": "float"},
    "wait_for": {
        "type": "list",
        "elements": "str",
        "choices": ["running", "mac_learned", "serial", "agent", "port"],
        "default": ["running"],
    },
    "wait_timeout": {"type": "float"},
    "serial_pattern": {"type": "str"},
    "port_at": {"type": "str"},
    "extra_args": {"type": "list", "elements": "str"},
    "netns": {"type": "str"},
}
_EMULATOR = re.compile(r"(?:/[A-Za-z0-9_./+-]*/)?qemu-system-[a-z0-9_]+")
_CPU = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.,+=-]*")
_BOOT = re.compile(r"[a-dn-p]{1,8}")


@dataclass(frozen=True)
class Wish:
    """What is asked of one guest. C(spec) holds given keys only, unless C(exact): then it is the whole definition.

    C(images) maps a disk's path to what it is made of where it is missing ({format, size, backing_file}); C(drop) names
    images that have to go. C(seed) is what cloud-init shall find, C(seeds) are the fingerprints of those that may stay of an C(exact) one, and
    C(forget) says whether an absent guest loses what it keeps beside its disks. C(supervisor) is what was asked for, and C(kept_by) what kept an
    C(exact) one. C(drift) is what an C(exact) one had in truth otherwise than in its definition.
    """

    name: str
    state: str
    spec: Mapping[str, Any] = field(default_factory=dict)
    on_change: str = "keep"
    shutdown_timeout: float | None = None
    wait_for: tuple[str, ...] = ("running",)
    wait_timeout: float | None = None
    serial_pattern: str | None = None
    port_at: tuple[str, int] | None = None
    images: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    drop: tuple[str, ...] = ()
    exact: bool = False
    seed: Seed | None = None
    seeds: frozenset[str] = frozenset()
    forget: bool = True
    supervisor: str = supervision.AUTO
    kept_by: str | None = None
    drift: Mapping[str, Any] = field(default_factory=dict)


def checked(item: Mapping[str, Any], netns: str | None = None) -> Wish:
    """A module's item as a wish. Raises BadInput, naming the guest and the option."""
    name = guest_name(item["name"])
    try:
        spec = {key: _CHECKS[key](item[key], key) for key in _CHECKS if item.get(key) is not None}
        if netns is not None:
            spec["netns"] = netns
        if item.get("nics") is not None:
            spec["nics"] = [
                spec_nics.checked(nic, name, number) for number, nic in enumerate(item["nics"])
            ]
        # an empty one takes away what was there
        for option, check in (
            ("smbios", spec_smbios.system),
            ("credentials", spec_smbios.credentials),
        ):
            if item.get(option) is not None:
                spec[option] = check(item[option], option)
        seed = None
        if item.get("cloud_init") is not None:
            spec["cloud_init"], seed = spec_seed.checked(item["cloud_init"])
        images = {
            disk["path"]: image
            for disk in item.get("disks") or ()
            for image in spec_disks.recipes(disk, name)
        }
        for option in ("shutdown_timeout", "wait_timeout"):
            if item[option] is not None and not 0 <= item[option] <= 86400:
                raise BadInput(
                    f"{option} {item[option]:g} is outside 0 to 86400 seconds; give a number within."
                )
        if item["shutdown_timeout"] is not None and item["state"] in ("running", "paused"):
            spec["shutdown_timeout"] = item["shutdown_timeout"]
        _check_together(spec, item)
        place = item["port_at"]
        port_at = None if place is None else words.endpoint(place, "port_at")
    except BadInput as error:
        raise BadInput(f"{name}: {error}") from None
    return Wish(
        name, item["state"], spec, item["on_change"], item["shutdown_timeout"], tuple(item["wait_for"]), item["wait_timeout"], item["serial_pattern"],
        port_at, images, seed=seed,
        supervisor=item["supervisor"],
    )  # fmt: skip


def checked_all(items: Iterable[Mapping[str, Any]], netns: str | None = None) -> list[Wish]:
    """All wishes of a run. Raises BadInput, also where two guests would share a tap, a MAC or an image."""
    wishes = [checked(item, netns) for item in items]
    for kind, owners in (
        ("tap", _owners(wishes, "nics", "tap")),
        ("MAC", _owners(wishes, "nics", "mac")),
        ("image", _owners(wishes, "disks", "path")),
        ("vsock", _numbers(wishes)),
    ):
        for thing, names in owners.items():
            apart = list(dict.fromkeys(names))
            if len(names) > 1 and len(apart) == 1:
                raise BadInput(
                    f"{apart[0]} is given the {kind} {thing} more than once; name it once."
                )
            if len(names) > 1:
                raise BadInput(
                    f"{' and '.join(apart)} are given the same {kind} {thing}; each needs its own."
                )
    return wishes


def with_defaults(spec: Mapping[str, Any], name: str = "The guest") -> dict[str, Any]:
    """The definition of the guest C(name), so that it can be started. Raises BadInput where QEMU has no default and the user gave none."""
    full = {**DEFAULTS, **spec}
    if full.get("machine") is None:
        if not full["emulator"].endswith(("x86_64", "i386")):
            raise BadInput(
                f"{name}: {full['emulator']} has no default machine; name one in 'machine', such as virt."
            )
        full["machine"] = "pc"
    if full.get("firmware") == "bios" and not full["emulator"].endswith(("x86_64", "i386")):
        raise BadInput(
            f"{name}: {full['emulator']} has no BIOS; say firmware: uefi, or leave it out and name a kernel."
        )
    for option in ("initrd", "append"):
        if full.get(option) is not None and full.get("kernel") is None:
            raise BadInput(f"{name}: {option} needs a kernel; name it in 'kernel'.")
    if full.get("secure_boot") and full.get("firmware") != "uefi":
        raise BadInput(f"{name}: secure_boot needs firmware: uefi; say that, too.")
    return full


def _owners(wishes: Iterable[Wish], option: str, key: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for wish in wishes:
        if wish.state in ("running", "paused"):
            for item in wish.spec.get(option) or ():
                if not (option == "disks" and item["read_only"]):
                    found.setdefault(item[key], []).append(wish.name)
    return found


def _numbers(wishes: Iterable[Wish]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for wish in wishes:
        if wish.state in ("running", "paused") and wish.spec.get("vsock") is not None:
            found.setdefault(str(wish.spec["vsock"]), []).append(wish.name)
    return found


def _roots(values: list[str], option: str) -> list[str]:
    if not values:
        raise BadInput(f"{option} names no directory; name those that hold the guest's files.")
    return [words.path(value, option).rstrip("/") or "/" for value in values]


def _arguments(values: list[str], option: str) -> list[str]:
    return extra_args.checked([words.text(value, option) for value in values], option)


def _initrd(value: str, option: str) -> str:
    if "," in value:
        raise BadInput(
            f"{option} {value!r} holds a comma, which divides the modules of a multiboot kernel; give it another name."
        )
    return words.path(value, option)


def check_user(who: str, uid: int, user: str, allow_root: bool | None) -> None:
    """Raise Refused where a guest would be root. C(uid) is what the host makes of C(user), whatever its name."""
    if uid == 0 and not allow_root:
        raise Refused(
            f"{who} would run as root, so that a guest who breaks out of QEMU owns the host; leave user out (it is {USER}), name another than "
            f"'{user}', or say allow_root: true."
        )


def check_waits(wish: Wish, spec: Mapping[str, Any]) -> None:
    """Raise BadInput where a start of this definition would wait for what cannot come."""
    if "serial" in wish.wait_for and spec.get("serial_log") is None:
        raise BadInput(
            f"{wish.name}: wait_for serial needs a log of the serial line to look into; name its file in 'serial_log'."
        )
    if "agent" in wish.wait_for and not spec.get("agent"):
        raise BadInput(
            f"{wish.name}: wait_for agent needs the device that an agent talks through; say agent: true."
        )


def _check_together(spec: Mapping[str, Any], item: Mapping[str, Any]) -> None:
    beyond = sorted({*item["wait_for"]} - {"running"})
    if item["state"] == "paused" and beyond:
        raise BadInput(
            f"wait_for {beyond[0]} waits for what a guest does, and one that is paused does nothing; say state: running, or leave {beyond[0]} out."
        )
    if ("serial" in item["wait_for"]) != (item["serial_pattern"] is not None):
        raise BadInput(
            "wait_for serial and serial_pattern belong together: what is waited for, and what it says; give both, or none."
        )
    if ("port" in item["wait_for"]) != (item["port_at"] is not None):
        raise BadInput(
            "wait_for port and port_at belong together: what is waited for, and where; give both, or none."
        )
    try:
        re.compile(item["serial_pattern"] or "")
    except re.error as error:
        raise BadInput(
            f"serial_pattern {item['serial_pattern']!r} is no regular expression: {error}; put a backslash before what shall count as it stands."
        ) from None
    if "mac_learned" in item["wait_for"] and spec.get("nics") == []:
        raise BadInput(
            "wait_for mac_learned needs a NIC; name its tap in 'nics', or leave mac_learned out."
        )


_CHECKS: dict[str, Callable[[Any, str], Any]] = {
    "emulator": words.matching(
        _EMULATOR, "a QEMU system emulator; name one such as qemu-system-x86_64"
    ),
    "machine": words.matching(
        words.WORD, "the name of a machine; options of it cannot be given here"
    ),
    "accel": words.any_of_its_type,
    "cpu": words.matching(_CPU, "a CPU model of QEMU, such as host or max"),
    "cpus": words.between(1, 512),
    "memory": words.mebibytes,
    "disks": lambda value, option: [spec_disks.checked(disk) for disk in value],
    "cdrom": words.path,
    "boot": words.matching(_BOOT, "a boot order; write letters such as n, c, d or cd"),
    "kernel": words.path,
    "initrd": _initrd,
    "append": words.text,
    "firmware": words.any_of_its_type,
    "secure_boot": words.any_of_its_type,
    "tpm": words.any_of_its_type,
    "agent": words.any_of_its_type,
    "console": words.any_of_its_type,
    "rng": words.any_of_its_type,
    "balloon": words.any_of_its_type,
    "generation_id": words.any_of_its_type,
    "vsock": words.between(3, 2**32 - 2),  # below are those of the hypervisor and the host
    "serial_log": words.path,
    "vnc": words.path,
    "user": words.matching(words.WORD, "a user's name or number"),
    "allow_root": words.any_of_its_type,
    "allowed_roots": _roots,
    "extra_args": _arguments,
    **supervision.checks(words.mebibytes),
}
