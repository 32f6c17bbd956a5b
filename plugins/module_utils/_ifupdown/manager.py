# SPDX-License-Identifier: GPL-3.0-or-later
"""ifupdown and ifupdown2 behind the port, as far as it is about the files: they hold nothing while they run, so there is nothing to be held or handed
over. What they believe to be up is told them beside.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._host import files as host_files
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown import boots, files
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.apply import Interfaces
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.ifstate import IfState
from ansible_collections.hypervisor.network.plugins.module_utils._managers import bound
from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import (
    File,
    Owner,
    Standing,
    Wish,
)
from ansible_collections.hypervisor.network.plugins.module_utils._managers.read import text

_FAMILIES = ("ipv4", "ipv6")


class Ifupdown:
    """See _managers/port.Manager, whose verbs of a conversion it does not have."""

    def __init__(
        self,
        name: str,
        interfaces: Interfaces | None = None,
        state: IfState | None = None,
        sysctls: str = "/proc/sys/net",
    ) -> None:
        self.name = name
        self._sysctls = sysctls
        self._interfaces = interfaces or Interfaces()
        self._state = state or IfState()

    def describes(self, dev: str) -> bool:
        return self._interfaces.is_there() and boots.described(self._interfaces.read().texts, dev)

    def look(self, nic: Owner, bridge: str) -> None:
        """What the NIC has is in the files, which plan reads."""

    def objection(self, nic: Owner, known: None) -> str | None:
        return None

    def plan(self, now: Standing, wish: Wish) -> Sequence[File]:
        if wish.present and wish.match == bound.MAC and wish.uplinks:
            nic = wish.uplinks[0]
            raise Refused(
                f"interfaces(5) has no words for the MAC of {nic}; bind its name to its MAC by a file /etc/systemd/network/10-{nic}.link with [Match] "
                "PermanentMACAddress= and [Link] Name=, and leave match out."
            )
        # the switch is not among these files, who calls this frames them with it
        there = replace(self._interfaces.read(), cloud=None)
        if wish.cloud_init_network is False:
            there = replace(there, cloud_init=False)  # it is off before these are written
        forwards = {one: self._forwards(one) for one in wish.bridges if there.ifupdown2}
        wishes = boots.wishes(now, wish, there.texts, there.ifupdown2, forwards)
        base = os.path.dirname(there.root)
        return [
            File(host_files.within(path, base), texts.new, meanwhile=texts.meanwhile)
            for path, texts in files.files(self._interfaces.plan(there, wishes))
        ]

    def _forwards(self, dev: str) -> dict[str, str]:
        """Whether a device forwards packets, by family."""
        said = {one: text(f"{self._sysctls}/{one}/conf/{dev}/forwarding") for one in _FAMILIES}
        return {family: value.strip() for family, value in said.items() if value is not None}

    def load(self, now: Standing, wish: Wish) -> None:
        """What was made without ifup is unknown to it: C(ifdown br0) would refuse it, C(ifup br0) make it a second time."""
        there = self._state.read()
        names = (*wish.bridges, *wish.taps)
        changes = self._state.plan(there, dict.fromkeys(names, wish.present))
        if changes:
            self._state.apply(changes, there)
