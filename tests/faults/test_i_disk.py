# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Group I: disks that are full or read-only, files that are no plain files. Mounts are made in a mount namespace that goes with the test."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hypervisor.network.tests.harness.guard.guarded import Transactions
from ansible_collections.hypervisor.network.tests.harness.net.dump import differences, settled
from ansible_collections.hypervisor.network.tests.harness.net.lan import lan
from ansible_collections.hypervisor.network.tests.harness.net.netns import run

LO = "auto lo\niface lo inet loopback\n"
# A disk that can't keep what it was given
FAILING = """
import errno, os

def fsync(_descriptor):
    raise OSError(errno.EIO, "Input/output error")

os.fsync = fsync
"""
ETH0 = "allow-hotplug eth0\niface eth0 inet dhcp\n"


class Host:
    """A folder like /etc, seen from a mount namespace of its own; C(path) is the way in from outside."""

    def __init__(self, folder: Path, pid: int) -> None:
        self.folder = folder
        self.net = folder / "network"
        self.root = self.net / "interfaces"
        self.wrapper = ("nsenter", "-t", str(pid), "-m")
        self.inside = Path(f"/proc/{pid}/root")

    def mount(self, *words: str) -> None:
        subprocess.run([*self.wrapper, "mount", *words], check=True)

    def seen(self, path: Path) -> Path:
        """The path as the mount namespace sees it."""
        return self.inside / path.relative_to("/")

    def files(self) -> dict[str, bytes]:
        """Every file below the folder, as the namespace sees it."""
        top = self.seen(self.folder)
        found = (Path(where, name) for where, _folders, names in os.walk(top) for name in names)
        return {
            str(path.relative_to(top)): path.read_bytes()
            for path in found
            if not path.name.startswith("filler")
        }


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    """A host with an /etc/network of its own on a tmpfs of 256 KiB."""
    folder = tmp_path / "etc"
    folder.mkdir()
    process = subprocess.Popen(
        ["unshare", "-m", "--propagation", "private", "cat"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        process.stdin.write(b"there\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"there\n"
        made = Host(folder, process.pid)
        made.mount("-t", "tmpfs", "-o", "size=256k,mode=0755", "tmpfs", str(folder))
        made.seen(made.net / "interfaces.d").mkdir(parents=True)
        made.seen(made.root).write_text("source interfaces.d/*\n" + LO)
        made.seen(made.net / "interfaces.d" / "eth0").write_text(ETH0)
        yield made
    finally:
        process.stdin.close()
        process.wait(timeout=10)


@pytest.fixture
def stanza(run_module: Any, host: Host) -> Any:
    """Run interfaces_stanza on the host."""

    def run(*, check: bool = False, **options: Any) -> dict[str, Any]:
        given = {"path": str(host.root), "backup_dir": str(host.folder / "backups"), **options}
        return run_module("interfaces_stanza", given, check=check, wrapper=host.wrapper)

    return run


@pytest.fixture
def refused(stanza: Any, host: Host) -> Any:
    """Run it, expect one sentence with these words, and no file changed, new or gone."""

    def run(*words: str, both: bool = True, **options: Any) -> str:
        before = host.files()
        for check in (True, False) if both else (False,):
            result = stanza(check=check, **options)
            assert result["failed"] and not result.get("changed"), result
            assert "\n" not in result["msg"] and result["msg"].endswith("."), result
            assert [word for word in words if word not in result["msg"]] == []
            assert host.files() == before
        return result["msg"]

    return run


def fill(host: Host, leave: int) -> None:
    """Fill the host's file system but for some pages."""
    room = os.statvfs(host.seen(host.folder))
    with open(host.seen(host.folder / "filler"), "wb") as stream:
        stream.write(b"\0" * (room.f_bfree - leave) * room.f_frsize)


TAKE_OVER = {"name": "br0", "take_over": "eth0"}


def test_i01_a_full_file_system_is_refused_in_check_mode_too(refused: Any, host: Host) -> None:
    fill(host, 0)
    refused("full", **TAKE_OVER)


def test_i01_a_file_system_that_fills_while_staging_leaves_everything_as_it_was(
    stanza: Any, host: Host
) -> None:
    path = host.net / "interfaces.d" / "eth0"
    host.seen(path).write_text(ETH0 + "# filler\n" * 600)  # two pages
    fill(host, 3)  # enough for the new text, and with the backup's two pages no more
    before = host.files()
    assert stanza(check=True, **TAKE_OVER)["changed"]
    result = stanza(**TAKE_OVER)
    assert result["failed"] and "full" in result["msg"] and "as it was before" in result["msg"], (
        result
    )
    after = host.files()
    assert {name: text for name, text in after.items() if not name.startswith("backups/")} == before
    assert [text for name, text in after.items() if name.startswith("backups/")] == [
        before["network/interfaces.d/eth0"]
    ]


@pytest.mark.parametrize(
    ("asked", "end"), [("confirmed", "confirmed"), ("rolled_back", "rolled-back")]
)
def test_i02_a_disk_that_is_full_when_a_change_is_decided_hinders_nobody(
    run_module: Any, asked: str, end: str
) -> None:
    records = Path("/var/lib/hypervisor-network")
    with lan() as made, Transactions(made.host) as hand:
        before = settled(made.host)
        records.mkdir(mode=0o700, exist_ok=True)
        apart = made.own_mounts(f"mount -t tmpfs -o size=256k,mode=0700 none {records}")
        wish = {"name": "eth0", "bridge": "br0", "guard_timeout": 60}
        name = run_module("bridge_uplink", wish, made.host, wrapper=apart)["transaction"]["id"]
        run(*apart, "sh", "-c", f"! cat /dev/zero > {records}/filler")
        answer = run_module("transaction", {"id": name, "state": asked}, made.host, wrapper=apart)
        assert not answer["failed"], answer
        hand.wait()
        assert end in run(*apart, "ls", str(records / "txn" / name)).split()
        assert all(made.all_reachable().values())
        assert (differences(before, settled(made.host)) == []) is (end == "rolled-back")


def test_i03_a_read_only_file_system_is_refused(refused: Any, host: Host) -> None:
    host.mount("-o", "remount,ro", str(host.folder))
    refused("read-only", **TAKE_OVER)


def test_i03_a_read_only_folder_for_backups_is_refused(refused: Any, host: Host) -> None:
    backups = host.folder / "backups"
    host.seen(backups).mkdir(mode=0o700)
    host.mount("-t", "tmpfs", "-o", "ro", "tmpfs", str(backups))
    refused("read-only", "backups", **TAKE_OVER)


def test_i03_a_file_that_is_a_mount_of_its_own_is_refused(refused: Any, host: Host) -> None:
    path = str(host.net / "interfaces.d" / "eth0")
    host.mount("--bind", path, path)
    refused("mount point", path, **TAKE_OVER)


@pytest.mark.parametrize("flag", ["i", "a"])
@pytest.mark.parametrize("what", ["eth0", "."])
def test_i03_an_immutable_file_or_folder_is_refused(
    refused: Any, host: Host, flag: str, what: str
) -> None:
    path = host.net / "interfaces.d" / what
    done = subprocess.run(
        [*host.wrapper, "chattr", f"+{flag}", str(path)], capture_output=True, check=False
    )
    if done.returncode != 0:
        pytest.skip("this kernel's tmpfs knows no immutable files")
    refused("immutable", **TAKE_OVER)


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        (b"", True),
        (b"# no line end", True),
        (b"auto lo\r\niface lo inet loopback\r\n", True),
        (b"# \xff\xfe \x80\niface lo inet loopback\n\tup echo \xe9\n", True),
        (b"# a line\n" * 12000, True),
        (b"iface lo inet loopback\n# \0\n", False),
    ],
    ids=["empty", "no line end", "crlf", "not utf-8", "100 kB", "nul"],
)
def test_i04_bytes_outside_of_the_stanza_are_kept_or_the_file_is_refused(
    stanza: Any, refused: Any, host: Host, text: bytes, taken: bool
) -> None:
    host.seen(host.root).write_bytes(text)
    if not taken:
        refused("NUL", name="br0", method="manual")
        return
    result = stanza(name="br0", method="manual", backup=False)
    assert result["changed"], result
    assert host.seen(host.root).read_bytes().startswith(text)
    asked = subprocess.run(
        [*host.wrapper, "ifquery", "-i", str(host.root), "br0"], capture_output=True, check=False
    )
    assert asked.returncode == 0, asked
    assert not stanza(name="br0", method="manual", backup=False)["changed"]
    assert stanza(name="br0", state="absent", backup=False)["changed"]
    assert host.seen(host.root).read_bytes() == text


def test_i04_a_megabyte_is_edited_in_place_of_one_line(run_module: Any, tmp_path: Path) -> None:
    (tmp_path / "network").mkdir()
    path = tmp_path / "network" / "interfaces"
    stanzas = [
        f"iface t{number} inet manual\n    # {'x' * 1000}\n    mtu 1400\n" for number in range(1000)
    ]
    path.write_text("".join(stanzas))
    result = run_module(
        "interfaces_stanza",
        {"path": str(path), "backup": False, "name": "t500", "options": {"mtu": 1500}},
    )
    assert result["changed"], result
    stanzas[500] = stanzas[500].replace("mtu 1400", "mtu 1500")
    assert path.read_text() == "".join(stanzas)


@pytest.mark.parametrize(
    "kind", ["symbolic link out", "symbolic link to the root's own link", "hard link"]
)
def test_i04_a_link_that_leads_elsewhere_is_refused(refused: Any, host: Host, kind: str) -> None:
    elsewhere, link = host.folder / "elsewhere", host.net / "interfaces.d" / "br0"
    host.seen(elsewhere).write_text("iface br0 inet dhcp\n")
    if kind == "hard link":
        host.seen(link).hardlink_to(host.seen(elsewhere))
    elif kind == "symbolic link out":
        host.seen(link).symlink_to("../../elsewhere")
    else:
        host.seen(host.root).unlink()
        host.seen(host.root).symlink_to("../elsewhere")
    refused("link", name="br0", method="static", options={"address": "192.0.2.2/24"})


def test_i06_what_this_module_does_not_edit_stays_to_the_byte(stanza: Any, host: Host) -> None:
    before = (
        "# \\\nsource-directory interfaces.d\nsource interfaces\nrename a=b\n\nmapping eth*\n\tscript /x\n\tmap a b\n\n"
        "iface t inet static\n  netmask 24\n\niface  x\tinet static  inherits t\n  address 192.0.2.2\n  up a \\\n    && b \\\n# c\n\n"
        "no-auto-down x\nno-scripts x y\nallow-lab x\n"
    )
    many = "".join(
        f"\niface t{number} inet manual\n\tmtu {1000 + number}\n" for number in range(200)
    )
    host.seen(host.root).write_text(before + many)
    assert not stanza(name="x", method="static")["changed"]
    result = stanza(name="t7", options={"mtu": 1500})
    assert result["changed"], result
    assert host.seen(host.root).read_text() == before + many.replace("mtu 1007\n", "mtu 1500\n")


def test_i07_mode_owner_and_labels_are_kept(stanza: Any, host: Host) -> None:
    path = host.seen(host.net / "interfaces.d" / "eth0")
    path.chmod(0o600)
    os.chown(path, 0, 4)
    # an ACL in the kernel's own form: version 2, then owner rw, user 65534 r, group r, mask r, others none
    entries = ((1, 6, -1), (2, 4, 65534), (4, 4, -1), (16, 4, -1), (32, 0, -1))
    acl = b"\x02\0\0\0" + b"".join(
        tag.to_bytes(2, "little") + mode.to_bytes(2, "little") + (who % 2**32).to_bytes(4, "little")
        for tag, mode, who in entries
    )
    kept = {}
    for name, value in (
        ("system.posix_acl_access", acl),
        ("security.selinux", b"system_u:object_r:net_conf_t:s0\0"),
        ("trusted.note", b"1"),
    ):
        try:
            os.setxattr(path, name, value)
        except OSError:
            continue
        kept[name] = value
    assert kept
    before = path.stat()
    assert stanza(**TAKE_OVER)["changed"]
    after = path.stat()
    assert after.st_ino != before.st_ino
    assert (after.st_uid, after.st_gid, stat.S_IMODE(after.st_mode)) == (
        before.st_uid,
        before.st_gid,
        stat.S_IMODE(before.st_mode),
    )
    assert {name: os.getxattr(path, name) for name in kept} == kept


def test_i10_a_file_of_somebody_else_is_refused(refused: Any, host: Host) -> None:
    os.chown(host.seen(host.net / "interfaces.d" / "eth0"), 65534, 65534)
    refused("65534", **TAKE_OVER)


def test_i08_a_disk_that_fails_when_it_is_to_keep_a_file_leaves_it_as_it_was(
    run_module: Any, host: Host, starting_with: Any
) -> None:
    given = {
        "path": str(host.root),
        "backup_dir": str(host.folder / "backups"),
        "backup": False,
        **TAKE_OVER,
    }
    before = host.files()
    result = run_module(
        "interfaces_stanza", given, wrapper=host.wrapper, env=starting_with(FAILING)
    )
    assert result["failed"] and "(EIO)" in result["msg"] and "\n" not in result["msg"], result
    assert host.files() == before


def test_i08_a_disk_that_fails_when_it_is_to_keep_the_guards_record_stops_the_change(
    run_module: Any, starting_with: Any
) -> None:
    with lan(echo=False) as made, Transactions(made.host) as hand:
        before = settled(made.host)
        wish = {"name": "eth0", "bridge": "br0", "guard_timeout": 60}
        result = run_module("bridge_uplink", wish, made.host, env=starting_with(FAILING))
        assert result["failed"] and "\n" not in result["msg"], result
        hand.wait()
        assert differences(before, settled(made.host)) == []
