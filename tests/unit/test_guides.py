# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guides: each YAML block parses, modules take its tasks, and the role refuses none of its variables (of READMEs, test_examples.py); and what they
tell to type names what is there."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.hypervisor.network.plugins.filter.bridge_host_refusals import (
    bridge_host_refusals,
)
from ansible_collections.hypervisor.network.plugins.module_utils._bridge_host import (
    items as role_items,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import BadInput
from ansible_collections.hypervisor.network.plugins.module_utils._guard import transaction
from ansible_collections.hypervisor.network.plugins.module_utils._host import places
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import told, unit_file
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.guest import Guest
from ansible_collections.hypervisor.network.tests.harness.model import examples, typed

ROOT = Path(__file__).resolve().parents[2]
GUIDES = sorted((ROOT / "docs/docsite/rst").glob("*.rst"))
OURS = "hypervisor.network."
RELEASED = "Nothing is released yet" not in (ROOT / "CHANGELOG.rst").read_text("utf-8")
SPEC_WORDS = ("type", "elements", "choices", "required")


BLOCKS = [
    pytest.param(block, id=f"{path.stem}-{number}")
    for path in (*GUIDES, ROOT / "docs/site/index.rst")
    for number, block in enumerate(examples.guide_blocks(str(path.relative_to(ROOT))), 1)
]


@pytest.fixture(scope="module")
def specs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The argument spec of each module by its full name, out of its documentation."""
    home = tmp_path_factory.mktemp("home")
    names = [path.stem for path in (ROOT / "plugins/modules").glob("*.py")]
    said = subprocess.run(
        [str(Path(sys.executable).with_name("ansible-doc")), "--json", "-t", "module"]
        + [f"{OURS}{name}" for name in names],
        env={**os.environ, "ANSIBLE_HOME": str(home), "ANSIBLE_LOCAL_TEMP": str(home)},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return {name: _spec(one["doc"]["options"]) for name, one in json.loads(said).items()}


def _spec(options: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: {
            **{word: option[word] for word in SPEC_WORDS if word in option},
            **({"options": _spec(option["suboptions"])} if "suboptions" in option else {}),
        }
        for name, option in options.items()
    }


def _mappings(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        yield value
    if isinstance(value, (Mapping, list)):
        for one in value.values() if isinstance(value, Mapping) else value:
            yield from _mappings(one)


def wrong(block: str, specs: Mapping[str, Any]) -> list[str]:
    """What modules and the role have against a block, in their own words."""
    found = []
    for mapping in _mappings(yaml.safe_load(block)):
        for name, given in mapping.items():
            if str(name).startswith(OURS):
                answer = ArgumentSpecValidator(specs[name]).validate(given or {})
                found += [f"{name}: {message}" for message in answer.error_messages]
        wish = {
            key.removeprefix("bridge_host_"): value
            for key, value in mapping.items()
            if str(key).startswith("bridge_host_")
        }
        if "bridges" in wish:
            found += bridge_host_refusals(wish)
        elif wish:
            # a part of what a host has: each item by itself
            found += _untypable(wish)
    return found


def _untypable(wish: Mapping[str, Any]) -> list[str]:
    try:
        role_items.typed_all(wish)
    except BadInput as error:
        return [str(error)]
    return []


@pytest.mark.parametrize("block", BLOCKS)
def test_a_block_is_what_modules_and_role_take(block: str, specs: dict[str, Any]) -> None:
    assert wrong(block, specs) == []


def test_there_are_blocks_in_the_guides() -> None:
    pages = {one.id.rpartition("-")[0] for one in BLOCKS}
    assert {"first_host", "guard", "tenants"} <= pages and len(BLOCKS) > 20


def test_a_wrong_option_of_a_task_and_of_the_role_is_found(specs: dict[str, Any]) -> None:
    assert wrong(f"- {OURS}linux_bridge: {{name: br0, stp: false}}", specs)
    assert wrong(f"- {OURS}tap_device: {{taps: [{{name: t1, owned: me}}]}}", specs)
    assert wrong("vars: {bridge_host_taps: [{name: tap1, brigde: br0}]}", specs)


# whose are they, by their programs
OTHERS = {
    command
    for command in (*typed.HERE, *typed.ELSEWHERE)
    if command.split()[0] in ("chown", "ifquery", "ls", "networkctl", "nmcli", "qemu-img", "sha256sum", "sudo", "virsh")
}  # fmt: skip
TYPED = [
    (place, command)
    for place in (
        *examples.READMES,
        *(f"{examples.GUIDES}/{path.name}" for path in GUIDES),
        "docs/site/index.rst",
    )
    for command in examples.commands(place)
]


def _target(command: str) -> bool:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    return re.search(rf"^{command.split()[1]}:", makefile, re.M) is not None


def _playbook(command: str) -> bool:
    (name,) = re.findall(r"hypervisor\.network\.(\w+)", command)
    book = (ROOT / "playbooks" / f"{name}.yml").read_text("utf-8")
    return all(variable in book for variable in re.findall(r"-e (\w+)=", command))


def _scenario(command: str) -> bool:
    scenarios = ROOT / "extensions" / "molecule"
    named = re.findall(r"-s (\S+)", command)
    return all((scenarios / one / "molecule.yml").exists() for one in named)


def _unit(command: str) -> bool:
    return command.rsplit(maxsplit=1)[-1] == unit_file.unit("vm1").removesuffix(".service")


def _transaction(command: str) -> bool:
    named = re.findall(rf"{transaction.ROOT}/ID/(\S+)", command)
    return transaction.ROOT in command and set(named) <= set(transaction.STATES)


def _console(command: str) -> bool:
    guest = Guest("vm1", "running", {"console": True})
    sockets = ("", f"{places.RUN}/vm1/spare.sock")
    return command == told.consoles(guest, sockets, "host1")["console"]


def _installs(command: str) -> bool:
    (what,) = re.findall(r"^ansible-galaxy collection install (\S+)$", command)
    # Galaxy has nothing under the collection's name before there is a release
    return RELEASED or what.startswith("git+https://")


def _others(command: str) -> bool:
    """What is typed to look at another's, or to tell it something: nothing of it is made here, so it is only known."""
    return command in OTHERS


# By its program, whether what a command names is there
NAMES_WHAT_IS_THERE = {
    "make": _target,
    "ansible-playbook": _playbook,
    "ansible-galaxy": _installs,
    "molecule": _scenario,
    **dict.fromkeys(("systemctl", "journalctl"), _unit),
    "socat": _console,
    **dict.fromkeys(("cat", "cd"), _transaction),
    "ls": lambda command: _transaction(command) or _others(command),
    **dict.fromkeys({command.split()[0] for command in OTHERS} - {"ls"}, _others),
}


@pytest.mark.parametrize(("place", "command"), TYPED)
def test_what_is_to_be_typed_names_what_is_there(place: str, command: str) -> None:
    # tests/integration/test_as_published.py types them, or says where their like is typed
    assert NAMES_WHAT_IS_THERE[command.split(maxsplit=1)[0]](command), place


@pytest.mark.parametrize(
    "command",
    [
        "make tset",
        "ansible-playbook -i hosts.yml hypervisor.network.doctor -e doctor_gest=vm1",
        "molecule converge -s walk",
        pytest.param(
            "ansible-galaxy collection install hypervisor.network",
            marks=pytest.mark.skipif(RELEASED, reason="it is there"),
        ),
        "systemctl status hypervisor-guest@vm1",
        f"cat {transaction.ROOT}/ID/rolledback",
        "ls /etc/netpaln",
        "nmcli devices",
    ],
)
def test_what_is_not_there_is_seen(command: str) -> None:
    assert not NAMES_WHAT_IS_THERE[command.split(maxsplit=1)[0]](command)


def test_every_guide_is_in_the_table_of_contents_once() -> None:
    extra = yaml.safe_load((ROOT / "docs/docsite/extra-docs.yml").read_text("utf-8"))
    listed = [name for section in extra["sections"] for name in section["toctree"]]
    assert sorted(listed) == [path.stem for path in GUIDES]
