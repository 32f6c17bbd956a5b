# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups of guests, and whatever breaks in the middle. The oracle is qemu-img, by the commands that the module itself gives to restore."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hypervisor.network.tests.harness.host.guests import RUN
from ansible_collections.hypervisor.network.tests.harness.host.snapshots import (
    KEPT,
    Kept,
    Monitor,
    write_image,
)
from ansible_collections.hypervisor.network.tests.harness.model.guest_agent import (
    LIMIT,
    FakeAgent,
    refusing,
)


class BackedUp(Kept):
    """A guest that is backed up."""

    target: Path

    def backup(self, name: str, *, check: bool = False, **options: Any) -> dict[str, Any]:
        return self._guests._run_module(
            "qemu_backup",
            {"guest": self.name, "target": str(self.target), "name": name, **options},
            check=check,
        )

    def backed_up(self, name: str, **options: Any) -> dict[str, Any]:
        """One run that check mode foretells and whose second run changes nothing; returns the backup."""
        foretold = self.backup(name, check=True, **options)
        assert not foretold["failed"] and foretold["changed"], foretold
        done = self.backup(name, **options)
        assert not done["failed"] and done["changes"] == foretold["changes"], done
        again = self.backup(name, **options)
        assert not again["failed"] and not again["changed"], again
        assert again["backups"] == done["backups"]
        return done["backup"]

    def files(self) -> list[Path]:
        return sorted(path for path in (self.target / self.name).rglob("*") if path.is_file())

    def bitmaps(self, number: int = 0) -> list[str]:
        """The bitmaps that QEMU keeps for a disk."""
        with Monitor(RUN / self.name) as asked:
            drives = [one for one in asked.ask("query-block") if "inserted" in one]
        return [one["name"] for one in drives[number]["inserted"].get("dirty-bitmaps", ())]


@pytest.fixture
def backed_up(guests, guest_folder) -> Iterator[Callable[..., BackedUp]]:
    """A function that makes the guest of a test, with so many disks, and a folder for its backups that is root's."""
    made: list[BackedUp] = []
    with tempfile.TemporaryDirectory(prefix="hypervisor-network-", dir="/var/tmp") as target:

        def make(disks: int = 1, form: str = "qcow2") -> BackedUp:
            made.append(BackedUp(guests, guest_folder, disks, form))
            made[-1].target = Path(target)
            return made[-1]

        yield make
    for one in made:
        (KEPT / f"{one.name}.json").unlink(missing_ok=True)


def restored(backup: dict[str, Any], folder: Path) -> list[str]:
    """The disks of a backup, written elsewhere by its own commands."""
    found = []
    for command in backup["restore"]:
        words = [word for word in shlex.split(command) if word != "-p"]
        words[-1] = str(folder / f"restored-{len(found)}")
        subprocess.run(words, check=True)
        found.append(words[-1])
    return found


def same(one: str, other: str) -> bool:
    return subprocess.run(["qemu-img", "compare", "-q", one, other], check=False).returncode == 0


def stopped_and_same(guest: BackedUp, backup: dict[str, Any], tmp_path: Path) -> bool:
    """Whether a backup restores what the stopped guest's disks hold."""
    guest.stop()
    return all(map(same, restored(backup, tmp_path), guest.disks))


def test_h30_a_full_backup_of_a_running_guest_is_of_the_moment_it_begins(backed_up, tmp_path):
    guest = backed_up(disks=2)
    guest.start()
    guest.write(1, 0)
    guest.write(2, 3, 1)
    backup = guest.backed_up("one")
    assert backup["mode"] == "full" and backup["reason"] == "there is no backup at the target yet"
    assert backup["consistency"] == "crash" and backup["complete"]
    for path in guest.files():
        assert (path.stat().st_uid, path.stat().st_mode & 0o777) == (0, 0o600), path
    assert (guest.target / guest.name).stat().st_mode & 0o777 == 0o700
    assert not any("fd" in one for one in _open_by(guest)), "QEMU holds a backup open"
    assert stopped_and_same(guest, backup, tmp_path)
    assert [len(one["sha256"]) for one in backup["files"].values()] == [64, 64]


def _open_by(guest: BackedUp) -> list[str]:
    folder = f"/proc/{guest.pid}/fd"
    return [os.readlink(f"{folder}/{fd}") for fd in os.listdir(folder) if str(guest.target) in os.readlink(f"{folder}/{fd}")]  # fmt: skip


def test_h31_incremental_backups_hold_what_was_written_and_what_was_zeroed(backed_up, tmp_path):
    guest = backed_up(disks=2)
    guest.start()
    for at in range(4):
        guest.write(1, at)
    guest.backed_up("one")
    guest.write(2, 1)
    _zero(guest, 2)
    two = guest.backed_up("two")
    assert two["mode"] == "incremental" and two["base"] == "one" and two["reason"] is None
    sizes = [one["bytes"] for one in two["files"].values()]
    assert sizes[0] < 3 * 2**20 and sizes[1] < 2**20
    guest.stop()
    guest.start()
    guest.write(3, 3)
    three = guest.backed_up("three")
    assert three["mode"] == "incremental" and three["base"] == "two"
    assert len(guest.bitmaps()) == 1
    assert stopped_and_same(guest, three, tmp_path)
    assert "is the base of two, three" in guest.backup("one", state="absent")["msg"]
    assert guest.backup("three", state="absent")["changed"]
    assert not guest.backup("three", state="absent")["changed"]
    assert not (guest.target / guest.name / "three").exists()


def _zero(guest: BackedUp, at: int) -> None:
    line = f'qemu-io -d /machine/peripheral/disk0-dev/virtio-backend "write -z {at}M 1M"'
    with Monitor(RUN / guest.name) as asked:
        asked.ask("human-monitor-command", **{"command-line": line})


def test_h32_a_bitmap_that_a_kill_made_inconsistent_makes_the_next_backup_full(backed_up, tmp_path):
    guest = backed_up()
    guest.start()
    guest.backed_up("one")
    guest.stop()  # QEMU writes bitmaps to the images when it ends
    guest.start()
    guest.kill()
    guest.start()
    guest.write(1, 0)
    two = guest.backed_up("two")
    assert two["mode"] == "full" and "inconsistent" in two["reason"]
    assert len(guest.bitmaps()) == 1
    guest.write(2, 1)
    three = guest.backed_up("three")
    assert three["mode"] == "incremental" and stopped_and_same(guest, three, tmp_path)


def test_h32_an_overlay_has_no_bitmap_and_merged_it_is_right_again(backed_up, tmp_path):
    guest = backed_up()
    guest.start()
    guest.backed_up("one")
    assert guest.run("snap")["changed"]
    guest.write(1, 0)
    two = guest.backed_up("two")
    assert two["mode"] == "full" and "has no bitmap" in two["reason"]
    guest.write(2, 1)
    assert guest.backed_up("three")["mode"] == "incremental"
    assert guest.run("snap", state="absent")["changed"]
    guest.write(3, 2)
    four = guest.backed_up("four")
    assert four["mode"] == "full" and stopped_and_same(guest, four, tmp_path)


def test_h32_going_back_to_an_internal_snapshot_makes_the_next_backup_full(backed_up, tmp_path):
    """A bitmap knows nothing of that: an incremental backup would be wrong, silently."""
    guest = backed_up()
    guest.start()
    guest.backed_up("one")
    guest.stop()
    assert guest.run("snap")["snapshot"]["kind"] == "internal"
    guest.start()
    guest.write(1, 0)
    guest.backed_up("two")
    guest.stop()
    back = guest.run("snap", state="reverted")
    assert back["changed"], back
    guest.start()
    three = guest.backed_up("three")
    assert three["mode"] == "full" and stopped_and_same(guest, three, tmp_path)


def test_h33_a_stopped_guest_is_backed_up_by_qemu_img(backed_up, tmp_path):
    guest = backed_up(disks=2)
    guest.define()
    write_image(guest.disks[1], 1, 2)
    one = guest.backed_up("one", rate="1G")
    assert one["consistency"] == "stopped" and all(map(same, restored(one, tmp_path), guest.disks))
    assert {path.stat().st_uid for path in guest.files()} == {0}
    two = guest.backed_up("two")
    assert two["mode"] == "full" and "does not run" in two["reason"]
    raw = guest.backed_up("raw", mode="full", format="raw")
    assert all(map(same, restored(raw, tmp_path), guest.disks))
    guest.start()
    assert "nothing has kept" in guest.backed_up("three")["reason"]


def test_h33_a_raw_disk_has_full_backups(backed_up, tmp_path):
    guest = backed_up(form="raw")
    guest.start()
    guest.write(1, 0)
    guest.backed_up("one")
    two = guest.backed_up("two")
    assert two["mode"] == "full" and "nothing has kept" in two["reason"]
    guest.stop()
    (path,) = restored(two, tmp_path)
    assert Path(path).read_bytes() == Path(guest.disks[0]).read_bytes()


def test_h34_older_chains_are_removed(backed_up):
    guest = backed_up()
    guest.start()
    for name in ("a1", "a2"):
        guest.backed_up(name)
    guest.backed_up("b1", mode="full")
    done = guest.backed_up("c1", mode="full", keep=2)
    assert done["mode"] == "full"
    assert sorted(path.name for path in (guest.target / guest.name).iterdir()) == ["b1", "c1", "manifest.json"]  # fmt: skip


def test_h35_a_target_that_is_full_leaves_what_was_there(backed_up, tmp_path):
    guest = backed_up()
    guest.start()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", str(guest.target)], check=True)
    try:
        guest.write(1, 0)
        guest.backed_up("one")
        for at in range(8):
            guest.write(2, at)
        failed = guest.backup("two")
        assert failed["failed"] and "No space left" in failed["msg"], failed
        assert "undone" in failed["msg"] and "\n" not in failed["msg"]
        assert sorted(path.name for path in (guest.target / guest.name).iterdir()) == ["manifest.json", "one"]  # fmt: skip
        assert len(guest.bitmaps()) == 1
        subprocess.run(["mount", "-o", "remount,size=64m", str(guest.target)], check=True)
        two = guest.backed_up("two")
        assert two["mode"] == "incremental" and stopped_and_same(guest, two, tmp_path)
    finally:
        subprocess.run(["umount", "-l", str(guest.target)], check=True)


def test_h35_a_run_that_was_killed_is_cleared_away_by_the_next(backed_up, tmp_path):
    guest = backed_up()
    guest.start()
    guest.write(1, 0)
    guest.backed_up("one")
    for at in range(12):
        guest.write(2, at)
    module = subprocess.Popen(
        [*_module(guest), json.dumps({"guest": guest.name, "target": str(guest.target), "name": "two", "rate": "64k"})],
    )  # fmt: skip
    with Monitor(RUN / guest.name) as asked:
        while not [one for one in asked.ask("query-jobs") if one["status"] == "running"]:
            assert module.poll() is None
        progress = RUN / f".{guest.name}" / "backup.json"
        while not progress.exists():
            assert module.poll() is None
        assert json.loads(progress.read_text("utf-8"))["name"] == "two"
        module.kill()
        module.wait()
        assert [one["status"] for one in asked.ask("query-jobs")] == ["running"]
    done = guest.backup("three")
    assert [one["action"] for one in done["changes"]] == ["discard", "create"], done
    assert done["backup"]["mode"] == "incremental", done["backup"]["reason"]
    assert len(guest.bitmaps()) == 1
    with Monitor(RUN / guest.name) as asked:
        assert asked.ask("query-jobs") == [] and asked.ask("query-fdsets") == []
    assert stopped_and_same(guest, done["backup"], tmp_path)


def test_h35_qemu_is_killed_while_a_backup_is_written_and_the_next_one_is_full_as_the_message_says(
    backed_up, tmp_path
):
    guest = backed_up()
    guest.start()
    guest.backed_up("one")
    for at in range(12):
        guest.write(1, at)
    module = subprocess.Popen(
        [*_module(guest), json.dumps({"guest": guest.name, "target": str(guest.target), "name": "two", "rate": "64k"})],
        stdout=subprocess.PIPE,
    )  # fmt: skip
    with Monitor(RUN / guest.name) as asked:
        while not [one for one in asked.ask("query-jobs") if one["status"] == "running"]:
            assert module.poll() is None
    guest.kill()
    message = json.loads(module.communicate(timeout=60)[0])["msg"]
    assert "is full unless QEMU ended in order" in message and "incremental" not in message
    guest.start()
    three = guest.backup("three")["backup"]
    assert three["mode"] == "full" and stopped_and_same(guest, three, tmp_path)


def _module(guest: BackedUp) -> list[str]:
    """A command that runs the module with the arguments that follow, as one that can be killed."""
    script = guest.target.parent / f"{guest.name}.py"
    script.write_text(
        "import io, json, runpy, sys\n"
        "text = json.dumps({'ANSIBLE_MODULE_ARGS': json.loads(sys.argv.pop())})\n"
        "sys.stdin = io.TextIOWrapper(io.BytesIO(text.encode()))\n"
        "runpy.run_module('ansible_collections.hypervisor.network.plugins.modules.qemu_backup', run_name='__main__')\n",
        encoding="utf-8",
    )
    return [sys.executable, str(script)]


def test_h35_qemu_is_killed_in_the_middle(backed_up, tmp_path):
    guest = backed_up()
    guest.start()
    guest.backed_up("one")
    guest.write(1, 0)
    guest.backed_up("two")
    manifest = guest.target / guest.name / "manifest.json"
    record = json.loads(manifest.read_text("utf-8"))
    record["backups"][1]["complete"] = False
    manifest.write_text(json.dumps(record), encoding="utf-8")
    guest.kill()
    guest.start()
    three = guest.backup("three")
    assert [one["action"] for one in three["changes"]] == ["discard", "create"]
    assert three["backup"]["mode"] == "full"
    assert stopped_and_same(guest, three["backup"], tmp_path)


def test_h36_files_that_are_gone_or_of_another_size_are_no_base(backed_up):
    guest = backed_up()
    guest.start()
    guest.backed_up("one")
    guest.files()[1].write_bytes(b"")
    two = guest.backed_up("two")
    assert two["mode"] == "full" and "one/disk0.qcow2 is gone" in two["reason"]


def test_h36_what_cannot_be_asked(backed_up):
    guest = backed_up()
    assert "There is no guest" in guest.backup("one")["msg"]
    guest.start()
    for name in ("../x", "a,b", "-c", "a/b", "", "x" * 64, "$(id)", "{{ 7*7 }}"):
        assert "not a usable name" in guest.backup(name)["msg"]
    for target in ("x", "/a/../b", "//a", "json:/a"):
        assert "not an absolute path" in guest.backup("a", target=target)["msg"]
    assert "There is no directory" in guest.backup("a", target="/nonexistent")["msg"]
    (guest.target / guest.name).mkdir(mode=0o777)
    (guest.target / guest.name).chmod(0o777)
    assert "only root can write" in guest.backup("a")["msg"]
    (guest.target / guest.name).chmod(0o700)
    (guest.target / guest.name / "manifest.json").write_text("{")
    assert "no manifest of backups that is whole" in guest.backup("a")["msg"]


def test_h37_the_agent_holds_the_guest_s_file_systems_still_as_it_begins(backed_up):
    guest = backed_up()
    guest.start()
    path = RUN / guest.name / "agent.sock"
    assert "agent does not answer" in guest.backup("one", quiesce=True)["msg"]
    with FakeAgent(path) as agent:
        assert guest.backed_up("one", quiesce=True)["consistency"] == "quiesced"
        assert agent.seen == ["guest-fsfreeze-freeze", "guest-fsfreeze-thaw"]
    path.unlink()
    with FakeAgent(path, {"guest-fsfreeze-thaw": refusing(LIMIT)}):
        two = guest.backup("two", quiesce=True)
    assert two["backup"]["consistency"] == "crash" and LIMIT in two["backup"]["note"]
