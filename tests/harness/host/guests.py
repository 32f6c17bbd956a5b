# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small guests for tests: a bridge with taps made by iproute2, guests made by the module, and nothing left afterwards."""

from __future__ import annotations

import json
import os
import pwd
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible_collections.hypervisor.network.plugins.module_utils._qemu.guest import (
    TPM_USER,
    USER,
)

from ..net.netns import batch

RUN = Path("/run/hypervisor-network")
DEFINITIONS = Path("/var/lib/hypervisor-network/definitions")
EMULATOR = "qemu-system-i386"
MEMORY = "32"
MAC = "52:00:00:00:00:01"
NOBODY = 65534  # the user and the group that Debian has for those who own nothing


def guest_user() -> pwd.struct_passwd:
    """The account that guests run as, made as the role's packages step makes it; it stays, as a package would."""
    return _made(USER, "QEMU guests")


def tpm_user() -> pwd.struct_passwd:
    """The account that their TPMs run as, made likewise."""
    return _made(TPM_USER, "TPMs of QEMU guests")


def _made(name: str, comment: str) -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        words = ["useradd", "--system", "--comment", comment, "--no-create-home"]
        words += ["--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", name]
        done = subprocess.run(words, check=False, capture_output=True, text=True)
        if done.returncode not in (0, 9):  # 9: another test made it in the same moment
            raise RuntimeError(done.stderr) from None
        return pwd.getpwnam(name)


class Guests:
    """Guests in one namespace, with br0 and the taps tap1, tap2 ... in it. Their names are this test's own."""

    def __init__(
        self, netns: str, run_module: Callable[..., dict[str, Any]], taps: int = 1
    ) -> None:
        self.netns = netns
        self.wrapper: tuple[str, ...] = ()
        self.patience = 120.0  # seconds for one run of the module
        self._run_module = run_module
        self._used: set[str] = set()
        lines = ["link add br0 type bridge forward_delay 0", "link set br0 up"]
        for number in range(1, taps + 1):
            lines += [
                f"tuntap add tap{number} mode tap user {guest_user().pw_name}",
                f"link set tap{number} master br0 up",
            ]
        batch(netns, "\n".join(lines) + "\n")

    def name(self, short: str = "vm1") -> str:
        """The guest's name on this host, which it shares with other tests."""
        return "t" + "".join(letter for letter in self.netns if letter.isalnum()) + short

    def run(self, short: str = "vm1", *, check: bool = False, **options: Any) -> dict[str, Any]:
        """One run of the module, whatever comes of it. On tap1 and without a disk, unless the options say more."""
        self._used.add(short)
        if options.get("tpm"):
            tpm_user()
        wish = {
            "emulator": EMULATOR,
            "memory": MEMORY,
            "accel": "tcg",
            "nics": [{"tap": "tap1", "mac": MAC}],
            "shutdown_timeout": 0,
            "supervisor": "process",  # also where these tests are run on a host with systemd
            **options,
        }
        return self._run_module(
            "qemu_guest",
            {"name": self.name(short), **wish},
            self.netns,
            check=check,
            wrapper=self.wrapper,
            timeout=self.patience,
        )

    def used(self, *shorts: str) -> None:
        """Guests that the test makes without this, which are removed with the others."""
        self._used.update(shorts)

    def done(self, short: str = "vm1", **options: Any) -> dict[str, Any]:
        """One run that must succeed; returns the guest."""
        result = self.run(short, **options)
        assert not result["failed"], result
        return {**result["guest"], "changed": result["changed"]}

    def refused(self, short: str = "vm1", **options: Any) -> str:
        """One run that must fail in one line, leaving no guest behind; returns the sentence."""
        result = self.run(short, **options)
        assert result["failed"] and "\n" not in result["msg"], result
        assert self.left(short) == []
        return result["msg"]

    def info(self, short: str = "vm1") -> dict[str, Any]:
        """What qemu_guest_info says of it."""
        result = self._run_module("qemu_guest_info", {"name": self.name(short)})
        assert not result["failed"], result
        (guest,) = result["guests"]
        return guest

    def folder(self, short: str = "vm1") -> Path:
        return RUN / self.name(short)

    def left(self, short: str = "vm1") -> list[str]:
        """Which of its directories there are."""
        return [
            str(path)
            for path in (
                self.folder(short),
                RUN / f".{self.name(short)}",
                DEFINITIONS / f"{self.name(short)}.json",
            )
            if os.path.lexists(path)
        ]

    def remove(self) -> None:
        for short in self._used:
            result = self._run_module(
                "qemu_guest", {"name": self.name(short), "state": "absent", "shutdown_timeout": 0}
            )
            assert not result["failed"], result


def holds_qmp(folder: Path) -> socket.socket:
    """A client that holds the guest's first monitor, greeted."""
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(10)
    client.connect(str(folder / "qmp.sock"))
    assert "QMP" in json.loads(client.recv(65536).splitlines()[0])
    return client


def ask(guests: Guests, command: str, **arguments: Any) -> Any:
    """What QEMU answers, past our own code, by its second monitor."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.connect(str(guests.folder() / "spare.sock"))
        stream = client.makefile("rw")
        stream.readline()
        for word, more in (("qmp_capabilities", {}), (command, arguments)):
            stream.write(json.dumps({"execute": word, "arguments": more}) + "\n")
            stream.flush()
            while True:
                answer = json.loads(stream.readline())
                if "event" not in answer:
                    break
        assert "return" in answer, answer
        return answer["return"]


def kept(name: str) -> Path:
    """Where a guest has what outlives a boot of the host."""
    return Path("/var/lib/hypervisor-network/guests", name)


def words_of(pid: int) -> list[str]:
    """The command line of a process by /proc."""
    return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8").split("\0")


def image(path: Path, size: str = "8M", image_format: str = "qcow2", *more: str) -> str:
    """A disk image made by qemu-img, of the guests' user."""
    subprocess.run(
        ["qemu-img", "create", "-q", "-f", image_format, *more, str(path), size], check=True
    )
    os.chown(path, guest_user().pw_uid, guest_user().pw_gid)
    return str(path)


def process_state(pid: int) -> str | None:
    """The state letter of a process by /proc, None where it is gone or a zombie."""
    try:
        letter = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if letter == "Z" else letter


def qemus(name: str) -> list[int]:
    """The processes whose command line names this guest, by /proc."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if b"-name" in words and name.encode() in words:
            found.append(int(path.parent.name))
    return found


def without_capabilities(pid: int) -> bool:
    """Whether a process has no capability, and can come by none by a program that it executes."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    sets = {line for line in lines if line.startswith("Cap")}
    return sets == {f"Cap{kind}:\t{0:016x}" for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")}
