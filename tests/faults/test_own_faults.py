# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What nobody foresaw, in a process of its own: each module says that it is a fault of the collection, and never "Module failed"."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

ROOMS = "ansible_collections.hypervisor.network.plugins.module_utils"
# What each kind of module calls first, and how it is asked
CASES = {
    "linux_bridge": ("_rtnl.snapshot", "Netlink.snapshot", {"name": "br0"}, "reading the host"),
    "bridge_info": ("_rtnl.snapshot", "Netlink.snapshot", {}, "reading the host"),
    "bridge_isolation": (
        "_isolation.spec",
        "checked",
        {"tenants": [{"name": "blue", "ports": ["tap1"]}]},
        "checking the options",
    ),
    "transaction": (
        "_guard.confirm",
        "TransactionNoun.read",
        {"id": "0" * 32, "state": "confirmed"},
        "reading the host",
    ),
    "qemu_guest": ("_qemu.supervisor", "Supervisor.read_all", {"name": "vm1"}, "reading the host"),
    "qemu_guest_info": ("_qemu.status", "Status.there", {}, "reading the guests"),
    "qemu_backup": (
        "_qemu.status",
        "Status.read",
        {"guest": "vm1", "target": "/"},
        "reading the host",
    ),
    "qemu_snapshot": (
        "_qemu.status",
        "Status.read",
        {"guest": "vm1", "name": "a"},
        "reading the host",
    ),
    "guarded_change": (
        "_guarded.tasks",
        "of",
        {"module": "linux_bridge", "options": {"name": "br0"}},
        "checking the options",
    ),
}
BREAK = """
import importlib
def fail(*_args, **_more):
    raise UnicodeDecodeError("utf-8", bytes([255]), 0, 1, "invalid start byte")
where = importlib.import_module({room!r})
*path, last = {name!r}.split(".")
for step in path:
    where = getattr(where, step)
setattr(where, last, fail)
"""


@pytest.fixture
def broken(tmp_path: Path, target_path: str) -> Any:
    """A function that gives the environment in which a function of the collection raises what is none of ours."""

    def make(room: str, name: str) -> dict[str, str]:
        text = BREAK.format(room=f"{ROOMS}.{room}", name=name)
        (tmp_path / "sitecustomize.py").write_text(text, "utf-8")
        return {"PYTHONPATH": f"{tmp_path}:{target_path}"}

    return make


@pytest.mark.parametrize("module", CASES)
def test_a_module_that_meets_what_it_does_not_know_says_so(
    run_module, netns, broken, module
) -> None:
    room, name, args, doing = CASES[module]
    where = None if module in ("guarded_change", "qemu_guest_info") else netns
    result = run_module(module, args, where, env=broken(room, name), faulty=True)
    assert result["failed"] and "\n" not in result["msg"]
    assert result["msg"].startswith(
        "This is a fault of the collection hypervisor.network, which came upon UnicodeDecodeError ("
    )
    assert f"while {doing}; please report it at https://" in result["msg"]
    assert result["msg"].endswith(" Nothing was changed.")


def test_a_fault_after_the_first_write_is_undone(run_module, netns, ip_json, broken) -> None:
    result = run_module(
        "linux_bridge",
        {"name": "br0", "up": True},
        netns,
        env=broken("_link.apply", "LinkNoun._set_link"),
        faulty=True,
    )
    assert result["failed"] and "while carrying out create bridge br0" in result["msg"]
    assert result["msg"].endswith("the host is as it was before.")
    assert [link["ifname"] for link in ip_json(netns, "link", "show")] == ["lo"]
