# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. cloud-init beside stanzas: which of our files switch its part for the network off, so that lines of ours in a file of its own stay there."""

from __future__ import annotations

from typing import Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.files import (
    Files,
    Texts,
    file_change,
)
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.grammar import canonical
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.validate import Wish
from ansible_collections.hypervisor.network.plugins.module_utils._managers import cloud_switch


def wanted(now: Files, wishes: Sequence[Wish], network: bool | None) -> dict[str, str | None]:
    """What our switches shall say, by path, as far as that is another than now; None where there shall be none. C(network): cloud-init may write it."""
    if now.cloud is None:
        return {}
    found: dict[str, str | None] = {}
    for one in wishes:
        if one.state == "absent":
            found[_path(now.cloud, one.name)] = None
        elif network is not None and _is_bridge(one):
            found[_path(now.cloud, one.name)] = None if network else cloud_switch.text(one.name)
    return {path: text for path, text in found.items() if now.switches.get(path) != text}


def is_off(now: Files, wishes: Sequence[Wish], network: bool | None) -> bool:
    """Whether cloud-init writes no network once the switches are as they shall be; where one is taken out, until then."""
    return not now.cloud_init or (
        now.cloud is not None
        and network is False
        and any(one.state == "present" and _is_bridge(one) for one in wishes)
    )


def framed(now: Files, changes: Sequence[Change], said: dict[str, str | None]) -> list[Change]:
    """The changes with each switch before what it protects, and gone after that."""
    on, off = [], []
    for path, text in said.items():
        change = file_change(path, Texts(now.switches.get(path), text, stanzas=False))
        (off if text is None else on).append(change)
    return [*on, *changes, *off]


def is_switch(now: Files, path: str) -> bool:
    """Whether a path is that of such a file."""
    return now.cloud is not None and path.rpartition("/")[0] == now.cloud


def _path(folder: str, bridge: str) -> str:
    return f"{folder}/{cloud_switch.name(bridge)}"


def _is_bridge(wish: Wish) -> bool:
    return wish.take_over is not None or any(
        canonical(key) == "bridge_ports" for key in wish.options
    )
