# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The noun of bridge_persist on a host below a folder: what netlink would say, and a manager that does as it is told, or does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Snapshot
from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import (
    File,
    Standing,
    Wish,
)
from ansible_collections.hypervisor.network.plugins.module_utils._persist.apply import Persistence
from ansible_collections.hypervisor.network.tests.harness.model.networkd import WIRED
from ansible_collections.hypervisor.network.tests.harness.model.standing import WISH, standing

MINE = "/etc/systemd/network/05-mine.network"


class Told:
    """netlink's side: the links and addresses of standing.py, and neither routes nor rules."""

    def __init__(self) -> None:
        self.now: Snapshot = standing()

    def snapshot(self, **_what: bool) -> Snapshot:
        return self.now

    @staticmethod
    def dump(_kind: int) -> list[bytes]:
        return []


class Obedient:
    """A manager with one file, by whose C(loaded) a test does what it likes."""

    name = "networkd"

    def __init__(self, files: Sequence[File] = (File(MINE, "ours\n"),)) -> None:
        self.files = files
        self.loads = 0
        self.loaded: Any = lambda: None
        self.objects: str | None = None

    def look(self, _nic: Any, _bridge: str) -> str:
        return "known"

    def objection(self, _nic: Any, _known: Any) -> str | None:
        return self.objects

    def plan(self, _now: Standing, wish: Wish) -> Sequence[File]:
        return self.files if wish.present else [File(one.path, None) for one in self.files]

    def load(self, _now: Standing, _wish: Wish) -> None:
        self.loads += 1
        self.loaded()


def host(
    root: Path,
    wish: Wish = WISH,
    manager: str = "auto",
    owners: Mapping[int, str] | None = None,
    **more: Any,
) -> Any:
    """(the noun, netlink's side, the manager), where networkd owns the NIC unless C(owners) says who owns which number."""
    folder = root / "run/systemd/netif/links"
    folder.mkdir(parents=True, exist_ok=True)
    for index, said in (
        {2: f"ADMIN_STATE=configured\nNETWORK_FILE={WIRED}\n"} if owners is None else owners
    ).items():
        (folder / str(index)).write_text(said, encoding="utf-8")
    told, adapter = Told(), more.pop("adapter", Obedient())
    patience = more.pop("patience", 0.0)
    noun = Persistence(
        told, wish, manager, str(root / "kept"), {"networkd": adapter}, str(root), patience
    )  # type: ignore[arg-type]
    return noun, told, adapter
