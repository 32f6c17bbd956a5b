# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be asked of a guest, and the one sentence for what may not."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    BadInput,
    Refused,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.spec import (
    DEFAULTS,
    SPEC,
    check_user,
    check_waits,
    checked,
    checked_all,
    with_defaults,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.spec_nics import guest_mac


def item(**given: Any) -> dict[str, Any]:
    """A module's item: every option is there, what is not given is None or its default."""
    whole = {key: spec.get("default") for key, spec in SPEC.items() if key != "netns"}
    for option in ("disks", "nics"):
        if option in given:
            nested = SPEC[option]["options"]
            given[option] = [
                {**{key: spec.get("default") for key, spec in nested.items()}, **one}
                for one in given[option]
            ]
    return {**whole, "name": "vm1", **given}


def spec_of(**given: Any) -> dict[str, Any]:
    return dict(checked(item(**given)).spec)


def refusal(**given: Any) -> str:
    with pytest.raises(BadInput) as caught:
        with_defaults(checked(item(**given)).spec)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_only_what_is_given_is_in_the_wish() -> None:
    assert spec_of() == {}
    assert spec_of(memory="64", boot="n") == {"memory": 64, "boot": "n"}


@pytest.mark.parametrize(
    ("text", "mib"),
    [
        ("64", 64),
        ("512M", 512),
        ("512MiB", 512),
        ("2G", 2048),
        ("2 GB", 2048),
        ("1t", 1048576),
        ("1048576k", 1024),
    ],
)
def test_memory_in_mib(text: str, mib: int) -> None:
    assert spec_of(memory=text)["memory"] == mib


@pytest.mark.parametrize("text", ["0", "-1", "1.5G", "lots", "", "1,2", "1025k", "4X"])
def test_memory_that_is_none(text: str) -> None:
    assert "memory" in refusal(memory=text)


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/x",
        "a,readonly=on",
        "-S",
        "$(id)",
        "{{ 7*7 }}",
        "a" * 32,
        "a\0b",
        "a\u202eb",
        "",
        "Vm1",
        "1vm",
        "a b",
        "a\n",
        ".",
    ],
)
def test_j02_a_name_that_is_none(name: str) -> None:
    assert "guest name" in refusal(name=name)


def test_the_longest_name() -> None:
    assert checked(item(name="a" * 31)).name == "a" * 31


@pytest.mark.parametrize(
    "path",
    ["vm.img", "json:{}", "nbd://host/x", "/a/../etc/shadow", "/a\nb", "//host/share", "", "/a\0b"],
)
@pytest.mark.parametrize("option", ["cdrom", "kernel", "initrd", "serial_log", "vnc"])
def test_j03_a_path_that_is_none(option: str, path: str) -> None:
    assert option in refusal(**{option: path})


@pytest.mark.parametrize("path", ["vm.img", "json:{}", "nbd://host/x", "/a/../b"])
def test_j03_a_disk_path_that_is_none(path: str) -> None:
    assert "disks.path" in refusal(disks=[{"path": path}])


@pytest.mark.parametrize(
    "word",
    [
        "-monitor",
        "-qmp",
        "-chardev",
        "-incoming",
        "-chroot",
        "-readconfig",
        "--qmp",
        "-daemonize",
        "-S",
    ],
)
def test_extra_arguments_that_would_take_the_guest_from_us(word: str) -> None:
    assert word in refusal(extra_args=["-device", "virtio-rng-pci", word])


@pytest.mark.parametrize(
    ("given", "part"),
    [
        ({"boot": "once=d"}, "boot"),
        ({"emulator": "/bin/sh"}, "emulator"),
        ({"emulator": "qemu-system-x86_64 -S"}, "emulator"),
        ({"machine": "pc,accel=kvm"}, "machine"),
        ({"cpu": "max -S"}, "cpu"),
        ({"user": "a b"}, "user"),
        ({"cpus": 0}, "cpus"),
        ({"initrd": "/i"}, "kernel"),
        ({"append": "quiet"}, "kernel"),
        ({"kernel": "/k", "append": "a\nb"}, "append"),
        ({"shutdown_timeout": -1}, "shutdown_timeout"),
        ({"wait_timeout": 1e9}, "wait_timeout"),
        ({"wait_for": ["mac_learned"], "nics": []}, "mac_learned"),
        (
            {"state": "paused", "wait_for": ["running", "serial"], "serial_pattern": "x"},
            "does nothing",
        ),
        ({"nics": [{"tap": "a" * 16}]}, "nics.tap"),
        ({"nics": [{"tap": "t1,script=/x"}]}, "nics.tap"),
        ({"nics": [{"tap": "t1", "mac": "01:00:00:00:00:01"}]}, "multicast"),
        ({"nics": [{"tap": "t1", "model": "e1000", "queues": 2}]}, "virtio"),
        ({"nics": [{"tap": "t1", "queues": 0}]}, "queues"),
        ({"nics": [{"tap": "t1", "mtu": 1}]}, "mtu"),
        ({"disks": [{"path": "/a", "serial": "x,y"}]}, "serial"),
        ({"disks": [{"path": "/a", "size": "big"}]}, "disks.size"),
        ({"disks": [{"path": "/a", "format": "raw", "backing_file": "/b"}]}, "qcow2"),
        ({"emulator": "qemu-system-aarch64"}, "machine"),
    ],
)
def test_what_is_refused_names_itself(given: dict[str, Any], part: str) -> None:
    assert part in refusal(**given)


def test_a_mac_from_the_name_is_stable_local_and_unicast() -> None:
    own = spec_of(nics=[{"tap": "t1"}, {"tap": "t2"}])["nics"]
    assert [nic["mac"] for nic in own] == [guest_mac("vm1", 0), guest_mac("vm1", 1)]
    assert guest_mac("vm1") != guest_mac("vm2") != guest_mac("vm2", 1)
    first = int(guest_mac("vm1")[:2], 16)
    assert first & 2 and not first & 1


def test_a_disk_with_a_recipe() -> None:
    wish = checked(item(disks=[{"path": "/a", "size": "1G", "backing_file": "/b"}, {"path": "/c"}]))
    assert wish.images == {
        "/a": {
            "guest": "vm1",
            "path": "/a",
            "format": "qcow2",
            "size": 1024**3,
            "backing_file": "/b",
        }
    }
    assert "size" not in wish.spec["disks"][0] and "backing_file" not in wish.spec["disks"][0]


@pytest.mark.parametrize(
    ("first", "second", "thing"),
    [
        ({"nics": [{"tap": "t1"}]}, {"nics": [{"tap": "t1"}]}, "tap t1"),
        (
            {"nics": [{"tap": "t1", "mac": "52:00:00:00:00:0a"}]},
            {"nics": [{"tap": "t2", "mac": "52-00-00-00-00-0A"}]},
            "52:00:00:00:00:0a",
        ),
        ({"disks": [{"path": "/a"}]}, {"disks": [{"path": "/a"}]}, "image /a"),
    ],
)
def test_what_two_guests_cannot_share(
    first: dict[str, Any], second: dict[str, Any], thing: str
) -> None:
    with pytest.raises(BadInput, match=thing) as caught:
        checked_all([item(name="vm1", **first), item(name="vm2", **second)])
    assert "vm1" in str(caught.value) and "vm2" in str(caught.value)


def test_two_guests_may_share_an_image_that_both_only_read() -> None:
    disk = {"path": "/a", "read_only": True}
    assert len(checked_all([item(name="vm1", disks=[disk]), item(name="vm2", disks=[disk])])) == 2


@pytest.mark.parametrize(
    "given",
    [
        {"nics": [{"tap": "t1"}, {"tap": "t1"}]},
        {
            "nics": [
                {"tap": "t1", "mac": "52:00:00:00:00:01"},
                {"tap": "t2", "mac": "52:00:00:00:00:01"},
            ]
        },
        {"disks": [{"path": "/a"}, {"path": "/b"}, {"path": "/a"}]},
    ],
    ids=str,
)
def test_one_guest_is_given_something_twice(given: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match="^vm1 is given the .* more than once; name it once"):
        checked_all([item(name="vm1", **given)])


def test_a_seed_is_apart_from_the_definition() -> None:
    wish = checked(item(cloud_init={"user_data": "#!/bin/sh\n"}))
    assert wish.seed is not None and wish.seed.files["user-data"] == "#!/bin/sh\n"
    assert wish.spec["cloud_init"]["user_data"].startswith("sha256:")
    assert checked(item(cloud_init={})).spec == {"cloud_init": None}


@pytest.mark.parametrize(
    ("given", "part"),
    [
        ({"secure_boot": True}, "secure_boot needs firmware: uefi"),
        ({"secure_boot": True, "firmware": "bios"}, "secure_boot needs firmware: uefi"),
        ({"firmware": "bios", "emulator": "qemu-system-aarch64", "machine": "virt"}, "no BIOS"),
        ({"allowed_roots": []}, "allowed_roots"),
        ({"wait_for": ["serial"]}, "belong together"),
        ({"serial_pattern": "login:"}, "belong together"),
        ({"wait_for": ["serial"], "serial_pattern": "("}, "no regular expression"),
        ({"wait_for": ["port"]}, "port_at belong together"),
        ({"port_at": "192.0.2.1:22"}, "port_at belong together"),
        ({"wait_for": ["port"], "port_at": "192.0.2.1"}, "no address with a port"),
        ({"initrd": "/a,b", "kernel": "/k"}, "comma"),
        ({"cloud_init": {"user_data": "hostname: vm1"}}, "vm1: cloud_init.user_data"),
    ],
)
def test_what_does_not_go_together(given: dict[str, Any], part: str) -> None:
    assert part in refusal(**given)


@pytest.mark.parametrize(("uid", "allowed"), [(0, True), (1000, None)])
def test_a_user_that_may_be(uid: int, allowed: bool | None) -> None:
    check_user("vm1", uid, "somebody", allowed)


@pytest.mark.parametrize(
    ("given", "spec", "part"),
    [
        ({"wait_for": ["serial"], "serial_pattern": "x"}, {"agent": True}, "serial_log"),
        ({"wait_for": ["agent"]}, {"serial_log": "/l"}, "agent: true"),
    ],
)
def test_what_a_start_would_wait_for_in_vain(
    given: dict[str, Any], spec: dict[str, Any], part: str
) -> None:
    wish = checked(item(**given))
    with pytest.raises(BadInput, match=part):
        check_waits(wish, spec)
    check_waits(wish, {"serial_log": "/l", "agent": True})


def test_a_user_that_is_root_whatever_its_name() -> None:
    with pytest.raises(Refused, match="toor"):
        check_user("vm1", 0, "toor", None)


def test_defaults_fill_only_what_is_missing() -> None:
    assert with_defaults({"memory": 64}) == {**DEFAULTS, "memory": 64, "machine": "pc"}
    assert (
        with_defaults({"emulator": "qemu-system-aarch64", "machine": "virt"})["machine"] == "virt"
    )
