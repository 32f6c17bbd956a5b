# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that listen on one device alone (SO_BINDTODEVICE): once its frames are the bridge's, they hear nothing. Source: ss(8)."""

from __future__ import annotations

import re
from typing import Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._host import programs

ASK = ("ss", "--no-header", "--listening", "--numeric", "--processes", "--tcp", "--udp", "--raw")
_DHCP_PORTS = ("68", "546")  # clients, which are handed over or refused with their lease
_PROGRAM = re.compile(r'users:\(\("([^"]+)"')


def bound(dev: str, ask: Sequence[str] = ASK) -> list[str]:
    """Who listens on a device alone, such as C("chronyd (udp 0.0.0.0:123)"); none where ss is not installed, or does not answer."""
    return among(dev, programs.printed(ask) or "")


def among(dev: str, text: str) -> list[str]:
    """PURE. The same, of what ss prints: what has a link-local address is not bound to its device, the device is a part of its address."""
    found = []
    for line in text.splitlines():
        protocol, _state, _received, _sent, local = line.split()[:5]
        address, _colon, port = local.rpartition(":")
        host, _percent, scope = address.rpartition("%")
        if scope != dev or port in _DHCP_PORTS or host.startswith("[fe80:"):
            continue
        program = _PROGRAM.search(line)
        found.append(f"{program[1] if program else 'a program'} ({protocol} {host}:{port})")
    return found
