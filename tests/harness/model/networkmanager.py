# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that NetworkManager manages, below a folder: its files, and nmcli and systemctl, which make of them what NetworkManager 1.52 does."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import KernelError
from ansible_collections.hypervisor.network.plugins.module_utils._host.programs import Done
from ansible_collections.hypervisor.network.plugins.module_utils._managers import read
from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import Owner
from ansible_collections.hypervisor.network.plugins.module_utils._networkmanager import keyfile
from ansible_collections.hypervisor.network.plugins.module_utils._networkmanager.control import (
    Control,
)

NIC, BRIDGE = 2, 3
INDEXES = {"eth0": NIC, "br0": BRIDGE, "tap1": 4}
UUID = "e1caa7c2-844c-30ed-8319-72274751c37c"
WIRED = "/run/NetworkManager/system-connections/Wired connection 1.nmconnection"
CONNECTIONS = "run/NetworkManager/system-connections"
# as NetworkManager 1.52 writes them for a NIC that nobody described, on a LAN with DHCP and DHCPv6
PROFILE = f"""[connection]
id=Wired connection 1
uuid={UUID}
type=ethernet
autoconnect-priority=-999
interface-name=eth0
timestamp=1795635494

[ethernet]

[ipv4]
method=auto

[ipv6]
addr-gen-mode=default
method=auto

[proxy]

[.nmmeta]
nm-generated=true
"""
STATE = f"""[device]
managed=true
perm-hw-addr-fake=52:54:00:77:00:0D
connection-uuid={UUID}
nm-owned=false
route-metric-default-effective=100
next-server=10.77.0.1

[dhcp4]
dhcp4.dhcp_client_identifier=01:52:54:00:77:00:0d
dhcp4.ip_address=10.77.0.11

[dhcp6]
dhcp6.dhcp6_client_id=00:04:4b:fa:d8:a0:a1:95:8f:e3:8d:aa:e2:6f:8f:fa:3f:19
dhcp6.iaid=e2:34:3f:3e
dhcp6.ip6_address=fd77::11
"""


class NetworkManager:
    """C(calls) is what was run; C(answers) are given in place of the usual ones, by the second word."""

    def __init__(
        self, root: Path, state: str = STATE, profile: str = PROFILE, path: str = WIRED
    ) -> None:
        self.root = root
        self.calls: list[str] = []
        self.answers: dict[str, Any] = {}
        self.runs = True
        self.state = "100 (connected)"
        self.planned: dict[str, str | None] = {}
        self.sets_back: dict[str, str] = {}  # sysctls, when it lets go of a device
        self.put(f"/run/NetworkManager/devices/{NIC}", state)
        self.put(path, profile)
        self.control = Control(str(root), self.run, 0.3, self.index)

    @staticmethod
    def index(dev: str, _links: Mapping[str, Any]) -> int:
        if dev not in INDEXES:
            raise KernelError(f"find {dev}", errno.ENODEV)
        return INDEXES[dev]

    def put(self, path: str, text: str) -> None:
        place = self.root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")

    def text(self, path: str) -> str | None:
        return read.text(str(self.root / path.lstrip("/")))

    def mode(self, path: str) -> int:
        return (self.root / path.lstrip("/")).stat().st_mode & 0o777

    def device(self, dev: str) -> str:
        return self.text(f"/run/NetworkManager/devices/{INDEXES[dev]}") or ""

    def owner(self, dev: str = "eth0") -> Owner | None:
        return read.owner(dev, INDEXES[dev], str(self.root))

    def nic(self) -> Owner:
        found = self.owner()
        assert found is not None
        return found

    def profiles(self) -> list[str]:
        """The names of the profiles' files below /run."""
        return sorted(path.name for path in (self.root / CONNECTIONS).iterdir())

    def run(self, words: Sequence[str], _seconds: float) -> Done:
        self.calls.append(" ".join(words))
        answer = self.answers.get(words[1])
        if isinstance(answer, OSError):
            raise answer
        if answer is not None:
            return answer
        if words[0] == "systemctl":
            self.service(words[1])
        elif words[1:3] == ["device", "set"]:
            assert self.runs
            self.let_go(words[3])
        elif words[1] == "-g":
            uuid = keyfile.value(keyfile.parse(self.device(words[-1])), "device", "connection-uuid")
            return Done(0, f"{self.state}\n{uuid}\n")
        elif "UUID,FILENAME" in words:
            return Done(0, self.listed())
        return Done(0)

    def service(self, verb: str) -> None:
        if (
            verb == "start"
            and not self.runs
            and not (self.root / CONNECTIONS / "hv-br0.nmconnection").exists()
        ):
            self.put(WIRED, PROFILE)  # it makes one for a NIC that has none
        if verb == "start":
            for path, said in self.sets_back.items():
                self.put(path, said)
        self.runs = verb == "start"

    def let_go(self, dev: str) -> None:
        for path, said in self.sets_back.items():
            self.put(path, said)
        self.put(f"/run/NetworkManager/devices/{INDEXES[dev]}", "[device]\nmanaged=false\n")

    def listed(self) -> str:
        """nmcli's terse table, in which a colon of a value is escaped."""
        lines = []
        for folder in (CONNECTIONS, "etc/NetworkManager/system-connections"):
            for path in sorted((self.root / folder).glob("*")):
                for line in path.read_text("utf-8").splitlines():
                    if line.startswith("uuid="):
                        name = f"/{path.relative_to(self.root)}".replace(":", "\\:")
                        lines.append(f"{line[5:]}:{name}")
        return "\n".join(lines) + "\n"
