# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What is told of a guest beside its definition: its cards and disks as they are, what is not as it was defined, and how a human gets to it."""

from __future__ import annotations

import ipaddress
import shlex
from typing import Any, Iterable, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.files import Image
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.guest import (
    Guest,
    console_of,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.seen import differing
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.neigh import Neighbour

_MOST = 64  # addresses of a card: a guest may claim as many as it likes
_SPARE = 1


def cards(
    nics: Iterable[Mapping[str, Any]],
    guest: Guest,
    links: Mapping[str, Link],
    neighbours: Sequence[Neighbour],
    claimed: Mapping[str, Sequence[str]],
) -> list[dict[str, Any]]:
    """The cards with their device, the VLANs of their ports and the addresses that were seen, 64 at most.

    Each of C(nics), as the definition has it, gets C(device) (QEMU's name, None while it has none), C(vlans) in canonical form (None where the kernel tells
    none) and C(addresses). C(claimed) are addresses by MAC that the guest's agent tells.
    """
    found = []
    for nic in nics:
        card = None if guest.seen is None else guest.seen.card(nic)
        link = links.get(nic["tap"])
        heard = [one.address for one in neighbours if one.mac == nic["mac"]]
        addresses = dict.fromkeys([*heard, *claimed.get(nic["mac"], ())])
        found.append(
            {
                **nic,
                "device": None if card is None else card.device,
                "vlans": None if link is None or link.vlans is None else dict(link.vlans),
                "addresses": list(addresses)[:_MOST],
            }
        )
    return found


def disks(
    guest: Guest, images: Mapping[str, Image], sizes: Mapping[str, int | None]
) -> list[dict[str, Any]]:
    """The disks with their sizes and the images that they are made of, from the top: by QEMU where it runs, else by C(images) and C(sizes) by their paths."""
    found = []
    for disk in guest.spec.get("disks") or ():
        drive = None if guest.seen is None else guest.seen.drive(disk["path"])
        image = images.get(disk["path"])
        layers: list[dict[str, Any]] = []
        if drive is not None:
            layers = [dict(layer) for layer in drive.layers]
        while drive is None and image is not None:
            layers.append(
                {
                    "path": image.path,
                    "format": image.format,
                    "size": sizes.get(image.path),
                    "allocated": None,
                }
            )
            image = image.backing
        found.append(
            {
                **disk,
                "device": None if drive is None else drive.device,
                "size": layers[0]["size"] if layers else None,
                "layers": layers,
            }
        )
    return found


def consoles(guest: Guest, monitors: Sequence[str], host: str) -> dict[str, str]:
    """Command lines for a human: of the host, but for that of VNC, which is of the machine that he sits at."""
    found = {}
    if guest.spec.get("serial_log") is not None:
        found["serial"] = f"tail -n 100 -F {shlex.quote(guest.spec['serial_log'])}"
    if guest.down:
        return found
    if guest.spec.get("console"):
        socket = console_of(monitors[_SPARE].rpartition("/")[0])
        found["console"] = f"socat -,raw,echo=0,escape=0x1d {shlex.quote('UNIX-CONNECT:' + socket)}"
    if guest.spec.get("vnc") is not None:
        forwarded = shlex.quote(f"5900:{guest.spec['vnc']}")
        found["vnc"] = f"ssh -N -L {forwarded} {shlex.quote(host)}"
    found["monitor"] = f"socat - {shlex.quote('UNIX-CONNECT:' + monitors[_SPARE])}"
    return found


def drift(guest: Guest) -> dict[str, dict[str, Any]]:
    """What a running guest has otherwise than it was started with: C({option: {"now": value, "wanted": value}})."""
    return {
        key: {"now": value, "wanted": guest.spec.get(key)}
        for key, value in differing(guest.seen, guest.spec).items()
    }


def claimed(said: Any) -> dict[str, list[str]]:
    """The addresses by MAC in what an agent says to guest-network-get-interfaces. They are bytes of the guest: what is no address is passed over."""
    found: dict[str, list[str]] = {}
    for one in said if isinstance(said, list) else ():
        mac = one.get("hardware-address") if isinstance(one, dict) else None
        more = one.get("ip-addresses") if isinstance(one, dict) else None
        if not isinstance(mac, str) or not isinstance(more, list):
            continue
        known = found.setdefault(mac.lower(), [])
        for address in more[:_MOST]:
            text = address.get("ip-address") if isinstance(address, dict) else None
            try:
                known.append(str(ipaddress.ip_address(text)) if isinstance(text, str) else "")
            except ValueError:
                known.append("")
        found[mac.lower()] = [address for address in known if address]
    return found
