# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""H: what a running guest takes over, and what QMP tells of its devices."""

from __future__ import annotations

import contextlib
import struct
from pathlib import Path

from ansible_collections.hypervisor.network.tests.harness.host.guests import (
    MAC,
    ask,
    guest_user,
    image,
)
from ansible_collections.hypervisor.network.tests.harness.net.netns import batch

OTHER = "52:00:00:00:00:02"
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


def test_n16_the_hardware_is_what_was_asked_for(guests, guest_folder):
    """Each by QEMU's own words; what a tap is open for, by the kernel's."""
    owner = f"mode tap user {guest_user().pw_name}"
    batch(guests.netns, f"tuntap add tap2 {owner} multi_queue\nlink set tap2 mtu 1400\nlink set tap2 master br0 up\n")  # fmt: skip
    base = image(guest_folder / "base.qcow2")
    disk = {"path": str(guest_folder / "disk.qcow2"), "format": "qcow2", "size": "16M"}
    disk |= {"backing_file": base, "backing_format": "qcow2", "serial": "HN-1", "boot_index": 2}
    wish = {
        "cpu": "pentium3",
        "cpus": 2,
        "memory": "48",
        "disks": [disk],
        "cdrom": image(guest_folder / "cd.iso", "1M", "raw"),
        "nics": [
            {"tap": "tap1", "mac": MAC, "model": "e1000", "boot_index": 1},
            {"tap": "tap2", "mac": OTHER, "queues": 2, "mtu": 1400},
        ],
    }
    pid = guests.done(**wish)["pid"]
    kinds = [one["qom-path"] for one in ask(guests, "query-cpus-fast")]
    assert len(kinds) == 2
    assert ask(guests, "qom-get", path=kinds[0], property="type") == "pentium3-i386-cpu"
    assert ask(guests, "query-memory-size-summary")["base-memory"] == 48 * 2**20
    for device, key, value in (
        ("disk0-dev", "serial", "HN-1"),
        ("disk0-dev", "bootindex", 2),
        ("nic0", "type", "e1000"),
        ("nic0", "bootindex", 1),
        ("nic1", "host_mtu", 1400),
        ("nic1", "mq", True),
    ):
        path = f"/machine/peripheral/{device}"
        assert ask(guests, "qom-get", path=path, property=key) == value, (device, key)
    drives = {
        one["qdev"].split("/")[-1]: one for one in ask(guests, "query-block") if "qdev" in one
    }
    assert drives["cdrom-dev"]["inserted"]["ro"] and drives["cdrom-dev"]["removable"]
    (top,) = [one["inserted"] for one in drives.values() if one["inserted"]["file"] == disk["path"]]
    assert top["image"]["virtual-size"] == 16 * 2**20 and top["backing_file"] == base
    assert opened(pid) == ["tap1", "tap2", "tap2"]
    assert not guests.done(**wish)["changed"]


def test_n17_queues_and_their_tap_have_to_agree(guests):
    owner = f"mode tap user {guest_user().pw_name}"
    batch(guests.netns, f"tuntap add tap2 {owner} multi_queue\nlink set tap2 master br0 up\n")
    for nic in ({"tap": "tap1", "queues": 2}, {"tap": "tap2", "queues": 1}):
        message = guests.refused(nics=[{**nic, "mac": MAC}])
        assert f"{nic['tap']} and the NIC disagree on multi_queue" in message
    # as well where it comes to a guest that runs, whom QEMU would tell 'Invalid argument' alone
    pid = guests.done()["pid"]
    more = {"tap": "tap2", "mac": OTHER, "queues": 1}
    result = guests.run(nics=[UP, more], on_change="hotplug")
    assert result["failed"] and "disagree on multi_queue" in result["msg"]
    more["queues"] = 2
    assert guests.done(nics=[UP, more], on_change="hotplug")["pid"] == pid
    assert opened(pid) == ["tap1", "tap2", "tap2"]


def opened(pid: int) -> list[str]:
    """The taps that a process has open, once for each queue, by /proc."""
    infos = []
    for path in Path(f"/proc/{pid}/fdinfo").iterdir():
        with contextlib.suppress(FileNotFoundError):  # it closed that one meanwhile
            infos.append(path.read_text(encoding="ascii"))
    lines = [line.split() for info in infos for line in info.splitlines()]
    return sorted(words[1] for words in lines if words[:1] == ["iff:"])


def test_n18_a_disk_on_each_bus_and_what_becomes_of_freed_blocks(guests, guest_folder):
    """Blocks are written and freed at the device, by QEMU's own qemu-io; what is left of them is the file system's word."""
    paths = {bus: image(guest_folder / f"{bus}.raw", "8M", "raw") for bus in ("virtio", "ide", "sata", "scsi", "kept")}  # fmt: skip
    disks = [{"path": path, "format": "raw", "bus": bus} for bus, path in paths.items() if bus != "kept"]  # fmt: skip
    disks.append({"path": paths["kept"], "format": "raw", "discard": "ignore"})
    guests.done(nics=[], disks=disks)
    kinds = [
        ask(guests, "qom-get", path=f"/machine/peripheral/disk{number}-dev", property="type")
        for number in range(len(disks))
    ]
    assert kinds == ["virtio-blk-pci", "ide-hd", "ide-hd", "scsi-hd", "virtio-blk-pci"]
    assert not guests.done(nics=[], disks=disks)["changed"]
    for number, bus in ((0, "virtio"), (4, "kept")):
        device = f"/machine/peripheral/disk{number}-dev/virtio-backend"
        left = []
        for command in ("write -P 7 0 4M", "discard 0 4M"):
            ask(guests, "human-monitor-command", **{"command-line": f'qemu-io -d {device} "{command}"'})  # fmt: skip
            left.append(Path(paths[bus]).stat().st_blocks * 512 >= 4 * 2**20)
        assert left == [True, bus == "kept"], bus


# A kernel by the multiboot specification that prints its command line and then its first module on the serial line: mov esi,[ebx+16];
# mov dx,3f8h; 1: lodsb; test al,al; jz 2; out dx,al; jmp 1; 2: mov edi,[ebx+24]; mov esi,[edi]; mov ecx,[edi+4]; sub ecx,esi; 3: lodsb;
# out dx,al; loop 3; 4: hlt; jmp 4
TELLS = bytes.fromhex("8b731066baf803ac84c07403eeebf88b7b188b378b4f0429f1aceee2fcf4ebfd")


def test_n19_a_kernel_gets_its_words_and_its_initrd(guests, guest_folder):
    magic, flags, at = 0x1BADB002, 1 << 16, 0x100000
    header = (magic, flags, -(magic + flags) & 0xFFFFFFFF, at, at, 0, 0, at + 32)
    kernel, initrd, log = guest_folder / "kernel", guest_folder / "initrd", guest_folder / "log"
    kernel.write_bytes(struct.pack("<8I", *header) + TELLS)
    initrd.write_bytes(b"what is in the initrd\n")
    append = "console=ttyS0,115200 'a b' $(id) --help {{ 7 * 7 }}"
    wish = {"nics": [], "kernel": str(kernel), "initrd": str(initrd), "append": append}
    wish |= {"serial_log": str(log), "wait_for": ["serial"], "serial_pattern": "in the initrd$"}
    guests.done(**wish)
    assert log.read_bytes() == f"{kernel} {append}what is in the initrd\n".encode()
    assert not guests.done(**wish)["changed"]
