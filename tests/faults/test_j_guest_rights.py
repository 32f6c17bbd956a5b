# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""J: what a guest may be and reach: whom it runs as, which files it opens, and that check mode refuses what the run does."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hypervisor.network.tests.harness.host.guests import (
    MAC,
    NOBODY,
    Guests,
    guest_user,
    image,
)
from ansible_collections.hypervisor.network.tests.harness.net.netns import batch, ip_json


def status_of(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return dict(line.split(":\t", 1) for line in lines)


def with_file(guests: Guests, mine: Path, theirs: str) -> None:
    """Give the module another file in the place of one of the host's, in a mount namespace of its own."""
    guests.wrapper = ("unshare", "-m", "sh", "-c", f'mount --bind {mine} {theirs} && exec "$@"', "sh")  # fmt: skip


def refused_in_both(guests: Guests, **options: Any) -> str:
    """Check mode and the run must say the same one sentence."""
    predicted = guests.run(check=True, **options)
    assert predicted["failed"], predicted
    message = guests.refused(**options)
    assert message == predicted["msg"]
    return message


def test_12_3_a_guest_without_a_user_is_not_root(guests, guest_folder):
    guest = guests.done(serial_log=str(guest_folder / "log"))
    status = status_of(guest["pid"])
    user = guest_user()
    assert set(status["Uid"].split()) == {str(user.pw_uid)}
    assert set(status["Gid"].split()) == {str(user.pw_gid)}
    assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0
    assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"
    assert guest["user"] == user.pw_name
    assert (guest_folder / "log").stat().st_uid == user.pw_uid


def test_12_3_the_probe_of_kvm_is_not_root_either(guest_folder):
    from ansible_collections.hypervisor.network.plugins.module_utils._qemu import accel

    program = guest_folder / "qemu-system-x86_64"
    program.write_text(f"#!/bin/sh\nid -u > {guest_folder}/who\n", encoding="ascii")
    program.chmod(0o755)
    accel.probe(str(program), "kvm", guest_user())
    assert (guest_folder / "who").read_text(encoding="ascii") == f"{guest_user().pw_uid}\n"


@pytest.mark.parametrize("user", ["root", "0", "00"])
def test_12_3_root_by_name_and_by_number(guests, user):
    message = refused_in_both(guests, user=user)
    assert "as root" in message and "allow_root" in message


def test_12_3_root_by_another_name(guests, tmp_path):
    passwd = tmp_path / "passwd"
    shutil.copy("/etc/passwd", passwd)
    with passwd.open("a", encoding="ascii") as file:
        file.write("toor:x:0:0::/:/bin/sh\n")
    with_file(guests, passwd, "/etc/passwd")
    assert "as root" in refused_in_both(guests, user="toor")


def test_12_3_root_that_was_asked_for(guests):
    guest = guests.done(user="root", allow_root=True)
    status = status_of(guest["pid"])
    assert status["Uid"].split()[0] == "0" and status["Seccomp"] == "2"


def test_12_3_no_such_user_is_one_sentence_that_says_what_to_do(guests, tmp_path):
    passwd = tmp_path / "passwd"
    lines = Path("/etc/passwd").read_text(encoding="utf-8").splitlines(keepends=True)
    passwd.write_text(
        "".join(line for line in lines if not line.startswith("hypervisor-guest:")),
        encoding="utf-8",
    )
    with_file(guests, passwd, "/etc/passwd")
    message = refused_in_both(guests)
    assert "'hypervisor-guest'" in message and "ansible.builtin.user" in message


def test_12_4_a_raw_template_whose_guest_wrote_a_qcow2_header(guests, guest_folder):
    """Its content says: I am a qcow2 image, and my data are in another file of the host."""
    secret = guest_folder / "secret"
    secret.write_bytes(b"secret" * 1000)
    template = image(guest_folder / "template.img", "8M", "qcow2", "-b", str(secret), "-F", "raw")
    new = {"path": str(guest_folder / "new.qcow2"), "backing_file": template}
    assert "backing_format" in refused_in_both(guests, disks=[new])
    assert not (guest_folder / "new.qcow2").exists()
    guest = guests.done(disks=[{**new, "backing_format": "raw"}])
    opened = {
        os.readlink(f"/proc/{guest['pid']}/fd/{one}")
        for one in os.listdir(f"/proc/{guest['pid']}/fd")
    }
    assert {template, new["path"]} <= opened and str(secret) not in opened


def test_12_4_a_base_that_was_made_here_needs_no_format(guests, guest_folder):
    base, over = guest_folder / "base.img", guest_folder / "over.qcow2"
    guests.done(disks=[{"path": str(base), "format": "raw", "size": "8M"}])
    guests.done(state="absent")
    guest = guests.done(disks=[{"path": str(over), "backing_file": str(base)}])
    told = subprocess.run(
        ["qemu-img", "info", "-U", str(over)], check=True, capture_output=True, text=True
    ).stdout
    assert "backing file format: raw" in told
    again = guests.done(state="stopped")
    assert again["status"] == "stopped" and guests.done()["pid"] != guest["pid"]


def test_12_4_a_chain_that_leads_to_a_file_of_the_host(guests, guest_folder):
    disk = image(guest_folder / "disk", "8M", "qcow2", "-u", "-b", "/etc/shadow", "-F", "raw")
    message = refused_in_both(guests, disks=[{"path": disk, "format": "qcow2"}])
    assert "/etc/shadow" in message


@pytest.mark.parametrize("option", ["cdrom", "kernel", "initrd", "serial_log", "vnc"])
def test_12_5_a_link_to_a_file_of_somebody_else(guests, guest_folder, option):
    link = guest_folder / "link"
    link.symlink_to("/etc/shadow")
    other = {"kernel": image(guest_folder / "kernel")} if option == "initrd" else {}
    message = refused_in_both(guests, **other, **{option: str(link)})
    assert "symbolic link" in message


def test_12_5_a_directory_of_another_user_who_can_exchange_the_file(guests, guest_folder):
    folder = guest_folder / "theirs"
    folder.mkdir(mode=0o755)
    disk = image(folder / "disk.qcow2")
    os.chown(folder, NOBODY, NOBODY)
    message = refused_in_both(guests, disks=[{"path": disk}])
    assert str(NOBODY) in message and "exchange" in message


def test_12_5_a_file_of_somebody_elses_in_a_sticky_directory(guests, guest_folder):
    disk = image(guest_folder / "disk.qcow2")
    os.chmod(guest_folder, 0o1777)
    os.chown(disk, NOBODY, NOBODY)
    os.chmod(disk, 0o666)
    assert "exchange" in refused_in_both(guests, disks=[{"path": disk}])


def test_12_5_a_file_that_the_user_may_not_read(guests, guest_folder):
    disk = image(guest_folder / "disk.qcow2")
    os.chown(disk, 0, 0)
    os.chmod(disk, 0o600)
    message = refused_in_both(guests, disks=[{"path": disk}])
    assert "hypervisor-guest may not read and write" in message


def test_12_5_an_image_is_made_with_the_rights_of_its_user(guests, guest_folder, tmp_path):
    """The directory's owner puts a link to root's file in its place as soon as it is there."""
    target = tmp_path / "roots"
    target.write_text("roots", encoding="ascii")
    tool, real = guest_folder / "qemu-img", guest_folder / "real"
    shutil.copy("/usr/bin/qemu-img", real)
    tool.write_text(
        f"#!/bin/sh\nfor path; do :; done\ncase $path in [0-9]*) path={guest_folder}/disk;; esac\n"
        f'rm -f "$path"; ln -s {target} "$path"; exec {real} "$@"\n',
        encoding="ascii",
    )
    tool.chmod(0o755)
    with_file(guests, tool, "/usr/bin/qemu-img")
    message = guests.refused(disks=[{"path": str(guest_folder / "disk"), "size": "8M"}])
    assert "qemu-img cannot make" in message or "exchanged" in message
    assert target.read_text(encoding="ascii") == "roots"


@pytest.mark.parametrize(
    "line", ["-s", "--vnc :0", "-nic user,hostfwd=tcp::2222-:22", "/etc/shadow"]
)
def test_12_6_nothing_of_a_guest_listens(guests, line):
    assert "extra_args" in refused_in_both(guests, extra_args=line.split())


def test_12_6_what_shapes_the_machine_still_does(guests):
    words = (
        "-object rng-random,id=r0,filename=/dev/urandom -device virtio-rng-pci,rng=r0 -no-reboot"
    )
    assert guests.done(extra_args=words.split())["status"] == "running"


@pytest.mark.parametrize("device", ["tap1", "br0"])
def test_13_20_a_mac_that_a_device_of_the_host_has(guests, device):
    (link,) = ip_json(guests.netns, "link", "show", device)
    message = refused_in_both(guests, nics=[{"tap": "tap1", "mac": link["address"]}])
    assert "is that of this host's" in message


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"disks": [{"path": "/var/tmp/no-such.qcow2"}]}, "no-such.qcow2"),
        ({"disks": [{"path": "/var/tmp/no-such/disk", "size": "8M"}]}, "no directory"),
        ({"nics": [{"tap": "tap9", "mac": MAC}]}, "there is no tap"),
        ({"user": "no-such-user"}, "no-such-user"),
        ({"kernel": "/var/tmp/no-such-kernel"}, "no-such-kernel"),
        ({"emulator": "qemu-system-nosuch", "machine": "virt"}, "nosuch"),
    ],
)
def test_13_21_check_mode_refuses_what_the_run_refuses(guests, options, part):
    assert part in refused_in_both(guests, **options)


def test_trap_4_a_tap_without_an_owner(guests):
    batch(guests.netns, "link delete tap1\ntuntap add tap1 mode tap\nlink set tap1 master br0 up\n")
    assert "everybody may open it" in refused_in_both(guests)
