# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host with a NIC of ifupdown's and one of networkd's: each becomes an uplink by its own manager's files, and the other keeps all it has."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.hypervisor.network.tests.harness.lab import journey
from ansible_collections.hypervisor.network.tests.harness.lab.mixed_host import MixedHost
from ansible_collections.hypervisor.network.tests.harness.lab.networkd_host import NIC
from ansible_collections.hypervisor.network.tests.harness.lab.shared_host import OTHER
from ansible_collections.hypervisor.network.tests.harness.process.long_form import LONG

pytestmark = pytest.mark.skipif(not LONG, reason="three boots take a minute: make faults runs it")

MOST_LOST = 3  # of twenty a second
# Of networkd's administrator, who meant other taps, and what it would take else
BROAD, LOOSE = "/etc/systemd/network/90-taps.network", "tap9"
KEPT_OFF = "Persist | Keep other managers off what is to come"
SITES = (("br0", NIC, "tap1"), ("br1", OTHER, "tap2"))
TOLD = {"br0": "/etc/network/", "br1": "/etc/systemd/network/"}  # by bridge, where its files are


def has(host: MixedHost, *devs: str) -> list[Any]:
    """What is seen of each, and by what names: who has it is not asked here."""
    return [
        {what: [line.replace(dev, "DEV") for line in lines] for what, lines in seen.items()}
        for dev, seen in ((dev, host.layer3(dev)) for dev in devs)
    ]


def test_a_host_of_ifupdown_and_networkd_goes_there_boots_and_comes_back_nic_by_nic() -> None:
    sites = SITES
    with MixedHost() as host:
        before, files = has(host, NIC, OTHER), host.written()
        lost: list[int] = []
        for site, devs in zip(sites, (("br0", OTHER), ("br0", "br1"))):
            with host.pinged(lost):
                for module, options in journey.there(*site):
                    host.done(module, **options)
            assert has(host, *devs) == before, site
            ours = set(host.written().splitlines()) - set(files.splitlines())
            assert any(line.startswith(TOLD[site[0]]) and site[0] in line for line in ours)
        every = [run for site in sites for run in journey.there(*site)]
        assert [host.run(module, **options).get("changed") for module, options in every] == [False] * len(every)  # fmt: skip
        with host.pinged(lost):
            host.hv(host.upset)
        host.reboot()
        host.until_it_answers()
        assert has(host, "br0", "br1") == before
        for bridge, nic, tap in sites:
            assert set(host.hv(f"ls /sys/class/net/{bridge}/brif").split()) == {nic, tap}
        assert [host.run(module, **options).get("changed") for module, options in every] == [False] * len(every)  # fmt: skip
        for site, devs in zip(sites, ((NIC, "br1"), (NIC, OTHER))):
            with host.pinged(lost):
                for module, options in journey.back(*site):
                    host.done(module, **options)
            assert has(host, *devs) == before, site
        assert max(lost) <= MOST_LOST
        host.reboot()
        host.until_it_answers()
        assert has(host, NIC, OTHER) == before
        assert host.written() == files


def role(host: MixedHost, **more: str) -> list[tuple[str, bool]]:
    """One run of the role on both sites: its tasks, and whether each changed something."""
    items = {
        "bridge_host_bridges": [{"name": bridge, "uplink": nic, "forward_delay": 0, **more} for bridge, nic, _tap in SITES],
        "bridge_host_taps": [{"name": tap, "bridge": bridge, **more} for bridge, _nic, tap in SITES],
        "ansible_become": False,
    }  # fmt: skip
    records = host.playbook("site.yml", "-e", json.dumps(items))
    return [(one["task"].rpartition(" : ")[2], one["changed"]) for one in records]


def test_one_run_of_the_role_gives_each_nic_to_its_manager_and_one_takes_both_back() -> None:
    """networkd is kept off ifupdown's devices before these are made: of a tap that it has seen before that it does not let go so easily."""
    with MixedHost() as host:
        host.write(BROAD, "[Match]\nName=tap1 tap9\n[Network]\nDHCP=ipv4\n")
        host.hv(f"networkctl reload; ip tuntap add {LOOSE} mode tap && ip link set {LOOSE} up")
        host.until(f"networkctl list --no-legend {LOOSE} | grep -q configuring")  # the oracle
        before, files = has(host, NIC, OTHER), host.written()
        done = role(host)
        changed = [task for task, changed in done if changed]
        assert changed.index(KEPT_OFF) < changed.index("Taps | Make the taps")
        assert not host.hv("networkctl list --no-legend tap1 | grep -v unmanaged || true")
        assert has(host, "br0", "br1") == before
        ours = set(host.written().splitlines()) - set(files.splitlines())
        for bridge, folder in TOLD.items():
            assert any(line.startswith(folder) and bridge in line for line in ours)
        assert host.done("bridge_info")["disagreements"] == {}
        assert [task for task, changed in role(host) if changed] == []
        host.reboot()
        host.until_it_answers()
        assert has(host, "br0", "br1") == before
        for bridge, nic, tap in SITES:
            assert set(host.hv(f"ls /sys/class/net/{bridge}/brif").split()) == {nic, tap}
        assert host.done("bridge_info")["disagreements"] == {}
        assert [task for task, changed in role(host) if changed] == []
        role(host, state="absent")
        assert has(host, NIC, OTHER) == before
        host.reboot()  # what is ours until the next boot goes with it
        host.until_it_answers()
        assert has(host, NIC, OTHER) == before and host.written() == files
