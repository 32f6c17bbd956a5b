# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role bridge_host by playbook on the host of a LAN: with the namespace's network, and /run, /etc/network and what the collection writes of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..net.lan import Lan
from ..net.netns import run

INTERFACES = """\
# The primary network interface
auto lo
iface lo inet loopback

auto eth0
iface eth0 inet static
    # the router is in the cellar
    address 10.77.0.10/24
    gateway 10.77.0.1
    up ip address add 10.77.0.11/24 dev eth0 label eth0:1
    up ip address add 192.168.99.10/24 dev eth0

iface eth0 inet6 static
    address fd77::10/64
    gateway fd77::1

# the end
"""
JOB = {
    "bridge_host_bridges": [
        {"name": "br0", "uplink": "eth0", "stp_state": False, "forward_delay": 0, "maxwait": 0}
    ],
    "bridge_host_taps": [
        {"name": "tap1", "bridge": "br0"},
        {"name": "tap2", "bridge": "br0", "isolated": True},
    ],
    "bridge_host_guests": [
        {
            "name": "vm1",
            "emulator": "qemu-system-i386",
            "accel": "tcg",
            "memory": 64,
            "boot": "n",
            "nics": [{"tap": "tap1", "mac": "52:00:00:00:00:01"}],
        }
    ],
}
GONE = {
    "bridge_host_bridges": [{"name": "br0", "uplink": "eth0", "state": "absent"}],
    "bridge_host_taps": [{"name": "tap1", "state": "absent"}, {"name": "tap2", "state": "absent"}],
    "bridge_host_guests": [{"name": "vm1", "state": "absent", "shutdown_timeout": 0}],
}
# ip netns exec gives each playbook a mount namespace of its own, so these are seen by nobody else. The name of the machine's
# package database is a stand-in: what it says is not what this test is about.
ENTER = (
    "mkdir -p /var/lib/hypervisor-network; for dir in run etc/network var/backups var/lib/hypervisor-network; do "
    'mount --bind "$0/$dir" "/$dir" || exit 9; done; '
    'mount --bind "$0/bin/dpkg-query" /usr/bin/dpkg-query || exit 9; '
    'if [ -e "$0/bin/ifreload" ]; then mount -t overlay overlay -o "lowerdir=$0/bin:/usr/sbin" /usr/sbin || exit 9; fi; exec "$@"'
)
DPKG = '#!/bin/sh\nfor word; do case $word in -*|*Package*) ;; *) echo "$word installed";; esac; done\n'


def furnish(folder: Path, interfaces: str) -> None:
    """Make what C(ENTER) puts in the place of a host's own directories, with this in its /etc/network/interfaces."""
    for name in ("run/network", "etc/network", "var/backups", "var/lib/hypervisor-network", "bin"):
        (folder / name).mkdir(parents=True)
    (folder / "run/network/ifstate").write_text("lo=lo\neth0=eth0\n", encoding="ascii")
    (folder / "etc/network/interfaces").write_text(interfaces, encoding="ascii")
    (folder / "bin/dpkg-query").write_text(DPKG, encoding="ascii")
    (folder / "bin/dpkg-query").chmod(0o755)


class Host:
    """The LAN's host: its folder stands for its disk."""

    def __init__(self, made: Lan, folder: Path, python: str) -> None:
        self.lan, self.netns, self.folder, self.python = made, made.host, folder, python
        furnish(folder, INTERFACES)
        self.interfaces = folder / "etc/network/interfaces"
        playbook = [
            {
                "hosts": "localhost",
                "gather_facts": False,
                "roles": ["hypervisor.network.bridge_host"],
            }
        ]
        (folder / "playbook.yml").write_text(json.dumps(playbook), encoding="ascii")

    def tasks(
        self,
        tasks: list[dict[str, Any]],
        *arguments: str,
        variables: Mapping[str, Any] | None = None,
    ) -> Play:
        """Run these tasks, which include the role in ways of their own."""
        playbook = [{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]
        (self.folder / "tasks.yml").write_text(json.dumps(playbook), encoding="ascii")
        return self.role(variables or {}, *arguments, playbook="tasks.yml")

    def role(
        self,
        variables: Mapping[str, Any],
        *arguments: str,
        playbook: str = "playbook.yml",
        environment: Mapping[str, str] | None = None,
        core: Sequence[str] = (),
    ) -> Play:
        """Run the role with these variables; C(environment) is Ansible's, beside its usual one, and C(core) the words of another ansible-playbook."""
        given = {
            "ansible_connection": "local",
            "ansible_python_interpreter": self.python,
            **variables,
        }
        command = [
            *(core or (str(Path(sys.executable).with_name("ansible-playbook")),)),
            "-i",
            "localhost,",
            "-e",
            json.dumps(given),
            *arguments,
        ]
        return self.runs(*command, str(self.folder / playbook), environment=environment)

    def runs(
        self, *command: str, environment: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> Play:
        """Run one of Ansible's commands inside of this host, with a connection that is local."""
        whole = {
            **os.environ,
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "ANSIBLE_DISPLAY_SKIPPED_HOSTS": "false",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_LOCAL_TEMP": str(self.folder / "tmp"),
            **(environment or {}),
        }
        done = subprocess.run(
            ["ip", "netns", "exec", self.netns, "sh", "-c", ENTER, str(self.folder), *command],
            env=whole, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        return Play(done.returncode, done.stdout)

    def modules_of(self, variables: Mapping[str, Any], *arguments: str) -> tuple[Play, list[str]]:
        """Run the role, and tell which modules it ran on the host: what Ansible has put there for each run, in no order."""
        remote = self.folder / "remote"
        shutil.rmtree(remote, ignore_errors=True)
        keep = {"ANSIBLE_KEEP_REMOTE_FILES": "true", "ANSIBLE_REMOTE_TEMP": str(remote)}
        play = self.role(variables, *arguments, environment=keep)
        return play, [path.stem.partition("_")[2] for path in remote.glob("*/AnsiballZ_*.py")]

    def as_variables(self, path: str) -> dict[str, Any]:
        """What bridge_info tells of this host, as variables of the role."""
        words = json.dumps({"ANSIBLE_MODULE_ARGS": {}})
        module = [
            "env",
            f"PYTHONPATH={path}",
            self.python,
            "-m",
            "ansible_collections.hypervisor.network.plugins.modules.bridge_info",
            words,
        ]
        return json.loads(
            run("ip", "netns", "exec", self.netns, "sh", "-c", ENTER, str(self.folder), *module)
        )["as_variables"]

    def disk(self) -> dict[str, bytes]:
        """Every file of the host's own directories."""
        roots = [self.folder / name for name in ("run", "etc", "var")]
        return {
            str(path): path.read_bytes()
            for root in roots
            for path in sorted(root.rglob("*"))
            if stat.S_ISREG(path.lstat().st_mode)
        }


class Play:
    """What a playbook said."""

    def __init__(self, status: int, output: str) -> None:
        self.status, self.output = status, output
        assert "Traceback" not in output, output[-4000:]

    @property
    def changed(self) -> list[str]:
        """The tasks that changed something, without the role's name."""
        tasks = re.split(r"\nTASK \[(?:\S+ : )?", self.output)
        return [
            task.split("]")[0] for task in tasks if re.search(r"^changed: ", task, re.MULTILINE)
        ]

    @property
    def message(self) -> str:
        """What the task that failed says."""
        failed = re.search(
            r"^(?:fatal|failed): \[localhost\].*? => (\{.*\}|\{\n(?:    .*\n)*\})$",
            self.output,
            re.MULTILINE,
        )
        assert self.status != 0 and failed, self.output[-4000:]
        return json.loads(failed.group(1))["msg"]

    def told(self, task: str) -> list[str]:
        """The lines that a task printed."""
        found = re.search(
            rf"TASK \[\S+ : {re.escape(task)}\] \**\nok: \[localhost\] => (\{{.*?\n\}})",
            self.output,
            re.DOTALL,
        )
        assert found, self.output[-4000:]
        return json.loads(found.group(1))["msg"]
