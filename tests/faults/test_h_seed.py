# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""H, J08: seeds for cloud-init, read back by xorriso and mtools, and who can see what is in them."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hypervisor.network.tests.harness.host.guests import (
    NOBODY,
    RUN,
    Guests,
    guest_user,
    kept,
    words_of,
)

SECRET = "correct horse battery staple"
USER_DATA = f"#cloud-config\npassword: {SECRET}\nruncmd: [['echo', 'ü, \"x\"']]\n"
NETWORK = {
    "version": 2,
    "ethernets": {"eth0": {"addresses": ["10.0.0.2/24"], "routes": [{"to": "default", "via": "10.0.0.1"}]}},
}  # fmt: skip
SEED: dict[str, Any] = {"user_data": USER_DATA, "network_config": NETWORK}
PAUSED: dict[str, Any] = {"nics": [], "state": "paused"}
# The programs that make a seed, each with those that are taken before it
TOOLS = {"xorriso": (), "genisoimage": ("xorriso",), "mkfs.vfat": ("xorriso", "genisoimage")}


def seeds(guests: Guests) -> list[Path]:
    return sorted(kept(guests.name()).glob("seed-*"))


def read_back(seed: Path, folder: Path) -> dict[str, str]:
    """The files of a seed by name, as a program finds them that has not made it."""
    folder.mkdir()
    label = subprocess.run(
        ["file", "-b", "-s", str(seed)], check=True, capture_output=True, text=True
    ).stdout
    assert "CIDATA" in label, label
    if "ISO 9660" in label:
        words = ["xorriso", "-osirrox", "on", "-indev", str(seed), "-extract", "/", str(folder)]
    else:
        words = ["mcopy", "-i", str(seed), "::*", str(folder)]
    subprocess.run(words, check=True, capture_output=True)
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}


def hidden(*programs: str) -> tuple[str, ...]:
    """What runs a module where these programs are not executable: hosts differ there."""
    mounts = [f"mount --bind /dev/null $(command -v {program})" for program in programs]
    return ("unshare", "-m", "sh", "-c", " && ".join([*mounts, 'exec "$@"']), "sh")


@pytest.mark.parametrize("tool", TOOLS)
def test_s01_a_seed_says_what_was_asked_by_whichever_program_made_it(guests, tmp_path, tool):
    if TOOLS[tool]:
        guests.wrapper = hidden(*TOOLS[tool])
    guest = guests.done(**PAUSED, cloud_init={**SEED, "meta_data": {"local-hostname": "vm1"}})
    (seed,) = seeds(guests)
    found = read_back(seed, tmp_path / "seed")
    assert set(found) == {"user-data", "meta-data", "network-config"}
    assert found["user-data"] == USER_DATA
    meta = json.loads(found["meta-data"])
    assert meta["local-hostname"] == "vm1" and meta["instance-id"].startswith("iid-")
    (route,) = json.loads(found["network-config"])["ethernets"]["eth0"]["routes"]
    assert route == {"to": "0.0.0.0/0", "via": "10.0.0.1"}
    assert str(seed) in " ".join(words_of(guest["pid"]))
    assert not guests.done(**PAUSED, cloud_init={**SEED, "meta_data": {"local-hostname": "vm1"}})["changed"]  # fmt: skip


def test_s02_a_host_without_any_of_them_is_told_which_package_to_install(guests):
    guests.wrapper = hidden("xorriso", "genisoimage", "mkfs.vfat")
    message = guests.refused(**PAUSED, cloud_init=SEED)
    assert "'apt-get install xorriso'" in message
    assert not kept(guests.name()).exists()


def test_j08_a_secret_is_in_the_seed_and_nowhere_else(guests):
    result = guests.run(**PAUSED, cloud_init=SEED)
    assert not result["failed"]
    assert SECRET not in json.dumps(result)
    (seed,) = seeds(guests)
    assert SECRET.encode() in seed.read_bytes()
    assert SECRET not in " ".join(words_of(result["guest"]["pid"]))
    for folder in (RUN / f".{guests.name()}", RUN / guests.name(), kept(guests.name())):
        for path in folder.rglob("*"):
            if path.is_file() and path != seed:
                assert SECRET.encode() not in path.read_bytes(), path


def test_j08_a_seed_can_be_read_by_its_guest_and_by_no_other_user(guests):
    guests.done(**PAUSED, cloud_init=SEED)
    (seed,) = seeds(guests)
    found = seed.stat()
    assert (found.st_uid, found.st_mode & 0o777) == (guest_user().pw_uid, 0o400)
    stranger = subprocess.run(
        ["cat", str(seed)], check=False, capture_output=True, user=NOBODY, group=NOBODY
    )
    assert stranger.returncode and b"Permission denied" in stranger.stderr
    assert kept(guests.name()).stat().st_uid == 0, "the guest could exchange it"


def test_s03_a_seed_is_made_again_only_when_what_is_in_it_changes(guests):
    guests.done(**PAUSED, cloud_init=SEED)
    (first,) = seeds(guests)
    inode = first.stat().st_ino
    guests.done(state="stopped")
    again = guests.run(**PAUSED, cloud_init=SEED)
    assert [change["kind"] for change in again["changes"]] == ["guest"]
    assert seeds(guests) == [first] and first.stat().st_ino == inode
    other = {**SEED, "user_data": USER_DATA + "# other\n"}
    predicted = guests.run(**PAUSED, cloud_init=other, on_change="restart", check=True)
    done = guests.run(**PAUSED, cloud_init=other, on_change="restart")
    assert predicted["changes"] == done["changes"] and seeds(guests) != [first]
    assert [change["kind"] for change in done["changes"]] == ["seed", "guest", "guest"]
    ids = [done["changes"][0][side]["cloud_init"]["meta_data"]["instance-id"] for side in ("before", "after")]  # fmt: skip
    assert ids[0] != ids[1]


def test_s04_a_changed_seed_with_the_same_instance_id_would_be_ignored_by_the_guest(guests):
    own = {"meta_data": {"instance-id": "web-1"}}
    guests.done(**PAUSED, cloud_init={**SEED, **own})
    before = seeds(guests)
    result = guests.run(
        **PAUSED,
        cloud_init={"user_data": "#cloud-config\n{}\n", **own},
        on_change="restart",
    )
    assert result["failed"] and "web-1" in result["msg"] and "pass over" in result["msg"]
    assert seeds(guests) == before and guests.info()["status"] == "prelaunch"


def test_s05_a_running_guest_keeps_its_seed_and_the_other_one_is_pending(guests):
    guests.done(**PAUSED, cloud_init=SEED)
    kept_seed = seeds(guests)
    guest = guests.done(**PAUSED, cloud_init={"user_data": "#!/bin/sh\n"})
    assert not guest["changed"] and seeds(guests) == kept_seed
    pending = guest["pending_changes"]["cloud_init"]
    assert pending["now"]["user_data"] != pending["wanted"]["user_data"]
    assert pending["wanted"]["user_data"].startswith("sha256:")


def test_s06_a_start_that_fails_brings_the_former_seed_back(guests):
    guests.done(**PAUSED, cloud_init=SEED)
    former = seeds(guests)
    result = guests.run(
        **PAUSED,
        cloud_init={"user_data": "#!/bin/sh\n"},
        extra_args=["-device", "usb-tablet"],
        on_change="restart",
    )
    assert result["failed"] and "undone" in result["msg"]
    assert seeds(guests) == former
    assert not guests.done(**PAUSED, cloud_init=SEED)["changed"]


def test_s07_a_start_that_fails_leaves_no_seed_of_a_new_guest(guests):
    guests.refused(**PAUSED, cloud_init=SEED, extra_args=["-device", "usb-tablet"])
    assert not kept(guests.name()).exists()


def test_s08_a_seed_that_somebody_removed_is_asked_for_again(guests):
    guests.done(**PAUSED, cloud_init=SEED)
    guests.done(state="stopped")
    os.unlink(seeds(guests)[0])
    result = guests.run(**PAUSED)
    assert result["failed"] and "give cloud_init again" in result["msg"]
    assert guests.done(**PAUSED, cloud_init=SEED)["changed"]


def test_s09_a_guest_that_gets_another_user_takes_its_seed_along(guests):
    guests.done(**PAUSED, cloud_init=SEED)
    guests.done(state="stopped")
    guests.done(**PAUSED, user="nobody")
    (seed,) = seeds(guests)
    assert pwd.getpwuid(seed.stat().st_uid).pw_name == "nobody"


def test_s10_a_guest_without_a_seed_any_more(guests):
    guests.done(**PAUSED, cloud_init=SEED)
    guest = guests.done(**PAUSED, cloud_init={}, on_change="restart")
    assert guest["changed"] and guest["cloud_init"] is None
    assert "seed-" not in " ".join(words_of(guest["pid"]))
