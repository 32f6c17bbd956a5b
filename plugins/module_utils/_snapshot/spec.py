# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What may be asked of a snapshot."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import BadInput
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.chain import (
    EXTERNAL,
    INTERNAL,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.guest import guest_name

PRESENT, ABSENT, REVERTED = "present", "absent", "reverted"
SPEC: dict[str, dict[str, Any]] = {
    "guest": {"type": "str", "required": True},
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": [PRESENT, ABSENT, REVERTED], "default": PRESENT},
    "kind": {"type": "str", "choices": [INTERNAL, EXTERNAL]},
    "live": {"type": "bool", "default": True},
    "quiesce": {"type": "bool", "default": False},
    "netns": {"type": "str"},
}
# It becomes part of a file's name, and the tag of a qcow2 image
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")


@dataclass(frozen=True)
class Wish:
    """What is asked. C(kind) None: whatever suits; C(live): a guest that runs may be worked on; C(quiesce): with its file systems held still;
    C(netns): the guest is one of that network namespace.
    """

    guest: str
    name: str
    state: str = PRESENT
    kind: str | None = None
    live: bool = True
    quiesce: bool = False
    netns: str | None = None


def checked(item: Mapping[str, Any], netns: str | None = None) -> Wish:
    """A module's item as a wish. Raises BadInput."""
    if not _NAME.fullmatch(item["name"]):
        raise BadInput(
            f"name {item['name']!r} is not a usable name of a snapshot; begin with a letter or digit, then up to 62 of letters, digits, '_' and '-'."
        )
    if item["quiesce"] and item["kind"] == INTERNAL:
        raise BadInput(
            "quiesce is for external snapshots: an internal one of a running guest holds its memory, and a stopped guest is at rest; leave it out."
        )
    return Wish(
        guest_name(item["guest"]), item["name"], item["state"], item["kind"], item["live"], item["quiesce"], netns,
    )  # fmt: skip
