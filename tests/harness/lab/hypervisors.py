# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hypervisors of the lab, as the acceptance tests use them: playbooks, ssh, reboots, and sessions that are watched."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ..process.long_form import LONG
from ..process.waiting import kill_and_wait

REPO = Path(__file__).resolve().parents[3]
ACCEPTANCE = REPO / "tests" / "acceptance"
# those that become bridge hosts; what is written down is converted in namespaces too, so the second waits for who has the time
ALL_HOSTS = ("dhcp", "static")
HOSTS = ALL_HOSTS if LONG else ALL_HOSTS[:1]
DISTRO = os.environ.get("DISTRO", "bookworm")  # the Debian release that they run
VLANS = "vlans"  # the machine whose kernel stands in for all that have VLANs
_RUN = Path("/run/hypervisor-network")
REBOOT_DEADLINE = 300.0
LEASE_DEADLINE = 60.0
LOST = 255  # what ssh ends with where its connection does before the command
NEW_CONNECTION = ("-o", "ControlMaster=no", "-o", "ControlPath=none")


class Lab:
    """Hypervisors on a LAN, and what a test does with them from outside."""

    def __init__(
        self, directory: Path, name: str, records: Path, inventory: Path = ACCEPTANCE / "hosts.yml"
    ) -> None:
        self.directory = directory
        self.name = name
        self._records = records
        self._inventory = inventory
        self._environment: dict[str, str] = {}  # what playbooks are run with beside the usual
        self._runs = 0

    def playbook(self, name: str, *arguments: str) -> list[dict[str, Any]]:
        """Run a playbook on the lab, and return a record for each task and host (see callbacks/recorder.py)."""
        self._runs += 1
        # another run of pytest may have taken it for an old one's; what the lab is removed by must not fail for it
        self._records.mkdir(parents=True, exist_ok=True)
        record = self._records / f"{self._runs}.jsonl"
        record.touch()
        environment = {
            **os.environ, "ANSIBLE_CALLBACK_PLUGINS": str(ACCEPTANCE / "callbacks"), "ANSIBLE_CALLBACKS_ENABLED": "recorder",
            "RECORDER_FILE": str(record), "ANSIBLE_NOCOLOR": "true", "ANSIBLE_DISPLAY_SKIPPED_HOSTS": "false",
            "ANSIBLE_ROLES_PATH": str(REPO / "tests" / "integration" / "targets"), **self._environment,
        }  # fmt: skip
        program = shutil.which("ansible-playbook") or str(
            Path(sys.executable).with_name("ansible-playbook")
        )
        command = [
            program, "-i", str(self._inventory), str(REPO / "playbooks" / name),
            "-e", f"lab_name={self.name}", "-e", f"lab_directory={self.directory}", *arguments,
        ]  # fmt: skip
        done = subprocess.run(
            command,
            cwd=REPO,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        print(done.stdout, done.stderr, sep="\n")
        if done.returncode:
            pytest.fail(
                f"{name} {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout[-6000:]}\n{done.stderr[-2000:]}",
                pytrace=False,
            )
        return [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]

    def up(self) -> None:
        """Build it, or switch on what is off; returns when every machine is entered by SSH.

        One processor each: what two emulated ones tell each other is a sixth of their work, and four machines have two real ones to share. Those of
        tests/faults/lab have two.
        """
        self.playbook("lab.yml", "-e", f"lab_distro={DISTRO}", "-e", "lab_cpus=1")

    @contextmanager
    def running(self) -> Iterator[None]:
        """The lab for this block, removed after it, also where it did not come up."""
        try:
            self.up()
            yield
        finally:
            self.down()

    def down(self) -> None:
        """Remove it."""
        self.playbook("lab.yml", "-e", "lab_state=absent")

    def site(self, *arguments: str) -> list[dict[str, Any]]:
        """Run site.yml on the hosts that become bridge hosts."""
        return self.playbook("site.yml", "--limit", ",".join(HOSTS), *arguments)

    def ssh_words(self, host: str, *options: str) -> list[str]:
        return ["ssh", "-F", str(self.directory / "ssh_config"), *options, host]

    def ssh(self, host: str, command: str, *options: str, timeout: float = 120) -> str:
        """What a command prints on a host. Raises CalledProcessError, and TimeoutExpired after so many seconds."""
        words = [*self.ssh_words(host, *options), command]
        return subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
            timeout=timeout,
        ).stdout

    def json(self, host: str, command: str) -> list[dict[str, Any]]:
        return json.loads(self.ssh(host, command) or "[]")

    def install(self, host: str, folder: str) -> None:
        """Put what a module needs into a folder of a host: Ansible's module_utils, this collection's plugins, and the harness that runs them there."""
        import ansible

        collection = "--transform=s,^,ansible_collections/hypervisor/network/,"
        parts = [
            [
                str(Path(ansible.__file__).parents[1]),
                "ansible/__init__.py",
                "ansible/release.py",
                "ansible/_vendor",
                "ansible/module_utils",
            ],
            [str(REPO), collection, "plugins", "tests/harness"],
        ]
        for start, *words in parts:
            packed = subprocess.run(
                ["tar", "-C", start, "--exclude=__pycache__", "-c", *words],
                capture_output=True,
                check=True,
            ).stdout
            subprocess.run(
                [*self.ssh_words(host), f"mkdir -p {folder} && tar -C {folder} -x"],
                input=packed,
                check=True,
                timeout=120,
            )

    def module(
        self, host: str, folder: str, module: str, args: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """What a module alone, run where C(install) put it, returns. Raises CalledProcessError where it fails."""
        given = json.dumps({"ANSIBLE_MODULE_ARGS": args or {}})
        path = f"ansible_collections.hypervisor.network.plugins.modules.{module}"
        return json.loads(self.ssh(host, f"PYTHONPATH={folder} python3 -m {path} '{given}'"))

    def from_router(self, *argv: str) -> str:
        """Run a program on the LAN's router. Raises CalledProcessError."""
        return subprocess.run(
            ["ip", "netns", "exec", self.name, *argv], capture_output=True, text=True, check=True
        ).stdout

    def lease(self, mac: str) -> str:
        """The address that the LAN's DHCP server leased to a MAC, waited for: it comes after the MAC is first seen."""
        deadline = time.monotonic() + LEASE_DEADLINE
        while True:
            rows = [
                line.split()
                for line in (self.directory / "leases").read_text(encoding="utf-8").splitlines()
            ]
            for row in rows:
                if row[1] == mac:
                    return row[2]
            if time.monotonic() > deadline:
                pytest.fail(
                    f"No lease for {mac} within {LEASE_DEADLINE:.0f} s; the LAN has {rows}.",
                    pytrace=False,
                )
            time.sleep(0.5)

    def run_directory(self, host: str) -> Path:
        """Where a machine's pidfile and its monitors are."""
        return _RUN / f"{self.name}-{host}"

    def pull_plug(self, host: str) -> None:
        """What the machine had not written to its disk is lost; C(up) switches it on again."""
        kill_and_wait(int((self.run_directory(host) / "pid").read_text(encoding="ascii")))
        subprocess.run([*self.ssh_words(host, "-O", "exit")], capture_output=True, check=False)

    def reboot(self, *hosts: str) -> None:
        """Reboot hosts, and return when each is entered again by a new connection."""
        old = {host: self.ssh(host, "cat /proc/sys/kernel/random/boot_id") for host in hosts}
        for host in hosts:
            try:
                self.ssh(host, "systemctl reboot")
            except subprocess.CalledProcessError as error:
                if error.returncode != LOST:
                    raise
            subprocess.run([*self.ssh_words(host, "-O", "exit")], capture_output=True, check=False)
        deadline = time.monotonic() + REBOOT_DEADLINE
        while old:
            for host in list(old):
                try:
                    if (
                        self.ssh(host, "cat /proc/sys/kernel/random/boot_id", *NEW_CONNECTION)
                        != old[host]
                    ):
                        del old[host]
                except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
                    if time.monotonic() > deadline:
                        pytest.fail(
                            f"{host} is not back {REBOOT_DEADLINE:.0f} s after its reboot.",
                            pytrace=False,
                        )
                    time.sleep(1)


class Echo:
    """One SSH session with a counter running through it, ten times a second: what is sent must come back."""

    INTERVAL = 0.1

    def __init__(self, words: list[str]) -> None:
        self._process = subprocess.Popen(
            [*words, "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self._stop = threading.Event()
        self.sent: list[float] = []
        self.stalls: list[float] = []
        self.returned: list[int] = []
        self._threads = [threading.Thread(target=self._write), threading.Thread(target=self._read)]
        for thread in self._threads:
            thread.start()

    def _write(self) -> None:
        try:
            while not self._stop.wait(self.INTERVAL):
                self.sent.append(time.monotonic())
                self._process.stdin.write(f"{len(self.sent) - 1}\n")
            self._process.stdin.close()
        except BrokenPipeError:
            pass  # the session died; what did not come back tells it

    def _read(self) -> None:
        for line in self._process.stdout:
            self.returned.append(int(line))
            self.stalls.append(time.monotonic() - self.sent[int(line)])

    def finish(self) -> int:
        """End the session in order, and return ssh's exit status."""
        self._stop.set()
        return self._process.wait(60)

    def __enter__(self) -> Echo:
        return self

    def __exit__(self, *_: object) -> None:
        """End it whatever became of it."""
        self._stop.set()
        self._process.kill()
        self._process.wait()
        for thread in self._threads:
            thread.join()
