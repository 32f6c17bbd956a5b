# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts on a LAN as a controller has them: each with its own network, /run, /etc/network and SSH server, by any ansible-core and connection.

C(ssh) comes from the router's namespace. C(enter) is a connection plugin of the kind that collections bring (enter.py).
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..net.lan import HERE, NIC
from ..net.netns import Namespaces, ip_json, run
from . import enter
from .cut import Cut
from .fleet import PORT, cable
from .role_host import ENTER, Play, furnish

ROLE = "hypervisor.network.bridge_host"
USER = "nobody"
_REMOTE = "/run/ansible"
_ROOT = Path(__file__).parents[3]
_CONNECT = _ROOT / "roles" / "lab" / "files" / "connect.py"
_SUDOERS = f"Defaults env_reset\nroot ALL=(ALL) ALL\n{USER} ALL=(ALL) NOPASSWD: ALL\n"


class Managed(Cut):
    """The hosts by role, each a namespace with its address and its folder."""

    def __init__(self, names: dict[str, str], folder: Path, python: str) -> None:
        self.switch = names["switch"]
        self.hosts = {role: name for role, name in names.items() if role != "switch"}
        self.addresses = {role: f"10.77.1.{number}" for number, role in enumerate(self.hosts, 1)}
        self.folder, self._python = folder, python
        self._servers: dict[str, subprocess.Popen[str]] = {}

    def serve(self, user: str) -> None:
        """Start an SSH server in each host, whose commands are this user's; root's where it is empty."""
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.folder / "key"))
        for role, place in self.hosts.items():
            disk = self.folder / role
            furnish(disk, _interfaces(self.addresses[role]))
            (disk / "sudoers").write_text(_SUDOERS, encoding="ascii")
            # its home is nowhere
            (disk / _REMOTE[1:]).mkdir()
            (disk / _REMOTE[1:]).chmod(0o1777)
            key = self.folder / "key"
            script = f'mount --bind "$0/sudoers" /etc/sudoers || exit 9; {ENTER}'
            words = [sys.executable, str(HERE / "sshd.py"), str(PORT), str(key), f"{key}.pub", "0"]
            self._servers[role] = subprocess.Popen(
                ["ip", "netns", "exec", place, "sh", "-c", script, str(disk), *words, *filter(None, [user])],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
            )  # fmt: skip
        self._user = user
        for role, server in self._servers.items():
            assert server.stdout.readline() == "ready\n", f"{role} has no SSH server"

    def stop(self) -> None:
        for server in self._servers.values():
            server.kill()
            server.wait()
            server.stdout.close()

    def play(
        self,
        playbook: list[dict[str, Any]],
        *arguments: str,
        core: Sequence[str] = (),
        connection: str = "ssh",
        environment: Mapping[str, str] | None = None,
    ) -> Play:
        """Run a playbook on these hosts, which are the group hypervisors, by this ansible-playbook, the tests' own where none is named."""
        place = self.folder / "controller"
        enter.write_plugin(place / "connection_plugins")
        (place / "playbook.yml").write_text(json.dumps(playbook), encoding="utf-8")
        (place / "hosts.json").write_text(json.dumps(self._inventory(connection)), encoding="utf-8")
        own = {
            "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default",
            "ANSIBLE_DISPLAY_SKIPPED_HOSTS": "false",
            "ANSIBLE_DEPRECATION_WARNINGS": "true",
            "ANSIBLE_LOCAL_TEMP": str(place / "tmp"),
            "ANSIBLE_NOCOLOR": "1",
        }
        command = core or (str(Path(sys.executable).with_name("ansible-playbook")),)
        done = subprocess.run(
            [*command, "-i", str(place / "hosts.json"), *arguments, str(place / "playbook.yml")],
            env={**os.environ, **own, **(environment or {})}, cwd=self.folder,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=1800, check=False,
        )  # fmt: skip
        return Play(done.returncode, done.stdout)

    def _inventory(self, connection: str) -> dict[str, Any]:
        options = {
            "IdentityFile": self.folder / "key", "StrictHostKeyChecking": "no", "UserKnownHostsFile": os.devnull, "LogLevel": "ERROR",
            "ConnectTimeout": 3, "ProxyUseFdpass": "yes", "ControlMaster": "no",
            "ProxyCommand": f"nsenter --net=/run/netns/{self.switch} /usr/bin/python3 {_CONNECT} %h %p",
        }  # fmt: skip
        config = self.folder / "ssh_config"
        config.write_text("".join(f"{word} {value}\n" for word, value in options.items()), "utf-8")
        hosts = {
            role: {
                "ansible_host": self.addresses[role],
                "place": place,
                "enter_words": f"nsenter -t {self._servers[role].pid} -n -m --",
            }
            for role, place in self.hosts.items()
        }
        common = {
            "ansible_connection": connection,
            "ansible_python_interpreter": "{{ ansible_playbook_python }}"
            if connection == "local"
            else self._python,
        }
        if connection == "ssh":
            common.update(
                ansible_port=PORT,
                ansible_user=self._user or "root",
                ansible_ssh_args=f"-F {config}",
                ansible_become=bool(self._user),
                ansible_remote_tmp=_REMOTE,
            )
        return {"all": {"children": {"hypervisors": {"hosts": hosts, "vars": common}}}}

    def spent(self) -> float:
        """The processor time in seconds of all hosts so far: of their SSH servers, and of what these ran and have seen end."""
        ticks = 0
        for server in self._servers.values():
            words = Path(f"/proc/{server.pid}/stat").read_text("ascii").rpartition(")")[2].split()
            ticks += sum(int(word) for word in words[11:15])  # utime, stime, cutime, cstime
        return ticks / os.sysconf("SC_CLK_TCK")

    def records(self, role: str) -> Path:
        return self.folder / role / "var/lib/hypervisor-network/txn"

    def interfaces(self, role: str) -> str:
        return (self.folder / role / "etc/network/interfaces").read_text("utf-8")

    def links(self, role: str) -> dict[str, dict[str, Any]]:
        """A host's devices by name, as iproute2 tells them."""
        return {link["ifname"]: link for link in ip_json(self.hosts[role], "-d", "address", "show")}

    def converted(self, role: str) -> bool:
        """Whether eth0 is a port of br0, which has the host's address."""
        links = self.links(role)
        own = [one["local"] for one in links.get("br0", {}).get("addr_info", ())]
        return links[NIC].get("master") == "br0" and self.addresses[role] in own


def failures(play: Play) -> dict[str, str]:
    """What a play said of each host that failed."""
    said = re.findall(
        r"^(?:fatal|failed): \[(\w+)[^\]]*\].*? => (\{.*\}|\{\n(?:    .*\n)*\})$", play.output, re.M
    )
    return {host: json.loads(answer)["msg"] for host, answer in said}


def _interfaces(address: str) -> str:
    return (
        f"auto lo\niface lo inet loopback\n\nauto {NIC}\niface {NIC} inet static\n"
        f"    address {address}/16\n    gateway 10.77.0.1\n"
    )


@contextmanager
def managed(number: int, folder: Path, python: str, user: str = "") -> Iterator[Managed]:
    """That many hosts on a LAN whose router is the controller; everything is removed at the end."""
    roles = [f"h{one:02d}" for one in range(1, number + 1)]
    with Namespaces("switch", *roles) as names:
        made = Managed(names, folder, python)
        cable(made)
        try:
            made.serve(user)
            yield made
        finally:
            made.stop()
