# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is missing on a target is said in one sentence: a library, an age, a right."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hypervisor.network.tests.conftest import RunModule
from ansible_collections.hypervisor.network.tests.harness.net.netns import ip_json

TASKS: dict[str, dict[str, Any]] = {
    "linux_bridge": {"name": "br0"},
    "bridge_port": {"name": "tap1", "bridge": "br0"},
    "tap_device": {"name": "tap1"},
}


@pytest.fixture(scope="module")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An interpreter with nothing but its standard library."""
    folder = tmp_path_factory.mktemp("bare") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    return str(folder / "bin" / "python")


@pytest.mark.parametrize("module", list(TASKS))
@pytest.mark.parametrize("check", [True, False], ids=["check", "run"])
def test_x06_without_pyroute2_one_sentence_names_it_and_the_cure(
    netns: str, run_module: RunModule, bare_python: str, module: str, check: bool
) -> None:
    result = run_module(module, TASKS[module], netns, check=check, python=bare_python)
    assert result["failed"] and result["msg"] == (
        f"The Python library pyroute2 is missing for {bare_python}; "
        "install it with 'apt-get install python3-pyroute2' or 'pip install pyroute2'."
    )
    assert [link["ifname"] for link in ip_json(netns, "link")] == ["lo"]


def test_x06_without_pyroute2_a_wrong_argument_is_still_what_is_said(
    netns: str, run_module: RunModule, bare_python: str
) -> None:
    result = run_module("linux_bridge", {"name": "br0", "mtu": 1}, netns, python=bare_python)
    assert result["msg"].startswith("br0: mtu 1 is outside")


def test_x06_a_pyroute2_that_is_too_old_is_said_with_both_versions(
    netns: str, run_module: RunModule, bare_python: str, target_path: str, tmp_path: Path
) -> None:
    (tmp_path / "pyroute2").mkdir()
    (tmp_path / "pyroute2" / "__init__.py").write_text('__version__ = "0.5.14"\n')
    env = {"PYTHONPATH": os.pathsep.join([target_path, str(tmp_path)])}
    result = run_module("linux_bridge", {"name": "br0"}, netns, python=bare_python, env=env)
    assert (
        result["failed"]
        and "pyroute2 0.5.14" in result["msg"]
        and "older than 0.7.2" in result["msg"]
    )


def test_x06_netaddr_is_needed_for_other_notations_only(
    netns: str,
    run_module: RunModule,
    bare_python: str,
    target_path: str,
    target_python: str,
    tmp_path: Path,
) -> None:
    found = subprocess.run(
        [target_python, "-c", "import pyroute2; print(pyroute2.__file__)"],
        check=True,
        capture_output=True,
        text=True,
    )
    (tmp_path / "libraries").mkdir()
    # 0.7.x comes in more than one package
    for package in Path(found.stdout.strip()).parents[1].glob("p*r*2*"):
        (tmp_path / "libraries" / package.name).symlink_to(package)
    more: dict[str, Any] = {
        "python": bare_python,
        "env": {"PYTHONPATH": os.pathsep.join([target_path, str(tmp_path / "libraries")])},
    }
    refused = run_module("linux_bridge", {"name": "br0", "mac": "0200.0000.0001"}, netns, **more)
    assert (
        refused["failed"]
        and "netaddr is missing" in refused["msg"]
        and "python3-netaddr" in refused["msg"]
    )
    made = run_module("linux_bridge", {"name": "br0", "mac": "02:00:00:00:00:01"}, netns, **more)
    assert not made["failed"], made["msg"]


@pytest.mark.parametrize("module", list(TASKS))
def test_x07_without_rights_one_sentence_says_become(
    netns: str, run_module: RunModule, target_python: str, module: str, make_netns: Any
) -> None:
    """Inside the namespace, but with no capability left."""
    args = {**TASKS[module]}
    if module == "bridge_port":
        run_module("tap_device", {"name": "tap1"}, netns)
        run_module("linux_bridge", {"name": "br0"}, netns)
    before = ip_json(netns, "link")
    wrapper = (
        "ip",
        "netns",
        "exec",
        netns,
        "setpriv",
        "--bounding-set=-all",
        "--inh-caps=-all",
        "--no-new-privs",
    )
    result = run_module(module, args, None, python=target_python, wrapper=wrapper)
    assert result["failed"] and "become" in result["msg"] and result["msg"].count(".") <= 4, result[
        "msg"
    ]
    assert [link["ifname"] for link in ip_json(netns, "link")] == [
        link["ifname"] for link in before
    ]
    entering = run_module(module, args, netns, python=target_python, wrapper=wrapper[4:])
    assert (
        entering["failed"]
        and "Cannot enter the network namespace" in entering["msg"]
        and "become" in entering["msg"]
    )
