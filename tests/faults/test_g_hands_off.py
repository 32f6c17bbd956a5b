# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""T9 where another manager boots the bridge: networkd with a broad match, and NetworkManager, leave its ports alone by files of bridge_persist. In containers.

Beside each tap that is protected stands one that is not: it is the oracle that the other manager does take what it gets.
"""

from __future__ import annotations

from ansible_collections.hypervisor.network.tests.harness.lab import journey
from ansible_collections.hypervisor.network.tests.harness.lab.ifupdown_host import (
    STATIC_INTERFACES,
    IfupdownHost,
)
from ansible_collections.hypervisor.network.tests.harness.lab.networkd_host import (
    BRIDGE,
    NIC,
    TAP,
    NetworkdHost,
)
from ansible_collections.hypervisor.network.tests.harness.lab.networkmanager_host import (
    STATIC_PROFILE,
    WIRED_FILE,
    NetworkManagerHost,
)

ADDRESS = "10.77.0.20"
BROAD = "/etc/systemd/network/90-all.network"
EVERYTHING = "[Match]\nType=ether\n[Network]\nDHCP=yes\n"
LOOSE = "tap9"
UPLINK, WISH, GONE = journey.uplink(), journey.wish(BRIDGE, NIC, TAP), journey.GONE
STARTED = "systemctl restart systemd-networkd"


def ports(host: NetworkdHost) -> set[str]:
    return set(host.hv(f"ls /sys/class/net/{BRIDGE}/brif").split())


def plugged(host: NetworkdHost, *taps: str) -> None:
    for tap in taps:
        host.hv(f"ip tuntap add {tap} mode tap; ip link set {tap} up master {BRIDGE}")


def all_written(host: NetworkdHost) -> str:
    return host.hv("grep -r '' /etc/network /etc/systemd/network /etc/NetworkManager || true")


def there_and_back_beside_networkd(host: NetworkdHost) -> None:
    """networkd is to come with the next boot, or with whoever starts it, and all its administrator says of devices is that they ask for addresses."""
    host.write(BROAD, EVERYTHING)
    host.hv(f"chmod 644 {BROAD}; systemctl enable systemd-networkd")
    before = all_written(host)
    host.done("linux_bridge", name=BRIDGE, forward_delay=0)
    host.done("bridge_uplink", **UPLINK)
    plugged(host, TAP, LOOSE)
    assert host.done("bridge_persist", **WISH)["changed"]
    assert not host.done("bridge_persist", **WISH)["changed"]
    host.hv(STARTED)
    host.until(f"! test -e /sys/class/net/{BRIDGE}/brif/{LOOSE}")  # the oracle
    assert ports(host) == {NIC, TAP} and host.answering() == ADDRESS
    # one that it has had already, by what it has read: it reads at once that it shall not
    host.hv(f"ip link set {LOOSE} master {BRIDGE}")
    more = {"taps": [LOOSE], "scope": "hands_off"}
    assert host.done("bridge_persist", **more)["changed"]
    host.until(f"networkctl list --no-legend {LOOSE} | grep -q unmanaged")
    host.hv(STARTED)
    host.until(f"networkctl list --no-legend {LOOSE} | grep -q unmanaged")
    assert ports(host) == {NIC, TAP, LOOSE} and host.answering() == ADDRESS
    for module, options in (
        ("bridge_uplink", UPLINK), ("bridge_persist", WISH), ("bridge_persist", more), ("linux_bridge", {"name": BRIDGE, "force": True}),
    ):  # fmt: skip
        host.done(module, **{**options, **GONE})
    assert all_written(host) == before and host.answering() == ADDRESS


def test_networkd_beside_ifupdown_leaves_the_ports_where_they_are() -> None:
    with IfupdownHost({"/etc/network/interfaces": STATIC_INTERFACES}, ADDRESS) as host:
        there_and_back_beside_networkd(host)


def test_networkd_beside_networkmanager_leaves_the_ports_where_they_are() -> None:
    with NetworkManagerHost({WIRED_FILE: STATIC_PROFILE}, ADDRESS) as host:
        there_and_back_beside_networkd(host)


def test_networkmanager_begins_anew_without_a_tap_that_is_another_managers() -> None:
    with NetworkManagerHost({WIRED_FILE: STATIC_PROFILE}, ADDRESS) as host:
        before = all_written(host)
        host.hv(f"ip link add {BRIDGE} type bridge && ip link set {BRIDGE} up")
        plugged(host, TAP, LOOSE)
        wish = {"manager": "networkd", "scope": "hands_off", "taps": [TAP]}
        assert host.done("bridge_persist", **wish)["changed"]
        assert not host.done("bridge_persist", **wish)["changed"]
        host.hv("systemctl restart NetworkManager && nm-online --quiet --timeout=60")
        state = "nmcli -g GENERAL.STATE device show {}"
        host.until(f"{state.format(TAP)} | grep -q unmanaged")
        # the oracle: it has this one, as disconnected where it saw the port before its bridge, else as connected (externally)
        host.until(f"{state.format(LOOSE)} | grep -Eq '^30 .disconnected|externally'")
        assert ports(host) == {TAP, LOOSE}
        assert host.done("bridge_persist", **wish, **GONE)["changed"] and all_written(host) == before  # fmt: skip
