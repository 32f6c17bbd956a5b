# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""F01 in containers of seconds: a host of each manager but ifupdown loses its power at each point of the way, and boots the old network or the new one.

What a file system loses of it is seen on machines of the lab, in lab/test_f_managers.py; here, what each point leaves behind.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from ansible_collections.hypervisor.network.tests.harness.lab import journey
from ansible_collections.hypervisor.network.tests.harness.lab.ifupdown2_host import (
    INTERFACES,
    Ifupdown2Host,
)
from ansible_collections.hypervisor.network.tests.harness.lab.networkd_host import (
    BRIDGE,
    NIC,
    NetworkdHost,
)
from ansible_collections.hypervisor.network.tests.harness.lab.networkmanager_host import (
    STATIC_PROFILE,
    WIRED_FILE,
    NetworkManagerHost,
)
from ansible_collections.hypervisor.network.tests.harness.process.long_form import LONG

ADDRESS = "10.77.0.20"
NETWORKD = f"[Match]\nName={NIC}\n[Network]\nAddress={ADDRESS}/24\nGateway=10.77.0.1\n"
NETPLAN = f"network: {{version: 2, ethernets: {{{NIC}: {{addresses: [{ADDRESS}/24]}}}}}}\n"
# by manager the kind of host, what its administrator wrote, and the file whose name decides: before it stands the old network boots
SITES: dict[str, tuple[type[NetworkdHost], dict[str, str], str]] = {
    "ifupdown2": (Ifupdown2Host, {"/etc/network/interfaces": INTERFACES}, "renamed"),
    "networkd": (NetworkdHost, {"/etc/systemd/network/20-wired.network": NETWORKD}, "renamed-3"),
    "netplan": (NetworkdHost, {"/etc/netplan/60-lan.yaml": NETPLAN}, "renamed-3"),
    "networkmanager": (NetworkManagerHost, {WIRED_FILE: STATIC_PROFILE}, "renamed-4"),
}
CONVERTING = ("before-arm", "armed", "attached", "applied")
WRITING = ("staged", "renamed", "renamed-2", "renamed-3", "renamed-4")
UPLINK, WISH = {**journey.uplink(), "guard_timeout": 600}, journey.wish()


@dataclass(frozen=True)
class Boots:
    """What a host boots: what a device has, the bridges, and its administrator's and our files."""

    layer3: dict[str, list[str]]
    bridges: list[str]
    files: str

    @classmethod
    def of(cls, host: NetworkdHost, dev: str = NIC) -> Boots:
        host.until_it_answers()
        return cls(
            host.layer3(dev),
            host.hv(f"ls /sys/class/net | grep -w {BRIDGE} || true").split(),
            host.written(),
        )


@dataclass
class Site:
    host: NetworkdHost
    decides: str
    before: Boots

    def cut(self) -> None:
        self.host.cut()
        self.host.up()

    def bridged(self) -> dict[str, list[str]]:
        """What the NIC had, on the bridge."""
        return journey.bridged(self.before.layer3)


@pytest.fixture(scope="module", params=list(SITES))
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    if not LONG:
        pytest.skip("a container is switched off again and again: make faults runs it")
    kind, files, decides = SITES[request.param]
    with kind(files, ADDRESS) as host:
        yield Site(host, decides, Boots.of(host))


@pytest.mark.parametrize("point", CONVERTING)
def test_f01_the_plug_is_pulled_during_the_conversion_and_the_old_network_boots(
    site: Site, point: str
) -> None:
    with site.host.driven("bridge_uplink", point, **UPLINK):
        site.cut()
    assert Boots.of(site.host) == site.before


def test_f01_the_plug_is_pulled_after_the_confirmation_and_the_old_network_boots(
    site: Site,
) -> None:
    site.host.done("bridge_uplink", **UPLINK)
    assert site.host.layer3(BRIDGE) == site.bridged()
    site.cut()
    assert Boots.of(site.host) == site.before


@pytest.mark.parametrize("point", WRITING)
def test_f01_the_plug_is_pulled_while_the_files_are_written_and_what_boots_is_reached(
    site: Site, point: str
) -> None:
    """The last of them is the plug that is pulled when all is done: the run after it completes what was begun, and all goes back."""
    if WRITING.index(point) > WRITING.index(site.decides):
        pytest.skip("its files are fewer: the new network boots from the last of them on")
    host = site.host
    host.done("bridge_uplink", **UPLINK)
    with host.driven("bridge_persist", point, **WISH):
        site.cut()
    assert old_or_new(site) == ("new" if point == site.decides else "old")
    for module, options in journey.there():
        host.done(module, **options)
    assert not any(host.run(module, **options)["changed"] for module, options in journey.there())
    site.cut()
    assert old_or_new(site) == "new"
    for module, options in journey.back():
        host.done(module, **options)
    site.cut()
    assert Boots.of(host) == site.before


def old_or_new(site: Site) -> Any:
    """Which of the two is there, whole; else what is."""
    host = site.host
    host.until_it_answers()
    if host.layer3(NIC) == site.before.layer3:
        return "old"
    found = Boots.of(host, BRIDGE)
    return "new" if found.layer3 == site.bridged() else found
