# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. By what an uplink is found at the next boot: by its name, or by the MAC that it was made with, whatever it is called then.

A name is the better one where it is kept: a NIC that is exchanged, and a disk that boots in another machine, have other MACs, and the same name. So by
itself the MAC is taken only where the name may be another tomorrow, or where the administrator's own file goes by it. It is always the permanent one:
the bridge has the NIC's MAC too, and so have VLAN devices above it, but none of them was made with it.
"""

from __future__ import annotations

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import (
    Standing,
    Wish,
)

AUTO, NAME, MAC = "auto", "name", "mac"
CHOICES = (AUTO, NAME, MAC)


def mac_of(now: Standing, wish: Wish, nic: str, theirs: bool) -> str | None:
    """The MAC that its file matches, None for the name. C(theirs): the administrator's file goes by a MAC. Raises Refused where there is none to go by."""
    if wish.match == NAME:
        return None
    mac = now.permanent.get(nic)
    others = [one for one, own in now.permanent.items() if own == mac and one != nic]
    if wish.match == MAC:
        if mac is None:
            raise Refused(
                f"{nic} has no MAC that it was made with, as virtual NICs have none, so it can't be found by one at boot; say match: name."
            )
        if others:
            raise Refused(
                f"{nic} was made with the MAC {mac}, and so was {others[0]}, so both would be found by it at boot; say match: name."
            )
        return mac
    return mac if not others and (theirs or nic in now.unsteady) else None
