# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest's definition as QEMU's command line: what goes where, and that no value becomes an option."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._qemu.cmdline import Launch, argv
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.files import (
    Files,
    Fittings,
    Image,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.firmware import Firmware
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.spec import with_defaults
from ansible_collections.hypervisor.network.tests.harness.model.guest_parts import DISK, NIC


def words(launch: Launch | None = None, **spec: Any) -> list[str]:
    launch = launch or Launch("/usr/bin/qemu-system-x86_64", "tcg", "/run/pid")
    return argv("vm1", with_defaults(spec), replace(launch, files=looked_at(spec)))


def looked_at(spec: dict[str, Any]) -> Files:
    """The files as they are named, each image standing alone."""
    options = ("cdrom", "kernel", "initrd", "serial_log", "vnc")
    return Files(
        {disk["path"]: Image(disk["path"], disk["format"]) for disk in spec.get("disks", ())},
        {option: spec[option] for option in options if option in spec},
    )


def after(line: list[str], option: str) -> list[str]:
    """The values of an option, in order."""
    return [line[number + 1] for number, word in enumerate(line) if word == option]


def parsed(line: list[str], option: str) -> list[dict[str, Any]]:
    return [json.loads(value) for value in after(line, option)]


@pytest.mark.parametrize(
    ("spec", "option", "value"),
    [
        ({}, "-name", "vm1"),
        ({}, "-machine", "pc"),
        ({"machine": "q35"}, "-machine", "q35"),
        ({}, "-accel", "tcg"),
        ({}, "-smp", "1"),
        ({"cpus": 4}, "-smp", "4"),
        ({}, "-m", "512M"),
        ({"memory": 64}, "-m", "64M"),
        ({"cpu": "max,-svm"}, "-cpu", "max,,-svm"),
        ({"boot": "n"}, "-boot", "n"),
        ({"kernel": "/boot/a,b"}, "-kernel", "/boot/a,b"),
        ({"kernel": "/k", "initrd": "/i"}, "-initrd", "/i"),
        ({"kernel": "/k", "append": "root=/dev/vda a,b"}, "-append", "root=/dev/vda a,b"),
        ({}, "-pidfile", "/run/pid"),
        ({"serial_log": "/log/a,b=c"}, "-serial", "chardev:serial0"),
        ({"vnc": "/run/a,b"}, "-vnc", "unix:/run/a,,b"),
    ],
)
def test_an_option_and_its_value(spec: dict[str, Any], option: str, value: str) -> None:
    assert after(words(**spec), option) == [value]


def test_what_every_guest_gets() -> None:
    line = words()
    assert line[0] == "/usr/bin/qemu-system-x86_64"
    assert {"-nodefaults", "-no-user-config"} <= set(line)
    assert after(line, "-display") == ["none"]
    assert (
        after(line, "-sandbox")[0].startswith("on,") and "spawn=deny" in after(line, "-sandbox")[0]
    )
    assert after(line, "-mon") == ["chardev=qmp,mode=control", "chardev=spare,mode=control"]
    assert not {"-monitor", "-qmp", "-daemonize", "-runas", "-S", "-cpu"} & set(line)


def test_kvm_takes_the_hosts_cpu_unless_another_is_named() -> None:
    kvm = Launch("/qemu", "kvm", "/run/pid")
    assert after(words(kvm), "-cpu") == ["host"]
    assert after(words(kvm, cpu="max"), "-cpu") == ["max"]


def test_a_paused_start_holds_the_processors() -> None:
    assert "-S" in words(Launch("/qemu", "tcg", "/run/pid", paused=True))


@pytest.mark.parametrize(
    "path", ["/a,readonly=on.img", "/with space", "/a=b", "/json:{}", '/a"b', "/ünï"]
)
def test_a_hostile_path_stays_one_value(path: str) -> None:
    line = words(disks=[{**DISK, "path": path}], cdrom=path)
    disk, cdrom = parsed(line, "-blockdev")
    assert disk["file"]["filename"] == cdrom["file"]["filename"] == path
    assert disk["driver"] == "qcow2" and disk["file"]["driver"] == "file"


def test_the_serial_log_is_a_descriptor_and_its_path_no_business_of_qemu() -> None:
    line = words(serial_log="/log/a,path=/etc/x")
    assert after(line, "-add-fd") == ["fd=6,set=0,opaque=serial_log"]
    assert after(line, "-chardev")[-1] == "file,id=serial0,path=/dev/fdset/0,append=on"
    assert not any("/log/a" in word for word in line)


@pytest.mark.parametrize(
    ("bus", "devices"),
    [
        ("virtio", [{"driver": "virtio-blk-pci"}, {"driver": "virtio-blk-pci"}]),
        ("ide", [{"driver": "ide-hd"}, {"driver": "ide-hd"}]),
        (
            "scsi",
            [{"driver": "scsi-hd", "bus": "scsi0.0"}, {"driver": "scsi-hd", "bus": "scsi0.0"}],
        ),
        ("sata", [{"driver": "ide-hd", "bus": "sata0.0"}, {"driver": "ide-hd", "bus": "sata0.1"}]),
    ],
)
def test_two_disks_on_a_bus(bus: str, devices: list[dict[str, Any]]) -> None:
    line = words(disks=[{**DISK, "bus": bus}, {**DISK, "bus": bus, "path": "/images/other"}])
    found = [device for device in parsed(line, "-device") if "drive" in device]
    assert [device["drive"] for device in found] == ["disk0", "disk1"]
    assert [
        {key: device[key] for key in ("driver", "bus") if key in device} for device in found
    ] == devices
    controllers = [device for device in parsed(line, "-device") if "drive" not in device]
    assert len(controllers) == (1 if bus in ("scsi", "sata") else 0)


def test_a_console_is_a_socket_and_its_log_that_of_the_serial_line() -> None:
    launch = fitted({"console": "/run/a,b"})
    plain = "socket,id=serial0,path=/run/a,,b,server=on,wait=off"
    assert after(words(launch, console=True), "-chardev")[-1] == plain
    line = words(launch, console=True, serial_log="/log/a")
    assert after(line, "-chardev")[-1] == f"{plain},logfile=/dev/fdset/0,logappend=on"
    assert after(line, "-add-fd") == ["fd=6,set=0,opaque=serial_log"]
    assert after(line, "-serial") == ["chardev:serial0"]
    assert "-serial" not in words()


def test_serial_number_boot_order_and_read_only_of_a_disk() -> None:
    line = words(disks=[{**DISK, "serial": "seed", "boot_index": 0, "read_only": True}])
    assert (
        parsed(line, "-device")[0]["serial"] == "seed"
        and parsed(line, "-device")[0]["bootindex"] == 0
    )
    assert (
        parsed(line, "-blockdev")[0]["read-only"] is True
        and "read-only" not in parsed(line, "-blockdev")[0]["file"]
    )


def test_an_image_is_opened_as_it_was_looked_at_with_all_below_it() -> None:
    """12.4: what the header says when QEMU reads it counts no more: formats, backing files and data files are spelled out."""
    base = Image("/base", "raw")
    image = Image("/resolved", "qcow2", Image("/middle", "qcow2", base, "/data"))
    launch = Launch("/qemu", "tcg", "/run/pid", Files({DISK["path"]: image}))
    line = argv("vm1", with_defaults({"disks": [{**DISK, "format": None}]}), launch)
    (disk,) = parsed(line, "-blockdev")
    assert (disk["driver"], disk["file"]["filename"]) == ("qcow2", "/resolved")
    assert not disk["read-only"] and disk["backing"]["read-only"]
    middle = disk["backing"]
    assert middle["driver"] == "qcow2" and middle["data-file"]["filename"] == "/data"
    assert middle["backing"] == {"driver": "raw", "read-only": True, "file": {**middle["backing"]["file"], "filename": "/base"}}  # fmt: skip
    assert "backing" not in middle["backing"]


def test_an_image_that_stands_alone_gets_no_backing_file_whatever_its_header_says_by_then() -> None:
    (disk,) = parsed(words(disks=[DISK]), "-blockdev")
    assert disk["backing"] is None


def test_a_nic_is_on_its_tap_and_starts_no_script() -> None:
    line = words(
        nics=[
            NIC,
            {**NIC, "tap": "tap2", "model": "e1000", "mac": "52:00:00:00:00:02", "boot_index": 0},
        ]
    )
    first, second = parsed(line, "-netdev")
    assert first == {
        "type": "tap",
        "id": "net0",
        "ifname": "tap1",
        "script": "no",
        "downscript": "no",
        "vhost": False,
    }
    assert second["ifname"] == "tap2"
    devices = parsed(line, "-device")
    assert devices[0] == {
        "driver": "virtio-net-pci",
        "id": "nic0",
        "netdev": "net0",
        "mac": "52:00:00:00:00:01",
    }
    assert devices[1]["driver"] == "e1000" and devices[1]["bootindex"] == 0


def test_queues_vhost_and_mtu() -> None:
    line = words(nics=[{**NIC, "queues": 4, "vhost": True, "mtu": 9000}])
    assert parsed(line, "-netdev")[0]["queues"] == 4 and parsed(line, "-netdev")[0]["vhost"] is True
    assert parsed(line, "-device")[0] == {
        "driver": "virtio-net-pci", "id": "nic0", "netdev": "net0", "mac": NIC["mac"], "mq": True, "vectors": 10, "host_mtu": 9000,
    }  # fmt: skip


def test_extra_arguments_come_last_and_as_they_are() -> None:
    assert words(extra_args=["-device", "virtio-rng-pci"])[-2:] == ["-device", "virtio-rng-pci"]


def fitted(paths: dict[str, str], firmware: Firmware | None = None) -> Launch:
    return Launch("/usr/bin/qemu", "tcg", "/run/pid", fitted=Fittings(paths, firmware))


def test_firmware_is_code_that_nobody_writes_and_variables_of_the_guest() -> None:
    firmware = Firmware("/code,1.fd", "raw", "/template", "raw")
    line = words(fitted({"firmware": "/kept/vars"}, firmware), machine="q35")
    code, variables = parsed(line, "-blockdev")[:2]
    assert (code["node-name"], code["driver"], code["read-only"]) == ("firmware", "raw", True)
    assert code["file"]["filename"] == "/code,1.fd"
    assert (variables["node-name"], variables["driver"]) == ("variables", "qcow2")
    assert variables["file"]["filename"] == "/kept/vars" and not variables["read-only"]
    assert after(line, "-machine") == ["q35,pflash0=firmware,pflash1=variables"]
    assert after(line, "-global") == []


def test_secure_boot_lets_only_the_management_mode_write_the_variables() -> None:
    firmware = Firmware("/code", "raw", "/template", "raw", smm=True)
    line = words(fitted({"firmware": "/vars"}, firmware), machine="q35")
    assert after(line, "-machine") == ["q35,pflash0=firmware,pflash1=variables,smm=on"]
    assert after(line, "-global") == ["driver=cfi.pflash01,property=secure,value=on"]


def test_a_seed_is_a_disk_that_is_only_read_behind_all_other_devices() -> None:
    line = words(fitted({"cloud_init": "/kept/seed"}), disks=[DISK], nics=[NIC])
    assert parsed(line, "-blockdev")[-1]["file"]["filename"] == "/kept/seed"
    assert parsed(line, "-blockdev")[-1]["read-only"] is True
    devices = [device["id"] for device in parsed(line, "-device")]
    assert devices == ["disk0-dev", "nic0", "seed-dev"]
    assert parsed(line, "-device")[-1]["drive"] == "seed"


def test_a_machine_of_the_version_that_the_guest_began_with() -> None:
    launch = Launch("/usr/bin/qemu", "tcg", "/pid", fitted=Fittings(machine="pc-i440fx-7.2"))
    assert after(words(launch), "-machine") == ["pc-i440fx-7.2"]


@pytest.mark.parametrize(
    ("emulator", "machine", "driver"),
    [
        ("qemu-system-x86_64", "q35", "tpm-crb"),
        ("qemu-system-aarch64", "virt", "tpm-tis-device"),
    ],
)
def test_a_tpm_at_its_socket(emulator: str, machine: str, driver: str) -> None:
    line = words(fitted({"tpm": "/run/a,b"}), emulator=emulator, machine=machine)
    assert "socket,id=tpm,path=/run/a,,b" in after(line, "-chardev")
    assert after(line, "-tpmdev") == ["emulator,id=tpm0,chardev=tpm"]
    assert parsed(line, "-device")[0] == {"driver": driver, "tpmdev": "tpm0"}


def test_an_agent_has_its_port_and_a_socket_of_the_guests_own() -> None:
    line = words(fitted({"agent": "/run/a,b"}), agent=True)
    assert "socket,id=agent,path=/run/a,,b,server=on,wait=off" in after(line, "-chardev")
    bus, port = parsed(line, "-device")
    assert bus["driver"] == "virtio-serial-pci" and port["bus"] == f"{bus['id']}.0"
    assert (port["name"], port["chardev"]) == ("org.qemu.guest_agent.0", "agent")


@pytest.mark.parametrize(
    ("given", "block", "device"),
    [
        ({}, {"discard": "unmap"}, {}),
        ({"discard": "ignore"}, {"discard": "ignore"}, {}),
        ({"cache": "writeback"}, {"discard": "unmap"}, {}),
        ({"cache": "none"}, {"cache": {"direct": True}}, {}),
        ({"cache": "writethrough"}, {"discard": "unmap"}, {"write-cache": "off"}),
    ],
)
def test_how_a_disk_is_cached_and_what_comes_of_freed_blocks(
    given: dict[str, Any], block: dict[str, Any], device: dict[str, Any]
) -> None:
    line = words(disks=[{**DISK, **given}])
    (blockdev,) = parsed(line, "-blockdev")
    (found,) = parsed(line, "-device")
    assert {key: blockdev[key] for key in block} == block and ("cache" in blockdev) == (
        "cache" in block
    )
    assert {key: found[key] for key in device} == device
    assert ("write-cache" in found) == ("write-cache" in device)


def test_small_devices() -> None:
    line = words(rng=True, balloon=True, generation_id=True)
    assert after(line, "-object") == ["rng-builtin,id=rng0"]
    drivers = [device["driver"] for device in parsed(line, "-device")]
    assert drivers == ["virtio-rng-pci", "virtio-balloon-pci", "vmgenid"]
    assert parsed(line, "-device")[1]["free-page-reporting"] is True
    assert parsed(words(rng=False, balloon=False), "-device") == []


def test_room_for_what_is_plugged_in_later_is_behind_everything_else() -> None:
    found = parsed(words(machine="q35", rng=True), "-device")
    ports = [one["id"] for one in found if one["driver"] == "pcie-root-port"]
    assert ports == ["spare0", "spare1", "spare2", "spare3"] and found[-1]["id"] == "spare3"
    assert len({one["chassis"] for one in found[-4:]}) == 4
    assert "pcie-root-port" not in str(words(machine="pc"))


def test_a_vsock_has_the_number_of_the_guest() -> None:
    (device,) = parsed(words(vsock=7), "-device")
    assert device == {"driver": "vhost-vsock-pci", "id": "vsock-dev", "guest-cid": 7}
