# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What QEMU says of a guest, in the words of its definition."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._qemu import seen
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.guest import Guest

NETWORK = (
    "nic0: index=0,type=nic,model=virtio-net-pci,macaddr=52:00:00:00:00:01\r\n"
    " \\ net0: index=0,type=tap,ifname=tap,1,script=no,downscript=no\r\n"
    "nic1: index=0,type=nic,model=e1000,macaddr=52:00:00:00:00:0A\r\n"
    "net5: index=0,type=tap,ifname=tap5,script=no,downscript=no\r\n"
)
NICS = [{"tap": "tap,1", "mac": "52:00:00:00:00:01", "link": "down"}]
DISK = {"path": "/a", "bus": "virtio", "read_only": False}


def block(device: str, file: str, **more: Any) -> dict[str, Any]:
    image = {"filename": file, "format": "raw", "virtual-size": 1024}
    inserted = {"node-name": "n", "drv": "raw", "ro": False, "file": file, "image": image, **more}
    return {"qdev": f"/machine/peripheral/{device}", "inserted": inserted}


def names(*devices: str) -> list[dict[str, str]]:
    return [
        {"name": "type", "type": "string"},
        *({"name": one, "type": "child<x>"} for one in devices),
    ]


def of(spec: Any, *more: Any, blocks: Any = (), network: str = NETWORK) -> Any:
    found = seen.of(
        spec,
        [{"status": "running"}, list(blocks), network, *more],
        {"/a": ["/real/a", "/overlay"]},
    )
    assert found is not None
    return found


def test_cards_by_what_they_are_on() -> None:
    assert seen.cards(NETWORK) == [
        seen.Card("nic0", "52:00:00:00:00:01", "virtio-net-pci", "tap,1", "net0"),
        seen.Card("nic1", "52:00:00:00:00:0a", "e1000"),
    ]
    assert seen.netdevs(NETWORK) == {"net0": "tap,1", "net5": "tap5"}


def test_the_queues_of_a_card_are_one_card() -> None:
    twice = NETWORK.splitlines()[:2] * 2
    twice[2] = twice[2].replace("index=0", "index=1")
    assert [card.device for card in seen.cards("\r\n".join(twice))] == ["nic0"]


def test_a_card_that_is_there_is_as_it_was_defined_and_another_one_is_told() -> None:
    found = of({"nics": NICS})
    assert found.options({"nics": NICS})["nics"] == [
        NICS[0],
        {"tap": None, "mac": "52:00:00:00:00:0a", "model": "e1000"},
    ]
    assert found.card(NICS[0]).device == "nic0" and found.taps == {"tap,1", "tap5"}
    assert seen.differing(found, {"nics": NICS}).keys() == {"nics"}
    alone = of({}, network=NETWORK.partition("nic1")[0])
    assert seen.differing(alone, {"nics": NICS, "disks": []}) == {}


@pytest.mark.parametrize("file", ["/real/a", "/overlay"])
def test_a_disk_is_known_by_its_image_or_the_overlay_on_it(file: str) -> None:
    spec = {"nics": [], "disks": [DISK]}
    found = of(spec, blocks=[block("disk0-dev", file)], network="")
    assert found.drive("/a").file == file and seen.differing(found, spec) == {}


def test_a_disk_that_is_gone_and_one_that_somebody_plugged_in() -> None:
    spec = {"nics": [], "disks": [DISK]}
    unnamed = [{**block("", "/y"), "qdev": "/machine/peripheral-anon/device[0]"}]
    unused = [{**block("", "/z"), "qdev": None, "device": "z"}]
    others = [block("x", "/x"), block("seed-dev", "/seed"), {"device": "empty"}, *unnamed, *unused]
    found = of(spec, blocks=others, network="")
    assert found.drive("/a") is None and found.stranger("/x") == "x"
    assert seen.differing(found, spec) == {
        "disks": [{"path": "/x", "format": "raw", "read_only": False}]
    }


def test_by_what_devices_are_known_over_a_start() -> None:
    found = of({"nics": NICS}, blocks=[block("disk0-dev", "/overlay")])
    names = {"nic0": "nic:52:00:00:00:00:01", "disk0-dev": "disk:/a"}
    assert found.identities({"nics": [*NICS, {"tap": "gone", "mac": "x"}]}) == names


def test_the_limits_are_those_that_it_has() -> None:
    limited = {**DISK, "iops_total": 5}
    found = of({}, blocks=[block("disk0-dev", "/overlay", iops=7)], network="")
    assert seen.differing(found, {"disks": [limited]}) == {"disks": [{**DISK, "iops_total": 7}]}
    found = of({}, blocks=[block("disk0-dev", "/overlay", iops=5)], network="")
    assert seen.differing(found, {"disks": [limited]}) == {}
    assert Guest("vm1", "running", {"disks": [DISK]}, seen=found).real == {"disks": [limited]}


def test_a_balloon_is_memory() -> None:
    spec = {"balloon": True, "memory": 64}
    asked = [command for command, _arguments in seen.questions(spec, False)]
    assert asked[3:] == ["query-balloon", "query-memory-size-summary"]
    found = of(spec, {"actual": 48 << 20}, {"base-memory": 64 << 20}, network="")
    assert (found.memory, found.booted) == (48, 64)
    assert seen.differing(found, spec) == {"memory": 48}
    assert of(spec, None, None, network="").memory is None, "the driver is not there yet"


def test_ports_are_asked_for_where_there_can_be_some() -> None:
    counts = {
        (machine, plugging): len(seen.questions({"machine": machine}, plugging))
        for machine in ("q35", "pc")
        for plugging in (False, True)
    }
    assert counts == {("q35", False): 3, ("q35", True): 8, ("pc", False): 3, ("pc", True): 4}
    devices = names("spare0", "spare1", "scsi0")
    found = of({}, devices, "/machine/peripheral/nic5", None, None, None)
    assert found.devices == {"spare0", "spare1", "scsi0"}
    assert found.ports == {"spare0": "nic5", "spare1": None}


@pytest.mark.parametrize(
    ("machine", "has"),
    [("q35", True), ("pc-q35-7.2", True), ("virt", True), ("virt-7.2", True), ("pc", False)],
)
def test_which_machines_are_of_pci_express(machine: str, has: bool) -> None:
    assert seen.has_ports(machine) is has


@pytest.mark.parametrize(
    "answers", [[], [None] * 3, [{}, [{"inserted": 1, "qdev": 1}], ""], [{}, "a", 1]]
)
def test_nothing_is_concluded_from_what_qemu_does_not_say(answers: list[Any]) -> None:
    assert seen.of({}, answers, {}) is None and seen.differing(None, {"nics": NICS}) == {}
