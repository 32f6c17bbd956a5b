# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What may be asked of a guest's network cards, and the MAC of one that is given none."""

from __future__ import annotations

import hashlib
from typing import Any, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core import units
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import BadInput
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import spec_words as words

SPEC: dict[str, dict[str, Any]] = {
    "tap": {"type": "str", "required": True},
    "bridge": {"type": "str"},
    "mac": {"type": "str"},
    "model": {"type": "str", "default": "virtio"},
    "queues": {"type": "int", "default": 1},
    "vhost": {"type": "bool", "default": False},
    "mtu": {"type": "int"},
    "link": {"type": "str", "choices": ["up", "down"]},
    "boot_index": {"type": "int"},
}


def guest_mac(name: str, number: int = 0) -> str:
    """The MAC of a guest's NIC where none is given: locally administered, unicast, the same on every run."""
    digest = hashlib.sha256(f"{name}/{number}".encode("utf-8", "surrogatepass")).hexdigest()
    return ":".join(["52", "54", *(digest[at : at + 2] for at in (0, 2, 4, 6))])


def checked(nic: Mapping[str, Any], guest: str, number: int) -> dict[str, Any]:
    """A card in canonical form; C(number) is its place in the guest's list. Raises BadInput."""
    own = {
        **{key: value for key, value in nic.items() if key != "link"},
        **words.given(nic, "link"),
    }
    own["tap"] = units.interface_name(nic["tap"], "nics.tap")
    own["mac"] = (
        guest_mac(guest, number) if nic["mac"] is None else units.mac(nic["mac"], "nics.mac")
    )
    words.matching(words.WORD, "the name of a NIC model, such as virtio or e1000")(
        nic["model"], "nics.model"
    )
    words.between(1, 256)(nic["queues"], "nics.queues")
    if nic["model"] != "virtio" and (nic["queues"] > 1 or nic["mtu"] is not None or nic["vhost"]):
        raise BadInput(
            f"nics.queues, nics.mtu and nics.vhost are for the model virtio only, and {nic['tap']} has {nic['model']}."
        )
    if nic["mtu"] is not None:
        words.between(68, 65535)(nic["mtu"], "nics.mtu")
    return own
