# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The LAN with a DHCP server, and isc-dhclient on the host's eth0, with lease and pid files of their own."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Callable, Iterator

from .lan import HOST6, NIC, Lan, lan
from .netns import run

LEASE_SECONDS = 120  # the least that dnsmasq takes
# No name server is asked for: the client's script would write this machine's resolv.conf.
_CLIENT_CONF = """
option rfc3442-classless-static-routes code 121 = array of unsigned integer 8;
send host-name "host";
request subnet-mask, broadcast-address, routers, interface-mtu;
timeout 10;
retry 2;
initial-interval 1;
"""
_SERVER = (
    "--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--interface=lan", "--bind-interfaces", "--no-ping", "--no-resolv",
    "--no-hosts", "--user=root", "--pid-file=", "--log-dhcp", "--dhcp-authoritative", "--dhcp-option=6", "--dhcp-option=15",
)  # fmt: skip


class DhcpHost:
    """A LAN whose host has its IPv4 address by DHCP; C(folder) holds its configuration, lease and pid files, and the server's."""

    def __init__(self, made: Lan, folder: Path) -> None:
        self.lan = made
        self.folder = folder
        self.server_leases = folder / "server.leases"
        self.client_leases = folder / f"dhclient.{NIC}.leases"
        self.client_pid = folder / f"dhclient.{NIC}.pid"
        (folder / "dhclient.conf").write_text(_CLIENT_CONF, encoding="ascii")
        self.log = folder / "server.log"

    def serve(self, renew: int | None = None) -> None:
        """Start the server at the router; C(renew) are the seconds after which clients renew (None: half of the lease)."""
        files = (f"--log-facility={self.log}", f"--dhcp-leasefile={self.server_leases}")
        times = (
            f"--dhcp-range=10.77.0.100,10.77.0.150,{LEASE_SECONDS}s",
            *([f"--dhcp-option=option:T1,{renew}"] if renew else []),
        )
        self.lan.start(self.lan.router, "dnsmasq", *_SERVER, *files, *times)

    def acquire(self) -> None:
        """Start the client on eth0 as ifupdown would; returns when the lease is bound."""
        # into the network alone: 'ip netns exec' gives mounts of its own too, as a container has them
        run("nsenter", f"--net=/run/netns/{self.lan.host}", *self.client_command())

    def client_command(self) -> list[str]:
        """The client's command line, which stays in the background once it is bound."""
        return [
            "dhclient", "-4", "-v", "-cf", str(self.folder / "dhclient.conf"), "-pf", str(self.client_pid),
            "-lf", str(self.client_leases), NIC,
        ]  # fmt: skip

    def clients(self) -> list[list[str]]:
        """The command lines of all dhclients that run inside the host."""
        return list(self._clients().values())

    def sessions(self) -> set[int]:
        """The sessions that the dhclients are in: one for each that was started."""
        return {os.getsid(pid) for pid in self._clients()}

    def _clients(self) -> dict[int, list[str]]:
        found = {}
        for pid in run("ip", "netns", "pids", self.lan.host).split():
            try:
                words = Path("/proc", pid, "cmdline").read_bytes().decode().split("\0")[:-1]
            except OSError:
                continue
            if words and Path(words[0]).name == "dhclient":
                found[int(pid)] = words
        return found

    def server_says(self, word: str) -> list[str]:
        """The server's log lines with this word (DHCPDISCOVER, DHCPREQUEST, DHCPRELEASE, DHCPACK ...)."""
        return [
            line
            for line in self.log.read_text(encoding="utf-8").splitlines()
            if re.search(rf"\b{word}\b", line)
        ]

    def wait_for(self, condition: Callable[[], bool], seconds: float) -> None:
        """Wait until the condition holds; after so many seconds, fail with the server's log."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise AssertionError(
                    f"not so within {seconds} s; the server's log:\n{self.log.read_text(encoding='utf-8')}"
                )
            time.sleep(0.05)

    def leased(self) -> list[str]:
        """The addresses that the server has leased."""
        return [
            line.split()[2] for line in self.server_leases.read_text(encoding="ascii").splitlines()
        ]


@contextmanager
def dhcp_lan(extra: str = HOST6, renew: int | None = None) -> Iterator[DhcpHost]:
    """A LAN whose host got its IPv4 address from the server; C(extra) are lines of C(ip -batch) for the rest.

    C(renew) are the seconds after which the client renews its lease (None: a minute).
    """
    folder = Path(tempfile.mkdtemp(prefix="hn-dhcp-"))
    try:
        with lan(host=extra) as made:
            host = DhcpHost(made, folder)
            host.serve(renew)
            host.acquire()
            yield host
    finally:
        shutil.rmtree(folder)
