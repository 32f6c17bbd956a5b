# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A hypervisor of the lab whose guests are units of systemd, with a bridge and taps that ifupdown makes, and what systemd says of them."""

from __future__ import annotations

import json
from typing import Any

from .powered import PoweredLab

USER = "hypervisor-guest"
TPM_USER = "hypervisor-tpm"
INTERFACES = """
auto br9
iface br9 inet manual
    bridge_ports none
    bridge_fd 0
    bridge_maxwait 0
"""
TAP = """
auto {0}
iface {0} inet manual
    pre-up ip link show {0} || ip tuntap add {0} mode tap user {1}
    up ip link set {0} master br9 up
"""
COMMON = {
    "emulator": "qemu-system-i386",
    "memory": "32",
    "boot": "n",
    "shutdown_timeout": 4,
    "accel": "tcg",
}
MACS = {f"vm{number}": f"52:00:00:00:09:0{number}" for number in range(1, 6)}
UNIT = "hypervisor-network-guest@{}.service"
TPM = "hypervisor-network-tpm@{}.service"
RESET = """
import socket, sys
client = socket.socket(socket.AF_UNIX)
client.connect(f"/run/hypervisor-network/{sys.argv[1]}/spare.sock")
said = client.makefile("rb")
said.readline()
for command in (b"qmp_capabilities", b"system_reset"):
    client.sendall(b'{"execute": "%s"}' % command)
    said.readline()
"""


def guest(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "nics": [{"tap": f"tap-{name[2:]}", "mac": MACS[name]}], **more}


class UnitHost:
    """The hypervisor and its guests."""

    def __init__(self, lab: PoweredLab) -> None:
        self.lab = lab
        self.sh = lab.hv
        text = INTERFACES + "".join(TAP.format(f"tap-{name[2:]}", USER) for name in MACS)
        taps = " ".join(f"tap-{name[2:]}" for name in MACS)
        for user in (USER, TPM_USER):
            self.sh(
                f"getent passwd {user} || useradd --system --no-create-home --shell /usr/sbin/nologin {user}"
            )
        self.sh(f"cat >> /etc/network/interfaces <<'END'\n{text}END\nifup br9 {taps}")

    def wish(self, **options: Any) -> dict[str, Any]:
        """One run that must succeed."""
        result = self.lab.run("qemu_guest", **options)
        assert not result.get("failed"), result
        return result

    def info(self, name: str) -> dict[str, Any]:
        (found,) = self.lab.run("qemu_guest_info", name=name)["guests"]
        return found

    def show(self, name: str, key: str) -> str:
        return self.sh(f"systemctl show --value -p {key} {UNIT.format(name)}").strip()

    def tpms(self, name: str) -> list[int]:
        """The processes in the unit of a guest's TPM; none where that is not there."""
        procs = f"/sys/fs/cgroup/machine.slice/{TPM.format(name)}/cgroup.procs"
        return [int(pid) for pid in self.sh(f"cat {procs} 2>/dev/null || true").split()]

    def pid(self, name: str) -> int:
        return int(self.show(name, "MainPID"))

    def heard(self, *names: str) -> None:
        """Wait until br9 has learned these guests' MACs."""
        for name in names:
            self.lab.until(
                f"bridge fdb show br br9 | grep -q '^{MACS[name]} dev tap-{name[2:]} '", 120
            )

    def journal(self, what: str, boot: int = 0) -> list[dict[str, Any]]:
        lines = self.sh(f"journalctl -b {boot} --no-pager -o json {what} || true").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]
