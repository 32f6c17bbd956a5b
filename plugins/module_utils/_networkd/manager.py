# SPDX-License-Identifier: GPL-3.0-or-later
"""systemd-networkd behind the port: held by a drop-in beside the file in force, and handed a bridge over by files that win until the next boot.

Measured with systemd 257, twenty pings a second: the drop-in, the hand-over and the way back lose none or three of them; a file of its own that leaves
DHCP out, and C(Unmanaged=yes), cut the host off at once, whatever KeepConfiguration says.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._host import files
from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import (
    HANDED,
    HELD,
    NETWORKD,
    OWN,
    Owner,
    Uplink,
)
from ansible_collections.hypervisor.network.plugins.module_utils._managers.read import text
from ansible_collections.hypervisor.network.plugins.module_utils._networkd import identity as ids
from ansible_collections.hypervisor.network.plugins.module_utils._networkd import render, routes
from ansible_collections.hypervisor.network.plugins.module_utils._networkd.control import Control
from ansible_collections.hypervisor.network.plugins.module_utils._networkd.unit import Section

RUN = "/run/systemd/network"
# before netplan's 10-, and before what outlives a boot
_FIRST = f"04-{render.OURS}-"
_HOLD = f"99-{render.OURS}-hold.conf"


@dataclass(frozen=True)
class Known:
    """What networkd says of a NIC: the file in force, all that it and its drop-ins say, and by what the NIC is known to DHCP servers."""

    source: str
    config: Sequence[Section]
    identity: ids.Identity


class Networkd:
    """See _managers/port.Manager."""

    name = NETWORKD
    watches = False
    programs = ("/usr/lib/systemd/systemd-networkd", "/lib/systemd/systemd-networkd")

    def __init__(self, control: Control | None = None) -> None:
        self._control = control or Control()

    def look(self, nic: Owner) -> Known:
        config = self._control.config(nic.source, nic.facts)
        lease = self._control.lease(nic.index)
        return Known(nic.source, config, ids.identity(config, nic.facts, lease))

    def objection(self, nic: Owner, known: Known) -> str | None:
        name = os.path.basename(known.source)
        if not known.source:
            return f"systemd-networkd manages {nic.dev}, and tells no file that it does so by; see 'networkctl status {nic.dev}'"
        if name < _FIRST and not name.startswith(_FIRST):
            return (
                f"{nic.dev} is configured by {known.source}, whose name comes before any of ours, so systemd-networkd would go on treating it as a host's "
                "NIC; rename that file to something that begins with 10-"
            )
        if any(
            section.name == "Network" and section.only("Bond", "VRF").lines
            for section in known.config
        ):
            return (
                f"{known.source} makes {nic.dev} part of a bond or a VRF; take that line out first"
            )
        return None

    def unknown(self, known: Known) -> str | None:
        return ids.missing(known.config, known.identity)

    def stage(self, nic: Owner, bridge: str) -> str:
        if self._there(self._runtime(nic.dev)):
            return HANDED
        return HELD if nic.source and self._there(self._drop_in(nic.source)) else OWN

    def hold(self, nic: Owner, bridge: str) -> None:
        config = self._control.config(nic.source, nic.facts)
        self._put({self._drop_in(nic.source): render.hold(config)})
        self._control.reload(nic.index, nic.source)

    def hand_over(self, uplink: Uplink) -> None:
        known, nic, bridge = uplink.known, uplink.nic.dev, uplink.bridge
        foreign = render.foreign_sections(
            routes.foreign(uplink.routes, (nic, bridge), known.config),
            routes.foreign_rules(uplink.rules, known.config),
        )
        self._put(
            {
                self._runtime(nic): render.nic_file(nic, None, known.config, uplink.vlans.get(nic)),
                self._runtime(bridge): render.bridge_file(
                    bridge, uplink.mac, known.config, known.identity, foreign, uplink.vlans.get(bridge), keep=True
                ),
            }
        )  # fmt: skip
        index = self._control.index(bridge)
        self._control.reload(index, self._runtime(bridge), known.identity.ipv4)

    def release(self, nic: Owner, bridge: str) -> None:
        handed = [
            one for one in (self._runtime(nic.dev), self._runtime(bridge)) if self._there(one)
        ]
        if handed:
            # the drop-in is in force again by that: what stands on the NIC stays
            self._put(dict.fromkeys(handed))
            self._control.reload(nic.index)
        source = self._control.link(nic.index).get("NETWORK_FILE", "")
        if source and self._there(self._drop_in(source)):
            self._put({self._drop_in(source): None})
            self._control.reload(nic.index, source)

    @staticmethod
    def _runtime(dev: str) -> str:
        return f"{RUN}/{_FIRST}{dev}.network"

    @staticmethod
    def _drop_in(source: str) -> str:
        return f"{RUN}/{os.path.basename(source)}.d/{_HOLD}"

    def _there(self, path: str) -> bool:
        return text(self._control.path(path)) is not None

    def _put(self, wanted: dict[str, str | None]) -> None:
        """Files by their paths; None for one that shall go."""
        edits = []
        for path, said in wanted.items():
            there = self._control.path(path)
            os.makedirs(os.path.dirname(there), mode=0o755, exist_ok=True)
            old = files.read_bytes(there) if files.is_file(there) else None
            new = None if said is None else said.encode("utf-8", "surrogateescape")
            if old != new:
                edits.append(files.Edit(there, old, new))
        files.replace(edits, self._control.path(RUN))
