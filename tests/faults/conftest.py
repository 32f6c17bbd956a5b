# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the fault cases share. Each test carries the id of its case in its name."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hypervisor.network.tests.conftest import needs_root
from ansible_collections.hypervisor.network.tests.harness.host.guests import Guests, guest_user
from ansible_collections.hypervisor.network.tests.harness.host.snapshots import KEPT, Kept
from ansible_collections.hypervisor.network.tests.harness.net.dump import differences, settled


@pytest.fixture(autouse=True)
def root() -> None:
    needs_root()


@pytest.fixture
def guests(netns, run_module) -> Iterator[Guests]:
    made = Guests(netns, run_module)
    yield made
    made.remove()


@pytest.fixture
def guest_folder() -> Iterator[Path]:
    """A folder that is the guests' user's, on a path that it may follow; pytest's own are root's alone."""
    user = guest_user()
    folder = Path(tempfile.mkdtemp(prefix="hypervisor-network-", dir="/var/tmp"))
    os.chown(folder, user.pw_uid, user.pw_gid)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def kept(guests, guest_folder) -> Iterator[Callable[..., Kept]]:
    """A function that makes the guest of a test, with so many disks."""
    made: list[Kept] = []

    def make(disks: int = 1, form: str = "qcow2") -> Kept:
        made.append(Kept(guests, guest_folder, disks, form))
        return made[-1]

    yield make
    for one in made:
        (KEPT / f"{one.name}.json").unlink(missing_ok=True)


@pytest.fixture
def starting_with(tmp_path, target_path):
    """The environment in which a module's Python reads a text of Python first."""

    def environment(text: str) -> dict[str, str]:
        (tmp_path / "sitecustomize.py").write_text(text, encoding="ascii")
        return {"PYTHONPATH": f"{tmp_path}:{target_path}"}

    return environment


@pytest.fixture
def uplink(run_module):
    """Run bridge_uplink for eth0 and br0 in a host, and return its result, failed or not."""

    def run(netns: str, *, check: bool = False, **options: Any) -> dict[str, Any]:
        return run_module(
            "bridge_uplink",
            {"name": "eth0", "bridge": "br0", "guard_timeout": 0, **options},
            netns,
            check=check,
        )

    return run


@pytest.fixture
def refused(uplink):
    """Run bridge_uplink, expect it to fail in one line with these words in it, and the host to be as it was."""

    def run(netns: str, *words: str, **options: Any) -> str:
        before = settled(netns)
        for check in (True, False):
            result = uplink(netns, check=check, **options)
            assert result["failed"], result
            message = result["msg"]
            assert "\n" not in message and message.endswith("."), message
            assert all(word in message for word in words), message
        assert differences(before, settled(netns)) == []
        return message

    return run
