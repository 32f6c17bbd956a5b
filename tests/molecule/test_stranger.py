# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stranger with a role of their own, in a folder of their own: the page about Molecule, step by step, with the collection as it is published."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.tests.harness.host import published
from ansible_collections.hypervisor.network.tests.harness.lab.place import place
from ansible_collections.hypervisor.network.tests.harness.model import examples

PAGE = f"{examples.GUIDES}/molecule.rst"
MACHINES = """\
        dhcp:
          lab_machine: {name: dhcp, address: 10.77.0.11}
"""
ROLE = """\
- name: A switch for the lab behind the hypervisor
  hypervisor.network.linux_bridge:
    name: br-mine
    stp_state: false
- name: A tap for somebody else's machine
  hypervisor.network.tap_device:
    name: tap-mine
    up: true
- name: It is a port
  hypervisor.network.bridge_port:
    name: tap-mine
    bridge: br-mine
- name: Who made it
  ansible.builtin.copy:
    content: "This host has {{ my_own_bridges | join(' and ') }}.\\n"
    dest: /etc/motd
    mode: "0644"
"""
DEFAULTS = "my_own_bridges: [br0, br-mine]\n"
VERIFY = """\
- name: What the role is for
  hosts: dhcp
  gather_facts: false
  tasks:
    - name: The ports by their bridges
      ansible.builtin.command: ip -json link show
      register: links
      changed_when: false
    - name: The NIC and the tap are where they belong
      ansible.builtin.assert:
        that:
          - ports.eth0 == 'br0'
          - ports['tap-mine'] == 'br-mine'
      vars:
        ports: "{{ links.stdout | from_json | selectattr('master', 'defined') | items2dict(key_name='ifname', value_name='master') }}"
    - name: And somebody is told
      ansible.builtin.command: grep -x "This host has br0 and br-mine." /etc/motd
      changed_when: false
"""
CLEANUP = """\
    - name: And what the role has made
      hypervisor.network.tap_device:
        name: tap-mine
        state: absent
    - name: Its bridge
      hypervisor.network.linux_bridge:
        name: br-mine
        state: absent
"""


@pytest.fixture(scope="module")
def commands() -> Path:
    """The folder of Molecule's own environment, which has an ansible-core beside it."""
    python = os.environ.get("HYPERVISOR_NETWORK_MOLECULE_PYTHON")
    if not python:
        pytest.skip("there is no Molecule here: make molecule has one")
    return Path(python).parent


@pytest.fixture
def lab() -> Iterator[tuple[Path, str]]:
    """Directory and name of the stranger's lab. Molecule removes it; what a failed run leaves, the next sweep."""
    yield place("hvmine")


@pytest.fixture
def collections(commands: Path, tmp_path: Path) -> Path:
    made = tmp_path / "collections"
    made.mkdir()
    published.install(commands, made)
    return made


def by_the_page(project: Path, collections: Path, name: str) -> None:
    """What the page tells to do, in its order."""
    scenarios = collections / "ansible_collections/hypervisor/network/extensions/molecule"
    mine = project / "molecule"
    mine.mkdir()
    shutil.copy(scenarios / "inventory.yml", mine)
    shutil.copytree(scenarios / "default", mine / "default")
    shutil.copytree(scenarios / "walkthrough", mine / "mine")
    config = project / ".config/molecule"
    config.mkdir(parents=True)
    shutil.copy(scenarios / "config.yml", config)

    inventory = (mine / "inventory.yml").read_text("utf-8")
    inventory = inventory.replace("lab_name: hvmolecule", f"lab_name: {name}")
    inventory = re.sub(r"(?<=      hosts:\n).*?(?=      vars:\n)", MACHINES, inventory, flags=re.S)
    assert name in inventory and "static" not in inventory
    (mine / "inventory.yml").write_text(inventory, "utf-8")

    (block,) = examples.guide_blocks(PAGE)
    block = block.lstrip()
    where = re.match(r"# (\S+)\n", block)
    assert where, block
    (project / where[1]).write_text(block, "utf-8")
    (mine / "mine/verify.yml").write_text(VERIFY, "utf-8")
    with (mine / "mine/cleanup.yml").open("a", encoding="utf-8") as more:
        more.write(CLEANUP)


def test_a_role_of_ones_own_by_the_page(
    commands: Path, collections: Path, lab: tuple[Path, str], tmp_path: Path
) -> None:
    directory, name = lab
    project = tmp_path / "my_own_role"
    for path, text in (("tasks/main.yml", ROLE), ("defaults/main.yml", DEFAULTS)):
        (project / path).parent.mkdir(parents=True)
        (project / path).write_text(text, "utf-8")
    subprocess.run(["git", "init", "-q", str(project)], check=True)
    by_the_page(project, collections, name)

    own = {
        **os.environ, "PATH": f"{commands}:{os.environ['PATH']}", "VIRTUAL_ENV": str(commands.parent), "PYTHONPATH": "",
        "ANSIBLE_COLLECTIONS_PATH": str(collections), "NO_COLOR": "1", "COLUMNS": "150",
    }  # fmt: skip
    (whole,) = [one for one in examples.commands(PAGE) if one.startswith("molecule test --all")]
    done = subprocess.run(
        whole.split(), cwd=project, env=own,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    print(done.stdout)
    assert done.returncode == 0, done.stdout[-6000:]
    ran = re.findall(r"(\w+) [>➜] (\w+): Executed: (\w+)", done.stdout)
    for step in ("converge", "idempotence", "verify", "cleanup"):
        assert ("mine", step, "Successful") in ran, ran
    assert not directory.exists()
