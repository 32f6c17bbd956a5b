# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""J: strings and files that somebody chose to hurt us, as far as guests go."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import rundir
from ansible_collections.hypervisor.network.tests.harness.host.guests import (
    DEFINITIONS,
    NOBODY,
    RUN,
    image,
    process_state,
)
from ansible_collections.hypervisor.network.tests.harness.net.netns import run


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/x",
        "a,readonly=on",
        "-S",
        "$(id)",
        "{{ 7*7 }}",
        "a" * 300,
        "a\0b",
        "\u202evm",
        "",
        "a\nb",
        ".",
    ],
)
def test_j02_a_name_that_is_a_path_an_option_or_a_command(netns, run_module, name):
    result = run_module("qemu_guest", {"name": name, "nics": []}, netns)
    # a NUL is refused of every option, before anybody looks what it is for
    said = "no text that a file could hold" if "\0" in name else "guest name"
    assert result["failed"] and said in result["msg"] and "\n" not in result["msg"]
    if "\0" not in name and name not in ("", "."):
        assert not os.path.lexists(RUN / name) and not os.path.lexists(RUN / f".{name}")


@pytest.mark.parametrize(
    "name",
    ["a,readonly=on.qcow2", "with space.qcow2", "a=b.qcow2", 'quo"te.qcow2', "json:{}.qcow2", "-S"],
)
def test_j03_an_image_whose_name_means_something_to_qemu(guests, guest_folder, name):
    disk = image(guest_folder / "plain.qcow2")
    os.rename(disk, guest_folder / name)
    guest = guests.done(disks=[{"path": str(guest_folder / name)}])
    opened = {
        os.readlink(f"/proc/{guest['pid']}/fd/{one}")
        for one in os.listdir(f"/proc/{guest['pid']}/fd")
    }
    assert str(guest_folder / name) in opened
    assert process_state(guest["pid"]) is not None


def test_j03_an_image_with_a_comma_that_is_made(guests, guest_folder):
    disk = guest_folder / "a,size=1T,b.qcow2"
    guests.done(disks=[{"path": str(disk), "size": "8M"}])
    info = subprocess.run(
        ["qemu-img", "info", "-U", "--output=json", str(disk)],
        check=True,
        capture_output=True,
        text=True,
    )
    assert json.loads(info.stdout)["virtual-size"] == 8 * 1024**2
    assert disk.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "path",
    [
        "json:{'driver':'file'}",
        "nbd://host/disk",
        "/dev/null",
        "/a\nb",
        "relative.qcow2",
        "/tmp/../etc/shadow",
        "fat:rw:/etc",
    ],
)
def test_j03_what_is_no_image_file(guests, path):
    guests.refused(disks=[{"path": path, "format": "raw"}])


def test_j03_a_link_to_a_file_of_somebody_else(guests, guest_folder):
    link = guest_folder / "disk.img"
    link.symlink_to("/etc/shadow")
    assert "symbolic link" in guests.refused(disks=[{"path": str(link), "format": "raw"}])
    assert "symbolic link" in guests.refused(
        disks=[
            {
                "path": str(guest_folder / "new.qcow2"),
                "backing_file": str(link),
                "backing_format": "raw",
            }
        ]
    )
    assert not (guest_folder / "new.qcow2").exists()


def test_j03_a_backing_file_that_a_raw_guest_wrote_is_not_followed(guests, guest_folder):
    """The guest of a raw disk wrote a qcow2 header whose backing file is a file of the host."""
    secret = guest_folder / "secret"
    secret.write_bytes(b"secret" * 1000)
    disk = image(guest_folder / "disk.img", "8M", "qcow2", "-b", str(secret), "-F", "raw")
    guest = guests.done(disks=[{"path": disk, "format": "raw"}])
    opened = {
        os.readlink(f"/proc/{guest['pid']}/fd/{one}")
        for one in os.listdir(f"/proc/{guest['pid']}/fd")
    }
    assert disk in opened and str(secret) not in opened


def test_j06_a_run_directory_that_somebody_made_first(tmp_path):
    root = tmp_path / "run"
    root.mkdir(mode=0o700)
    os.chown(root, NOBODY, NOBODY)
    with pytest.raises(Refused, match="only root can write to"):
        rundir.RunDirectory("vm1", str(root)).make_trusted()
    assert list(root.iterdir()) == []


@pytest.mark.parametrize("where", ["run", "run/.vm1"])
def test_j06_a_link_in_the_place_of_a_run_directory(tmp_path, where):
    target = tmp_path / "target"
    target.mkdir()
    (tmp_path / where).parent.mkdir(exist_ok=True)
    (tmp_path / where).symlink_to(target)
    with pytest.raises(Refused, match="only root can write to"):
        rundir.RunDirectory("vm1", str(tmp_path / "run")).make_trusted()
    assert list(target.iterdir()) == []


def test_j06_what_the_guests_user_puts_into_its_directory_is_neither_followed_nor_believed(
    tmp_path,
):
    directory = rundir.RunDirectory("vm1", str(tmp_path))
    directory.make_trusted()
    directory.make_public(NOBODY, NOBODY)
    secret = tmp_path / "secret"
    secret.write_text("secret", encoding="utf-8")
    for name in ("stderr.log", "guest.json", "process.json", "pid"):
        os.symlink(secret, os.path.join(directory.public, name))
    assert directory.stderr_tail() == ""
    assert directory.load("process.json") is None
    directory.remove_public()
    assert secret.read_text(encoding="utf-8") == "secret"


def test_j07_another_user_cannot_reach_the_monitor(guests):
    guests.done()
    with pytest.raises(PermissionError), socket.socket(socket.AF_UNIX) as client:
        was = os.geteuid()
        os.seteuid(NOBODY)
        try:
            client.connect(str(guests.folder() / "qmp.sock"))
        finally:
            os.seteuid(was)
    for path in (guests.folder(), guests.folder().with_name(f".{guests.name()}")):
        assert path.stat().st_mode & 0o777 == 0o700
    for name in ("qmp.sock", "spare.sock"):
        assert (guests.folder() / name).stat().st_mode & 0o777 == 0o600
    for name in ("process.json", "lock"):
        assert Path(RUN, f".{guests.name()}", name).stat().st_mode & 0o777 == 0o600
    assert DEFINITIONS.stat().st_mode & 0o777 == 0o700
    assert (DEFINITIONS / f"{guests.name()}.json").stat().st_mode & 0o777 == 0o600


def test_j08_nothing_of_a_guest_listens_to_the_network_and_nobody_else_can_read_it(
    guests, guest_folder
):
    guests.done(vnc=str(guest_folder / "vnc"), serial_log=str(guest_folder / "log"))
    run_directories = [Path(path) for path in guests.left()]
    made = [one for folder in run_directories for one in (folder, *folder.rglob("*"))] + [
        guest_folder / "vnc",
        guest_folder / "log",
    ]
    assert {path.name for path in made} >= {
        f"{guests.name()}.json",
        "process.json",
        "lock",
        "qmp.sock",
        "spare.sock",
        "pid",
        "stderr.log",
        "vnc",
        "log",
    }
    assert [f"{path} {path.stat().st_mode:o}" for path in made if path.stat().st_mode & 0o077] == []
    assert run("ip", "netns", "exec", guests.netns, "ss", "-Hlntu") == ""
