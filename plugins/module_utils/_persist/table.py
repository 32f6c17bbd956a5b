# SPDX-License-Identifier: GPL-3.0-or-later
"""The managers that have an adapter, by the words of _managers/port.NAMES: a new one is a room of its own, and a line here.

A room is imported when its adapter is asked for: a host has one of them, and what is not imported there is not compiled.
"""

from __future__ import annotations

from typing import Callable, Iterator, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import (
    NETPLAN,
    NETWORKD,
    NETWORKMANAGER,
    Manager,
)


def _netplan() -> Manager:
    from ansible_collections.hypervisor.network.plugins.module_utils._netplan.manager import Netplan

    return Netplan()


def _networkd() -> Manager:
    from ansible_collections.hypervisor.network.plugins.module_utils._networkd.manager import (
        Networkd,
    )

    return Networkd()


def _networkmanager() -> Manager:
    from ansible_collections.hypervisor.network.plugins.module_utils._networkmanager.manager import (
        NetworkManager,
    )

    return NetworkManager()


class Adapters(Mapping[str, Manager]):
    """What C(makers) make, once."""

    def __init__(self, makers: Mapping[str, Callable[[], Manager]]) -> None:
        self._makers = makers
        self._made: dict[str, Manager] = {}

    def __getitem__(self, name: str) -> Manager:
        if name not in self._made:
            self._made[name] = self._makers[name]()
        return self._made[name]

    def __contains__(self, name: object) -> bool:
        return name in self._makers

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)


MAKERS = {
    NETWORKD: _networkd,
    NETPLAN: _netplan,
    NETWORKMANAGER: _networkmanager,
}
ADAPTERS = Adapters(MAKERS)
