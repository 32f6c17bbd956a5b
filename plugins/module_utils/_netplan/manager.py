# SPDX-License-Identifier: GPL-3.0-or-later
"""netplan with networkd below, behind the port: until the next boot as networkd itself, and for it by a YAML file of ours.

C(netplan generate) and a reload take a bridge over with nothing lost. C(netplan apply) reconfigures every NIC, and C(netplan try) refuses bridges: neither
is used.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import (
    NETPLAN,
    File,
    Standing,
    Wish,
)
from ansible_collections.hypervisor.network.plugins.module_utils._managers.read import text
from ansible_collections.hypervisor.network.plugins.module_utils._netplan import plan as planner
from ansible_collections.hypervisor.network.plugins.module_utils._networkd import plan as networkd
from ansible_collections.hypervisor.network.plugins.module_utils._networkd import refusals
from ansible_collections.hypervisor.network.plugins.module_utils._networkd.manager import Networkd

_FOLDERS = ("/etc/netplan", "/run/netplan", "/usr/lib/netplan", "/lib/netplan")


class Netplan(Networkd):
    """See _managers/port.Manager."""

    name = NETPLAN
    _ours = planner.generated(planner.nic_id("")).partition(".")[0]
    _renamed = "give its definition in /etc/netplan an id that begins with a letter"

    def _bridge_files(self, bridge: str) -> Sequence[str]:
        return networkd.handed(bridge), planner.drop_in(bridge)

    def _lasting_port(self, nic: str) -> str:
        return planner.generated(planner.nic_id(nic))

    def _lasts(self, nic: str, bridge: str) -> bool:
        said = text(self._control.path(planner.yaml_file(bridge))) or ""
        return self._there(planner.drop_in(planner.nic_id(nic))) or bool(planner.nic_ids(said))

    def _lasting_bridge(self, bridge: str) -> str:
        return planner.generated(bridge)

    def _planned(self, now: Standing, wish: Wish) -> Sequence[File]:
        return planner.plan(now, wish, self._all_described(wish))

    def _is_ours(self, dev: str) -> bool:
        return super()._is_ours(dev) or self._there(planner.yaml_file(dev)) or self._was_ours(dev)

    def _was_ours(self, dev: str) -> bool:
        """Whether our YAML of a bridge has gone by hand: what netplan made of it stays until netplan is asked again, and what we wrote beside it longer.

        A bridge that YAML tells of is the administrator's by now.
        """
        if not planner.is_beside_ours(text(self._control.path(planner.drop_in(dev))) or ""):
            return False
        paths = [one for folder in _FOLDERS for one in self._control.listed(f"{folder}/*.yaml")]
        return not any(planner.names(text(self._control.path(one)) or "", dev) for one in paths)

    def _ports_file(self, nic: str) -> refusals.PortsFile:
        return replace(super()._ports_file(nic), tells=planner.drop_in(planner.nic_id(nic)))

    def _of_other_names(self, now: Standing, wish: Wish) -> Sequence[str]:
        """What stands beside the id of a NIC that our YAML of a bridge has by now, and will not have."""
        own = {planner.nic_id(nic) for nic in wish.uplinks}
        said = [text(self._control.path(planner.yaml_file(one))) or "" for one in wish.bridges]
        return [planner.drop_in(one) for one in planner.nic_ids("".join(said)) if one not in own]

    def load(self, now: Standing, wish: Wish) -> None:
        self._control.generate()
        super().load(now, wish)
