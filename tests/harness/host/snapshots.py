# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guests with disks whose snapshots are tried: written to through QEMU itself or by qemu-io, and read by qemu-img."""

from __future__ import annotations

import json
import socket
import subprocess
from pathlib import Path
from typing import Any

from ..process.waiting import kill_and_wait
from .guests import RUN, Guests, image

KEPT = Path("/var/lib/hypervisor-network/snapshots")


class Monitor:
    """The second monitor of a guest, by hand: what our own client is not asked for."""

    def __init__(self, folder: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(20)
        self._socket.connect(str(folder / "spare.sock"))
        self._lines = self._socket.makefile("rb")
        assert "QMP" in json.loads(self._lines.readline())
        self.ask("qmp_capabilities")

    def __enter__(self) -> Monitor:
        return self

    def __exit__(self, *_unused: object) -> None:
        self._lines.close()
        self._socket.close()

    def ask(self, command: str, **arguments: Any) -> Any:
        self._socket.sendall(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")  # fmt: skip
        while True:
            answer = json.loads(self._lines.readline())
            assert "error" not in answer, answer
            if "return" in answer:
                return answer["return"]

    def node(self) -> str:
        """The node on top of the guest's one disk."""
        (drive,) = [one for one in self.ask("query-block") if "inserted" in one]
        return drive["inserted"]["node-name"]


class Kept:
    """One guest with disks, whose snapshots are taken. It has no NIC: nothing of this needs a network."""

    def __init__(self, guests: Guests, folder: Path, disks: int = 1, form: str = "qcow2") -> None:
        self._guests, self.folder, self.form = guests, folder, form
        self.name = guests.name()
        self.disks = [
            image(folder / f"disk{number}.{form}", "16M", form) for number in range(disks)
        ]
        self._options = {
            "nics": [],
            "disks": [{"path": path, "format": form} for path in self.disks],
        }
        self.pid: int | None = None

    def start(self, **options: Any) -> None:
        self.pid = self._guests.done(**{**self._options, **options})["pid"]

    def stop(self) -> None:
        self._guests.done(**self._options, state="stopped")

    def define(self) -> None:
        """Known to the host, and stopped."""
        self.start()
        self.stop()

    def kill(self) -> None:
        assert self.pid is not None
        # with all its threads, which hold the locks of its images until the last has ended
        kill_and_wait(self.pid)

    def run(self, name: str, *, check: bool = False, state: str = "present", **options: Any) -> dict[str, Any]:  # fmt: skip
        """One run of the module, whatever comes of it."""
        return self._guests._run_module(
            "qemu_snapshot",
            {"guest": self.name, "name": name, "state": state, **options},
            check=check,
        )

    def once(self, name: str, **options: Any) -> dict[str, Any]:
        """One run that check mode foretells, changes something, and whose second run changes nothing; returns its result."""
        foretold = self.run(name, check=True, **options)
        assert not foretold["failed"] and foretold["changed"], foretold
        done = self.run(name, **options)
        assert not done["failed"], done
        assert done["changes"] == foretold["changes"] and done["diff"] == foretold["diff"]
        again = self.run(name, **options)
        assert not again["failed"] and not again["changed"], again
        assert again["snapshots"] == done["snapshots"]
        return done

    def refused(self, name: str, **options: Any) -> str:
        """One run that must fail in one line, in check mode too, and change nothing; returns the sentence."""
        before = self.record()
        messages = {self.run(name, check=check, **options).get("msg") for check in (True, False)}
        assert len(messages) == 1 and self.record() == before, messages
        (message,) = messages
        assert message and "\n" not in message and message.endswith("."), message
        return message

    def record(self) -> dict[str, Any]:
        path = KEPT / f"{self.name}.json"
        return json.loads(path.read_text("utf-8")) if path.exists() else {}

    def set_phase(self, name: str, phase: str) -> None:
        """As a run that was killed leaves it."""
        record = self.record()
        next(one for one in record["entries"] if one["name"] == name)["phase"] = phase
        (KEPT / f"{self.name}.json").write_text(json.dumps(record), encoding="utf-8")

    def overlay(self, name: str, number: int = 0) -> str:
        return str(self.folder / f"disk{number}.{name}.qcow2")

    def write(self, pattern: int, at: int, number: int = 0) -> None:
        """A MiB of this byte, by the running guest's own disk. What became of it QEMU says on its own output."""
        self.io(f"write -P {pattern} {at}M 1M", number)

    def written_above(self, name: str) -> None:
        """Start it, take a snapshot, and write 8 MiB of ones above that: something to merge."""
        self.start()
        self.once(name)
        for at in range(8):
            self.write(1, at)

    def io(self, command: str, number: int = 0) -> None:
        """What qemu-io does, by the running guest's own disk, flushed: until then QEMU keeps to itself where a cluster lies, and others read the image."""
        disk = f"/machine/peripheral/disk{number}-dev/virtio-backend"
        with Monitor(RUN / self.name) as asked:
            for one in (command, "flush"):
                line = f'qemu-io -d {disk} "{one}"'
                asked.ask("human-monitor-command", **{"command-line": line})

    def cached(self) -> list[tuple[bool, int]]:
        """Of each disk, whether QEMU goes past the host's page cache, and the byte that a MiB of ones is made of once it was discarded."""
        found = []
        with Monitor(RUN / self.name) as asked:
            drives = [one["inserted"] for one in asked.ask("query-block") if "inserted" in one]
        for number, drive in enumerate(drives):
            self.write(1, 0, number)
            self.io("discard 0 1M", number)
            found.append((drive["cache"]["direct"], pattern_at(drive["file"], 0)))
        return found

    def tops(self) -> list[str]:
        """What QEMU has on top of each disk."""
        with Monitor(RUN / self.name) as asked:
            return [one["inserted"]["file"] for one in asked.ask("query-block") if "inserted" in one]  # fmt: skip

    def status(self) -> str:
        with Monitor(RUN / self.name) as asked:
            return asked.ask("query-status")["status"]


def write_image(path: str, pattern: int, at: int, form: str = "qcow2") -> None:
    """A MiB of this byte into an image that nobody has open."""
    subprocess.run(["qemu-io", "-f", form, "-c", f"write -P {pattern} {at}M 1M", path], check=True, capture_output=True)  # fmt: skip


def pattern_at(path: str, at: int, form: str = "qcow2") -> int:
    """The byte that a MiB of an image is made of, through all its layers, whoever has it open."""
    for pattern in (0, 1, 2, 3, 4, 5):
        done = subprocess.run(
            ["qemu-io", "-U", "-r", "-f", form, "-c", f"read -P {pattern} {at}M 1M", path], check=False, capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode == 0 and "verification failed" not in done.stdout:
            return pattern
    raise AssertionError(f"{path} holds no pattern of these at {at} MiB")


def tags(path: str) -> list[str]:
    """The internal snapshots of an image, by qemu-img."""
    said = subprocess.run(["qemu-img", "info", "-U", "--output=json", path], check=True, capture_output=True, text=True).stdout  # fmt: skip
    return [one["name"] for one in json.loads(said).get("snapshots", [])]


def sound(path: str) -> bool:
    return subprocess.run(["qemu-img", "check", "-q", path], check=False).returncode == 0
