# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. cloud-init beside the files of a manager: the switch of its part for the network, and what it would write anew at the next boot.

Files of ours have names of their own, and win over those that it renders, whatever these say of a NIC. Two things it could take back: lines of ours in
a file of its own, as interfaces(5) has them, and a bridge that it was told of itself, which netplan puts together from both.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    BadInput,
    Refused,
)
from ansible_collections.hypervisor.network.plugins.module_utils._host.cloud_files import CloudInit
from ansible_collections.hypervisor.network.plugins.module_utils._managers import cloud_switch
from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import File, Wish


def switch(bridge: str) -> str:
    """The file by which cloud-init leaves the network alone."""
    return f"/etc/cloud/{cloud_switch.FOLDER}/{cloud_switch.name(bridge)}"


def framed(found: Sequence[File], wish: Wish, cloud: CloudInit) -> list[File]:
    """A manager's files, with the switch before what it protects, and gone after that. Where nobody says anything about it, it stays as it is."""
    if wish.present and wish.cloud_init_network is False and cloud.there:
        return [*(File(switch(one), cloud_switch.text(one)) for one in wish.bridges), *found]
    if wish.present and not wish.cloud_init_network:
        return list(found)
    return [*found, *(File(switch(one), None) for one in wish.bridges)]


def after(wish: Wish, cloud: CloudInit) -> CloudInit:
    """cloud-init as the wish would have it."""
    return replace(cloud, on=cloud.on and not (wish.present and wish.cloud_init_network is False))


def check(wish: Wish, cloud: CloudInit) -> None:
    """Raises BadInput for a switch that would belong to nothing, Refused where cloud-init would write what boots anew."""
    if wish.cloud_init_network is not None and not wish.bridges:
        raise BadInput(
            "cloud_init_network goes with a bridge, whose way back gives it back, and none is named; name one in bridges, or leave it out."
        )
    if not (wish.present and after(wish, cloud).on):
        return
    for path, text in cloud.rendered.items():
        for bridge in wish.bridges:
            if _tells(text, bridge):
                raise Refused(
                    f"cloud-init writes {path} anew at boot, and that file tells of {bridge}, so what boots could be another {bridge}; say "
                    f"cloud_init_network: false, which switches that off, or take {bridge} out of what cloud-init is given."
                )


def _tells(text: str, name: str) -> bool:
    """Whether a file's lines, less its comments, have the name as a word."""
    word = re.compile(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])")
    return any(word.search(line.partition("#")[0]) for line in text.splitlines())
