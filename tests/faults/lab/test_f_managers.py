# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""F01 on hosts of networkd, netplan, NetworkManager and ifupdown2, which have everything written down: the plug is pulled at each point of the way, and
what boots can be reached and is the old network or the new one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from ansible_collections.hypervisor.network.tests.harness.lab.hypervisors import DISTRO
from ansible_collections.hypervisor.network.tests.harness.lab.managed import (
    BRIDGE,
    NIC,
    SITES,
    STATIC,
    files,
    site,
)
from ansible_collections.hypervisor.network.tests.harness.lab.place import place
from ansible_collections.hypervisor.network.tests.harness.lab.powered import (
    HOST,
    UPLINK,
    WISH,
    PoweredLab,
)
from ansible_collections.hypervisor.network.tests.harness.process.long_form import LONG

OLD = {"address": [NIC], "master": None, "bridges": []}
NEW = {"address": [BRIDGE], "master": BRIDGE, "bridges": [BRIDGE]}
PERSISTED = {"bridges": [BRIDGE], "uplinks": [NIC]}
WRITTEN = ("staged", "renamed", "renamed-2", "renamed-3", "renamed-4")
# the one of them that decides: before it the old network boots
DECIDES = {
    "networkd": "renamed-3",
    "netplan": "renamed-3",
    "networkmanager": "renamed-4",
    "ifupdown2": "renamed",
}


@pytest.fixture(scope="module", params=list(DECIDES))
def managed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PoweredLab]:
    if not LONG:
        pytest.skip("a machine that is switched off again and again: make faults runs it")
    directory, name = place("hvpower")
    more = {"lab_distro": DISTRO, "lab_network": request.param, "site_static": STATIC}
    records = tmp_path_factory.mktemp("records")
    made = PoweredLab(directory, name, records, "-e", json.dumps(more), inventory=SITES)
    made.network, made.nic = request.param, NIC
    with made.running():
        made.prepare()
        yield made


@pytest.fixture
def fresh(managed: PoweredLab) -> PoweredLab:
    return managed.fresh()


def booted(lab: PoweredLab) -> dict[str, object]:
    lab.up()
    return {
        **lab.state(),
        "bridges": lab.hv(f"ls /sys/class/net | grep -w {BRIDGE} || true").split(),
    }


@pytest.mark.parametrize("point", ["before-arm", "armed", "attached", "applied"])
def test_f01_the_plug_is_pulled_during_the_conversion_and_the_old_network_boots(
    fresh: PoweredLab, point: str
) -> None:
    before = files(fresh, HOST)
    with fresh.driven("bridge_uplink", point, **{**WISH, "name": NIC}):
        fresh.cut()
    assert (booted(fresh), files(fresh, HOST)) == (OLD, before)
    fresh.used = False  # nothing is left of it


def test_f01_the_plug_is_pulled_after_the_confirmation_and_the_old_network_boots(
    fresh: PoweredLab,
) -> None:
    before = files(fresh, HOST)
    fresh.playbook(UPLINK, "-e", f"uplink_nic={NIC}", "-e", "uplink_timeout=240")
    assert fresh.state() == NEW
    fresh.cut()
    assert (booted(fresh), files(fresh, HOST)) == (OLD, before)
    fresh.used = False


@pytest.mark.parametrize("point", WRITTEN)
def test_f01_the_plug_is_pulled_while_the_files_are_written_and_what_boots_is_reached(
    managed: PoweredLab, point: str
) -> None:
    last = DECIDES[managed.network]
    if WRITTEN.index(point) > WRITTEN.index(last):
        pytest.skip(f"{managed.network} has fewer files: the new network boots from {last} on")
    fresh = managed.fresh()
    fresh.playbook(UPLINK, "-e", f"uplink_nic={NIC}", "-e", "uplink_timeout=240")
    with fresh.driven("bridge_persist", point, **PERSISTED):
        fresh.cut()
    state = booted(fresh)
    # a name that is there is on the disk when its folder is, which is fsynced a moment later: then it is the one network or the other, whole
    expected = (OLD, NEW) if point == DECIDES[fresh.network] else (OLD,)
    assert {**state, "bridges": []} in [{**one, "bridges": []} for one in expected]
    site(fresh, HOST)  # the run after it completes what was begun
    assert fresh.state() == NEW
    assert site(fresh, HOST) == []


def test_f01_the_plug_is_pulled_when_all_is_done_and_the_new_network_boots(
    fresh: PoweredLab,
) -> None:
    site(fresh, HOST)
    fresh.cut()
    assert booted(fresh) == NEW
