# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of interfaces(5) as they are read, kept and replaced."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    BadInput,
    Refused,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.reconcile import reconcile
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.apply import Interfaces
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.validate import checked

ITEM: dict[str, Any] = {
    "name": "br0", "state": "present", "family": None, "method": None, "options": None, "auto": None, "allow_hotplug": None,
    "take_over": None, "hand_back": None, "file": None,
}  # fmt: skip


@pytest.fixture
def net(tmp_path: Path) -> Path:
    """A folder like /etc/network, with a root that sources interfaces.d/*."""
    folder = tmp_path / "network"
    (folder / "interfaces.d").mkdir(parents=True)
    (folder / "interfaces").write_text("source interfaces.d/*\n")
    return folder


def noun(net: Path, **more: Any) -> Interfaces:
    settings = {
        "backups": str(net.parent / "backups"),
        "cloud": str(net.parent / "cloud"),
        "validate": False,
        **more,
    }
    return Interfaces(str(net / "interfaces"), **settings)


def reached(net: Path) -> list[str]:
    return [os.path.relpath(path, net) for path in noun(net).read().texts]


def run(net: Path, *items: dict[str, Any], **more: Any) -> bool:
    return reconcile(
        noun(net, **more), [checked({**ITEM, **item}, False) for item in items]
    ).changed


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


@pytest.mark.parametrize("kind", ["hard link", "symbolic link"])
def test_a_file_with_two_names_is_refused_before_anything_is_written(net: Path, kind: str) -> None:
    target = net.parent / "elsewhere"
    target.write_bytes(b"iface br0 inet dhcp\n")
    own = net / "interfaces.d" / "own"
    (os.link if kind == "hard link" else os.symlink)(target, own)
    with pytest.raises(Refused, match=kind):
        run(net, {"auto": True})
    assert target.read_bytes() == b"iface br0 inet dhcp\n"
    assert names(net.parent) == ["elsewhere", "network"]


def test_a_link_within_the_folder_is_written_through(net: Path) -> None:
    (net / "real").write_text("iface br0 inet dhcp\n")
    (net / "interfaces.d" / "link").symlink_to("../real")
    assert run(net, {"auto": True})
    assert (net / "interfaces.d" / "link").is_symlink()
    assert (net / "real").read_text() == "auto br0\niface br0 inet dhcp\n"


def test_a_copy_is_kept_outside_and_only_its_owner_can_read_it(net: Path) -> None:
    old = (net / "interfaces").read_bytes()
    assert run(net, {"method": "manual"})
    copies = list((net.parent / "backups").iterdir())
    assert [copy.read_bytes() for copy in copies] == [old]
    assert stat.S_IMODE(copies[0].stat().st_mode) == 0o600
    assert stat.S_IMODE(copies[0].parent.stat().st_mode) == 0o700
    assert names(net) == ["interfaces", "interfaces.d"]


def test_no_copy_is_kept_where_none_is_wanted(net: Path) -> None:
    assert run(net, {"method": "manual"}, backups=None)
    assert names(net.parent) == ["network"]


def test_the_folder_for_copies_must_be_ours_alone_and_outside(net: Path) -> None:
    with pytest.raises(BadInput, match="outside"):
        noun(net, backups=str(net / "backups"))
    backups = net.parent / "backups"
    backups.mkdir()
    backups.chmod(0o777)
    before = (net / "interfaces").read_bytes()
    with pytest.raises(Refused, match="0700"):
        run(net, {"method": "manual"})
    assert (net / "interfaces").read_bytes() == before and names(backups) == []


@pytest.mark.parametrize("path", ["interfaces", "/etc/network/interfaces\n", ""])
def test_a_path_that_is_not_absolute_is_refused(path: str) -> None:
    with pytest.raises(BadInput, match="path"):
        Interfaces(path, None)


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (
            "source interfaces.d/*",
            ["interfaces.d/A", "interfaces.d/b.cfg", "interfaces.d/b.dpkg-old"],
        ),
        ("source interfaces.d/[!A]*", ["interfaces.d/b.cfg", "interfaces.d/b.dpkg-old"]),
        ("source ./interfaces.d/A", ["interfaces.d/A"]),
        ('source "interfaces.d/A"', ["interfaces.d/A"]),
        ("source $NOWHERE/interfaces.d/A", ["interfaces.d/A"]),
        ("source interfaces.d/none", []),
        ("source $(echo interfaces.d/A)", []),
        ("source interfaces.d/{A,b.cfg}", []),
        ("source interfaces.d/A interfaces.d/b.cfg", ["interfaces.d/A"]),
        ("source interfaces.d/sub", []),
        ("source-directory interfaces.d", ["interfaces.d/A"]),
        ("source-directory int*.d", ["interfaces.d/A"]),
        ("source-directory none", []),
        ("source interfaces\nsource interfaces.d/A\nsource ./interfaces.d/A", ["interfaces.d/A"]),
        ("# source interfaces.d/A", []),
        ("source \\\ninterfaces.d/A", ["interfaces.d/A"]),
    ],
)
def test_files_are_found_as_ifupdown_finds_them(net: Path, lines: str, found: list[str]) -> None:
    for name in ("A", "b.cfg", "b.dpkg-old", ".hidden"):
        (net / "interfaces.d" / name).write_text("")
    (net / "interfaces.d" / "sub").mkdir()
    (net / "interfaces").write_text(lines + "\n")
    assert reached(net) == ["interfaces", *found]


def test_files_that_source_each_other_are_read_once(net: Path) -> None:
    (net / "interfaces.d" / "a").write_text("source b\nsource ../interfaces\n")
    (net / "interfaces.d" / "b").write_text("source a\n")
    assert reached(net) == ["interfaces", "interfaces.d/a", "interfaces.d/b"]


def test_a_pipe_beside_the_files_does_not_stop_the_reading(net: Path) -> None:
    os.mkfifo(net / "interfaces.d" / "pipe")
    assert reached(net) == ["interfaces"]


def test_a_file_that_is_missing_or_no_file_is_refused(net: Path) -> None:
    (net / "interfaces").unlink()
    with pytest.raises(Refused, match="Cannot read"):
        noun(net).read()
    (net / "interfaces").mkdir()
    with pytest.raises(Refused, match="regular file"):
        noun(net).read()


@pytest.mark.parametrize(
    ("name", "text", "off"),
    [
        ("cloud.cfg.d/99.cfg", "network: {config: disabled}\n", True),
        ("cloud.cfg.d/99.cfg", "#cloud\nnetwork:\n  config: 'disabled'\n", True),
        ("cloud.cfg", "network:\n  config: disabled\n", True),
        ("cloud-init.disabled", "", True),
        ("cloud.cfg.d/99.cfg", "# network: {config: disabled}\n", False),
        ("cloud.cfg.d/99.cfg", "network: {config: {version: 2}}\n", False),
        ("cloud.cfg.d/99.txt", "network: {config: disabled}\n", False),
    ],
)
def test_whether_cloud_init_writes_the_network_is_read_from_its_settings(
    net: Path, name: str, text: str, off: bool
) -> None:
    path = net.parent / "cloud" / name
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert noun(net).read().cloud_init is not off


def test_a_second_file_that_cannot_be_replaced_brings_the_first_back(net: Path) -> None:
    """The first rename is done, the second fails: what was a file is a directory by then."""
    root, other = net / "interfaces", net / "interfaces.d" / "a"
    other.write_text("iface eth0 inet dhcp\n")
    before = root.read_bytes()
    one = noun(net)
    wishes = [
        checked({**ITEM, "method": "manual"}, False),
        checked({**ITEM, "name": "eth0", "auto": True}, False),
    ]

    class Failing(Interfaces):
        def apply(self, changes: Any, now: Any) -> None:
            first = [change for change in changes if change.name != str(other)]
            super().apply(first, now)
            if len(first) != len(changes):
                raise Refused("The second file could not be replaced.")

    one.__class__ = Failing
    with pytest.raises(Refused, match="undone"):
        reconcile(one, wishes)
    assert root.read_bytes() == before and other.read_text() == "iface eth0 inet dhcp\n"


def test_twenty_writers_at_once_lose_nothing(net: Path) -> None:
    """Each either writes its stanza or is refused; what was written is all there."""
    done: list[int] = []

    def write(number: int) -> None:
        try:
            run(net, {"name": f"t{number}", "method": "manual"}, backups=None)
            done.append(number)
        except Refused:
            pass

    threads = [threading.Thread(target=write, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    text = (net / "interfaces").read_text()
    assert done
    assert sorted(line for line in text.splitlines() if line.startswith("iface")) == sorted(
        f"iface t{n} inet manual" for n in done
    )
    assert names(net) == ["interfaces", "interfaces.d"]
