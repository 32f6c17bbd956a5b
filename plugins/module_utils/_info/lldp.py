# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask the daemons that listen for LLDP on this host what they have heard: lldpd and systemd-networkd, where they run. Nothing is started, nothing sent."""

from __future__ import annotations

import contextlib
import os
import socket
from typing import Any, Callable, Iterable

from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._host import programs
from ansible_collections.hypervisor.network.plugins.module_utils._info import lldp_words
from ansible_collections.hypervisor.network.plugins.module_utils._info.lldp_words import Heard

_LLDPD_SOCKETS = ("run/lldpd.socket", "run/lldpd/lldpd.socket")
_LLDPD = ("lldpctl", "-f", "json0")
_FRAMES = "run/systemd/netif/lldp/{index}"  # until systemd 256
_VARLINK = "run/systemd/netif/io.systemd.Network"  # since 257
# a socket may be systemd's own, and whoever connects would start the daemon
_NETWORKD = "sys/fs/cgroup/system.slice/systemd-networkd.service/cgroup.procs"
_ASK = b'{"method":"io.systemd.Network.GetLLDPNeighbors","parameters":{}}\0'
_SECONDS, _MOST_BYTES = 2.0, 1 << 20


def heard(
    links: Iterable[Link],
    root: str = "/",
    printed: Callable[..., str | None] = programs.printed,
    open_socket: Callable[..., Any] = socket.socket,
) -> Heard:
    """The neighbours by device, each as lldp_words has it; of a device that both daemons listen at, lldpd's."""
    found: Heard = {}
    if any(os.path.exists(os.path.join(root, one)) for one in _LLDPD_SOCKETS):
        found = lldp_words.of_lldpd(printed(_LLDPD) or "")
    if not _read(os.path.join(root, _NETWORKD)):
        return found
    own = {
        link.name: lldp_words.of_frames(_read(os.path.join(root, _FRAMES.format(index=link.index))))
        for link in links
    }
    path = os.path.join(root, _VARLINK)
    if not any(own.values()) and os.path.exists(path):
        own = lldp_words.of_networkd(_asked(path, open_socket))
    return {**{dev: ones for dev, ones in own.items() if ones}, **found}


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read(_MOST_BYTES)
    except OSError:
        return b""


def _asked(path: str, open_socket: Callable[..., Any]) -> str:
    """networkd's answer; empty where it gives none in time."""
    answer = b""
    with contextlib.suppress(OSError), open_socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(_SECONDS)
        line.connect(path)
        line.sendall(_ASK)
        while b"\0" not in answer and len(answer) < _MOST_BYTES:
            more = line.recv(65536)
            if not more:
                break
            answer += more
    return answer.partition(b"\0")[0].decode("utf-8", "replace")
