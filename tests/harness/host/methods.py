# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Other ways to make eth0 a port of br0, to measure ours against: what people type today.

Each method is C(prepare(lan) -> action): what the method may have ready beforehand, and the conversion itself.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Callable

from ..net.lan import NIC, NIC_MAC, Lan
from ..net.netns import run
from ..process.modules import guarded_form

MODULE = "ansible_collections.hypervisor.network.plugins.modules.guarded_change"
Method = Callable[[Lan], Callable[[], None]]

_NAIVE = """
ip link add br0 type bridge stp_state 0 forward_delay 0
ip link set br0 up
ip link set eth0 master br0
ip address flush dev eth0 scope global
ip address add 10.77.0.10/24 broadcast 10.77.0.255 dev br0
ip address add 10.77.0.11/24 broadcast 10.77.0.255 dev br0 label br0:1
ip address add 192.168.99.10/24 dev br0
ip -6 address add fd77::10/64 dev br0
ip route add default via 10.77.0.1
ip route add 10.99.0.0/16 via 192.168.99.1 metric 50
ip route add default via 192.168.99.1 table 100
ip -6 route replace default via fd77::1
ip -6 route replace fd99::/48 via fd77::1 metric 50
"""
_SAFE = f"""
link add br0 address {NIC_MAC} type bridge stp_state 0 forward_delay 0
link set br0 up
address add 10.77.0.10/24 broadcast 10.77.0.255 dev br0 noprefixroute
address add 10.77.0.11/24 broadcast 10.77.0.255 dev br0 label br0:1 noprefixroute
address add 192.168.99.10/24 dev br0 noprefixroute
address add fd77::10/64 dev br0 nodad noprefixroute
link set {NIC} master br0
route replace 10.77.0.0/24 dev br0 proto kernel scope link src 10.77.0.10
route replace 192.168.99.0/24 dev br0 proto kernel scope link src 192.168.99.10
route replace default via 10.77.0.1 dev br0
route replace 10.99.0.0/16 via 192.168.99.1 dev br0 metric 50
route replace default via 192.168.99.1 dev br0 table 100
route replace fd77::/64 dev br0 proto kernel metric 256
route replace default via fd77::1 dev br0
route replace fd99::/48 via fd77::1 dev br0 metric 50
address delete 192.168.99.10/24 dev {NIC}
address delete 10.77.0.11/24 dev {NIC}
address delete 10.77.0.10/24 dev {NIC}
address delete fd77::10/64 dev {NIC}
"""
STANZAS = """
iface eth0 inet static
    address 10.77.0.10/24
    gateway 10.77.0.1
iface eth0 inet6 static
    address fd77::10/64
    gateway fd77::1

iface br0 inet static
    bridge_ports eth0
    bridge_stp off
    bridge_fd 0
    bridge_maxwait 0
    address 10.77.0.10/24
    gateway 10.77.0.1
    up ip address add 10.77.0.11/24 dev br0
    up ip address add 192.168.99.10/24 dev br0
    up ip route add 10.99.0.0/16 via 192.168.99.1 metric 50
iface br0 inet6 static
    address fd77::10/64
    gateway fd77::1
"""


def control(_lan: Lan) -> Callable[[], None]:
    """Nothing at all: what the machine itself loses."""
    return lambda: None


def shell(lan: Lan) -> Callable[[], None]:
    """A shell script of C(ip) commands in the order one thinks of first: add, up, enslave, flush, addresses, routes."""
    return lambda: run("sh", "-e", "-s", netns=lan.host, stdin=_NAIVE) and None


def ip_batch(lan: Lan) -> Callable[[], None]:
    """C(ip -batch) in the safe order: stage on the bridge, enslave, replace the routes in place, clean up."""
    return lambda: run("ip", "-batch", "-", netns=lan.host, stdin=_SAFE) and None


def ifupdown(lan: Lan) -> Callable[[], None]:
    """C(ifdown eth0; ifup br0) with the stanzas of a usual /etc/network/interfaces, state files and hooks kept to ourselves."""

    def action() -> None:
        folder = Path(tempfile.mkdtemp(prefix="hn-ifupdown-"))
        try:
            (folder / "interfaces").write_text(STANZAS, encoding="ascii")
            (folder / "ifstate").write_text("eth0=eth0\n", encoding="ascii")
            (folder / "ifstate.eth0").write_text("eth0\n", encoding="ascii")
            options = f"--interfaces={folder}/interfaces --state-dir={folder}"
            # The hooks write below /run: a mount namespace gives them one of their own.
            script = f"mount -t tmpfs none /run\nifdown {options} {NIC}\nifup {options} br0\n"
            run("unshare", "--mount", "sh", "-e", "-s", netns=lan.host, stdin=script)
        finally:
            shutil.rmtree(folder)

    return action


def bridge_uplink(lan: Lan) -> Callable[[], None]:
    """Ours, as Ansible runs it on the target: a process of its own."""
    options = {"name": NIC, "bridge": "br0", "guard_timeout": 0, "netns": lan.host}
    arguments = guarded_form("bridge_uplink", **options)

    def action() -> None:
        answer = json.loads(
            run(sys.executable, "-m", MODULE, stdin=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}))
        )
        if not answer["changed"]:
            raise RuntimeError(f"bridge_uplink changed nothing: {answer}")

    return action


METHODS: dict[str, Method] = {
    "control (no change)": control,
    "shell, naive order": shell,
    "ifdown eth0; ifup br0": ifupdown,
    "ip -batch, safe order": ip_batch,
    "bridge_uplink": bridge_uplink,
}
