# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""cloud-init's switch beside stanzas in a file of its own: made before they are, gone after they are, and both byte for byte."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._core.reconcile import reconcile
from ansible_collections.hypervisor.network.plugins.module_utils._host import cloud_init
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown import files
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.apply import Interfaces
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.files import Files
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.plan import plan
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.validate import checked

ITEM: dict[str, Any] = {
    "name": "br0", "state": "present", "family": None, "method": None, "options": None, "auto": None, "allow_hotplug": None,
    "take_over": None, "hand_back": None, "file": None,
}  # fmt: skip
THERE = {**ITEM, "take_over": "eth0"}
BACK = {**ITEM, "state": "absent", "hand_back": "eth0"}
ROOT = "auto lo\niface lo inet loopback\nsource interfaces.d/*\n"
RENDERED = "# This file is generated\nauto eth0\niface eth0 inet dhcp\n"
SWITCH = "cloud/cloud.cfg.d/99-hypervisor-network-br0.cfg"


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    """/etc of a host of a cloud."""
    for path, text in (
        ("network/interfaces", ROOT),
        ("network/interfaces.d/50-cloud-init", RENDERED),
        ("cloud/cloud.cfg.d/05_logging.cfg", "output: {all: '| tee'}\n"),
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    return tmp_path


def noun(etc: Path, network: bool | None = None) -> Interfaces:
    paths = (str(etc / "network/interfaces"), str(etc.parent / "kept"))
    return Interfaces(*paths, False, str(etc / "cloud"), network)


def run(etc: Path, item: dict[str, Any], network: bool | None = None, check: bool = False) -> list[str]:  # fmt: skip
    """What was done to files, by their paths below /etc."""
    wishes = [checked(item, False)]
    done = reconcile(noun(etc, network), wishes, check_mode=check)
    return [
        f"{one.action} {Path(one.name).relative_to(etc)}"
        for one in done.changes
        if one.kind == "file"
    ]


def there(etc: Path) -> dict[str, str]:
    return {
        str(one.relative_to(etc)): one.read_text("utf-8") for one in etc.rglob("*") if one.is_file()
    }


def test_there_predicted_twice_and_back_byte_for_byte(etc: Path) -> None:
    before = there(etc)
    expected = [f"create {SWITCH}", "update network/interfaces.d/50-cloud-init"]
    assert run(etc, THERE, False, check=True) == expected and there(etc) == before
    assert run(etc, THERE, False) == expected
    assert cloud_init.is_off(str(etc / "cloud"))
    assert run(etc, THERE, False) == run(etc, THERE) == []
    back = ["update network/interfaces.d/50-cloud-init", f"delete {SWITCH}"]
    assert run(etc, BACK, check=True) == back
    assert run(etc, BACK) == back and there(etc) == before
    assert run(etc, BACK) == []


@pytest.mark.parametrize("network", [None, True])
def test_who_does_not_ask_for_it_is_refused_with_the_option_that_would_do(
    etc: Path, network: bool | None
) -> None:
    before = there(etc)
    with pytest.raises(Refused, match="50-cloud-init anew at boot; say cloud_init_network: false"):
        run(etc, THERE, network)
    assert there(etc) == before


def test_a_stanza_of_no_bridge_switches_nothing_off(etc: Path) -> None:
    assert run(etc, {**ITEM, "name": "tap1", "method": "manual"}, False) == ["update network/interfaces"]  # fmt: skip
    with pytest.raises(Refused, match="beside the bridge"):
        run(etc, {**ITEM, "name": "eth0", "options": {"mtu": 1400}}, False)


def test_a_bridge_by_its_ports_has_one_too(etc: Path) -> None:
    item = {**ITEM, "method": "manual", "options": {"bridge-ports": "none"}}
    assert run(etc, item, False) == [f"create {SWITCH}", "update network/interfaces"]
    assert run(etc, item, True) == [f"delete {SWITCH}"]
    assert run(etc, item, True) == []


def test_a_host_without_cloud_init_has_nothing_to_be_switched_off(etc: Path) -> None:
    for one in (etc / "cloud/cloud.cfg.d").iterdir():
        one.unlink()
    (etc / "cloud/cloud.cfg.d").rmdir()
    (etc / "network/interfaces.d/50-cloud-init").rename(etc / "network/interfaces.d/eth0")
    assert run(etc, THERE, False) == ["update network/interfaces.d/eth0"]
    assert run(etc, BACK) == ["update network/interfaces.d/eth0"]


def test_the_other_bridge_keeps_its_own(etc: Path) -> None:
    run(etc, {**ITEM, "name": "br1", "method": "manual", "options": {"bridge_ports": "none"}}, False)  # fmt: skip
    run(etc, THERE, False)
    assert run(etc, BACK)[-1] == f"delete {SWITCH}"
    assert cloud_init.is_off(str(etc / "cloud"))


def test_a_failure_takes_the_switch_back(etc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = there(etc)
    one = noun(etc, False)
    write = one.apply

    def fails(changes: Any, now: Files) -> None:
        write(changes, now)
        monkeypatch.undo()
        raise Refused("the disk says no.")

    monkeypatch.setattr(one, "apply", fails)
    with pytest.raises(Refused, match="the disk says no"):
        reconcile(one, [checked(THERE, False)])
    assert there(etc) == before


def test_the_files_after_a_plan_are_those_that_the_next_one_finds(etc: Path) -> None:
    now = noun(etc).read()
    for item, off in ((THERE, True), (BACK, False)):
        wishes = [checked(item, False)]
        now = files.after(now, plan(now, wishes, False))
        assert plan(now, wishes, False) == []
        assert (not now.cloud_init, bool(now.switches)) == (off, off)
        assert all("network: {config" not in text for text in now.texts.values())
