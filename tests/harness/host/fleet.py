# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many hosts on one LAN, converted by one C(ansible-playbook) over SSH, and cut off from new connections where the test wants."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..net.lan import HERE, NIC, set_sysctls
from ..net.netns import Namespaces, batch, inside, ip_json, run
from .cut import Cut

PORT = 2222
_CONNECT = Path(__file__).parents[3] / "roles" / "lab" / "files" / "connect.py"
_ROUTER = "10.77.0.1"


class Fleet(Cut):
    """The hosts by name, each a namespace with its address; what became of each is read by iproute2 and from its own records."""

    def __init__(self, names: dict[str, str], folder: Path) -> None:
        self.switch = names["switch"]
        self.hosts = {role: name for role, name in names.items() if role != "switch"}
        self.addresses = {role: f"10.77.1.{number}" for number, role in enumerate(self.hosts, 1)}
        self._folder = folder

    def records(self, role: str) -> Path:
        return self._folder / "disks" / self.hosts[role] / "txn"

    def play(self, timeout: float, forks: int = 5, **args: Any) -> tuple[int, dict[str, str]]:
        """Convert all, and return the exit code and what the play said of each host that failed."""
        task = {
            "hypervisor.network.bridge_uplink": {
                "name": NIC,
                "bridge": "br0",
                "netns": "{{ place }}",
                "guard_timeout": timeout,
                **args,
            }
        }
        playbook = self._folder / "playbook.yml"
        playbook.write_text(
            json.dumps([{"hosts": "all", "gather_facts": False, "tasks": [task]}]), encoding="utf-8"
        )
        done = subprocess.run(
            [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(self._inventory()), "--forks", str(forks), str(playbook)],
            env={**os.environ, "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default", "ANSIBLE_LOCAL_TEMP": str(self._folder), "ANSIBLE_NOCOLOR": "1"},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=1800, check=False,
        )  # fmt: skip
        if "PLAY RECAP" not in done.stdout:
            raise RuntimeError(f"{done.stdout}\n{done.stderr}")
        said = re.findall(r"^fatal: \[(\w+)\]: \w+! => (\{.*\})$", done.stdout, re.MULTILINE)
        return done.returncode, {host: json.loads(answer)["msg"] for host, answer in said}

    def _inventory(self) -> Path:
        options = {
            "IdentityFile": self._folder / "key", "StrictHostKeyChecking": "no", "UserKnownHostsFile": os.devnull, "LogLevel": "ERROR",
            "ConnectTimeout": 3, "ProxyUseFdpass": "yes", "ProxyCommand": f"ip netns exec {self.switch} {sys.executable} {_CONNECT} %h %p",
            "ControlMaster": "no",
        }  # fmt: skip
        config = self._folder / "ssh_config"
        config.write_text(
            "".join(f"{word} {value}\n" for word, value in options.items()), encoding="utf-8"
        )
        common = {
            "ansible_port": PORT, "ansible_user": "root", "ansible_connection": "ssh", "ansible_ssh_args": f"-F {config}",
            "ansible_pipelining": True, "ansible_python_interpreter": sys.executable,
        }  # fmt: skip
        inventory = self._folder / "hosts.json"
        hosts = {
            role: {"ansible_host": self.addresses[role], "place": place}
            for role, place in self.hosts.items()
        }
        inventory.write_text(
            json.dumps({"all": {"hosts": hosts, "vars": common}}), encoding="utf-8"
        )
        return inventory

    def converted(self, role: str) -> bool:
        """Whether eth0 is a port of br0, and br0 alone has the address."""
        links = {link["ifname"]: link for link in ip_json(self.hosts[role], "address", "show")}
        own = [
            name
            for name, link in links.items()
            if self.addresses[role] in [one["local"] for one in link["addr_info"]]
        ]
        assert own in (["br0"], [NIC]), own
        assert (links[NIC].get("master") == "br0") == (own == ["br0"])
        return own == ["br0"]


@contextmanager
def fleet(number: int, folder: Path) -> Iterator[Fleet]:
    """That many hosts on a LAN whose router is the controller; everything is removed at the end."""
    roles = [f"h{one:02d}" for one in range(1, number + 1)]
    with Namespaces("switch", *roles) as names:
        made = Fleet(names, folder)
        cable(made)
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "key"))
        (folder / "disks").mkdir()
        words = [
            sys.executable,
            str(HERE / "fleet_sshd.py"),
            str(PORT),
            str(folder / "key"),
            str(folder / "key.pub"),
            str(folder / "disks"),
        ]
        server = subprocess.Popen(
            [*words, *made.hosts.values()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert server.stdout.readline() == "ready\n"
            yield made
        finally:
            server.kill()
            server.wait()
            server.stdout.close()
            _end_guards(made)


def cable(made: Any) -> None:
    """Lay a LAN between C(made.switch), where its router is, and C(made.hosts), which get C(made.addresses)."""
    batch(
        made.switch,
        f"link add name lan type bridge stp_state 0 forward_delay 0\naddress add {_ROUTER}/16 dev lan\nlink set lan up\n",
    )
    for role, place in made.hosts.items():
        inside(
            place,
            set_sysctls,
            {"ipv6/conf/all/disable_ipv6": 1, "ipv6/conf/default/disable_ipv6": 1},
        )
        run(
            "ip",
            "-n",
            made.switch,
            "link",
            "add",
            role,
            "type",
            "veth",
            "peer",
            "name",
            NIC,
            "netns",
            place,
        )
        batch(made.switch, f"link set {role} master lan\nlink set {role} up\n")
        batch(
            place,
            f"link set {NIC} up\naddress add {made.addresses[role]}/16 dev {NIC}\nroute add default via {_ROUTER}\n",
        )


def _end_guards(made: Fleet) -> None:
    """Guards that still wait have nobody to wait for; their locks go with them."""
    for place in made.hosts.values():
        lock = Path(f"/run/hypervisor-network/.guard-{place}.lock")
        for entry in Path("/proc").iterdir() if lock.exists() else ():
            try:
                held = entry.name.isdigit() and str(lock) in [
                    os.readlink(one) for one in (entry / "fd").iterdir()
                ]
            except OSError:
                continue
            if held:
                os.kill(int(entry.name), signal.SIGKILL)
        lock.unlink(missing_ok=True)
