# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A controller for a host of the LAN: C(ansible-playbook) over SSH, from the client's namespace, through the NIC that is converted."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from ..net.lan import ADDRESSES4, HERE, Lan
from ..net.netns import run

_PORT = 2222
_USER = "nobody"
_SUDOERS = f"Defaults env_reset, use_pty\nroot ALL=(ALL) ALL\n{_USER} ALL=(ALL) NOPASSWD: ALL\n"
_CONNECT = HERE.parents[2] / "roles" / "lab" / "files" / "connect.py"


class Remote:
    """An SSH server in the host, which answers after C(delay) seconds, and what a controller needs to reach it at an address.

    With C(become) it is an ordinary user's, who may become root by sudo, there only.
    """

    def __init__(
        self,
        made: Lan,
        folder: Path,
        delay: float = 0.0,
        address: str = ADDRESSES4[0],
        become: bool = False,
    ) -> None:
        self._lan = made
        self._folder = folder
        key = folder / "key"
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key))
        (folder / "authorized").write_text(
            (folder / "key.pub").read_text(encoding="ascii"), encoding="ascii"
        )
        server = [
            sys.executable,
            str(HERE / "sshd.py"),
            str(_PORT),
            str(key),
            str(folder / "authorized"),
            str(delay),
        ]
        if become:
            (folder / "sudoers").write_text(_SUDOERS, encoding="ascii")
            mount = f'mount --bind "{folder}/sudoers" /etc/sudoers && exec "$@"'
            server = ["unshare", "-m", "sh", "-ec", mount, "sh", *server, _USER]
        self._server = made.start(made.host, *server, ready="ready")
        options = {
            "IdentityFile": key,
            "StrictHostKeyChecking": "no",
            "UserKnownHostsFile": os.devnull,
            "LogLevel": "ERROR",
            "ConnectTimeout": 3,
            "ProxyUseFdpass": "yes",
            "ProxyCommand": f"ip netns exec {made.client} {sys.executable} {_CONNECT} %h %p",
            # asyncssh's end of a channel confuses ssh's sharing of connections; the lab's sshd shares them
            "ControlMaster": "no",
        }
        config = folder / "ssh_config"
        config.write_text(
            "".join(f"{word} {value}\n" for word, value in options.items()), encoding="utf-8"
        )
        self._hosts = {
            "host": {
                "ansible_host": address,
                "ansible_port": _PORT,
                "ansible_user": _USER if become else "root",
                "ansible_connection": "ssh",
                "ansible_ssh_args": f"-F {config}",
                "ansible_pipelining": True,
                "ansible_python_interpreter": sys.executable,
                "ansible_become": become,
            }
        }

    def start(self, module: str = "bridge_uplink", **args: Any) -> subprocess.Popen[str]:
        """Start one task of a module, guarded for 15 s unless said otherwise; by itself bridge_uplink for eth0 and br0."""
        usual = {"name": "eth0", "bridge": "br0"} if module == "bridge_uplink" else {}
        task = {
            f"hypervisor.network.{module}": {
                **usual,
                "netns": self._lan.host,
                **({} if module == "transaction" else {"guard_timeout": 15}),
                **args,
            }
        }
        playbook, inventory = self._folder / "playbook.yml", self._folder / "hosts.json"
        playbook.write_text(
            json.dumps([{"hosts": "all", "gather_facts": False, "tasks": [task]}]), encoding="utf-8"
        )
        inventory.write_text(json.dumps({"all": {"hosts": self._hosts}}), encoding="utf-8")
        child = subprocess.Popen(
            [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(inventory), str(playbook)],
            env={**os.environ, "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default", "ANSIBLE_LOCAL_TEMP": str(self._folder), "ANSIBLE_NOCOLOR": "1"},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, start_new_session=True,
        )  # fmt: skip
        self._lan.at_the_end(lambda: child.poll() is None and kill(child))
        return child

    def stop(self) -> None:
        """End the server."""
        self._lan.stop(self._server)

    def play(self, module: str = "bridge_uplink", **args: Any) -> tuple[int, str]:
        """Run it to its end: the exit code and what was printed."""
        child = self.start(module, **args)
        output, _nothing = child.communicate(timeout=120)
        return child.returncode, output


def kill(process: subprocess.Popen[str]) -> None:
    """Kill a controller with all its workers, which live in sessions of their own; who ends by itself meanwhile is left out."""
    family = [process.pid]
    for pid in family:
        with contextlib.suppress(OSError):
            for task in Path("/proc", str(pid), "task").iterdir():
                family += [
                    int(child) for child in (task / "children").read_text(encoding="ascii").split()
                ]
    for pid in family:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
