# SPDX-License-Identifier: GPL-3.0-or-later
"""The managers that have an adapter, by the words of _managers/port.NAMES: a new one is a room of its own, and a line here.

A room is imported when its adapter is asked for: a host has one of them, and what is not imported there is not compiled.
"""

from __future__ import annotations

from functools import cache
from typing import Callable, Iterator, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import (
    NETPLAN,
    NETWORKD,
    NETWORKMANAGER,
    Manager,
)


@cache
def _netplan() -> Manager:
    from ansible_collections.hypervisor.network.plugins.module_utils._netplan.manager import Netplan

    return Netplan()


@cache
def _networkd() -> Manager:
    from ansible_collections.hypervisor.network.plugins.module_utils._networkd.manager import (
        Networkd,
    )

    return Networkd()


@cache
def _networkmanager() -> Manager:
    from ansible_collections.hypervisor.network.plugins.module_utils._networkmanager.manager import (
        NetworkManager,
    )

    return NetworkManager()


class Adapters(Mapping[str, Manager]):
    """By name what C(makers) make."""

    def __init__(self, makers: Mapping[str, Callable[[], Manager]]) -> None:
        self._makers = makers

    def __getitem__(self, name: str) -> Manager:
        return self._makers[name]()

    def __contains__(self, name: object) -> bool:
        return name in self._makers

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)


ADAPTERS = Adapters({
    NETWORKD: _networkd,
    NETPLAN: _netplan,
    NETWORKMANAGER: _networkmanager,
})  # fmt: skip
