# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A newcomer: the collection built and installed as README says, nothing else on Ansible's path, and the guides' commands as they are written."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.tests.harness.host import published
from ansible_collections.hypervisor.network.tests.harness.host.role_host import Host, Play
from ansible_collections.hypervisor.network.tests.harness.model import examples
from ansible_collections.hypervisor.network.tests.harness.net.netns import ip_json

FIRST, NO_NETWORK = (f"{examples.GUIDES}/{name}.rst" for name in ("first_host", "no_network"))
HOST = "hv1.example.com"


@pytest.fixture(scope="module")
def core() -> Path:
    """The folder of the commands of the oldest ansible-core; C(make demo) runs what is published by another."""
    python = os.environ.get("HYPERVISOR_NETWORK_OLDEST_CORE")
    if python is None:
        pytest.skip("there is no environment with the oldest ansible-core: run it through make")
    return Path(python).parent


@pytest.fixture(scope="module")
def installed(core: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the two commands that README has for a checkout put the collection."""
    place = tmp_path_factory.mktemp("controller")
    published.install(core, place)
    return place


@pytest.fixture
def typed(core: Path, installed: Path, host: Host, tmp_path: Path) -> Callable[[str], Play]:
    """Type a command on the controller, in the folder with hosts.yml; the host is this LAN's."""
    beside = tmp_path / "host_vars"
    beside.mkdir()
    (beside / f"{HOST}.yml").write_text(
        f"ansible_connection: local\nansible_python_interpreter: {host.python}\n",
        encoding="ascii",
    )
    bare = {"PYTHONPATH": "", "ANSIBLE_COLLECTIONS_PATH": str(installed)}

    def types(command: str) -> Play:
        program, *words = shlex.split(command)
        return host.runs(str(core / program), *words, environment=bare, cwd=tmp_path)

    return types


def test_the_first_guide_as_it_is_written(
    host: Host, typed: Callable[[str], Play], tmp_path: Path
) -> None:
    inventory, gone = examples.guide_blocks(FIRST)
    (tmp_path / "hosts.yml").write_text(inventory, encoding="utf-8")
    look, convert = examples.commands(FIRST)
    before = host.disk()

    looked = typed(look)
    assert looked.status == 0 and host.disk() == before, looked.output[-4000:]
    # the guide's own word for it
    assert "*may cut off*" in (examples.ROOT / FIRST).read_text("utf-8")
    assert re.search(r"attach port eth0 +may cut off ", looked.output), looked.output[:4000]

    first = typed(convert)
    assert first.status == 0 and first.changed, first.output[-4000:]
    ports = {link["ifname"] for link in ip_json(host.netns, "link", "show", "master", "br0")}
    assert ports == {"eth0", "tap1"}
    again = typed(convert)
    assert (again.status, again.changed) == (0, []), again.output[-4000:]

    (doctor,) = examples.commands(NO_NETWORK)
    (picture,) = [one for one in examples.commands("README.md") if one.endswith(".topology")]
    answer = typed(doctor)
    assert answer.status == 0 and not answer.changed, answer.output[-4000:]
    drawn = typed(picture)
    assert drawn.status == 0, drawn.output[-4000:]
    assert HOST in (tmp_path / "topology.html").read_text(encoding="utf-8")

    (tmp_path / "hosts.yml").write_text(gone, encoding="utf-8")
    back = typed(convert)
    assert back.status == 0, back.output[-4000:]
    assert not ip_json(host.netns, "link", "show", "type", "bridge")
    assert all(host.lan.all_reachable().values())
