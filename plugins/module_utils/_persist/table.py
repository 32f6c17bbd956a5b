# SPDX-License-Identifier: GPL-3.0-or-later
"""The managers that have an adapter, by the words of _managers/port.NAMES: a new one is a room of its own, and a line here."""

from __future__ import annotations

from typing import Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import (
    NETPLAN,
    NETWORKD,
    NETWORKMANAGER,
    Manager,
)
from ansible_collections.hypervisor.network.plugins.module_utils._netplan.manager import Netplan
from ansible_collections.hypervisor.network.plugins.module_utils._networkd.manager import Networkd
from ansible_collections.hypervisor.network.plugins.module_utils._networkmanager.manager import (
    NetworkManager,
)

ADAPTERS: Mapping[str, Manager] = {
    NETWORKD: Networkd(),
    NETPLAN: Netplan(),
    NETWORKMANAGER: NetworkManager(),
}
