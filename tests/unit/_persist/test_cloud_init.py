# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""cloud-init's part for the network: switched off only where that is asked, given back, and refused where it would write anew what boots."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    BadInput,
    Refused,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.reconcile import reconcile
from ansible_collections.hypervisor.network.plugins.module_utils._host import cloud_files as host
from ansible_collections.hypervisor.network.plugins.module_utils._managers import foreign
from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import File, Wish
from ansible_collections.hypervisor.network.plugins.module_utils._persist import (
    apply as persistence,
)
from ansible_collections.hypervisor.network.plugins.module_utils._persist import cloud_init
from ansible_collections.hypervisor.network.tests.harness.model.persisted import MINE
from ansible_collections.hypervisor.network.tests.harness.model.persisted import host as persisted
from ansible_collections.hypervisor.network.tests.harness.model.standing import WISH

NETPLANS = "/etc/netplan/50-cloud-init.yaml"
ON = host.CloudInit(True, True, {NETPLANS: "network:\n  ethernets:\n    eth0: {dhcp4: true}\n"})
OFF = replace(ON, on=False)
NONE = host.CloudInit()
SWITCH = "/etc/cloud/cloud.cfg.d/99-hypervisor-network-br0.cfg"
KEEP = "keep"  # the switch is not among the files: it stays as it is


@pytest.mark.parametrize("cloud", [ON, OFF, NONE], ids=["on", "off", "none"])
@pytest.mark.parametrize(
    ("present", "asked", "switch"),
    [(True, None, KEEP), (True, False, "off"), (True, True, None), (False, None, None), (False, False, None), (False, True, None)],
)  # fmt: skip
def test_the_switch_by_what_is_asked(
    cloud: host.CloudInit, present: bool, asked: bool | None, switch: str | None
) -> None:
    wish = replace(WISH, present=present, cloud_init_network=asked)
    found = cloud_init.framed([File(MINE, "ours\n")], wish, cloud)
    said = {one.path: one.text for one in found}.get(SWITCH, KEEP)
    if switch == "off" and cloud is NONE:
        assert said == KEEP
    elif switch == "off":
        assert said is not None and said.endswith("\nnetwork: {config: disabled}\n")
        assert found[0].path == SWITCH  # before what it protects
    else:
        assert said == switch
        assert found[0].path == MINE


def test_the_switch_is_what_cloud_init_takes_for_one(tmp_path: Path) -> None:
    (tmp_path / "etc/cloud/cloud.cfg.d").mkdir(parents=True)
    assert host.read(str(tmp_path)).on
    wish = replace(WISH, cloud_init_network=False)
    (switch,) = cloud_init.framed([], wish, ON)
    (tmp_path / switch.path[1:]).write_text(switch.text or "", encoding="utf-8")
    assert not host.read(str(tmp_path)).on


@pytest.mark.parametrize(
    ("said", "refused"),
    [
        ("network:\n  bridges:\n    br0: {interfaces: [eth0]}\n", True),
        ('network: {bridges: {"br0": {}}}\n', True),
        ("iface br0 inet dhcp\n", True),
        ("[connection]\ninterface-name=br0\n", True),
        ("network:\n  ethernets:\n    eth0: {dhcp4: true}\n", False),
        ("network:\n  bridges:\n    br01: {}\n    br0.5: {}\n    vmbr0: {}\n", False),
        ("# br0 is made by hand\n", False),
    ],
)
def test_a_bridge_that_cloud_init_tells_of_is_refused(said: str, refused: bool) -> None:
    cloud = replace(ON, rendered={NETPLANS: said})
    with pytest.raises(Refused, match="tells of br0") if refused else nullcontext():
        cloud_init.check(WISH, cloud)
    for wish, there in (
        (replace(WISH, cloud_init_network=False), cloud),
        (replace(WISH, present=False), cloud),
        (WISH, replace(cloud, on=False)),
    ):
        cloud_init.check(wish, there)


def test_a_switch_belongs_to_a_bridge() -> None:
    with pytest.raises(BadInput, match="name one in bridges"):
        cloud_init.check(Wish(taps=["tap1"], cloud_init_network=False), ON)
    cloud_init.check(Wish(taps=["tap1"]), ON)


@pytest.fixture
def cloudy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host below a folder, with cloud-init and the file that it rendered."""
    monkeypatch.setattr(foreign, "kept", lambda _netlink: nullcontext())
    (tmp_path / "etc/cloud/cloud.cfg.d").mkdir(parents=True)
    (tmp_path / "etc/netplan").mkdir(parents=True)
    (tmp_path / NETPLANS[1:]).write_text("network: {}\n", encoding="utf-8")
    return tmp_path


def there(root: Path) -> dict[str, str]:
    return {
        str(one.relative_to(root)): one.read_text("utf-8") if one.is_file() else "folder"
        for one in sorted((root / "etc").rglob("*"))
    }


def test_there_predicted_twice_and_back_byte_for_byte(cloudy: Path) -> None:
    (cloudy / "etc/systemd/network").mkdir(parents=True)
    before = there(cloudy)
    wish = replace(WISH, cloud_init_network=False)
    noun, _told, _adapter = persisted(cloudy, wish)
    predicted = reconcile(noun, wish, check_mode=True)
    assert there(cloudy) == before
    done = reconcile(noun, wish)
    assert [str(one) for one in done.changes] == [str(one) for one in predicted.changes] == [f"create file {SWITCH}", f"create file {MINE}"]  # fmt: skip
    assert [one["after_header"] for one in persistence.diff(done.changes)] == [SWITCH, MINE]
    assert not host.read(str(cloudy)).on
    assert not reconcile(noun, wish).changed
    unmanaged, _told, _adapter = persisted(cloudy, WISH)
    assert not reconcile(unmanaged, WISH).changed
    changed, backups = taken_away(cloudy)
    assert changed and len(backups) == 2 and there(cloudy) == before
    assert taken_away(cloudy) == (False, [])


def taken_away(root: Path) -> tuple[bool, list[str]]:
    """The files go: whether there was anything to do, and where what they said was kept."""
    absent = replace(WISH, present=False)
    noun, told, _adapter = persisted(root, absent)
    told.now = replace(told.now, links={"eth0": replace(told.now.links["eth0"], master=None)})
    done = reconcile(noun, absent)
    return done.changed, noun.backups_of(done.changes)


def test_asked_to_be_on_again_only_the_switch_goes(cloudy: Path) -> None:
    noun, _told, _adapter = persisted(cloudy)
    reconcile(noun, replace(WISH, cloud_init_network=False))
    done = reconcile(noun, replace(WISH, cloud_init_network=True))
    assert [str(one) for one in done.changes] == [f"delete file {SWITCH}"]
    assert host.read(str(cloudy)).on


def test_refused_before_anything_is_written(cloudy: Path) -> None:
    said = "network:\n  bridges: {br0: {interfaces: [eth0]}}\n"
    (cloudy / NETPLANS[1:]).write_text(said, encoding="utf-8")
    noun, _told, adapter = persisted(cloudy)
    before = there(cloudy)
    for check_mode in (True, False):
        with pytest.raises(Refused, match=f"cloud-init writes {NETPLANS} anew at boot"):
            reconcile(noun, WISH, check_mode=check_mode)
    assert there(cloudy) == before and adapter.loads == 0
    reconcile(noun, replace(WISH, cloud_init_network=False))
