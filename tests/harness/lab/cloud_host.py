# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host of a cloud in a container: cloud-init itself writes the files of its network, from a seed on its disk, and the role comes over SSH."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..host.role_host import Play
from .hypervisors import REPO
from .networkd_host import NIC, NetworkdHost

ADDRESS, SECOND = "10.77.0.20", "10.77.0.21"
_SEED = "/var/lib/cloud/seed/nocloud"
# at each boot, and not only where the instance is another one: as some data sources have it, and any can be told to
_SETTINGS = """\
datasource_list: [NoCloud]
updates: {network: {when: [boot-new-instance, boot]}}
cloud_init_modules: []
cloud_config_modules: []
cloud_final_modules: []
"""
_CONNECT = REPO / "roles" / "lab" / "files" / "connect.py"
_PLAYBOOK = [{"hosts": "all", "gather_facts": False, "roles": ["hypervisor.network.bridge_host"]}]


class CloudHost(NetworkdHost):
    """See NetworkdHost; C(renderer) is who gets cloud-init's files: netplan, or ifupdown."""

    packages = ("cloud-init",)
    folders = "/etc/netplan /etc/network /etc/cloud /etc/systemd/network"

    def __init__(self, renderer: str) -> None:
        self.network = renderer
        if renderer == "ifupdown":
            self.at_rest = "systemctl is-active networking"
        super().__init__({}, ADDRESS)

    def describe(self, files: dict[str, str], address: str | None) -> None:
        """Its first boot with a seed; until then it has no network."""
        self._address = address
        self.hv(
            "mkdir -p ~root/.ssh && chmod 700 ~root/.ssh && ssh-keygen -q -A && systemctl enable ssh"
        )
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self._key)], check=True
        )
        self.write("~root/.ssh/authorized_keys", self._key.with_suffix(".pub").read_text("ascii"))
        self.write("/etc/cloud/cloud.cfg.d/95-test.cfg", _SETTINGS)
        if self.network == "ifupdown":
            self.write(
                "/etc/network/interfaces",
                "# mine\nauto lo\niface lo inet loopback\nsource /etc/network/interfaces.d/*\n",
            )
        else:
            self.hv("systemctl enable systemd-networkd")
        self.seed("i-1", ADDRESS)
        self.reboot()
        self.until_it_answers()

    @property
    def _key(self) -> Path:
        return self._folder / "key"

    def seed(self, instance: str, *addresses: str, more: Mapping[str, Any] | None = None) -> None:
        """What the cloud says from the next boot on: which instance it is, and what its network is; C(more) goes beside the NIC."""
        # by name: one end of a cable has no MAC that it was made with
        nic = {"addresses": [f"{one}/24" for one in addresses], "accept-ra": False}
        network = {"version": 2, "ethernets": {NIC: nic}, **(more or {})}
        self.write(f"{_SEED}/meta-data", f"instance-id: {instance}\n")
        self.write(f"{_SEED}/user-data", "#cloud-config\n{}\n")
        self.write(f"{_SEED}/network-config", json.dumps(network) + "\n")

    def rendered(self) -> str:
        """What cloud-init has written of the network."""
        return self.hv(
            "cat /etc/netplan/50-cloud-init.yaml /etc/network/interfaces.d/50-cloud-init 2> /dev/null || true"
        )

    def by_role(self, *arguments: str, **variables: Any) -> Play:
        """Run the role over SSH, from the LAN."""
        options = {
            "IdentityFile": self._key, "StrictHostKeyChecking": "no", "UserKnownHostsFile": os.devnull, "LogLevel": "ERROR",
            "ConnectTimeout": 5, "ProxyUseFdpass": "yes",
            "ProxyCommand": f"nsenter --net=/run/netns/{self.lan} {sys.executable} {_CONNECT} %h %p",
        }  # fmt: skip
        config = self._folder / "ssh_config"
        config.write_text("".join(f"{word} {value}\n" for word, value in options.items()), "utf-8")
        playbook = self._folder / "playbook.yml"
        playbook.write_text(json.dumps(_PLAYBOOK), encoding="utf-8")
        given = {
            "ansible_connection": "ssh",
            "ansible_host": ADDRESS,
            "ansible_user": "root",
            # a connection that is kept open would be one to the host of another test, by the same address
            "ansible_ssh_args": "-o ControlMaster=no -o ControlPath=none",
            "ansible_ssh_common_args": f"-F {shlex.quote(str(config))}",
            "ansible_python_interpreter": "/usr/bin/python3",
            **variables,
        }
        program = str(Path(sys.executable).with_name("ansible-playbook"))
        done = subprocess.run(
            [program, "-i", "localhost,", "-e", json.dumps(given), *arguments, str(playbook)],
            env={**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_DISPLAY_SKIPPED_HOSTS": "false"},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        return Play(done.returncode, done.stdout)
