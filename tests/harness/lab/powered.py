# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A hypervisor of the lab whose plug is pulled: modules that stand still where the test wants, power cuts, and the disk as it was."""

from __future__ import annotations

import io
import json
import select
import shutil
import subprocess
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ansible
import pytest

from ..net.netns import pings
from .hypervisors import NEW_CONNECTION, REPO, Lab

HOST = "hv"
ADDRESS = "10.77.0.11"
INVENTORY = REPO / "tests" / "faults" / "lab" / "hosts.yml"
UPLINK = str(INVENTORY.with_name("uplink.yml"))
WISH = {"name": "eth0", "bridge": "br0", "guard_timeout": 600, "force": True}
# What C(state) tells of the hypervisor before its conversion, and after it
OLD = {"address": ["eth0"], "master": None, "bridges": []}
NEW = {"address": ["br0"], "master": "br0", "bridges": ["br0"]}
_TREE = "/opt/hypervisor-network-tests"
RECORDS = "/var/lib/hypervisor-network/txn"
_DRIVE = "tests/faults/lab/drive.py"
_PATIENCE = 60.0
_TURN = 30.0
# Of a run that goes to its end, or to a point of it: a machine that is emulated emulates guests, and on a host with other work to do one start takes a
# minute; NetworkManager's bridge_uplink came to its last point after more than that
_WHOLE_RUN = 300.0


class PoweredLab(Lab):
    """One hypervisor, with the collection on its disk so that its modules can be run there under observation."""

    def __init__(
        self,
        directory: Path,
        name: str,
        records: Path,
        *arguments: str,
        inventory: Path = INVENTORY,
    ) -> None:
        super().__init__(directory, name, records, inventory)
        self._arguments = arguments
        self._overlay = directory / HOST / "disk.qcow2"
        self._kept = directory / HOST / "kept.qcow2"
        self.used = False  # since its disk was kept
        self.network = "ifupdown"  # who manages it
        self.nic = "eth0"  # how its NIC is called
        self.role: dict[str, Any] = {}  # what site.yml is told beside the inventory

    def up(self, *arguments: str) -> None:
        """Switch the machine on where it is off, and wait until it is entered by SSH."""
        self.playbook("lab.yml", *self._arguments, *arguments)

    def hv(self, command: str, timeout: float = 120) -> str:
        """What a command prints on the hypervisor, over a connection of its own."""
        return self.ssh(HOST, command, *NEW_CONNECTION, timeout=timeout)

    def prepare(self) -> None:
        """Bring what is run there, and keep the disk as it is then: C(restore) goes back to it."""
        self.bring()
        self.cut()
        shutil.copyfile(self._overlay, self._kept)
        self.up()

    def bring(self) -> None:
        """The collection's modules, with what they are shipped with."""
        words = self.ssh_words(HOST, *NEW_CONNECTION)
        subprocess.run(
            [*words, f"mkdir -p {_TREE} && tar --extract --directory {_TREE} && sync"],
            input=_bundle(),
            check=True,
            capture_output=True,
        )

    def cut(self) -> None:
        """Pull the machine's plug."""
        self.pull_plug(HOST)

    def fresh(self) -> PoweredLab:
        """This machine as an installation left it, whatever the case before did to it."""
        if self.used:
            self.restore()
        self.used = True
        return self

    def restore(self) -> None:
        """The disk as C(prepare) kept it, and the machine running from it."""
        self.cut()
        shutil.copyfile(self._kept, self._overlay)
        self.up()

    @contextmanager
    def driven(self, module: str, point: str, **arguments: Any) -> Iterator[subprocess.Popen[str]]:
        """A module that runs on the hypervisor and stands still at a point (see drive.py): entered when it is there."""
        child = subprocess.Popen(
            self._drive_words(module, point),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            child.stdin.write(_told(arguments))
            child.stdin.close()
            said = (
                child.stderr.readline()
                if select.select([child.stderr], [], [], _WHOLE_RUN)[0]
                else ""
            )
            if f"at {point}" not in said:
                child.kill()
                pytest.fail(
                    f"{module} did not come to {point}: {said}{child.stderr.read()}{child.stdout.read()}",
                    pytrace=False,
                )
            yield child
        finally:
            child.kill()
            child.wait()
            child.stdout.close()
            child.stderr.close()

    def run(self, module: str, **arguments: Any) -> dict[str, Any]:
        """A module on the hypervisor, to its end: what it returned, read while it runs, since a pipe holds 64 KiB."""
        done = subprocess.run(
            self._drive_words(module, "never"),
            input=_told(arguments),
            capture_output=True,
            check=False,
            text=True,
            timeout=_WHOLE_RUN,
        )
        try:
            return json.loads(done.stdout)
        except ValueError:
            pytest.fail(f"{module} returned no JSON: {done.stdout}{done.stderr}", pytrace=False)

    def _drive_words(self, module: str, point: str) -> list[str]:
        command = f"PYTHONPATH={_TREE} python3 {_TREE}/{_DRIVE} {module} {point}"
        return [*self.ssh_words(HOST, *NEW_CONNECTION), command]

    def state(self) -> dict[str, Any]:
        """Who has the address, and what the NIC is a port of."""
        links = {link["ifname"]: link for link in self.json(HOST, "ip -j address show")}
        own = [
            name
            for name, link in links.items()
            if ADDRESS in [one["local"] for one in link["addr_info"]]
        ]
        return {
            "address": own,
            "master": links[self.nic].get("master"),
            "bridges": sorted(set(links) & {"br0"}),
        }

    def answers(self) -> bool:
        """Whether its address answers the LAN's router."""
        return pings(self.name, ADDRESS)

    def transaction(self) -> tuple[str, str]:
        """The latest transaction on the hypervisor: its id and its state."""
        name = self.hv(f"ls -t {RECORDS} | head -1").strip()
        (state,) = set(self.hv(f"ls {RECORDS}/{name}").split()) - {"snapshot.json"}
        return name, state

    def until(self, command: str, seconds: float = _PATIENCE) -> float:
        """Wait until a command succeeds over a new connection; how long that took."""
        began = time.monotonic()
        while True:
            try:
                # a connection that was open when the network went may hang for longer than the network is away
                self.hv(command, _TURN)
                return time.monotonic() - began
            except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
                if time.monotonic() - began > seconds:
                    pytest.fail(
                        f"'{command}' did not come true within {seconds:g} s: {error}",
                        pytrace=False,
                    )
                time.sleep(0.2)


def _told(arguments: dict[str, Any]) -> str:
    """What a module reads from its standard input."""
    return json.dumps({"_ansible_tmpdir": "/tmp", "_ansible_remote_tmp": "/tmp", **arguments})


def _bundle() -> bytes:
    """The collection and the part of Ansible that its modules are shipped with, as a tar archive."""
    stream = io.BytesIO()
    library = Path(ansible.__file__).parent
    with tarfile.open(fileobj=stream, mode="w") as archive:
        # the controller's own is not what it ships either
        archive.addfile(tarfile.TarInfo("ansible/__init__.py"))
        for part in ("release.py", "module_utils"):
            archive.add(library / part, f"ansible/{part}", filter=_no_bytecode)
        for part in ("plugins/modules", "plugins/module_utils"):
            archive.add(
                REPO / part, f"ansible_collections/hypervisor/network/{part}", filter=_no_bytecode
            )
        archive.add(REPO / _DRIVE, _DRIVE)
    return stream.getvalue()


def _no_bytecode(info: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if info.name.endswith("__pycache__") else info
