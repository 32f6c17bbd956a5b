# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What may be asked of a backup."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import BadInput
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.guest import guest_name
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.spec_words import size

PRESENT, ABSENT = "present", "absent"
FULL, INCREMENTAL = "full", "incremental"
SPEC: dict[str, dict[str, Any]] = {
    "guest": {"type": "str", "required": True},
    "target": {"type": "path", "required": True},
    "name": {"type": "str"},
    "state": {"type": "str", "choices": [PRESENT, ABSENT], "default": PRESENT},
    "mode": {"type": "str", "choices": [FULL, INCREMENTAL], "default": INCREMENTAL},
    "format": {"type": "str", "choices": ["qcow2", "raw"], "default": "qcow2"},
    "rate": {"type": "str"},
    "quiesce": {"type": "bool", "default": False},
    "keep": {"type": "int"},
    "netns": {"type": "str"},
}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")


@dataclass(frozen=True)
class Wish:
    """What is asked. C(name): of the backup, a folder below the guest's; C(ident): of this run, should it make one; C(rate) in bytes a second of all
    disks together, None for no bound; C(keep): of full backups, each with what is based on it.
    """

    guest: str
    target: str
    name: str
    ident: str
    state: str = PRESENT
    mode: str = INCREMENTAL
    format: str = "qcow2"
    rate: int | None = None
    quiesce: bool = False
    keep: int | None = None
    netns: str | None = None


def checked(item: Mapping[str, Any], now: str, ident: str, netns: str | None = None) -> Wish:
    """A module's item as a wish. C(now) names a backup that has no name. Raises BadInput."""
    name = item["name"]
    if name is None and item["state"] == ABSENT:
        raise BadInput("state: absent wants a 'name': say which backup shall go.")
    name = now if name is None else name
    if not _NAME.fullmatch(name):
        raise BadInput(
            f"name {name!r} is not a usable name of a backup; begin with a letter or digit, then up to 62 of letters, digits, '_' and '-'."
        )
    target = item["target"]
    plain = target.startswith("/") and not target.startswith("//") and ".." not in target.split("/")
    if not plain or any(ord(letter) < 32 or ord(letter) == 127 for letter in target):
        raise BadInput(
            f"target {target!r} is not an absolute path without '..'; name a directory such as /srv/backups."
        )
    if item["keep"] is not None and item["keep"] < 1:
        raise BadInput(
            f"keep {item['keep']} would leave no backup; give 1 or more, or leave it out."
        )
    if item["format"] == "raw" and item["mode"] == INCREMENTAL:
        raise BadInput("format: raw holds whole disks only; say mode: full with it.")
    rate = None if item["rate"] is None else size(item["rate"], "rate", 1)
    return Wish(
        guest_name(item["guest"]), target.rstrip("/") or "/", name, ident, item["state"], item["mode"], item["format"], rate, item["quiesce"],
        item["keep"], netns,
    )  # fmt: skip
