# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""H: what comes to a guest while it runs and goes, by us and behind our back. QEMU itself is the oracle, over its second monitor."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hypervisor.network.tests.harness.host.guests import (
    MAC,
    Guests,
    ask,
    guest_user,
    image,
)
from ansible_collections.hypervisor.network.tests.harness.net.netns import batch, ip_json
from ansible_collections.hypervisor.network.tests.harness.process.waiting import wait_for

OTHER = "52:00:00:00:00:02"
# A guest that lets go of what it is asked for, as an operating system does: every tick it reads which slots shall be empty, and ejects them
# (the registers of PIIX4's PCI hot-plug, docs/specs/acpi_pci_hotplug.rst of QEMU)
_LETS_GO = "fb6631c0ba10ae66eff4ba04ae66ed6685c074f5ba08ae66efebee"


@pytest.fixture
def guests(netns, run_module) -> Iterator[Guests]:
    made = Guests(netns, run_module, taps=2)
    yield made
    made.remove()


def obliging(folder: Path) -> dict[str, Any]:
    """The disk with that guest on it."""
    disk = folder / "obliging.img"
    disk.write_bytes(bytes.fromhex(_LETS_GO).ljust(510, b"\0") + b"\x55\xaa")
    os.chown(disk, guest_user().pw_uid, -1)
    return {"path": str(disk), "format": "raw", "bus": "ide"}


def sizes(guests: Guests) -> list[int]:
    """What QEMU says that the disks have, in MiB."""
    found = [one["inserted"] for one in ask(guests, "query-block") if one.get("inserted")]
    return sorted(one["image"]["virtual-size"] // 2**20 for one in found)


def on_disk(path: str) -> int:
    done = subprocess.run(
        ["qemu-img", "info", "-U", "--output=json", path], check=True, capture_output=True
    )
    return json.loads(done.stdout)["virtual-size"] // 2**20


@pytest.mark.parametrize("form", ["qcow2", "raw"])
def test_n05_a_disk_of_a_stopped_guest_grows_and_never_shrinks(guests, guest_folder, form):
    disk = {"path": image(guest_folder / "a,b=c.img", "8M", form), "format": form}
    guests.done(disks=[{**disk, "size": "8M"}], state="paused")
    guests.done(state="stopped")
    wish = {"disks": [{**disk, "size": "24M"}], "state": "paused"}
    predicted = guests.run(**wish, check=True)
    assert [one["action"] for one in predicted["changes"]] == ["grow", "start"]
    assert on_disk(disk["path"]) == 8, "check mode wrote"
    done = guests.run(**wish)
    assert done["changes"] == predicted["changes"]
    grown = done["changes"][0]
    assert (grown["before"]["size"], grown["after"]["size"]) == (8 << 20, 24 << 20)
    assert on_disk(disk["path"]) == 24 and sizes(guests) == [24]
    assert not guests.done(**wish)["changed"]
    result = guests.run(disks=[{**disk, "size": "16M"}], state="paused")
    assert result["failed"] and "smaller disk" in result["msg"] and on_disk(disk["path"]) == 24
    guests.done(state="stopped")
    assert guests.done(disks=[{**disk, "size": "32M"}], state="stopped")["changed"]
    assert on_disk(disk["path"]) == 32


def test_n06_a_disk_grows_while_the_guest_runs(guests, guest_folder):
    disk = {"path": image(guest_folder / "a.qcow2", "8M"), "format": "qcow2"}
    pid = guests.done(disks=[disk])["pid"]
    wish = {"disks": [{**disk, "size": "24M"}]}
    kept = guests.done(**wish)
    assert not kept["changed"] and kept["pending_changes"]["disks.size"] == {
        "now": {disk["path"]: 8 << 20},
        "wanted": {disk["path"]: 24 << 20},
    }
    predicted = guests.run(**wish, on_change="hotplug", check=True)
    assert predicted["changed"] and predicted["guest"]["pending_changes"] == {}
    assert sizes(guests) == [8], "check mode wrote"
    grown = guests.done(**wish, on_change="hotplug")
    assert grown["changed"] and grown["pid"] == pid and grown["pending_changes"] == {}
    assert sizes(guests) == [24]
    (told,) = guests.info()["disks"]
    assert (told["device"], told["size"]) == ("disk0-dev", 24 << 20)
    assert [one["path"] for one in told["layers"]] == [disk["path"]]
    assert not guests.done(**wish, on_change="restart")["changed"]
    result = guests.run(disks=[{**disk, "size": "8M"}], on_change="hotplug")
    assert result["failed"] and "smaller disk" in result["msg"] and sizes(guests) == [24]
    guests.done(state="stopped")
    assert guests.info()["disks"][0]["size"] == 24 << 20, "told of a running guest only"


def limits(guests: Guests) -> dict[str, int]:
    (disk,) = [one["inserted"] for one in ask(guests, "query-block") if one.get("inserted")]
    words = ("iops", "iops_rd", "iops_wr", "bps", "bps_rd", "bps_wr")
    return {word: disk[word] for word in words if disk[word]}


def test_n07_a_disk_is_limited_from_its_start_and_while_it_runs(guests, guest_folder):
    disk = {"path": image(guest_folder / "a,b.qcow2", "8M"), "format": "qcow2", "cache": "none"}
    first = {"disks": [{**disk, "iops_total": 100, "bps_read": "1M", "bps_write": 2000}]}
    pid = guests.done(**first)["pid"]
    assert limits(guests) == {"iops": 100, "bps_rd": 1 << 20, "bps_wr": 2000}
    assert not guests.done(**first)["changed"]
    wish = {"disks": [{**disk, "iops_read": 7, "iops_write": 9}], "on_change": "hotplug"}
    predicted = guests.run(**wish, check=True)
    done = guests.run(**wish)
    assert done["changes"] == predicted["changes"] and done["guest"]["pid"] == pid
    assert done["guest"]["pending_changes"] == predicted["guest"]["pending_changes"] == {}
    assert limits(guests) == {"iops_rd": 7, "iops_wr": 9}
    assert not guests.done(**wish)["changed"]
    ask(guests, "block_set_io_throttle", id="/machine/peripheral/disk0-dev/virtio-backend",
        bps=0, bps_rd=0, bps_wr=0, iops=50000, iops_rd=0, iops_wr=0)  # fmt: skip
    told = guests.done(disks=wish["disks"])["pending_changes"]["disks"]
    assert told["now"][0]["iops_total"] == 50000 and told["wanted"][0]["iops_read"] == 7
    assert guests.done(**wish)["changed"] and limits(guests) == {"iops_rd": 7, "iops_wr": 9}
    guests.done(disks=[disk], on_change="hotplug")
    assert limits(guests) == {}
    guests.done(state="stopped")
    guests.done(**{**first, "on_change": "keep"})
    assert limits(guests) == {"iops": 100, "bps_rd": 1 << 20, "bps_wr": 2000}


NIC = {"tap": "tap1", "mac": MAC}
MORE = {"tap": "tap2", "mac": OTHER}


def carriers(guests: Guests) -> dict[str, bool]:
    links = ip_json(guests.netns, "link", "show")
    return {one["ifname"]: "LOWER_UP" in one["flags"] for one in links if "tap" in one["ifname"]}


def test_n08_a_card_is_plugged_in_and_taken_out(guests, guest_folder):
    boot = {"disks": [obliging(guest_folder)], "boot": "c"}
    pid = guests.done(**boot)["pid"]
    wish = {**boot, "nics": [NIC, MORE]}
    pending = guests.done(**wish)
    assert not pending["changed"] and len(pending["pending_changes"]["nics"]["wanted"]) == 2
    assert carriers(guests) == {"tap1": True, "tap2": False}
    wish["on_change"] = "hotplug"
    predicted = guests.run(**wish, check=True)
    done = guests.run(**wish)
    assert not done["failed"], done
    assert done["changes"] == predicted["changes"] and done["guest"]["pid"] == pid
    assert carriers(guests) == {"tap1": True, "tap2": True}
    assert not guests.done(**wish)["changed"]
    for wanted, carrier in (
        ([MORE], {"tap1": False, "tap2": True}),
        ([], {"tap1": False, "tap2": False}),
    ):
        gone = guests.done(**{**wish, "nics": wanted})
        assert gone["changed"] and gone["pid"] == pid and gone["pending_changes"] == {}
        assert carriers(guests) == carrier
        assert not guests.done(**{**wish, "nics": wanted})["changed"]


def places(guests: Guests) -> dict[str, int]:
    """Where the cards are, by their MACs."""
    found = {}
    for one in ask(guests, "qom-list", path="/machine/peripheral"):
        if one["name"].startswith("nic"):
            path = f"/machine/peripheral/{one['name']}"
            bus = ask(guests, "qom-get", path=path, property="parent_bus")
            address = ask(guests, "qom-get", path=path, property="addr")
            found[ask(guests, "qom-get", path=path, property="mac")] = (bus, address)
    return found


@pytest.mark.parametrize("machine", ["pc", "q35"])
def test_n13_a_card_that_was_plugged_in_is_where_it_was_after_a_start(guests, machine):
    more = {"machine": machine, "rng": True, "balloon": True, "emulator": "qemu-system-x86_64"}
    guests.done(**more)
    wish = {**more, "nics": [NIC, MORE]}
    assert guests.done(**wish, on_change="hotplug")["changed"]
    before = places(guests)
    assert before.keys() == {MAC, OTHER}
    guests.done(state="stopped")
    guests.done(**wish)
    assert places(guests) == before
    assert not guests.done(**wish)["changed"]


def test_n09_a_guest_that_lets_go_of_nothing_is_told_within_its_deadline(guests):
    guests.done()
    result = guests.run(nics=[], on_change="hotplug", wait_timeout=1)
    assert result["failed"] and "does not let go of nic0 within 1 s" in result["msg"]
    assert carriers(guests)["tap1"]
    assert len(guests.info()["nics"]) == 1


def test_n22_a_card_that_the_guest_drops_again_is_told_and_comes_with_the_next_run(guests):
    """As one that boots does which takes the news for a press of the port's button (kata-containers#1147); here a reset lets go of it."""
    wish = {"machine": "q35", "emulator": "qemu-system-x86_64", "on_change": "hotplug"}
    pid = guests.done(**wish)["pid"]
    both = {**wish, "nics": [NIC, MORE]}
    with ThreadPoolExecutor(1) as beside:
        run = beside.submit(guests.run, **both)
        wait_for(lambda: carriers(guests)["tap2"], "the card")
        ask(guests, "device_del", id="nic1")
        ask(guests, "system_reset")
        result = run.result()
    assert result["failed"] and "let go of nic1 right after it was plugged in" in result["msg"]
    assert carriers(guests) == {"tap1": True, "tap2": False}
    assert "net1" not in ask(guests, "human-monitor-command", **{"command-line": "info network"})
    assert len(guests.info()["nics"]) == 1 and guests.info()["pending_changes"] == {}
    done = guests.done(**both)
    assert done["changed"] and done["pid"] == pid
    assert carriers(guests) == {"tap1": True, "tap2": True} and not guests.done(**both)["changed"]


def test_n23_what_the_guest_kept_goes_with_the_next_run(guests, guest_folder):
    """Its back end stays until then, which closes it also where the device went meanwhile, as by the guest's reset."""
    disk = {"path": image(guest_folder / "a.qcow2", "8M"), "format": "qcow2"}
    pid = guests.done(nics=[NIC, MORE], disks=[disk])["pid"]
    wish = {"nics": [NIC], "disks": [], "on_change": "hotplug", "wait_timeout": 1}
    assert "does not let go of nic1" in guests.run(**wish)["msg"]
    assert carriers(guests) == {"tap1": True, "tap2": True} and len(guests.info()["nics"]) == 2
    ask(guests, "device_del", id="disk0-dev")
    ask(guests, "system_reset")
    for device in ("nic1", "disk0-dev"):
        wait_until_gone(guests, device)
    assert carriers(guests)["tap2"] and open_files(guests), "there was nothing to close"
    done = guests.done(**wish)
    assert done["changed"] and done["pid"] == pid and done["pending_changes"] == {}
    assert carriers(guests) == {"tap1": True, "tap2": False} and not open_files(guests)
    assert not guests.done(**wish)["changed"]


def open_files(guests: Guests) -> list[str]:
    """The files that QEMU has open."""
    return [one["file"] for one in ask(guests, "query-named-block-nodes", flat=True)]


def test_n10_a_disk_is_plugged_in_made_before_and_taken_out(guests, guest_folder):
    boot = obliging(guest_folder)
    pid = guests.done(disks=[boot], boot="c")["pid"]
    new = {
        "path": str(guest_folder / "new,=.qcow2"),
        "size": "8M",
        "serial": "-new_1",
        "iops_total": 10,
    }
    wish = {"disks": [boot, new], "on_change": "hotplug"}
    predicted = guests.run(**wish, check=True)
    done = guests.run(**wish)
    assert not done["failed"], done
    assert done["changes"] == predicted["changes"] and done["guest"]["pid"] == pid
    assert [one["action"] for one in done["changes"]] == ["create", "adjust"]
    assert 8 in sizes(guests)
    assert not guests.done(**wish)["changed"]
    gone = guests.done(disks=[boot], on_change="hotplug")
    assert gone["changed"] and 8 not in sizes(guests)
    nodes = [one["file"] for one in ask(guests, "query-named-block-nodes", flat=True)]
    assert not any("new" in file for file in nodes), "QEMU holds the image still"
    assert guests.done(**wish)["changed"] and 8 in sizes(guests)


def test_n10_a_disk_that_another_guest_holds_is_not_plugged_in_until_that_is_gone(
    guests, guest_folder
):
    held = {"path": image(guest_folder / "held.qcow2")}
    guests.done("vm2", nics=[], disks=[held])
    pid = guests.done(nics=[], disks=[])["pid"]
    wish = {"nics": [], "disks": [held], "on_change": "hotplug"}
    failed = guests.run(**wish)
    assert failed["failed"] and "lock" in failed["msg"] and "\n" not in failed["msg"], failed
    nodes = [one["file"] for one in ask(guests, "query-named-block-nodes", flat=True)]
    assert not any("held" in file for file in nodes) and guests.info()["disks"] == []
    guests.done("vm2", state="stopped")
    assert guests.done(**wish)["pid"] == pid and 8 in sizes(guests)


def test_n11_what_somebody_took_out_is_told_and_put_back(guests, guest_folder):
    boot = {"disks": [obliging(guest_folder)], "boot": "c", "nics": [NIC, MORE]}
    guests.done(**boot)
    ask(guests, "device_del", id="nic1")
    wait_until_gone(guests, "nic1")
    told = guests.done(**boot)
    assert not told["changed"]
    info = guests.info()
    assert [one["device"] for one in info["nics"]] == ["nic0", None]
    assert info["pending_changes"].keys() == {"nics"} and "socat" in info["consoles"]["monitor"]
    assert [one["tap"] for one in told["pending_changes"]["nics"]["now"]] == ["tap1"]
    assert [one["tap"] for one in guests.done(nics=None)["pending_changes"]["nics"]["defined"]] == [
        "tap1",
        "tap2",
    ]
    assert guests.done(**boot, on_change="hotplug")["changed"]
    assert carriers(guests) == {"tap1": True, "tap2": True}
    assert not guests.done(**boot, on_change="hotplug")["changed"]


def wait_until_gone(guests: Guests, device: str) -> None:
    wait_for(
        lambda: all(
            one["name"] != device for one in ask(guests, "qom-list", path="/machine/peripheral")
        ),
        f"the end of {device}",
    )


def test_n12_a_balloon_that_the_guest_does_not_fill_is_told_and_let_be(guests):
    guests.done(balloon=True)
    result = guests.run(balloon=True, memory="16", on_change="hotplug", wait_timeout=1)
    assert result["failed"] and "does not come to 16 MiB within 1 s" in result["msg"]
    assert ask(guests, "query-balloon")["actual"] == 32 << 20
    assert guests.info()["memory"] == 32


def test_n14_what_the_guest_is_called_and_its_credentials_are_in_its_tables(guests, guest_folder):
    """The firmware copies the tables into the guest's memory, where they are looked for."""
    hostile = "a,type=2 \n-x $y\u00fc"
    named = {"manufacturer": "A, B", "serial": "-s,serial=x"}
    wish = {
        "nics": [],
        "smbios": named,
        "credentials": {"my.key": hostile, "system.hostname": "web"},
    }
    guests.done(**wish)
    memory = guest_folder / "memory"
    texts = [b"A, B\0", b"-s,serial=x\0", b"io.systemd.credential.binary:my.key="]
    texts.append(base64.b64encode(hostile.encode()) + b"\0")

    def told() -> bool:
        ask(guests, "pmemsave", val=0, size=32 << 20, filename=str(memory))
        content = memory.read_bytes()
        return all(text in content for text in texts)

    wait_for(told, "the tables", 60)
    assert not guests.done(**wish)["changed"]
    assert guests.done(**{**wish, "credentials": {}})["pending_changes"].keys() == {"credentials"}


def test_n15_a_vsock_without_its_device_is_refused_by_name(guests):
    if Path("/dev/vhost-vsock").exists():
        assert guests.done(nics=[], vsock=4711)["status"] == "running"
    else:
        assert "modprobe vhost_vsock" in guests.refused(nics=[], vsock=4711)


def test_n20_a_guest_that_stands_still_is_asked_for_nothing(guests, guest_folder):
    """It would let go of nothing: that waits, and where the guest goes on it does so first."""
    both = [{"tap": "tap1", "mac": MAC}, {"tap": "tap2", "mac": OTHER}]
    wish = {"disks": [obliging(guest_folder)], "boot": "c", "on_change": "hotplug"}
    pid = guests.done(**wish, nics=both, state="paused")["pid"]
    one = {**wish, "nics": both[:1]}
    predicted = guests.run(**one, state="paused", check=True)
    kept = guests.done(**one, state="paused")
    assert not predicted["changed"] and not kept["changed"]
    assert kept["pending_changes"].keys() == {"nics"} and "nic1" in devices(guests)
    predicted = guests.run(**one, check=True)
    done = guests.run(**one)
    assert [change["action"] for change in done["changes"]] == ["resume", "adjust"]
    assert predicted["changes"] == done["changes"] and done["guest"]["pid"] == pid
    assert "nic1" not in devices(guests) and not guests.done(**one)["changed"]


def test_n21_a_tap_that_was_renamed_under_its_guest_is_still_the_guest_s(guests, guest_folder):
    wish = {"disks": [obliging(guest_folder)], "boot": "c"}
    pid = guests.done(**wish)["pid"]
    batch(guests.netns, "link set tap1 down\nlink set tap1 name tapx\nlink set tapx up\n")
    assert not guests.done(**wish)["changed"]
    (problem,) = guests.info()["problems"]
    assert "tap tap1 is not called so any more, and it holds tapx" in problem
    renamed = {**wish, "nics": [{"tap": "tapx", "mac": MAC}]}
    done = guests.done(**renamed, on_change="hotplug")
    assert done["changed"] and done["pid"] == pid
    batch(guests.netns, "link set tapx down\nlink set tapx name tap1\nlink set tap1 up\n")
    predicted = guests.run(**wish, nics=[{"tap": "tap1", "mac": MAC}], on_change="restart", check=True)  # fmt: skip
    done = guests.run(**wish, on_change="restart")
    assert predicted["changes"] == done["changes"] and not done["failed"], done
    assert not guests.done(**wish)["changed"] and guests.info()["problems"] == []
    batch(guests.netns, "link delete tap1\n")
    (problem,) = guests.info()["problems"]
    assert "tap tap1 was deleted" in problem


def devices(guests: Guests) -> set[str]:
    return {one["name"] for one in ask(guests, "qom-list", path="/machine/peripheral")}
