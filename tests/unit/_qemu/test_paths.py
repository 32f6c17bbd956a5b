# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every path that a guest gets, against what a user of the host could put there. Whose files they are is looked at in tests/faults."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.files import Image
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.paths import (
    Look,
    mark,
    marked,
)

ME = pwd.getpwuid(os.geteuid())


@pytest.fixture
def look() -> Look:
    return Look("vm1", ME)


def spec(**given: object) -> dict:
    return {"disks": [], **given}


def refusal(look: Look, **given: object) -> str:
    with pytest.raises(Refused) as caught:
        look.files(spec(**given))
    message = str(caught.value)
    assert (
        "\n" not in message and message.startswith("vm1 is not started: ") and message.endswith(".")
    )
    return message


def made(path: Path, *more: str) -> Path:
    if shutil.which("qemu-img") is None:
        pytest.skip("qemu-img makes these: run it through tools/env test")
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", *more, str(path), "1M"], check=True)
    return path


def disk(path: Path, image_format: str | None = "qcow2") -> list[dict]:
    return [{"path": str(path), "format": image_format, "read_only": False}]


OPTIONS = ["cdrom", "kernel", "initrd", "serial_log", "vnc", "disks"]


def named(option: str, path: object) -> dict:
    return {"disks": disk(Path(str(path)), "raw")} if option == "disks" else {option: str(path)}


@pytest.mark.parametrize("option", OPTIONS)
def test_12_5_a_link_in_the_last_place(look: Look, tmp_path: Path, option: str) -> None:
    (tmp_path / "boot.iso").symlink_to("/etc/shadow")
    assert "symbolic link" in refusal(look, **named(option, tmp_path / "boot.iso"))


@pytest.mark.parametrize("option", OPTIONS)
def test_12_5_a_link_in_the_middle_that_leads_out(look: Look, tmp_path: Path, option: str) -> None:
    (tmp_path / "isos").symlink_to("/etc")
    message = refusal(look, **named(option, tmp_path / "isos" / "passwd"))
    assert "/etc/passwd" in message and "allowed_roots" in message


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize(
    "path", ["/etc/passwd", "/proc/self/mem", "/dev/null", "/sys/x", "/root/x"]
)
def test_12_5_a_path_outside(look: Look, option: str, path: str) -> None:
    assert "allowed_roots" in refusal(look, **named(option, path))


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("kind", ["folder", "fifo"])
def test_12_5_no_regular_file(look: Look, tmp_path: Path, option: str, kind: str) -> None:
    path = tmp_path / "thing"
    if kind == "folder":
        path.mkdir()
    else:
        os.mkfifo(path)
    assert "is no" in refusal(look, **named(option, path))


@pytest.mark.parametrize("option", OPTIONS)
def test_a_directory_that_is_not_there(look: Look, tmp_path: Path, option: str) -> None:
    assert "no directory" in refusal(look, **named(option, tmp_path / "missing" / "file"))


@pytest.mark.parametrize("option", ["cdrom", "kernel", "initrd", "disks"])
def test_a_file_that_is_not_there(look: Look, tmp_path: Path, option: str) -> None:
    assert "put it there first" in refusal(look, **named(option, tmp_path / "file"))


@pytest.mark.parametrize("mode", [0o777, 0o757])
def test_12_5_a_directory_above_that_others_may_write_to(
    look: Look, tmp_path: Path, mode: int
) -> None:
    """Who can write there can put a link into the place of the file between the look and the use."""
    (tmp_path / "shared" / "own").mkdir(parents=True)
    (tmp_path / "shared" / "own" / "cd.iso").touch()
    (tmp_path / "shared").chmod(mode)
    assert "chmod go-w" in refusal(look, cdrom=str(tmp_path / "shared" / "own" / "cd.iso"))


def test_what_is_named_is_resolved(look: Look, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "isos").symlink_to(tmp_path / "real")
    (tmp_path / "real" / "cd.iso").touch()
    given = {
        "cdrom": str(tmp_path / "isos" / "cd.iso"),
        "serial_log": str(tmp_path / "isos" / "log"),
        "vnc": str(tmp_path / "isos" / "vnc"),
    }
    found = look.files(spec(**given)).paths
    real = os.path.realpath(tmp_path / "real")
    assert found == {"cdrom": f"{real}/cd.iso", "serial_log": f"{real}/log", "vnc": f"{real}/vnc"}


def test_other_roots(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("in/cd.iso", "cd.iso", "in-side.iso"):
        (tmp_path / name).touch()
    look = Look("vm1", ME, [str(tmp_path / "in")])
    assert look.files(spec(cdrom=str(tmp_path / "in" / "cd.iso"))).paths
    for name in ("cd.iso", "in-side.iso"):
        assert "allowed_roots" in refusal(look, cdrom=str(tmp_path / name))


def test_a_socket_that_is_there_may_be_listened_at_anew_and_a_file_is_not_removed_for_it(
    look: Look, tmp_path: Path
) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "vnc"))
        assert look.files(spec(vnc=str(tmp_path / "vnc"))).paths
    (tmp_path / "file").touch()
    assert "no socket" in refusal(look, vnc=str(tmp_path / "file"))


def test_a_chain_is_looked_at_to_its_end(look: Look, tmp_path: Path) -> None:
    (tmp_path / "base").touch()
    made(tmp_path / "middle", "-b", "base", "-F", "raw")
    made(tmp_path / "top", "-b", str(tmp_path / "middle"), "-F", "qcow2")
    image = look.files(spec(disks=disk(tmp_path / "top"))).images[str(tmp_path / "top")]
    real = os.path.realpath(tmp_path)
    base = Image(f"{real}/base", "raw")
    assert image == Image(f"{real}/top", "qcow2", Image(f"{real}/middle", "qcow2", base))


def test_12_4_a_chain_that_leads_out(look: Look, tmp_path: Path) -> None:
    made(tmp_path / "middle", "-u", "-b", "/etc/shadow", "-F", "raw")
    made(tmp_path / "top", "-b", "middle", "-F", "qcow2")
    assert "/etc/shadow" in refusal(look, disks=disk(tmp_path / "top"))


def test_12_4_a_chain_over_a_link(look: Look, tmp_path: Path) -> None:
    (tmp_path / "base").symlink_to("/etc/shadow")
    made(tmp_path / "top", "-u", "-b", "base", "-F", "raw")
    assert "symbolic link" in refusal(look, disks=disk(tmp_path / "top"))


def test_12_4_data_that_are_elsewhere(look: Look, tmp_path: Path) -> None:
    made(tmp_path / "disk", "-o", f"data_file={tmp_path}/data")
    image = look.files(spec(disks=disk(tmp_path / "disk"))).images[str(tmp_path / "disk")]
    assert image.data_file == f"{os.path.realpath(tmp_path)}/data"
    (tmp_path / "data").unlink()
    (tmp_path / "data").symlink_to("/etc/shadow")
    assert "symbolic link" in refusal(look, disks=disk(tmp_path / "disk"))


@pytest.mark.parametrize("name", ["json:{}", "nbd://host/x", "file:/etc/shadow", "nbd:unix:/run/x"])
def test_12_4_a_chain_over_a_protocol(look: Look, tmp_path: Path, name: str) -> None:
    head = bytearray(made(tmp_path / "top", "-u", "-b", "x" * len(name), "-F", "raw").read_bytes())
    at = head.index(b"x" * len(name))
    head[at : at + len(name)] = name.encode()
    (tmp_path / "top").write_bytes(head)
    assert "protocol" in refusal(look, disks=disk(tmp_path / "top"))


def test_12_4_a_chain_that_leaves_a_format_open(look: Look, tmp_path: Path) -> None:
    (tmp_path / "base").touch()
    head = bytearray(made(tmp_path / "top", "-b", "base", "-F", "raw").read_bytes())
    at = head.index(bytes.fromhex("e2792aca"))
    head[at : at + 4] = bytes.fromhex("6803f857")  # the feature table's number in its place
    (tmp_path / "top").write_bytes(head)
    assert "qemu-img rebase" in refusal(look, disks=disk(tmp_path / "top"))


def test_12_4_a_chain_of_another_format_and_one_that_goes_round(look: Look, tmp_path: Path) -> None:
    made(tmp_path / "a", "-u", "-b", "a", "-F", "qcow2")
    assert "below itself" in refusal(look, disks=disk(tmp_path / "a"))
    (tmp_path / "b").touch()
    made(tmp_path / "top", "-u", "-b", "b", "-F", "vmdk")
    assert "vmdk" in refusal(look, disks=disk(tmp_path / "top"))


def test_a_format_that_nobody_named(look: Look, tmp_path: Path) -> None:
    """Known of an image that stands alone, since whoever wrote that header gets nothing by it but what is in it."""
    alone = made(tmp_path / "alone")
    assert look.files(spec(disks=disk(alone, None))).images[str(alone)].format == "qcow2"
    (tmp_path / "raw").write_bytes(b"\0" * 512)
    assert "format: raw" in refusal(look, disks=disk(tmp_path / "raw", None))
    over = made(tmp_path / "over", "-b", "alone", "-F", "qcow2")
    assert "the guest of a raw disk could have written that" in refusal(
        look, disks=disk(over, None)
    )


def test_12_4_a_base_is_never_recognised_by_what_is_in_it(look: Look, tmp_path: Path) -> None:
    base = made(tmp_path / "base")
    with pytest.raises(Refused, match="backing_format"):
        look.base(str(base), None)
    assert look.base(str(base), "raw").format == "raw"
    assert look.base(str(base), "qcow2").format == "qcow2"


def test_an_image_that_says_qcow2_and_is_none(look: Look, tmp_path: Path) -> None:
    (tmp_path / "raw").write_bytes(b"\0" * 512)
    assert "real format" in refusal(look, disks=disk(tmp_path / "raw"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mark a file: run by make test")
def test_an_image_that_was_made_here_is_known_as_long_as_it_is_that_file(
    look: Look, tmp_path: Path
) -> None:
    path = tmp_path / "image"
    path.touch()
    with path.open("rb") as file:
        mark(file.fileno(), "raw")
    assert marked(str(path)) == "raw"
    assert look.base(str(path), None).format == "raw"
    shutil.copy(path, tmp_path / "copy")
    assert marked(str(tmp_path / "copy")) is None
    os.setxattr(path, "trusted.hypervisor-network.format", b"vmdk\xff")
    assert marked(str(path)) is None


def test_where_no_mark_can_be_made_the_format_is_asked_for() -> None:
    reader, writer = os.pipe()
    mark(writer, "raw")
    os.close(reader)
    os.close(writer)
    assert marked("/dev/null") is None


def test_where_an_image_can_be_made(look: Look, tmp_path: Path) -> None:
    assert look.new(str(tmp_path / "new")) == os.path.realpath(tmp_path / "new")


@pytest.mark.parametrize("path", ["/var/tmp/", "/srv/x/"])
def test_a_path_that_ends_in_a_slash(look: Look, path: str) -> None:
    assert "name a file" in refusal(look, kernel=path)


def test_a_name_that_the_file_system_refuses(look: Look, tmp_path: Path) -> None:
    assert "cannot be used" in refusal(look, kernel=str(tmp_path / ("a" * 300)))


def test_a_file_in_the_place_of_a_directory(look: Look, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    message = refusal(look, kernel=str(tmp_path / "file" / "kernel"))
    assert "no directory" in message


def test_a_format_that_is_not_looked_into(look: Look, tmp_path: Path) -> None:
    (tmp_path / "disk").touch()
    with pytest.raises(Refused, match="vmdk"):
        look.image(str(tmp_path / "disk"), "vmdk")


def test_a_disk_with_a_snapshot_is_opened_at_its_overlay(tmp_path: Path) -> None:
    base = made(tmp_path / "base.qcow2")
    top = made(tmp_path / "top.qcow2", "-b", str(base), "-F", "qcow2")
    look = Look("vm1", ME, tops={str(base): str(top)})
    image = look.files(spec(disks=disk(base, "raw"))).images[str(base)]
    assert image.path == str(top) and image.format == "qcow2"
    assert image.backing is not None and image.backing.path == str(base)


def test_an_image_that_would_be_made_anew_below_a_snapshot(tmp_path: Path) -> None:
    gone = str(tmp_path / "base.qcow2")
    look = Look("vm1", ME, tops={gone: "/top"}, refusing="is not touched")
    with pytest.raises(Refused, match="vm1 is not touched: .* nothing without it"):
        look.files(spec(disks=disk(Path(gone))), {gone: {}})
