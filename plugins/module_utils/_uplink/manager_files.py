# SPDX-License-Identifier: GPL-3.0-or-later
"""Read what other managers of networks leave on the host; what it means is told by managers.py. Nothing is written, and no program asked but iptables."""

from __future__ import annotations

import glob
import os

from ansible_collections.hypervisor.network.plugins.module_utils._host import (
    cloud_init,
    procfs,
)
from ansible_collections.hypervisor.network.plugins.module_utils._host.procfs import Process
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import (
    managers as network_managers,
)

_MOST_BYTES = 1 << 20
_CAP_NET_ADMIN = 12  # linux/capability.h


def read(nic: str, index: int, root: str = "/", proc: str = "/proc") -> network_managers.Traces:
    """What other managers left on this host that is about a NIC, given with its interface index."""
    files: dict[str, str] = {}
    for pattern in network_managers.TRACES:
        # a NIC's name may hold what a pattern gives a meaning to
        own = pattern.replace("{nic}", glob.escape(nic)).replace("{index}", str(index))
        for path in sorted(glob.glob(os.path.join(glob.escape(root), own))):
            text = _text(path)
            if text is not None:
                files[os.path.relpath(path, root)] = text
    cloud = os.path.join(root, "etc/cloud")
    return network_managers.Traces(
        files, _running(proc), os.path.isdir(cloud) and not cloud_init.is_off(cloud)
    )


def _running(proc: str) -> frozenset[str]:
    found = set()
    for process in procfs.processes(proc):
        known = network_managers.PROGRAMS.match(" ".join(process.argv()))
        if known is not None and _may_manage(process):
            found.add(known["name"] or network_managers.MASTER)
    return frozenset(found)


def _may_manage(process: Process) -> bool:
    """Whether it could change the network: anybody may take a manager's name, and would stop every conversion by that.

    It is root's, or may by a capability (systemd-networkd), or has root do it by a process of its program and session (dhcpcd), which nobody can join.
    """
    uid, stat = process.real_uid(), process.stat()
    if uid in (None, 0) or process.may(_CAP_NET_ADMIN):
        return True
    return stat is not None and any(
        other.real_uid() == 0 and other.exe() == process.exe()
        for other in procfs.processes(process.proc)
        if (found := other.stat()) is not None and found.session == stat.session
    )


def _text(path: str) -> str | None:
    """What a file says; None where there is none, or it can't be read: no ground to refuse anything."""
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read(_MOST_BYTES)
    except OSError:
        return None
