# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests share: namespaces that are gone afterwards, a quick way to run a module, and iproute2 as the oracle."""

from __future__ import annotations

import compileall
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from ansible_collections.hypervisor.network.tests.harness.net import netns as namespaces
from ansible_collections.hypervisor.network.tests.harness.process.long_form import LONG

ROOT = Path(__file__).resolve().parents[1]
MODULES = "ansible_collections.hypervisor.network.plugins.modules"
# The ends of what is supported, each with its interpreter; `make test` names them, a bare pytest runs on what it has.
PYTHONS = {
    "pyroute2-0.7.2": os.environ.get("HYPERVISOR_NETWORK_OLD_PYTHON"),
    "pyroute2-0.9.7": os.environ.get("HYPERVISOR_NETWORK_NEW_PYTHON", sys.executable),
}

RunModule = Callable[..., dict[str, Any]]


def pytest_configure(config: pytest.Config) -> None:
    """SIGTERM ends a run as Ctrl-C does: what the tests made is removed. Random tests draw the same examples in each short run."""
    # not by way of SIGINT: what a shell starts in the background ignores that
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # A red run of the short form comes from a change, never from the draw nor from a loaded machine; the long form draws anew each time
    settings.register_profile("short", derandomize=True, database=None, deadline=None)
    settings.register_profile("long", database=None, deadline=None)
    settings.load_profile("long" if LONG else "short")


def needs_root() -> None:
    """Skip a test that makes namespaces where that is not allowed."""
    if os.geteuid() != 0:
        pytest.skip("network namespaces want root: run it through make")


@pytest.fixture
def netns() -> Iterator[str]:
    """The name of a fresh namespace with nothing in it but lo, up; removed with all that runs in it."""
    needs_root()
    with namespaces.Namespaces("host") as names:
        yield names["host"]


@pytest.fixture
def make_netns() -> Iterator[Callable[[str], str]]:
    """A function that makes one more namespace for a role and returns its name; all are removed."""
    needs_root()
    made: list[namespaces.Namespaces] = []

    def make(role: str) -> str:
        made.append(namespaces.Namespaces(role))
        return made[-1].__enter__()[role]

    yield make
    for one in made:
        one.__exit__()


@pytest.fixture(scope="session")
def target_path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PYTHONPATH that gives a target's interpreter what Ansible ships to it: its module_utils and this collection.

    The plugins are a copy that has been compiled: else each of thousands of runs would do that again, which is a third of what it takes to begin.
    """
    import ansible

    path = tmp_path_factory.mktemp("target")
    (path / "ansible").symlink_to(Path(ansible.__file__).parent)
    network = path / "ansible_collections" / "hypervisor" / "network"
    network.mkdir(parents=True)
    for part in ROOT.iterdir():
        if part.name != "plugins":
            (network / part.name).symlink_to(part)
    shutil.copytree(
        ROOT / "plugins", network / "plugins", ignore=shutil.ignore_patterns("__pycache__")
    )
    compileall.compile_dir(network / "plugins", quiet=2)
    return str(path)


@pytest.fixture
def run_module(target_path: str, tmp_path: Path) -> RunModule:
    """A function that runs a module of the collection in a process of its own, without a controller, in a tenth of a second.

    C(run_module(name, args, netns=None, check=False, python=None, env=None, wrapper=(), timeout=120)) returns what the module
    printed, as a dict with C(failed) always in it. Output that is not one JSON object, or a traceback, fails the test. What a module
    leaves to its guarded form is done by that, as in a task; C(guarded_form=False) is the module alone.
    A fault of the collection fails the test too, unless it is expected: C(faulty=True).
    """

    def run(
        name: str,
        args: dict[str, Any],
        netns: str | None = None,
        *,
        check: bool = False,
        python: str | None = None,
        env: dict[str, str] | None = None,
        wrapper: tuple[str, ...] = (),
        timeout: float = 120,
        guarded_form: bool = True,
        faulty: bool = False,
    ) -> dict[str, Any]:
        own = {
            "_ansible_check_mode": check,
            "_ansible_diff": True,
            "_ansible_tmpdir": str(tmp_path),
            "_ansible_remote_tmp": str(tmp_path),
        }
        given = {**args, **own} if netns is None else {**args, "netns": netns, **own}
        done = subprocess.run(
            [*wrapper, python or str(PYTHONS["pyroute2-0.9.7"]), "-m", f"{MODULES}.{name}"],
            input=json.dumps({"ANSIBLE_MODULE_ARGS": given}),
            env={
                **os.environ,
                "PYTHONPATH": target_path,
                "PYTHONDONTWRITEBYTECODE": "1",
                **(env or {}),
            },
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        try:
            result = json.loads(done.stdout)
        except ValueError:
            pytest.fail(
                f"{name} printed no JSON (exit {done.returncode}):\n{done.stdout}\n{done.stderr}"
            )
        assert isinstance(result, dict), done.stdout
        assert faulty or not re.search(
            "Traceback|fault of the collection", done.stdout + done.stderr
        ), done.stdout + done.stderr
        result.setdefault("failed", False)
        assert result["failed"] == (done.returncode != 0)
        if guarded_form and result.get("guard_wanted"):
            options = args if netns is None else {**args, "netns": netns}
            form = {"module": name, "options": options}
            more = {"python": python, "env": env, "wrapper": wrapper, "timeout": timeout}
            return run("guarded_change", form, check=check, **more)
        return result

    return run


@pytest.fixture
def changed_once(run_module: RunModule) -> RunModule:
    """As run_module, and the rules of every module with it.

    Check mode predicts the same changes and makes none; the run succeeds; the second run changes nothing.
    """

    def run(
        name: str, args: dict[str, Any], netns: str | None = None, **more: Any
    ) -> dict[str, Any]:
        predicted = run_module(name, args, netns, check=True, **more)
        result = run_module(name, args, netns, **more)
        assert not result["failed"], result
        assert (
            predicted["changed"] == result["changed"] and predicted["changes"] == result["changes"]
        )
        again = run_module(name, args, netns, **more)
        assert again["changed"] is False, again
        return result

    return run


@pytest.fixture
def ip_json() -> Callable[..., list[dict[str, Any]]]:
    """The oracle: C(ip_json(netns, "-d", "link", "show")) as C(ip -j) tells it."""
    return namespaces.ip_json


@pytest.fixture
def bridge_json() -> Callable[..., list[dict[str, Any]]]:
    """The oracle: C(bridge_json(netns, "-d", "link", "show")) as C(bridge -j) tells it."""

    def bridge(netns: str, *words: str) -> list[dict[str, Any]]:
        return json.loads(namespaces.run("bridge", "-n", netns, "-j", *words) or "[]")

    return bridge


@pytest.fixture(params=[pytest.param(name, id=name) for name in PYTHONS])
def target_python(request: pytest.FixtureRequest) -> str:
    """An interpreter with the oldest libraries that are supported, then one with the newest."""
    python = PYTHONS[request.param]
    if python is None or shutil.which(python) is None:
        pytest.skip(f"there is no interpreter with {request.param} here: run it through make")
    return python
