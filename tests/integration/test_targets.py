# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The targets beside this file: each a role that a playbook runs in a throw-away namespace, with the oldest and the newest libraries.

A target finds its namespace's name in C(test_netns), made before it and removed after it, and an empty folder in C(test_folder).
More namespaces of its own carry names that begin with C(test_netns), and are removed too. Without one, as C(ansible-test integration) has it, the role
C(setup_netns) makes both; the check C(ansible-test) runs them so.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.hypervisor.network.tests.conftest import PYTHONS, needs_root
from ansible_collections.hypervisor.network.tests.harness.host.guests import guest_user
from ansible_collections.hypervisor.network.tests.harness.net import netns as namespaces
from ansible_collections.hypervisor.network.tests.harness.process.long_form import LONG

NEWEST = "pyroute2-0.9.7"
TARGETS = Path(__file__).resolve().parent / "targets"
# and what makes a namespace where nobody hands one over
SETUP = "setup_netns"
NAMES = sorted(
    path.name
    for path in TARGETS.iterdir()
    if (path / "tasks" / "main.yml").exists() and path.name != SETUP
)
_FAILS = "    - {name: Fail, ansible.builtin.fail: }\n"
_LATER = pytest.mark.skip(
    reason="one library after the other takes twice as long: make integration has both"
)


def _pairs() -> Iterator[Any]:
    """Each target with each library. What guests do is no matter of pyroute2; the check targets-elsewhere has them with the oldest, too.

    In the short form the targets take the libraries by turns.
    """
    every = bool(os.environ.get("HYPERVISOR_NETWORK_EACH"))
    for turn, name in enumerate(NAMES):
        for number, python in enumerate(PYTHONS):
            guests = name.startswith("qemu_")
            if guests and python != NEWEST and not every:
                continue
            now = every or LONG or guests or (turn + number) % len(PYTHONS) == 0
            yield pytest.param(name, python, marks=() if now else _LATER)


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty folder of the guests' user, on a path that it may follow; pytest's own are root's alone."""
    needs_root()
    user = guest_user()
    made = Path(tempfile.mkdtemp(prefix="hypervisor-network-", dir="/var/tmp"))
    os.chown(made, user.pw_uid, user.pw_gid)
    yield made
    shutil.rmtree(made)


@pytest.mark.parametrize(("target", "target_python"), list(_pairs()), indirect=["target_python"])
def test_target(target: str, target_python: str, netns: str, tmp_path: Path, folder: Path) -> None:
    given = {"ansible_python_interpreter": target_python, "test_netns": netns}
    done = _played([target], TARGETS, tmp_path, {**given, "test_folder": str(folder)})
    for path in Path("/run/netns").glob(f"{netns}?*"):
        namespaces.remove(path.name)
    assert done.returncode == 0, _from_the_failure(done.stdout)
    assert "Traceback" not in done.stdout, _from_the_failure(done.stdout)


@pytest.mark.parametrize("target_python", [NEWEST], indirect=True)
def test_what_a_target_cleans_up_hides_no_error(
    target_python: str, netns: str, tmp_path: Path, folder: Path
) -> None:
    """Each has a first task that fails, C(transaction) one whose output it reads in its cleanup."""
    cleaning = {one: (TARGETS / one / "tasks/main.yml").read_text("utf-8") for one in NAMES}
    cleaning = {one: text for one, text in cleaning.items() if "\n  always:\n" in text}
    shutil.copytree(TARGETS / SETUP, tmp_path / "roles" / SETUP)
    for one, text in cleaning.items():
        shutil.copytree(TARGETS / one, tmp_path / "roles" / one)
        if one != "transaction":
            text = text.replace("\n  block:\n", f"\n  block:\n{_FAILS}", 1)
        (tmp_path / "roles" / one / "tasks/main.yml").write_text(text, encoding="utf-8")
    given = {"ansible_python_interpreter": target_python, "test_netns": netns}
    given = {**given, "test_folder": str(folder), "module": ["no_such_module"]}
    done = _played(sorted(cleaning), tmp_path / "roles", tmp_path, given)
    assert _failed(done.stdout) == {
        **dict.fromkeys(cleaning, ["Fail"]),
        "transaction": ["Convert it, and leave that unconfirmed"],
    }, done.stdout


def test_ansible_test_finds_every_target(tmp_path: Path) -> None:
    needs_root()
    place = tmp_path / "ansible_collections" / "hypervisor" / "network"
    shutil.copytree(TARGETS.parent, place / "tests" / "integration")
    words = ["ansible-test", "integration", "--list-targets", "--allow-destructive"]
    done = subprocess.run(words, cwd=place, stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout.split() == NAMES


def test_a_target_never_meets_the_machine_s_own_network() -> None:
    metas = [yaml.safe_load((TARGETS / one / "meta/main.yml").read_text("utf-8")) for one in NAMES]
    assert metas == [{"dependencies": [SETUP]}] * len(NAMES)


def _played(
    targets: list[str], roles: Path, folder: Path, given: dict[str, Any]
) -> subprocess.CompletedProcess[str]:
    """Run these targets, each on a host of its own that is this machine; what fails on one stops no other."""
    task = {"ansible.builtin.include_role": {"name": "{{ inventory_hostname }}"}}
    play = {"name": "Targets", "hosts": "all", "gather_facts": False, "tasks": [task]}
    playbook = folder / "playbook.yml"
    playbook.write_text(json.dumps([play]), encoding="utf-8")
    settings = {
        "ANSIBLE_ROLES_PATH": str(roles),
        "ANSIBLE_PIPELINING": "1",
        "ANSIBLE_RETRY_FILES_ENABLED": "0",
        "ANSIBLE_LOCAL_TEMP": str(folder),
    }
    words = ["-i", "".join(f"{one}," for one in targets)]
    words += ["-e", json.dumps({"ansible_connection": "local", **given}), str(playbook)]
    return subprocess.run(
        [str(Path(sys.executable).with_name("ansible-playbook")), *words],
        env={**os.environ, **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        check=False,
    )


def _failed(output: str) -> dict[str, list[str]]:
    """The tasks that failed, by host."""
    found: dict[str, list[str]] = {}
    for task in output.split("\nTASK [")[1:]:
        name = task.partition("]")[0].partition(" : ")[2]
        for host in re.findall(r"^fatal: \[(\w+)\]", task, re.M):
            found.setdefault(host, []).append(name)
    return found


def _from_the_failure(output: str) -> str:
    """The end of a playbook's output, from the task that failed."""
    tasks = output.split("\nTASK [")
    failed = next(
        (number for number, task in enumerate(tasks) if "fatal: [" in task or "Traceback" in task),
        len(tasks) - 1,
    )
    return "\nTASK [" + "\nTASK [".join(tasks[failed:])[-6000:]
