# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fresh Debian 13 machine as the controller: with Debian's own Ansible and what is published it converts the machine beside it."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.tests.harness.lab.hypervisors import DISTRO, REPO, Lab
from ansible_collections.hypervisor.network.tests.harness.lab.place import place
from ansible_collections.hypervisor.network.tests.harness.process.long_form import LONG

CONTROLLER, HOST, ADDRESS = "ctl", "hv", "10.77.0.11"
INVENTORY = Path(__file__).with_name("controller.yml")
# What an administrator of Debian installs there; the collection itself comes as its tarball
PACKAGES = ["ansible-core", "python3-pyroute2", "python3-netaddr", "openssh-client"]
SSH = f"""\
Host {HOST}
  HostName {ADDRESS}
  HostKeyAlias {HOST}
"""
HOSTS = f"""\
hypervisors:
  hosts:
    {HOST}:
      ansible_user: root
      bridge_host_bridges:
        - {{name: br0, uplink: eth0}}
      bridge_host_taps:
        - {{name: tap1, bridge: br0}}
      bridge_host_guard_timeout: 240
"""
_PATIENCE = 1800.0  # an emulated machine that runs Ansible
_RECAP = re.compile(rf"^{HOST}\s+: ok=\d+\s+changed=(\d+)\s+unreachable=0\s+failed=0\s", re.MULTILINE)  # fmt: skip


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    if not LONG:
        pytest.skip("a machine that runs Ansible without KVM takes minutes: make faults runs it")
    if DISTRO == "bookworm":
        pytest.skip("Debian 12's own Ansible is older than 2.16: DISTRO=trixie has the case")
    directory, name = place("hvctl")
    made = Lab(directory, name, tmp_path_factory.mktemp("records"), INVENTORY)
    more = {"lab_distro": DISTRO, "lab_packages": PACKAGES}
    try:
        made.playbook("lab.yml", "-e", json.dumps(more))
        yield made
    finally:
        made.down()


def bring(lab: Lab, content: bytes, path: str) -> None:
    """Write a file on the controller that nobody else there may read."""
    command = f"umask 077; mkdir -p $(dirname {path}); cat > {path}"
    subprocess.run([*lab.ssh_words(CONTROLLER), command], input=content, check=True, timeout=120)


def site(lab: Lab) -> int:
    """Run site.yml on the controller; how many tasks changed something."""
    command = "cd site && ANSIBLE_NOCOLOR=1 ansible-playbook -i hosts.yml hypervisor.network.site"
    done = subprocess.run(
        [*lab.ssh_words(CONTROLLER), command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=_PATIENCE,
    )
    print(done.stdout, done.stderr, sep="\n")
    recap = _RECAP.search(done.stdout)
    assert done.returncode == 0 and recap, done.stdout[-3000:] + done.stderr[-1000:]
    return int(recap.group(1))


def test_the_published_collection_converts_a_host_from_there_and_changes_nothing_again(
    lab: Lab, tmp_path: Path
) -> None:
    build = ["ansible-galaxy", "collection", "build", "--output-path", str(tmp_path), str(REPO)]
    subprocess.run(build, check=True, capture_output=True)
    (tarball,) = tmp_path.glob("*.tar.gz")
    key = (lab.directory / "id_ed25519").read_bytes()
    known = (lab.directory / "known_hosts").read_bytes()
    for content, path in (
        (tarball.read_bytes(), f"site/{tarball.name}"),
        (HOSTS.encode(), "site/hosts.yml"),
        (SSH.encode(), ".ssh/config"),
        (key, ".ssh/id_ed25519"),
        (known, ".ssh/known_hosts"),
    ):
        bring(lab, content, path)
    lab.ssh(CONTROLLER, f"ansible-galaxy collection install --offline site/{tarball.name}")
    assert site(lab) > 0
    links = {one["ifname"]: one for one in lab.json(HOST, "ip -j address show")}
    assert links["eth0"]["master"] == links["tap1"]["master"] == "br0"
    assert ADDRESS in [one["local"] for one in links["br0"]["addr_info"]]
    assert "iface br0" in lab.ssh(HOST, "cat /etc/network/interfaces")
    assert site(lab) == 0
