# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told of a guest beside its definition."""

from __future__ import annotations

import shlex
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import told
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.drives import Drive
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.files import Image
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.guest import Guest
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.seen import Card, Seen
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.neigh import Neighbour

MAC = "52:00:00:00:00:01"
NIC = {"tap": "tap1", "mac": MAC}
LAYER = {"path": "/over", "format": "qcow2", "size": 8, "allocated": 4}
DRIVE = Drive("/machine/peripheral/disk0-dev/x", "n", "qcow2", "/over", layers=(LAYER,))
SEEN = Seen((Card("nic3", MAC, "e1000", "tap1"),), {"disk0-dev": DRIVE}, {"/a": "disk0-dev"})


def test_a_card_with_its_vlans_and_the_addresses_that_were_heard_and_claimed() -> None:
    links = {"tap1": Link("tap1", vlans={"10": "pvid untagged"})}
    heard = [Neighbour("br0", "192.0.2.1", 2, MAC, 2), Neighbour("br0", "192.0.2.9", 2, "other", 2)]
    claims = {MAC: ["192.0.2.1", "2001:db8::1"]}
    (found,) = told.cards([NIC], Guest("vm1", "running", seen=SEEN), links, heard, claims)
    assert found == {
        **NIC,
        "device": "nic3",
        "vlans": {"10": "pvid untagged"},
        "addresses": ["192.0.2.1", "2001:db8::1"],
    }
    (found,) = told.cards([NIC], Guest("vm1"), {}, [], {MAC: [str(one) for one in range(99)]})
    assert (found["device"], found["vlans"], len(found["addresses"])) == (None, None, 64)


def test_a_disk_by_qemu_where_it_runs() -> None:
    guest = Guest("vm1", "running", {"disks": [{"path": "/a"}, {"path": "/gone"}]}, seen=SEEN)
    found, gone = told.disks(guest, {}, {})
    assert (found["device"], found["size"], found["layers"]) == ("disk0-dev", 8, [LAYER])
    assert (gone["device"], gone["size"], gone["layers"]) == (None, None, [])


def test_a_disk_by_its_images_where_it_does_not() -> None:
    guest = Guest("vm1", "stopped", {"disks": [{"path": "/a"}]})
    (found,) = told.disks(guest, {"/a": Image("/a", "qcow2", Image("/b", "raw"))}, {"/a": 8})
    assert found["size"] == 8 and [one["path"] for one in found["layers"]] == ["/a", "/b"]


def test_command_lines_are_one_word_for_each_path() -> None:
    spec = {"serial_log": "/log/a b;$(x)", "vnc": "/run/vnc 'x"}
    guest = Guest("vm1", "running", {**spec, "console": True})
    found = told.consoles(guest, ("/run/qmp", "/run/spare sock"), "-h;x")
    assert shlex.split(found["serial"])[-1] == spec["serial_log"]
    assert shlex.split(found["vnc"])[-2:] == [f"5900:{spec['vnc']}", "-h;x"]
    assert shlex.split(found["monitor"])[-1] == "UNIX-CONNECT:/run/spare sock"
    assert shlex.split(found["console"])[-1] == "UNIX-CONNECT:/run/console.sock"
    down = Guest("vm1", "stopped", {**spec, "console": True})
    assert told.consoles(down, (), "host").keys() == {"serial"}
    assert told.consoles(Guest("vm1", "stopped"), (), "host") == {}


def test_what_is_not_as_it_was_started() -> None:
    guest = Guest("vm1", "running", {"nics": [NIC, {**NIC, "mac": "x"}], "disks": []}, seen=SEEN)
    assert told.drift(guest)["nics"] == {"now": [NIC], "wanted": guest.spec["nics"]}
    assert told.drift(Guest("vm1", "running", {"nics": [NIC]})) == {}


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (
            [
                {"hardware-address": "52:00:00:00:00:0A", "ip-addresses": [{"ip-address": "::1"}]},
                {"name": "lo", "ip-addresses": [{"ip-address": "127.0.0.1"}]},
                {
                    "hardware-address": "52:00:00:00:00:0a",
                    "ip-addresses": [{"ip-address": "192.0.2.1"}],
                },
            ],
            {"52:00:00:00:00:0a": ["::1", "192.0.2.1"]},
        ),
        ([{"hardware-address": "m", "ip-addresses": [{"ip-address": "1\n2"}, 7, {}]}], {"m": []}),
        ([{"hardware-address": 7, "ip-addresses": []}, "x", {}], {}),
        ({"error": 1}, {}),
        (None, {}),
    ],
)
def test_what_an_agent_says_is_taken_where_it_is_an_address(said: Any, found: Any) -> None:
    assert told.claimed(said) == found
