# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A newcomer: the collection built and installed as README says, nothing else on Ansible's path, and the guides' commands as they are written."""

from __future__ import annotations

import hashlib
import json
import os
import pwd
import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.tests.harness.host import published
from ansible_collections.hypervisor.network.tests.harness.host.role_host import Host, Play
from ansible_collections.hypervisor.network.tests.harness.model import examples, typed
from ansible_collections.hypervisor.network.tests.harness.net.netns import ip_json

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
def types(core: Path, installed: Path, host: Host, tmp_path: Path) -> Callable[[str], Play]:
    """Type a command on the controller, in the folder with hosts.yml; the host is this LAN's."""
    beside = tmp_path / "group_vars"
    beside.mkdir()
    (beside / "all.yml").write_text(
        f"ansible_connection: local\nansible_python_interpreter: {host.python}\n",
        encoding="ascii",
    )
    bare = {"PYTHONPATH": "", "ANSIBLE_COLLECTIONS_PATH": str(installed)}

    def typing(command: str) -> Play:
        program, *words = shlex.split(command)
        return host.runs(str(core / program), *words, environment=bare, cwd=tmp_path)

    return typing


def test_each_command_is_typed_here_or_says_where_its_like_is() -> None:
    places = [*examples.READMES, "docs/site/index.rst"]
    places += [f"{examples.GUIDES}/{path.name}" for path in (examples.ROOT / examples.GUIDES).glob("*.rst")]  # fmt: skip
    told = {command for place in places for command in examples.commands(place)}
    assert typed.HERE | set(typed.ELSEWHERE) == told
    assert not typed.HERE & set(typed.ELSEWHERE)
    for reason in typed.ELSEWHERE.values():
        assert (examples.ROOT / reason.split()[-1]).exists(), reason


def test_the_guides_as_they_are_written(
    host: Host, types: Callable[[str], Play], tmp_path: Path
) -> None:
    inventory, gone = examples.guide_blocks(typed.FIRST)
    (tmp_path / "hosts.yml").write_text(inventory, encoding="utf-8")
    look, convert = examples.commands(typed.FIRST)
    before = host.disk()

    looked = types(look)
    assert looked.status == 0 and host.disk() == before, looked.output[-4000:]
    # the guide's own word for it
    assert "*may cut off*" in (examples.ROOT / typed.FIRST).read_text("utf-8")
    assert re.search(r"attach port eth0 +may cut off ", looked.output), looked.output[:4000]

    first = types(convert)
    assert first.status == 0 and first.changed, first.output[-4000:]
    ports = {link["ifname"] for link in ip_json(host.netns, "link", "show", "master", "br0")}
    assert ports == {"eth0", "tap1"}
    again = types(convert)
    assert (again.status, again.changed) == (0, []), again.output[-4000:]

    on_host(host)
    looks(types, tmp_path)
    (tmp_path / "hosts.yml").write_text(gone, encoding="utf-8")
    back = types(convert)
    assert back.status == 0, back.output[-4000:]
    assert not ip_json(host.netns, "link", "show", "type", "bridge")
    assert all(host.lan.all_reachable().values())


def on_host(host: Host) -> None:
    """What is typed on the host itself, after a change that was confirmed."""
    last = host.runs("sh", "-ec", typed.LAST).output.strip()
    named = host.runs("sh", "-ec", typed.STATE.replace("ID", last))
    assert (named.status, named.output.split()[0]) == (0, "confirmed"), named.output
    stanzas = host.runs("sh", "-ec", typed.STANZAS)
    assert {"eth0", "br0", "tap1"} <= set(stanzas.output.split()), stanzas.output


def looks(types: Callable[[str], Play], folder: Path) -> None:
    """What only looks at the fleet; nothing drifted, since the audit would fail then."""
    inventory, adopted = folder / "hosts.yml", folder / "host_vars" / f"{HOST}.yml"
    described = inventory.read_text(encoding="utf-8")
    for command in typed.LOOKS:
        if "adopt" in command:
            # somebody set it up by hand, and no variables are anywhere
            bare = {"hypervisors": {"hosts": {HOST: {}}}}
            inventory.write_text(json.dumps(bare), encoding="utf-8")
        answer = types(command)
        assert answer.status == 0, (command, answer.output[-4000:])
        assert adopted.exists() is command.endswith(".adopt"), (command, answer.output[-4000:])
        if adopted.exists():
            assert "name: br0" in adopted.read_text(encoding="utf-8")
            adopted.unlink()
        inventory.write_text(described, encoding="utf-8")
    assert HOST in (folder / "topology.html").read_text(encoding="utf-8")


def test_a_disk_out_of_a_backup_as_it_is_written(host: Host) -> None:
    backup, disk = (Path(path) for path in typed.RESTORED[1].split()[-2:])
    where = {path: host.folder / path.relative_to("/") for path in (backup, disk)}
    for path in where.values():
        path.parent.mkdir(parents=True)
    image = str(where[backup])
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", image, "1M"], check=True)
    within = 'mount --bind "$0" /srv || exit 9; exec sh -ec "$1"'
    done = host.runs("sh", "-c", within, str(host.folder / "srv"), "\n".join(typed.RESTORED))
    assert done.status == 0, done.output
    assert hashlib.sha256(where[backup].read_bytes()).hexdigest() in done.output
    assert where[disk].stat().st_uid == pwd.getpwnam("hypervisor-guest").pw_uid
    compared = ["qemu-img", "compare", image, str(where[disk])]
    assert subprocess.run(compared, check=False).returncode == 0
