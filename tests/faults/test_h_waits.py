# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""H: what a start waits for: a word of the firmware on the serial line, an agent that never comes, and the version of the machine."""

from __future__ import annotations

import json
import select
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from ansible_collections.hypervisor.network.tests.harness.host.guests import (
    EMULATOR,
    RUN,
    Guests,
    holds_qmp,
    kept,
    qemus,
    words_of,
)
from ansible_collections.hypervisor.network.tests.harness.net.netns import batch

UEFI: dict[str, Any] = {
    "emulator": "qemu-system-x86_64",
    "firmware": "uefi",
    "machine": "q35",
    "memory": "256",
    "nics": [],
}


def machine_of(guests: Guests) -> str:
    """The type of the machine, as QEMU tells it."""
    with holds_qmp(guests.folder()) as client:
        asked = {"execute": "qom-get", "arguments": {"path": "/machine", "property": "type"}}
        client.sendall(b'{"execute": "qmp_capabilities"}\n' + json.dumps(asked).encode() + b"\n")
        said = b""
        while said.count(b"\n") < 2:
            said += client.recv(65536)
    return json.loads(said.splitlines()[1])["return"]


def test_w01_a_start_waits_for_the_shell_of_the_firmware(guests, guest_folder):
    log = guest_folder / "serial.log"
    log.write_bytes(b"UEFI Interactive Shell of an earlier start\n")
    wish = {**UEFI, "serial_log": str(log), "wait_for": ["serial"]}
    log.chmod(0o666)
    guests.done(**wish, serial_pattern="UEFI Interactive Shell v[0-9.]+")
    assert b"UEFI Interactive Shell v" in log.read_bytes()


def test_w02_a_word_that_never_comes_is_told_with_what_was_said_instead(guests, guest_folder):
    log = guest_folder / "serial.log"
    wish = {**UEFI, "serial_log": str(log), "wait_for": ["serial"], "wait_timeout": 20}
    message = guests.refused(**wish, serial_pattern="login: $")
    assert "did not say 'login: $' within 20 s" in message and "undone" in message
    assert "said nothing at all" in message or "it ended with: " in message
    assert qemus(guests.name()) == []


def test_w03_an_agent_that_never_comes(guests):
    message = guests.refused(nics=[], agent=True, wait_for=["agent"], wait_timeout=2)
    assert "its agent did not answer within 2 s" in message


def test_w04_an_agent_has_a_socket_that_others_cannot_reach(guests):
    guest = guests.done(nics=[], agent=True)
    socket = guests.folder() / "agent.sock"
    assert socket.is_socket() and socket.stat().st_mode & 0o777 == 0o600
    assert any("org.qemu.guest_agent.0" in word for word in words_of(guest["pid"]))
    # nothing runs in it that could answer
    assert guests.info()["agent_answers"] is False


def test_w05_a_start_waits_for_a_port_in_its_namespace(guests):
    """One that this test opens after a while: what boots here in seconds has none. A Debian is waited for by it in test_h_debian.py."""
    batch(guests.netns, "address add 10.66.0.1/24 dev br0\nlink set lo up\n")
    serve = "import socket, time; time.sleep(2); s = socket.create_server(('10.66.0.1', 22)); print('open', flush=True); time.sleep(60)"
    with subprocess.Popen(["ip", "netns", "exec", guests.netns, sys.executable, "-c", serve], stdout=subprocess.PIPE) as server:  # fmt: skip
        try:
            guests.done(nics=[], wait_for=["port"], port_at="10.66.0.1:22", wait_timeout=30)
            assert select.select([server.stdout], [], [], 0)[0], "the start did not wait"
        finally:
            server.kill()
    message = guests.refused("vm2", nics=[], wait_for=["port"], port_at="10.66.0.1:23", wait_timeout=1)  # fmt: skip
    assert "10.66.0.1 accepted no connection to port 23 within 1 s (Connection refused)" in message
    assert "undone" in message


def test_m01_a_machine_keeps_the_version_of_its_first_start(guests):
    """A QEMU that is newer by the second start is played by a first start with an older machine."""
    first = guests.done(nics=[], state="paused")
    now = machine_of(guests).removesuffix("-machine")
    assert first["machine_used"] == now != "pc" and first["machine"] == "pc"
    guests.done(state="stopped")
    index = kept(guests.name()) / "files.json"
    written = json.loads(index.read_text(encoding="utf-8"))
    assert written["machine"] == {"pc": now}
    _began_with(index, written, "pc-i440fx-6.0")
    again = guests.done(nics=[], state="paused")
    assert (
        machine_of(guests) == "pc-i440fx-6.0-machine" and again["machine_used"] == "pc-i440fx-6.0"
    )
    assert not guests.done(nics=[], state="paused")["changed"]
    guests.done(state="stopped")
    _began_with(index, written, "pc-i440fx-0.9")
    message = guests.run(nics=[], state="paused", check=True)["msg"]
    assert "pc-i440fx-0.9 since its first start" in message and f"say machine: {now}" in message
    assert guests.done(nics=[], state="paused", machine=now)["machine_used"] == now


def test_m02_what_the_installed_emulator_told_is_remembered(guests):
    """Debian's qemu-system-i386 may be a script before the program."""
    guests.done(nics=[], state="paused")
    record = json.loads((RUN / ".machines.json").read_text(encoding="utf-8"))
    assert "pc" in record[shutil.which(EMULATOR)]["machines"]


def _began_with(index: Path, written: dict[str, Any], machine: str) -> None:
    index.write_text(json.dumps({**written, "machine": {"pc": machine}}), encoding="utf-8")
