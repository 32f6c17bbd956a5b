# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same as G12 on hosts of systemd-networkd, netplan and NetworkManager: ours, and what their administrators do, each on a host that has just booted."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ..harness.lab.networkd_host import BRIDGE, NIC, NetworkdHost
from ..harness.lab.networkmanager_host import NetworkManagerHost
from ..harness.net import echo
from ..harness.net.lan import PORT, Lan
from .conversion import lost_by

ADDRESS, ADDRESS6 = "10.77.0.20", "fd77::20"
_SETTLE, _PATIENCE = 10.0, 60.0  # seconds: what a manager does goes on when its command has ended
_HAS = f"""\
[Network]
Address={ADDRESS}/24
Address=10.77.0.21/24
Address={ADDRESS6}/64
Gateway=10.77.0.1
"""
WIRED = f"[Match]\nName={NIC}\n{_HAS}"
_LAYER3 = f"addresses: [{ADDRESS}/24, 10.77.0.21/24, '{ADDRESS6}/64'], routes: [{{to: default, via: 10.77.0.1}}]"
PLAIN = f"network: {{version: 2, ethernets: {{{NIC}: {{{_LAYER3}}}}}}}\n"
_BRIDGED = f"""\
network:
  version: 2
  ethernets: {{{NIC}: {{}}}}
  bridges:
    {BRIDGE}: {{interfaces: [{NIC}], parameters: {{stp: false, forward-delay: 0}}, {_LAYER3}}}
"""
PROFILE = f"""\
[connection]
id=wired
type=ethernet
interface-name={NIC}
[ipv4]
method=manual
address1={ADDRESS}/24,10.77.0.1
address2=10.77.0.21/24
[ipv6]
method=manual
address1={ADDRESS6}/64
"""
_ADDRESSES = f"ipv4.method manual ipv4.addresses {ADDRESS}/24,10.77.0.21/24 ipv4.gateway 10.77.0.1 ipv6.method manual ipv6.addresses {ADDRESS6}/64"
_NETWORKD, _NETPLAN = "/etc/systemd/network", "/etc/netplan/50-installed.yaml"
_PROFILE = "/etc/NetworkManager/system-connections/wired.nmconnection"


@dataclass(frozen=True)
class Way:
    """How a host becomes a bridge host: its C(files) before, and what is done to it then."""

    files: dict[str, str]
    convert: Callable[[NetworkdHost], object]
    kind: type[NetworkdHost] = NetworkdHost


def nothing(_host: NetworkdHost) -> None:
    """What the machine itself loses."""


def ours(host: NetworkdHost) -> None:
    """As the role has it: the bridge, then its uplink, guarded and confirmed."""
    host.done("linux_bridge", name=BRIDGE, forward_delay=0)
    host.done("bridge_uplink", name=NIC, bridge=BRIDGE, guard_timeout=60, force=True)


def reload(host: NetworkdHost) -> None:
    """A bridge's two files, the NIC's changed, and networkd told to read them, as its manual has it."""
    host.write(f"{_NETWORKD}/10-{BRIDGE}.netdev", f"[NetDev]\nName={BRIDGE}\nKind=bridge\n")
    host.write(f"{_NETWORKD}/10-{BRIDGE}.network", f"[Match]\nName={BRIDGE}\n{_HAS}")
    host.write(f"{_NETWORKD}/20-wired.network", f"[Match]\nName={NIC}\n[Network]\nBridge={BRIDGE}\n")  # fmt: skip
    host.hv("networkctl reload")


def apply(host: NetworkdHost) -> None:
    """The YAML of a bridge, and C(netplan apply)."""
    host.write(_NETPLAN, _BRIDGED)
    host.hv("netplan apply")


def up(host: NetworkdHost) -> None:
    """Two profiles, and C(nmcli connection up)."""
    host.hv(f"nmcli connection add type bridge ifname {BRIDGE} con-name {BRIDGE} bridge.stp no {_ADDRESSES}")  # fmt: skip
    host.hv(f"nmcli connection add type ethernet ifname {NIC} con-name port master {BRIDGE}")
    host.hv(f"nmcli connection up {BRIDGE} && nmcli connection up port")


_BY_NETWORKD, _BY_NETPLAN = {f"{_NETWORKD}/20-wired.network": WIRED}, {_NETPLAN: PLAIN}
WAYS = {
    "control (no change)": Way(_BY_NETWORKD, nothing),
    "networkd: bridge_uplink": Way(_BY_NETWORKD, ours),
    "networkd: networkctl reload": Way(_BY_NETWORKD, reload),
    "netplan: bridge_uplink": Way(_BY_NETPLAN, ours),
    "netplan: netplan apply": Way(_BY_NETPLAN, apply),
    "NetworkManager: bridge_uplink": Way({_PROFILE: PROFILE}, ours, NetworkManagerHost),
    "NetworkManager: nmcli connection up": Way({_PROFILE: PROFILE}, up, NetworkManagerHost),
}


def table(count: int) -> str:
    """What each way lost."""
    return lost_by("managers", count, {name: partial(_lost, way) for name, way in WAYS.items()})


def _lost(way: Way) -> dict[str, Any]:
    with way.kind(way.files, ADDRESS) as host:
        wire = Lan({"host": host.netns} | dict.fromkeys(("switch", "router", "client"), host.lan))
        try:
            wire.start(
                wire.host, sys.executable, str(Path(echo.__file__)), str(PORT), ready="ready"
            )
            counted = wire.under_load(
                lambda: way.convert(host), ADDRESS, ADDRESS6, settle=_SETTLE, deadline=_PATIENCE
            )
            answers = wire.all_reachable(ADDRESS, "10.77.0.21", ADDRESS6)
            return {**counted, "cut": [one for one, answered in answers.items() if not answered]}
        finally:
            wire.close()
