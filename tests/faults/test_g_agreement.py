# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A manager that believes something else of the bridge than what the kernel has, or than what files of bridge_persist say, is told of; in containers.

That a healthy host is told nothing is seen over restarts and boots in test_g_networkd.py.
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
STATIC = f"[Match]\nName={NIC}\n[Network]\nAddress={ADDRESS}/24\n"
# what somebody adds who knows of no other files
LATER = "/etc/systemd/network/00-later.network"
WISH = journey.wish(BRIDGE, NIC, TAP)


def converted(host: NetworkdHost) -> None:
    for module, options in journey.there(BRIDGE, NIC, TAP):
        result = host.done(module, **options)
    assert result["disagreements"] == {}


def told(host: NetworkdHost) -> str:
    """What is said of the bridge, alike by who persists it, and warns of that, and by who looks."""
    again = host.done("bridge_persist", **WISH)
    assert not again["changed"]
    said = again["disagreements"]
    assert len(again.get("warnings", [])) == len(said)
    info = host.done("bridge_info")
    seen = {**info["disagreements"], **info["takers"]}
    assert said == seen
    assert not set(said) - {BRIDGE}
    return str(said.get(BRIDGE, ""))


def test_networkd_that_goes_by_a_file_that_came_later_or_does_not_run() -> None:
    with NetworkdHost({"/etc/systemd/network/20-wired.network": STATIC}, ADDRESS) as host:
        converted(host)
        assert told(host) == ""
        host.write(LATER, f"[Match]\nName={BRIDGE}\n[Network]\nAddress={ADDRESS}/24\n")
        host.hv("networkctl reload")
        host.until(f"networkctl status {BRIDGE} | grep -q {LATER}")  # the oracle
        assert f"goes by {LATER} for {BRIDGE}" in told(host)
        host.hv(f"rm {LATER}; systemctl restart systemd-networkd")
        host.until(f"networkctl status {BRIDGE} | grep -q hypervisor-network")
        host.until_it_answers()
        assert told(host) == ""
        host.hv("systemctl stop systemd-networkd.socket systemd-networkd")
        # it takes along what it said of its links, so who owns them is asked in vain
        said = host.done("bridge_info")["disagreements"]
        assert list(said) == [BRIDGE] and "systemd-networkd does not run" in said[BRIDGE]


def test_networkmanager_that_was_told_to_let_the_bridge_go() -> None:
    with NetworkManagerHost({WIRED_FILE: STATIC_PROFILE}, ADDRESS) as host:
        converted(host)
        assert told(host) == ""
        host.hv(f"nmcli device set {BRIDGE} managed no")
        host.until(f"nmcli -g GENERAL.STATE device show {BRIDGE} | grep -q unmanaged")  # the oracle
        assert f"NetworkManager leaves {BRIDGE} alone" in told(host)


def test_ifupdown_that_does_not_know_of_the_bridge() -> None:
    with IfupdownHost({"/etc/network/interfaces": STATIC_INTERFACES}, ADDRESS) as host:
        converted(host)
        host.reboot()
        host.until_it_answers()
        assert host.done("bridge_persist", **WISH)["disagreements"] == {}
        host.hv(f"sed -i /^{BRIDGE}=/d /run/network/ifstate")
        assert host.hv(f"ifquery --state {BRIDGE} || true").strip() == ""  # the oracle
        again = host.done("bridge_persist", **WISH)
        assert f"ifupdown does not know that {BRIDGE} is up" in again["disagreements"][BRIDGE]
