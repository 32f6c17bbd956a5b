# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""H: a serial line that is typed at, and logged meanwhile."""

from __future__ import annotations

import os
import shlex
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hypervisor.network.tests.harness.host.guests import guest_user, image
from ansible_collections.hypervisor.network.tests.harness.process.waiting import wait_for

# next: mov dx, 3fdh; wait: in al, dx; test al, 1; jz wait; mov dl, f8h; in al, dx; out dx, al; jmp next
ECHO = bytes.fromhex("bafd03eca80174fbb2f8eceeebf2").ljust(510, b"\0") + b"\x55\xaa"


@pytest.fixture
def echo(guest_folder: Path) -> dict[str, Any]:
    """A guest that sends back what is typed at its serial line."""
    path = Path(image(guest_folder / "disk.img", "1M", "raw"))
    path.write_bytes(ECHO.ljust(1024 * 1024, b"\0"))
    disk = {"path": str(path), "format": "raw", "bus": "ide"}
    return {"nics": [], "boot": "c", "disks": [disk], "console": True}


def typed(path: Path, text: bytes) -> bytes:
    """What comes back of it, each time that it is typed again: the firmware may have had the first."""
    said = b""

    def answered() -> bool:
        nonlocal said
        client.sendall(text)
        try:
            said += client.recv(4096)
        except TimeoutError:
            return False
        return text in said

    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1)
        client.connect(str(path))
        wait_for(answered, "the guest answers", 60)
    return said


@pytest.mark.parametrize("logged", [False, True])
def test_s20_a_guest_is_typed_at_one_after_another(guests, guest_folder, echo, logged):
    log = guest_folder / "logs" / "log"
    log.parent.mkdir()
    os.chown(log.parent, guest_user().pw_uid, guest_user().pw_gid)
    wish = {**echo, **({"serial_log": str(log)} if logged else {})}
    guests.done(**wish)
    path = guests.folder() / "console.sock"
    found = path.stat()
    assert (found.st_uid, found.st_mode & 0o777) == (guest_user().pw_uid, 0o600)
    for text in (b"one\r", b"two\x00\xff\r"):
        typed(path, text)
    if logged:
        wait_for(lambda: b"two\x00\xff\r" in log.read_bytes(), "the log has it too")
    assert not guests.done(**wish)["changed"]
    command = shlex.split(guests.info()["consoles"]["console"])
    assert command[0] == "socat" and command[-1] == f"UNIX-CONNECT:{path}"


def test_s21_a_console_comes_with_the_next_start_and_goes_with_it(guests, echo):
    plain = {**echo, "console": False}
    guests.done(**plain)
    kept = guests.done(**echo)
    assert kept["pending_changes"]["console"] == {"now": False, "wanted": True}
    assert not (guests.folder() / "console.sock").exists()
    guests.done(**echo, on_change="restart")
    assert b"x" in typed(guests.folder() / "console.sock", b"x")
    guests.done(**plain, on_change="restart")
    assert "console" not in guests.info()["consoles"]


def test_s22_nobody_else_can_type_at_it(guests, echo):
    guests.done(**echo)
    words = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    code = f"import socket; socket.socket(socket.AF_UNIX).connect({str(guests.folder() / 'console.sock')!r})"
    done = subprocess.run([*words, "python3", "-c", code], check=False, capture_output=True, text=True)  # fmt: skip
    assert "PermissionError" in done.stderr
