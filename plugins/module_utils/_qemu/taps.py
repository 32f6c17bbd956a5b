# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. Whether a guest will find its taps as it needs them, looked at right before its start."""

from __future__ import annotations

from typing import Any, Iterable, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link


def check(
    name: str,
    spec: Mapping[str, Any],
    links: Mapping[str, Link],
    uid: int,
    own: Iterable[str] = (),
    refusing: str = "is not started",
) -> None:
    """Raise Refused unless QEMU, run as C(uid), will find each tap ready, and no device of the host has the guest's MAC.

    C(own): taps that this very guest holds now. C(refusing) says for a sentence what is not done.

    As root, QEMU makes a tap that is missing, in no bridge, and reports success: hence the look right before the start.
    """
    macs = {link.mac: link.name for link in links.values() if link.mac is not None}
    for nic in spec["nics"]:
        tap = nic["tap"]
        link = links.get(tap)
        begin = f"{name} {refusing}: "
        if nic["mac"] in macs:
            raise Refused(
                f"{begin}its MAC {nic['mac']} is that of this host's {macs[nic['mac']]}, which the frames for the guest would end at; give it another 'mac'."
            )
        if link is None:
            raise Refused(f"{begin}there is no tap '{tap}'; make it with tap_device.")
        if link.kind != "tun" or link.options["mode"] != "tap":
            kind = "TUN" if link.kind == "tun" else f"device of kind '{link.kind or 'hardware'}'"
            raise Refused(f"{begin}{tap} is no tap but a {kind}; name the guest's own tap.")
        if link.port is None:
            raise Refused(
                f"{begin}{tap} is in no bridge, so the guest would have no network; attach it with bridge_port."
            )
        if nic["bridge"] is not None and link.master != nic["bridge"]:
            raise Refused(
                f"{begin}{tap} is a port of {link.master} and not of {nic['bridge']}; move it with bridge_port, steal: true."
            )
        if not link.up:
            raise Refused(f"{begin}{tap} is down; bring it up with tap_device, up: true.")
        if link.running and tap not in own:
            raise Refused(
                f"{begin}{tap} is held by another process; give the guest a tap of its own, or stop the other one."
            )
        if uid != 0 and link.options["owner"] != uid:
            whose = (
                "has no owner, so everybody may open it"
                if link.options["owner"] in (None, -1)
                else "does not belong to the guest's user"
            )
            raise Refused(
                f"{begin}{tap} {whose}; make its owner the guest's user (uid {uid}) with tap_device."
            )
        if (nic["queues"] > 1) != link.options["multi_queue"]:
            raise Refused(
                f"{begin}{tap} and the NIC disagree on multi_queue (queues: {nic['queues']}); make the tap again with tap_device."
            )
