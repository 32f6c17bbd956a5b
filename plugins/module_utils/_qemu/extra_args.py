# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. Which further arguments of QEMU a guest may be given: a list of what is allowed, since of the rest nobody knows what it opens.

QEMU has some 150 options; many open files, run programs or listen to the network, also as properties of harmless looking
devices (romfile, -global). Allowed is what only shapes the machine. Values are plain words: without commas, which would begin
another property, and without slashes, which would name a file. See qemu(1); qemu-options.hx says what each takes.
"""

from __future__ import annotations

import json
import re
from typing import Iterable, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import BadInput

_VALUE = re.compile(r"[A-Za-z0-9_.:+@= -]*")
_FLAGS = {"no-reboot", "no-shutdown", "no-acpi", "no-hpet", "mem-prealloc", "usb"}
_PLAIN = {
    "uuid": re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"),
    "vga": re.compile(r"none|std|cirrus|vmware|virtio"),
    "k": re.compile(r"[a-z]{2}(?:-[a-z]{2})?"),
    "watchdog-action": re.compile(r"reset|shutdown|poweroff|inject-nmi|pause|debug|none"),
}
# option: (what its first word is called where it has no name, the sub-options)
_LISTS: dict[str, tuple[str, frozenset[str]]] = {
    "action": ("", frozenset(("reboot", "shutdown", "panic", "watchdog"))),
    "boot": ("", frozenset(("menu", "strict", "reboot-timeout", "splash-time"))),
    "icount": ("shift", frozenset(("shift", "align", "sleep"))),
    "msg": ("", frozenset(("timestamp", "guest-name"))),
    "overcommit": ("", frozenset(("cpu-pm", "mem-lock"))),
    "rtc": ("", frozenset(("base", "clock", "driftfix"))),
    "smbios": (
        "",
        frozenset(
            "type vendor version date release uefi manufacturer product serial uuid sku family location asset sock_pfx part "
            "max-speed current-speed processor-id loc_pfx bank speed value".split()
        ),
    ),
    "fw_cfg": ("name", frozenset(("name", "string"))),
    "numa": ("type", frozenset("type nodeid cpus memdev mem src dst val node-id socket-id core-id thread-id".split())),
}  # fmt: skip
_DRIVERS = frozenset(
    "virtio-rng-pci virtio-rng-device virtio-rng-ccw virtio-balloon-pci virtio-balloon-device virtio-balloon-ccw "
    "virtio-keyboard-pci virtio-mouse-pci virtio-tablet-pci virtio-gpu-pci virtio-gpu-device virtio-vga virtio-iommu-pci "
    "VGA secondary-vga cirrus-vga bochs-display ramfb usb-tablet usb-mouse usb-kbd usb-hub qemu-xhci nec-usb-xhci usb-ehci "
    "ich9-usb-ehci1 ich9-usb-uhci1 ich9-usb-uhci2 ich9-usb-uhci3 piix3-usb-uhci pci-ohci pcie-root-port pcie-pci-bridge pci-bridge "
    "i82801b11-bridge ioh3420 x3130-upstream xio3130-downstream pxb pxb-pcie i6300esb ib700 pvpanic pvpanic-pci vmcoreinfo vmgenid "
    "isa-debug-exit intel-iommu amd-iommu pc-dimm edu".split()
)
_PROPERTIES = frozenset(
    "id bus addr port chassis slot multifunction rombar rng max-bytes period acpi-index xres yres xmax ymax edid vgamem_mb max_outputs p2 p3 "
    "streams intrs slots masterbus firstport usb_version disable-legacy disable-modern iommu_platform ats packed vectors event_idx "
    "indirect_desc deflate-on-oom free-page-reporting guest-stats-polling-interval guid iobase iosize ioport events action "
    "bus_nr numa_node hotplug io-reserve mem-reserve pref32-reserve pref64-reserve bus-reserve intremap caching-mode device-iotlb "
    "aw-bits eim memdev node disable_s3 disable_s4 lost_tick_policy".split()
)
_OBJECTS: dict[str, frozenset[str]] = {
    "rng-builtin": frozenset(("id",)),
    "rng-random": frozenset(("id", "filename")),
    "iothread": frozenset(("id", "poll-max-ns", "poll-grow", "poll-shrink", "aio-max-batch")),
    "memory-backend-ram": frozenset("id size merge dump prealloc prealloc-threads share reserve host-nodes policy".split()),
}  # fmt: skip
# The two files that an object may open: the host's own random numbers
_RANDOM = ("/dev/urandom", "/dev/random")
_FW_CFG_NAME = re.compile(r"opt/[A-Za-z0-9_./-]{1,51}")

_ELSEWHERE = {
    **dict.fromkeys(
        ("drive", "blockdev", "hda", "hdb", "hdc", "hdd", "fda", "fdb", "sd", "mtdblock", "pflash", "snapshot", "iscsi"), "disks"
    ),
    **dict.fromkeys(("netdev", "net", "nic"), "nics"),
    **dict.fromkeys(("vnc", "display", "spice", "nographic", "curses", "sdl"), "vnc"),
    **dict.fromkeys(("serial", "parallel", "virtioconsole", "debugcon"), "serial_log"),
    **dict.fromkeys(("machine", "M"), "machine"),
    **dict.fromkeys(("accel", "enable-kvm"), "accel"),
    **dict.fromkeys(("runas", "run-with"), "user"),
    "cdrom": "cdrom", "kernel": "kernel", "initrd": "initrd", "append": "append", "m": "memory", "smp": "cpus", "cpu": "cpu",
    "S": "state: paused", "name": "name",
}  # fmt: skip
_OURS = {
    "mon", "monitor", "qmp", "qmp-pretty", "chardev", "pidfile", "sandbox", "daemonize", "chroot", "nodefaults", "no-user-config",
    "add-fd", "preconfig",
}  # fmt: skip


def checked(words: Sequence[str], option: str = "extra_args") -> list[str]:
    """The words, if each is allowed. Raises BadInput, which names the option of the module that does it properly."""
    left = list(words)
    while left:
        word = left.pop(0)
        name = word[2:] if word.startswith("--") else word[1:]
        if not word.startswith("-"):
            raise BadInput(
                f"{option} may not hold {word!r}: it stands behind no option, and QEMU takes such a word for a disk image; name it in 'disks'."
            )
        if name in _FLAGS:
            continue
        if name not in _PLAIN and name not in _LISTS and name not in ("device", "object", "global"):
            raise BadInput(f"{option} may not hold {word}: {_instead(name)}")
        if not left:
            raise BadInput(f"{option} ends with {word}, which wants a value behind it.")
        _check_value(name, left.pop(0), f"{option} {word}")
    return list(words)


def _instead(name: str) -> str:
    if name in _ELSEWHERE:
        return f"use the option '{_ELSEWHERE[name]}', which does that with its checks."
    if name in _OURS:
        return "this module sets it itself, or could no longer manage the guest."
    return "only arguments that shape the machine are allowed, none that opens files, runs programs or listens; leave it out."


def _check_value(name: str, value: str, where: str) -> None:
    if name in _PLAIN:
        if not _PLAIN[name].fullmatch(value):
            raise BadInput(
                f"{where} has no value {value!r} that is allowed here; give a plain one, or leave it out."
            )
        return
    if name == "global":
        _check_global(value, where)
        return
    first = {"device": "driver", "object": "qom-type"}.get(name) or _LISTS[name][0]
    pairs = _pairs(value, first, where)
    if name == "device":
        driver = pairs.pop("driver", "")
        _check_in([driver], _DRIVERS, f"{where}, as a device,")
        _check_in(pairs, _PROPERTIES, f"{where} {driver}")
        _check_words(pairs, where)
    elif name == "object":
        kind = pairs.pop("qom-type", "")
        _check_in([kind], _OBJECTS, f"{where}, as an object,")
        _check_in(pairs, _OBJECTS[kind], f"{where} {kind}")
        if pairs.pop("filename", _RANDOM[0]) not in _RANDOM:
            raise BadInput(f"{where} {kind} may read {' or '.join(_RANDOM)} only.")
        _check_words(pairs, where)
    else:
        _check_in(pairs, _LISTS[name][1], where)
        if name == "fw_cfg" and not _FW_CFG_NAME.fullmatch(pairs.pop("name", "")):
            raise BadInput(f"{where} needs a name that begins with opt/.")
        _check_words(pairs, where)


def _check_global(value: str, where: str) -> None:
    """DRIVER.PROPERTY=VALUE, of any driver that the guest has: a property of another one has no effect."""
    name, _equals, word = value.partition("=")
    if not re.fullmatch(r"[A-Za-z0-9_-]+\.[a-z0-9_-]+", name):
        raise BadInput(f"{where} {value!r} is not DRIVER.PROPERTY=VALUE.")
    _check_in([name.partition(".")[2]], _PROPERTIES, where)
    _check_words({name: word}, where)


def _pairs(value: str, first: str, where: str) -> dict[str, str]:
    """The properties of C(key=value,...), or of a JSON object; C(first) is the name of a first word without one."""
    if value.startswith("{"):
        return _from_json(value, where)
    pairs: dict[str, str] = {}
    for number, part in enumerate(value.split(",")):
        key, equals, word = part.partition("=")
        if not equals:
            key, word = (first, part) if number == 0 and first else (part, "on")
        if key in pairs:
            raise BadInput(f"{where} says {key!r} twice; say it once.")
        pairs[key] = word
    return pairs


def _from_json(value: str, where: str) -> dict[str, str]:
    try:
        found = json.loads(value, object_pairs_hook=list)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list) or not all(isinstance(one, (str, int)) for _key, one in found):
        raise BadInput(f"{where} {value!r} is no JSON object of plain values.")
    if len({key for key, _one in found}) != len(found):
        raise BadInput(f"{where} says a property twice; say each once.")
    return {key: str(one) for key, one in found}


def _check_in(words: Iterable[str], allowed: Iterable[str], where: str) -> None:
    for word in words:
        if word not in allowed:
            raise BadInput(
                f"{where} may not hold {word!r}: only what shapes the machine is allowed there; leave it out."
            )


def _check_words(pairs: Mapping[str, str], where: str) -> None:
    for key, word in pairs.items():
        if not _VALUE.fullmatch(word):
            raise BadInput(
                f"{where} has no plain word in {key}: {word!r}; write letters, digits and '_.:+@-'."
            )
