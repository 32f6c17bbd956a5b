# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a NIC will have its name after the next boot too, as far as the kernel and udev tell.

A name is kept where udev gave it: by a rule for the NIC's place or MAC (predictable names), or by a .link file of the administrator's. The kernel's own
C(eth0) is the first NIC that it found.
"""

from __future__ import annotations

import os

SYS, RUN, CMDLINE = "/sys/class/net", "/run/udev/data", "/proc/cmdline"
_DEFAULT = "/99-default.link"


def reasons(sys: str = SYS, run: str = RUN, cmdline: str = CMDLINE) -> dict[str, str]:
    """By NIC, why its name could be another one after a boot, as a part of a sentence; a NIC whose name is kept is not there."""
    nics = {
        nic: _udev(sys, run, nic) for nic in _listed(sys) if os.path.exists(f"{sys}/{nic}/device")
    }
    by_order = "net.ifnames=0" in _text(cmdline).split()
    return {
        nic: why
        for nic, known in nics.items()
        for why in [_why(nic, known, by_order, len(nics))]
        if why
    }


def _why(nic: str, known: dict[str, str], by_order: bool, nics: int) -> str | None:
    if not known:
        return (
            None  # no udev, or it has nothing to say: whoever started the machine gives the names
        )
    given = {value for key, value in known.items() if key.startswith("ID_NET_NAME")}
    if nic in given or not known.get("ID_NET_LINK_FILE", _DEFAULT).endswith(_DEFAULT):
        return None
    later = known.get("ID_NET_NAME")
    if later is not None and not by_order:
        return f"udev would call it {later}"
    if nics > 1:
        return f"the kernel numbers its {nics} NICs in the order in which it finds them"
    return None


def _udev(sys: str, run: str, nic: str) -> dict[str, str]:
    """What udev knows of a NIC: the E: lines of its file."""
    index = _text(f"{sys}/{nic}/ifindex").strip()
    lines = _text(f"{run}/n{index}").splitlines()
    return dict(line[2:].partition("=")[::2] for line in lines if line.startswith("E:"))


def _listed(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read()
    except OSError:
        return ""
