# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told of a guest beside its state: what it takes of the host, which QEMU it runs in, and what only its next start will change."""

from __future__ import annotations

import os
import re
import socket
from typing import Any

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    HypervisorNetworkError,
)
from ansible_collections.hypervisor.network.plugins.module_utils._host import process as processes
from ansible_collections.hypervisor.network.plugins.module_utils._host import procfs, programs
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import (
    chains,
    companions,
    holds,
    images,
    paths,
    supervision,
    told,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.agent import Agent, socket_of
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.files import Image
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.guest import (
    USER,
    Guest,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.status import Status

CGROUPS = "/sys/fs/cgroup"
_OWN = "hypervisor-network-guest"
_VERSION = re.compile(r"version (\d+(?:\.\d+)*)")
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_DELETED = " (deleted)"
_AGENT = 0.5  # seconds for an agent, which may not be there
# proc(5), counted from 0 behind the command: time in user mode and in the kernel, in ticks
_USER, _SYSTEM = 11, 12


def details(guest: Guest, status: Status, cgroups: str = CGROUPS) -> dict[str, Any]:
    """What is told of it; C(status) is who read it. What cannot be found out is null."""
    taken = guest.scope is not None
    memory, seconds = (None, None) if guest.pid is None else used(guest.pid, cgroups, taken)
    runs = None if guest.seen is None else guest.seen.version
    emulator = guest.spec.get("emulator")
    installed = _installed(emulator) if emulator is not None else None
    return {
        "problems": [*guest.problems, *_wires(guest)],
        "supervisor_used": guest.kept_by,
        "unit_state": guest.unit_state,
        "memory_used": memory,
        "cpu_seconds": seconds,
        "qemu_version": runs,
        "qemu_installed": installed,
        "pending_restart": [] if guest.down else _pending(guest, status, runs, installed),
        "pending_changes": told.drift(guest),
        "consoles": told.consoles(
            guest, status.directory(guest.name).sockets, socket.gethostname()
        ),
        "disks": told.disks(guest, *_images(guest)),
    }


def agent(guest: Guest, status: Status) -> tuple[bool | None, dict[str, list[str]]]:
    """Whether the guest's agent answers, None where it can have none, and the addresses by MAC that it tells."""
    if guest.down or not guest.spec.get("agent"):
        return None, {}
    answers = False
    try:
        with Agent(socket_of(status.directory(guest.name).public), _AGENT) as talk:
            answers = True
            return answers, told.claimed(talk.call("guest-network-get-interfaces"))
    except HypervisorNetworkError:
        return answers, {}


def _wires(guest: Guest) -> list[str]:
    """What became of its taps since it opened them."""
    held = None if guest.pid is None else holds.taps(guest.pid)
    nics = [] if guest.seen is None else guest.spec.get("nics") or []
    there = [nic["tap"] for nic in nics if guest.seen.card(nic) is not None]
    return [] if held is None else holds.astray(there, held)


def _images(guest: Guest) -> tuple[dict[str, Image], dict[str, int | None]]:
    """The disks' images by their paths, of a guest that is down, and what guests see of them by theirs, in bytes; without what cannot be looked at."""
    found: dict[str, Image] = {}
    sizes: dict[str, int | None] = {}
    for disk in guest.spec.get("disks") or () if guest.down else ():
        try:
            user = processes.account(guest.spec.get("user") or USER)
            roots = guest.spec.get("allowed_roots")
            look = paths.Look(guest.name, user, roots, chains.load(guest.name).tops())
            image: Image | None = look.disk(disk)
            found[disk["path"]] = image
            while image is not None:
                sizes[image.path] = images.size(image)
                image = image.backing
        except (HypervisorNetworkError, OSError, ValueError):
            continue
    return found, sizes


def used(
    pid: int, cgroups: str = CGROUPS, taken_over: bool = False, proc: str = procfs.PROC
) -> tuple[int | None, float | None]:
    """Bytes of memory and seconds of processors that a guest takes: of its cgroup, or of its process where that has none of its own.

    The cgroup of one that was C(taken_over) knows only of what came since.
    """
    process = procfs.Process(pid, proc)
    path = procfs.text(process.read("cgroup")).rpartition("::")[2].strip()
    if _OWN in path and not taken_over:
        memory = _read(os.path.join(cgroups, path.lstrip("/"), "memory.current"))
        usage = re.search(
            r"^usage_usec (\d+)$",
            _read(os.path.join(cgroups, path.lstrip("/"), "cpu.stat")),
            re.MULTILINE,
        )
        if memory.strip().isdecimal() and usage is not None:
            return int(memory), round(int(usage.group(1)) / 1e6, 2)
    pages = process.read("statm").split()
    times = procfs.text(process.read("stat")).rpartition(")")[2].split()
    try:
        return int(pages[1]) * _PAGE, round((int(times[_USER]) + int(times[_SYSTEM])) / _TICKS, 2)
    except (IndexError, ValueError):
        return None, None  # it ended meanwhile


def _pending(guest: Guest, status: Status, runs: str | None, installed: str | None) -> list[str]:
    """Why a restart would make something of it that it is not now, in sentences."""
    found = []
    if guest.spec.get("tpm") and _shares_tpm(guest, status):
        found.append(
            "Its TPM runs as the guest's own user, and has one of its own from its next start on."
        )
    if guest.kept_by == supervision.PROCESS and status.systemd():
        within = "" if guest.scope is None else f" in {guest.scope}"
        found.append(
            f"It is a plain process{within}, and becomes a unit of systemd at its next start."
        )
    replaced = guest.pid is not None and procfs.Process(guest.pid).exe().endswith(_DELETED)
    if replaced or (runs is not None and installed is not None and runs != installed):
        found.append(
            f"It runs in QEMU {runs or 'of another version'}, and {installed or 'another one'} is installed."
        )
    return found


def _shares_tpm(guest: Guest, status: Status) -> bool:
    """Whether its TPM was started by an earlier version of this collection."""
    uid = procfs.Process(guest.pid).real_uid() if guest.pid is not None else None
    return uid is not None and companions.shared(status.directory(guest.name), companions.TPM, uid)


def _installed(emulator: str) -> str | None:
    found = _VERSION.search(programs.printed([emulator, "--version"]) or "")
    return None if found is None else found.group(1)


def _read(path: str) -> str:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
