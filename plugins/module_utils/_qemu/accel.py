# SPDX-License-Identifier: GPL-3.0-or-later
"""Which accelerator: that /dev/kvm opens does not mean that it works.

There are hosts whose KVM opens, runs a BIOS, and then takes for ever over 64-bit code. So a tiny guest is run once per boot,
and what came of it is remembered; where nothing came of it in time, it is tried again.
"""

from __future__ import annotations

import os
import platform
import pwd
import time
from dataclasses import dataclass

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._host import process as processes
from ansible_collections.hypervisor.network.plugins.module_utils._host import procfs, programs
from ansible_collections.hypervisor.network.plugins.module_utils._host.as_user import rights_of
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import rundir

_DEVICE = "/dev/kvm"
_ANSWER = ".kvm.json"
_DEADLINE = 3.0
_FAMILY = {"x86_64": ("x86_64", "i386"), "i686": ("i386",), "aarch64": ("aarch64", "arm")}

# A boot sector: real mode -> protected mode -> paging and long mode -> 100 million additions, then 0x10 to port 0xf4, which the
# device isa-debug-exit turns into the exit status (0x10 << 1) | 1. Working KVM: about 0.2 s, the BIOS included; tcg: the same;
# a KVM that emulates every instruction: more than 5 s, and its guests would hang in the first code of their kernel.
_SECTOR = (
    bytes.fromhex(
        "fa31c08ed88ec08ed0bc007c"  # cli; data, extra and stack segment 0, stack below the sector
        "bf001031c0b90018fcf3ab"  # clear the page tables at 0x1000
        # PML4 -> PDPT -> one page of 2 MiB, present and writable
        "66c70600100320000066c70600200330000066c7060030830000"
        "000f0116b87c0f20c06683c8010f22c0ea467c0800"  # lgdt; CR0.PE; far jump to 32-bit code
        "66b810008ed88ed00f20e083c8200f22e0b8001000000f22d8"  # segments; CR4.PAE; CR3
        "b9800000c00f320d000100000f300f20c00d000000800f22c0"  # EFER.LME; CR0.PG
        "ea7f7c00001800b900e1f5054801c8ffc975f9"  # far jump to 64-bit code; the loop
        "b010e6f4f4ebfd660f1f440000"  # out 0xf4; hlt; padding
        # null, code 32, data, code 64
        "0000000000000000ffff0000009acf00ffff00000092cf00ffff0000009aaf00"
        "1f00987c0000"  # limit and address of these descriptors
    ).ljust(510, b"\0")
    + b"\x55\xaa"
)
_EXPECTED = 0x10 << 1 | 1


def choose(
    asked: str,
    program: str,
    user: pwd.struct_passwd,
    root: str = rundir.ROOT,
    device: str = _DEVICE,
) -> tuple[str, str]:
    """(kvm or tcg, why) for a guest of this emulator that runs as C(user) (a struct_passwd).

    Raises Refused where kvm is asked for and cannot be had.
    """
    if asked == "tcg":
        return "tcg", "asked for"
    obstacle = _obstacle(program, user, root, device)
    if obstacle is None:
        return "kvm", "a probe guest ran in it"
    if asked == "kvm":
        raise Refused(
            f"accel: kvm cannot be had: {obstacle}; cure that, or say accel: auto or tcg."
        )
    return "tcg", obstacle


def _obstacle(program: str, user: pwd.struct_passwd, root: str, device: str) -> str | None:
    target, host = os.path.basename(program).rpartition("-")[2], platform.machine()
    if target not in _FAMILY.get(host, (host,)):
        return f"{os.path.basename(program)} emulates another processor than this host's {host}"
    try:
        found = os.stat(device)
    except FileNotFoundError:
        return f"there is no {device} on this host"
    if not processes.may_open(found, user):
        return f"the user {user.pw_name} may not open {device}; add it to the device's group"
    if target not in ("x86_64", "i386"):
        return "whether KVM works can only be proven on x86 so far"
    # the probe runs 64-bit code, which qemu-system-i386 has not; KVM is the same for both
    return _proven(os.path.join(os.path.dirname(program), "qemu-system-x86_64"), user, root)


@dataclass(frozen=True)
class Verdict:
    """What came of a probe guest: C(obstacle) is None where it ran. Only what is C(sure) is worth remembering: a busy host has no time now."""

    obstacle: str | None
    sure: bool = True


# A run asks once: no answer costs the whole deadline
_ANSWERS: dict[str, Verdict] = {}


def _proven(program: str, user: pwd.struct_passwd, root: str) -> str | None:
    path = os.path.join(root, _ANSWER)
    known = rundir.load(path)
    if known is not None and known.get("boot_id") == procfs.boot_id():
        return known["obstacle"]
    if program not in _ANSWERS:
        _ANSWERS[program] = probe(program, "kvm", user)
    return _ANSWERS[program].obstacle


def remember(root: str = rundir.ROOT) -> None:
    """Keep what came of the probe guest for later runs: where a guest begins, since who only looks writes nothing."""
    sure = [program for program, verdict in _ANSWERS.items() if verdict.sure]
    for program in sure if os.path.isdir(root) else ():
        obstacle = _ANSWERS.pop(program).obstacle  # from now on it is on record
        rundir.store(
            os.path.join(root, _ANSWER), {"boot_id": procfs.boot_id(), "obstacle": obstacle}
        )


def probe(
    program: str, accel: str, user: pwd.struct_passwd, deadline: float = _DEADLINE
) -> Verdict:
    """Run the tiny guest, as the user that the real one gets."""
    words = [
        program,
        "-accel",
        accel,
        "-nodefaults",
        "-no-user-config",
        "-display",
        "none",
        "-no-reboot",
        "-m",
        "16",
        "-device",
        "isa-debug-exit,iobase=0xf4,iosize=1",
    ]
    image = os.memfd_create("hypervisor-network-probe", 0)
    try:
        os.write(image, _SECTOR)
        os.fchown(image, user.pw_uid, user.pw_gid)
        begin = time.monotonic()
        done = programs.run(
            [*words, "-drive", f"file=/dev/fd/{image},format=raw,if=ide"],
            deadline,
            rights=rights_of(user),
            descriptors=[image],
        )
    except TimeoutError:
        return Verdict(
            f"KVM opens, but a guest in it hangs (no answer within {deadline:g} s)", sure=False
        )
    except OSError as error:
        return Verdict(f"KVM was not tried: {program}: {error.strerror}", sure=False)
    finally:
        os.close(image)
    if done.status == _EXPECTED:
        return Verdict(None)
    last = " ".join(done.errors.split())[-200:]
    return Verdict(
        f"KVM opens, but a guest in it ends after {time.monotonic() - begin:.1f} s with exit status {done.status} {last}".rstrip()
    )
