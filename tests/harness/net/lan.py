# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host on a LAN, a router, and a client behind it, each in a network namespace of its own.

::

    host eth0 ── switch (bridge lan) ── router ── client
    10.77.0.10/24, 10.77.0.11/24 (secondary), 192.168.99.10/24, fd77::10/64        10.88.0.2, fd88::2

The client is in another subnet: what it gets back went through the host's default route. Addresses of the host are given
here or by DHCP (see C(dhcp.py)).
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Iterator

from ..process.waiting import wait_for
from .dump import unrouted
from .netns import Namespaces, batch, inside, run

HERE = Path(__file__).parent
PORT = 7007
NIC = "eth0"
NIC_MAC = "02:00:00:77:00:10"
ADDRESSES4 = ("10.77.0.10", "10.77.0.11", "192.168.99.10")
ADDRESS6 = "fd77::10"
DEADLINE = 15.0

_LINKS = """
link add name lan type bridge stp_state 0 forward_delay 0
link set lan up
"""
_ROUTER = """
address add 10.77.0.1/24 dev lan
address add 192.168.99.1/24 dev lan
address add fd77::1/64 dev lan nodad
address add 10.88.0.1/24 dev wan
address add fd88::1/64 dev wan nodad
link set lan up
link set wan up
"""
_CLIENT = """
address add 10.88.0.2/24 dev eth0
address add fd88::2/64 dev eth0 nodad
link set eth0 up
route add default via 10.88.0.1
route add default via fd88::1
"""
HOST4 = """
address add 10.77.0.10/24 broadcast 10.77.0.255 dev eth0
address add 10.77.0.11/24 broadcast 10.77.0.255 dev eth0 label eth0:1
address add 192.168.99.10/24 dev eth0
route add default via 10.77.0.1
route add 10.99.0.0/16 via 192.168.99.1 metric 50
route add default via 192.168.99.1 table 100
rule add from 192.168.99.10 lookup 100 priority 1000
"""
HOST6 = """
address add fd77::10/64 dev eth0 nodad
route add default via fd77::1
route add fd99::/48 via fd77::1 metric 50
"""


class Lan:
    """The four namespaces by role, and what the tests do with them."""

    def __init__(self, names: dict[str, str]) -> None:
        self.host, self.switch, self.router, self.client = (
            names[role] for role in ("host", "switch", "router", "client")
        )
        self._children: list[subprocess.Popen[str]] = []
        self._endings: list[Callable[[], Any]] = []

    def start(self, netns: str, *argv: str, ready: str | None = None) -> subprocess.Popen[str]:
        """Start a program inside a namespace, and wait for a line of its output where one is named; stopped at the end."""
        child = subprocess.Popen(
            ["ip", "netns", "exec", netns, *argv],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        self._children.append(child)
        seen = []
        while ready is not None:
            line = child.stdout.readline()
            seen.append(line)
            if not line:
                raise RuntimeError(f"{' '.join(argv)} ended: {''.join(seen).strip()}")
            if ready in line:
                break
        return child

    def stop(self, child: subprocess.Popen[str]) -> None:
        """End a program that this LAN started."""
        if child.poll() is None:
            child.terminate()
            try:
                child.wait(3)
            except subprocess.TimeoutExpired:
                child.kill()
        child.communicate()
        self._children.remove(child)

    def own_mounts(self, *commands: str) -> tuple[str, ...]:
        """The words that run a program with mounts that nobody else sees, once these commands of a shell have made some; they end with the LAN."""
        script = "; ".join(["mount --make-rprivate /", *commands, "echo ready", "exec cat"])
        holder = self.start(self.host, "unshare", "--mount", "sh", "-ec", script, ready="ready")
        return ("nsenter", "-t", str(holder.pid), "-m")

    def at_the_end(self, act: Callable[[], Any]) -> None:
        """Do this too when the LAN goes, also where the test was interrupted."""
        self._endings.append(act)

    def close(self) -> None:
        for act in self._endings:
            act()
        for child in list(self._children):
            self.stop(child)

    def reachable(self, address: str, timeout: float = 1.0) -> bool:
        """Whether a NEW TCP connection from the client gets an answer from the host at this address."""
        return inside(self.client, _echoed, address, timeout)

    def all_reachable(self, *addresses: str, timeout: float = 1.0) -> dict[str, bool]:
        """C(reachable) for many addresses at once: those given, or all of the static host."""
        answers: dict[str, bool] = {}

        def ask(address: str) -> None:
            answers[address] = self.reachable(address, timeout)

        threads = [
            threading.Thread(target=ask, args=(address,))
            for address in addresses or (*ADDRESSES4, ADDRESS6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return answers

    def under_load(
        self,
        action: Callable[[], Any],
        *addresses: str,
        settle: float = 0.5,
        deadline: float = DEADLINE,
    ) -> dict[str, Any]:
        """Do something while the client probes the host at 1 kHz, and return what the probe counted (see C(probe.py)).

        C(tcp) has C(retransmitted) beside it, the segments that either end sent again meanwhile.
        """
        again = self._retransmitted()
        words = [sys.executable, str(HERE / "probe.py"), str(PORT), str(settle), str(deadline)]
        child = self.start(
            self.client, *words, *(addresses or (ADDRESSES4[0], ADDRESS6)), ready="ready"
        )
        try:
            action()
            output, _nothing = child.communicate()
        finally:
            self.stop(child)
        counted = json.loads(output)
        counted["tcp"]["retransmitted"] = self._retransmitted() - again
        return counted

    def _retransmitted(self) -> int:
        """TCP segments that the kernels of the client and the host have sent again."""
        total = 0
        for netns in (self.client, self.host):
            names, values = (
                line.split()
                for line in run("cat", "/proc/net/snmp", netns=netns).splitlines()
                if line.startswith("Tcp:")
            )
            total += int(values[names.index("RetransSegs")])
        return total


def stalled(counted: dict[str, Any]) -> float:
    """The longest wait for a TCP answer in ms, as far as the network is its reason.

    Where no segment had to be sent again none was lost, and who waited did so for a processor: VMs are tested beside these tests.
    """
    return counted["tcp"]["stall_ms"] if counted["tcp"]["retransmitted"] else 0.0


def _echoed(address: str, timeout: float) -> bool:
    try:
        with socket.create_connection((address, PORT), timeout) as stream:
            stream.sendall(b"hello")
            return stream.recv(16) == b"hello"
    except OSError:
        return False


@contextmanager
def lan(
    host: str = HOST4 + HOST6, rp_filter: int = 0, ipv6: bool = True, echo: bool = True
) -> Iterator[Lan]:
    """The LAN with its host configured by the lines C(host) of C(ip -batch); everything is removed at the end.

    C(rp_filter) is set for all devices of the host, those to come included; C(ipv6) False disables it on the host.
    """
    with Namespaces("host", "switch", "router", "client") as names:
        made = Lan(names)
        try:
            _cable(made, rp_filter, ipv6)
            batch(made.host, f"link set {NIC} up\n{host}")
            if ipv6:
                inside(made.host, set_sysctls, {f"ipv6/conf/{NIC}/accept_dad": 1})
                wait_for(lambda: not unrouted(made.host), "the host's IPv6 addresses are routed")
            if echo:
                made.start(
                    made.host, sys.executable, str(HERE / "echo.py"), str(PORT), ready="ready"
                )
            yield made
        finally:
            made.close()


def _cable(made: Lan, rp_filter: int, ipv6: bool) -> None:
    for netns in (made.switch, made.router, made.client):
        inside(
            netns,
            set_sysctls,
            {
                "ipv4/ip_forward": 1,
                "ipv6/conf/all/forwarding": 1,
                "ipv6/conf/default/accept_dad": 0,
            },
        )
    batch(made.switch, _LINKS)
    for netns, name, peer in ((made.host, NIC, "host"), (made.router, "lan", "router")):
        run(
            "ip",
            "-n",
            made.switch,
            "link",
            "add",
            peer,
            "type",
            "veth",
            "peer",
            "name",
            name,
            "netns",
            netns,
        )
        batch(made.switch, f"link set {peer} master lan\nlink set {peer} up\n")
    run(
        "ip",
        "-n",
        made.router,
        "link",
        "add",
        "wan",
        "type",
        "veth",
        "peer",
        "name",
        "eth0",
        "netns",
        made.client,
    )
    batch(made.host, f"link set {NIC} address {NIC_MAC}\n")
    conf = {f"ipv4/conf/{name}/rp_filter": rp_filter for name in ("all", "default", NIC)}
    # The NIC's own duplicate detection would only delay the start; what comes later has the kernel's defaults.
    conf |= {
        "ipv6/conf/all/disable_ipv6": int(not ipv6),
        "ipv6/conf/default/disable_ipv6": int(not ipv6),
        f"ipv6/conf/{NIC}/accept_dad": 0,
    }
    inside(made.host, set_sysctls, conf)
    batch(made.router, _ROUTER)
    batch(made.client, _CLIENT)


def set_sysctls(values: dict[str, int]) -> None:
    """Write values below /proc/sys/net, of the namespace this thread is in (see C(netns.inside))."""
    for path, value in values.items():
        Path("/proc/sys/net", path).write_text(str(value), encoding="ascii")
