# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""H: what a running guest takes over, and what QMP tells of its devices."""

from __future__ import annotations

from ansible_collections.hypervisor.network.tests.harness.host.guests import (
    MAC,
    ask,
    image,
)

DOWN = {"tap": "tap1", "mac": MAC, "link": "down"}
UP = {"tap": "tap1", "mac": MAC, "link": "up"}


def test_n01_a_link_is_unplugged_and_plugged_while_the_guest_runs(guests):
    pid = guests.done(nics=[UP])["pid"]
    predicted = guests.run(nics=[DOWN], on_change="hotplug", check=True)
    done = guests.run(nics=[DOWN], on_change="hotplug")
    assert predicted["changes"] == done["changes"]
    assert [change["action"] for change in done["changes"]] == ["adjust"]
    assert done["diff"]["before"] != done["diff"]["after"]
    assert done["guest"]["pid"] == pid and done["guest"]["pending_changes"] == {}
    assert not guests.done(nics=[DOWN], on_change="hotplug")["changed"]
    assert guests.done(nics=[UP], on_change="hotplug")["changed"]
    assert guests.done()["pid"] == pid


def test_n02_what_cannot_be_taken_over_is_pending(guests):
    pid = guests.done(nics=[UP])["pid"]
    guest = guests.done(nics=[DOWN], memory="48", on_change="hotplug")
    assert guest["changed"] and guest["pid"] == pid
    assert guest["pending_changes"] == {"memory": {"now": 32, "wanted": 48}}


def test_n03_a_card_that_is_unplugged_says_nothing_from_its_start_on(guests):
    """The firmware asks for an address on every card that it finds a link at."""
    wish = {"boot": "n", "wait_for": ["mac_learned"], "wait_timeout": 8}
    message = guests.refused(**wish, nics=[DOWN])
    assert f"no frame from {MAC}" in message
    assert guests.done(**{**wish, "wait_timeout": 60}, nics=[UP])["status"] == "running"


def test_n04_small_devices_and_how_a_disk_is_cached(guests, guest_folder):
    disk = {"path": image(guest_folder / "disk.qcow2"), "cache": "none", "discard": "ignore"}
    wish = {"nics": [], "rng": True, "balloon": True, "generation_id": True, "disks": [disk]}
    guests.done(**wish)
    assert len(ask(guests, "query-vm-generation-id")["guid"]) == 36
    assert ask(guests, "query-balloon")["actual"] == 32 * 2**20
    (block,) = ask(guests, "query-block")
    assert block["inserted"]["cache"]["direct"] is True
    devices = {one["name"] for one in ask(guests, "qom-list", path="/machine/peripheral")}
    assert {"rng-dev", "balloon-dev", "generation-dev"} <= devices
    assert not guests.done(**wish)["changed"]
    other = {**wish, "disks": [{**disk, "cache": "writethrough"}]}
    assert guests.done(**other, on_change="restart")["changed"]
    where = {"path": "/machine/peripheral/disk0-dev", "property": "write-cache"}
    assert ask(guests, "qom-get", **where) == "off"
