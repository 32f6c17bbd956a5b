# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Edits of interfaces(5) as texts, and NICs whose stanzas go to a bridge and come back."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.files import Files, files
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.plan import plan
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.validate import checked

ITEM: dict[str, Any] = {
    "name": "br0", "state": "present", "family": None, "method": None, "options": None, "auto": None, "allow_hotplug": None,
    "take_over": None, "hand_back": None, "file": None,
}  # fmt: skip


ROOT = "/etc/network/interfaces"


MORE = "/etc/network/interfaces.d/eth0"


LO = "auto lo\niface lo inet loopback\n\n"


BACK = {"state": "absent", "hand_back": "eth0"}


def edited(
    texts: dict[str, str],
    *items: dict[str, Any],
    validate: bool = True,
    metrics: Mapping[str, int] = MappingProxyType({}),
    ifupdown2: bool = False,
) -> dict[str, str]:
    """The texts after a plan, which must leave nothing to plan."""

    def now(there: dict[str, str]) -> Files:
        return Files(ROOT, there, metrics=metrics, ifupdown2=ifupdown2)

    wishes = [checked({**ITEM, **item}, validate) for item in items]
    after = {
        **texts,
        **{path: change.new or "" for path, change in files(plan(now(texts), wishes))},
    }
    assert plan(now(after), wishes) == []
    return after


def taken(text: str, **more: Any) -> str:
    return edited({ROOT: text}, {"take_over": "eth0", **more})[ROOT]


# name: (before, the bridge's options, after)
CASES: dict[str, tuple[str, dict[str, Any], str]] = {
    "dhcp": (
        LO + "allow-hotplug eth0\niface eth0 inet dhcp\n",
        {"bridge_stp": False, "bridge_fd": 0},
        LO
        + "allow-hotplug eth0\niface eth0 inet manual\n\nauto br0\niface br0 inet dhcp\n    bridge_ports eth0\n    bridge_stp off\n    bridge_fd 0\n",
    ),
    "no auto, no final line end": (
        "iface eth0 inet dhcp",
        {},
        "iface eth0 inet manual\n\niface br0 inet dhcp\n    bridge_ports eth0",
    ),
    "auto in a line with others": (
        "auto lo eth0 eth1\niface eth0 inet dhcp\n",
        {},
        "auto lo eth0 eth1\niface eth0 inet manual\n\nauto br0\niface br0 inet dhcp\n    bridge_ports eth0\n",
    ),
    "static with comments, hooks and link settings in between": (
        (
            "# primary\nauto eth0\niface eth0 inet static\n\taddress 192.0.2.10/24\n\tmtu 9000\n\tgateway 192.0.2.1\n"
            "\t# to the lab\n\tup   ip route add 10.0.0.0/8 via 192.0.2.254 dev eth0\n\tup ethtool -K eth0 tso off\n"
            "\tdown ip rule del iif eth0 || true\n\tup /opt/notify\n\tdns-nameservers 192.0.2.53\n\toffload-gro off\n\n# end\n"
        ),
        {},
        (
            "# primary\nauto eth0\niface eth0 inet manual\n\tmtu 9000\n\tup ethtool -K eth0 tso off\n\toffload-gro off\n\nauto br0\n"
            "iface br0 inet static\n\taddress 192.0.2.10/24\n\t# stays with eth0: mtu 9000\n\tgateway 192.0.2.1\n"
            "\t# to the lab\n\tup   ip route add 10.0.0.0/8 via 192.0.2.254 dev br0\n\t# stays with eth0: up ethtool -K eth0 tso off\n"
            "\tdown ip rule del iif br0 || true\n\tup /opt/notify\n\tdns-nameservers 192.0.2.53\n\t# stays with eth0: offload-gro off\n"
            "\tbridge_ports eth0\n\n# end\n"
        ),
    ),
    "both families and a second address, something between": (
        (
            "auto eth0\niface eth0 inet static\n  address 192.0.2.10/24\n\niface wlan0 inet dhcp\n\n"
            "iface eth0 inet static\n  address 192.0.2.11/24\n\niface eth0 inet6 static\n  address 2001:db8::2/64\n  mtu 1400\n"
        ),
        {},
        (
            "auto eth0\niface eth0 inet manual\n\nauto br0\niface br0 inet static\n  address 192.0.2.10/24\n  bridge_ports eth0\n\n"
            "iface wlan0 inet dhcp\n\niface br0 inet static\n  address 192.0.2.11/24\n\n"
            "iface eth0 inet6 manual\n  mtu 1400\n\niface br0 inet6 static\n  address 2001:db8::2/64\n  # stays with eth0: mtu 1400\n"
        ),
    ),
    "IPv6 only": (
        "auto eth0\niface eth0 inet6 auto\n    privext 2\n",
        {"bridge_stp": False},
        "auto eth0\niface eth0 inet manual\n\nauto br0\niface br0 inet6 auto\n    privext 2\n    bridge_ports eth0\n    bridge_stp off\n",
    ),
    "continuation, CRLF, template, a lone auto": (
        "iface t inet static\r\n  netmask 24\r\niface  eth0\tinet static  inherits t\r\n  auto\r\n  address 192.0.2.2\r\n  up x\r\n",
        {},
        (
            "iface t inet static\r\n  netmask 24\r\niface eth0 inet manual\r\n  auto\r\n\r\nauto br0\r\niface  br0\tinet static  inherits t\r\n"
            "  # stays with eth0: auto\r\n  address 192.0.2.2\r\n  up x\r\n  bridge_ports eth0\r\n"
        ),
    ),
    "a hook over two lines, a commented option at the end": (
        "iface eth0 inet dhcp\n  up ip route add 10.0.0.0/8 \\\n     dev eth0\n  # up x\n",
        {},
        "iface eth0 inet manual\n\niface br0 inet dhcp\n  up ip route add 10.0.0.0/8 \\\n     dev br0\n  # up x\n  bridge_ports eth0\n",
    ),
    "manual with addresses by hooks": (
        "iface eth0 inet manual\n  up ip link set $IFACE up\n  up ip addr add 192.0.2.2/24 dev $IFACE\n  up echo 1 > /sys/class/net/eth0/x\n",
        {},
        (
            "iface eth0 inet manual\n  up ip link set $IFACE up\n  up echo 1 > /sys/class/net/eth0/x\n\niface br0 inet manual\n"
            "  # stays with eth0: up ip link set $IFACE up\n  up ip addr add 192.0.2.2/24 dev $IFACE\n"
            "  # stays with eth0: up echo 1 > /sys/class/net/eth0/x\n  bridge_ports eth0\n"
        ),
    ),
    "a VLAN of the NIC stays the NIC's": (
        "iface eth0 inet dhcp\n  up ip link add link eth0 name eth0.10 type vlan id 10; ip addr add 192.0.2.2/24 dev eth0.10\niface eth0.20 inet dhcp\n",
        {},
        (
            "iface eth0 inet manual\n  up ip link add link eth0 name eth0.10 type vlan id 10; ip addr add 192.0.2.2/24 dev eth0.10\n\n"
            "iface br0 inet dhcp\n"
            "  # stays with eth0: up ip link add link eth0 name eth0.10 type vlan id 10; ip addr add 192.0.2.2/24 dev eth0.10\n"
            "  bridge_ports eth0\niface eth0.20 inet dhcp\n"
        ),
    ),
}
