# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that networkd manages, below a folder: files of /etc and /run, and networkctl, which makes of them what networkd would."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import KernelError
from ansible_collections.hypervisor.network.plugins.module_utils._host.programs import Done
from ansible_collections.hypervisor.network.plugins.module_utils._managers import read
from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import Owner
from ansible_collections.hypervisor.network.plugins.module_utils._networkd.control import Control

NIC, BRIDGE = 2, 3
_INDEXES = {"eth0": NIC, "br0": BRIDGE}
WIRED = "/etc/systemd/network/20-wired.network"
CONFIG = "[Match]\nName=eth0\n\n[Network]\nDHCP=yes\nVLAN=eth0.10\nDNS=10.77.0.1\n"
LEASE = "ADDRESS=10.77.0.11\nCLIENTID=ffe2343f3e00020000ab11b1af66501f63250a\n"
PATIENCE, SETTLED = 0.2, 0.05
NEVER = 60.0  # seconds: a test that waits for them has failed, on a busy machine too
_LINK = "ADMIN_STATE={state}\nNETWORK_FILE={source}\nNETWORK_FILE_DROPINS={drop_ins}\n"


class Networkd:
    """The first of the .network files below the folder that names a device is in force for it after a reload, as systemd.network(5) has it."""

    def __init__(
        self,
        root: Path,
        config: str = CONFIG,
        answer: Done | OSError | None = None,
        patience: float = PATIENCE,
        settled: float = SETTLED,
    ) -> None:
        self.root = root
        self.reloads = 0
        self.answer: Any = answer or Done(0)
        self.state = "configured"
        self.version = "systemd 257 (257.13-1~deb13u1)"
        self.put(WIRED, config)
        self.put(f"/run/systemd/netif/leases/{NIC}", LEASE)
        self.control = Control(str(root), self.run, patience, self.index, 0.0, settled)
        self.take()

    def put(self, path: str, text: str) -> None:
        place = self.root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        place.write_text(text, encoding="utf-8")

    def text(self, path: str) -> str | None:
        return read.text(str(self.root / path.lstrip("/")))

    @staticmethod
    def index(dev: str, _links: Mapping[str, Any]) -> int:
        if dev not in _INDEXES:
            raise KernelError(f"find {dev}", errno.ENODEV)
        return _INDEXES[dev]

    def run(self, words: Sequence[str], _seconds: float) -> Done:
        if list(words) == ["networkctl", "--version"]:
            if isinstance(self.answer, OSError):
                raise self.answer
            return Done(0, f"{self.version}\n+PAM +AUDIT\n")
        assert list(words) == ["networkctl", "reload"]
        self.reloads += 1
        if isinstance(self.answer, OSError):
            raise self.answer
        if self.answer.status == 0:
            self.take()
        return self.answer

    def take(self) -> None:
        """What networkd makes of its files."""
        for dev, index in _INDEXES.items():
            found = [
                path for path in self._networks() if f"Name={dev}\n" in path.read_text("utf-8")
            ]
            if not found:
                self.put(f"/run/systemd/netif/links/{index}", "ADMIN_STATE=unmanaged\n")
                continue
            drop_ins = sorted(self.root.glob(f"*/systemd/network/{found[0].name}.d/*.conf"))
            said = _LINK.format(
                state=self.state,
                source=self._host(found[0]),
                drop_ins='"' + ":".join(self._host(one) for one in drop_ins) + '"',
            )
            self.put(f"/run/systemd/netif/links/{index}", said)

    def _networks(self) -> list[Path]:
        found: dict[str, Path] = {}
        for folder in ("usr/lib", "run", "etc"):
            for path in (self.root / folder / "systemd/network").glob("*.network"):
                found[path.name] = path
        return [found[name] for name in sorted(found)]

    def _host(self, path: Path) -> str:
        return f"/{path.relative_to(self.root)}"

    def owner(self, dev: str = "eth0") -> Owner:
        found = read.owner(dev, self.index(dev, {}), str(self.root))
        assert found is not None
        return found
