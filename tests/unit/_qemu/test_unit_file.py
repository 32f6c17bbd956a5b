# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of a guest's unit: goldens, what systemd's own reader says of them, and what cannot be expanded or ended early in them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import BadInput
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import unit_file, unit_tpm
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.spec import with_defaults

GOLDENS = Path(__file__).parents[1] / "fixtures" / "units"
QEMU = "/usr/bin/true"  # systemd's reader wants a program that is there
NIC = {"tap": "tap-1", "mac": "52:00:00:00:00:01"}
FULL = {
    "nics": [NIC],
    "start_order": 3,
    "start_delay": 10,
    "memory_max": 768,
    "cpu_quota": 150,
    "cpu_weight": 50,
    "cpu_affinity": ["0", "2-3"],
    "shutdown_timeout": 20.5,
}


def setting(**more: Any) -> unit_file.Setting:
    own = {
        "user": "hypervisor-guest",
        "words": [QEMU, "-name", "vm1", "-device", '{"driver":"VGA"}'],
        "monitor": ["/usr/bin/python3", "-I", "/var/lib/x/monitor.py"],
        "public": "/run/hypervisor-network/vm1",
        "trusted": "/run/hypervisor-network/.vm1",
    }
    return unit_file.Setting(**{**own, **more})


CASES = {
    "plain": ({"nics": [NIC]}, {}),
    "full": (
        FULL,
        {
            "kvm": True,
            "log": ["/usr/bin/python3", "-I", "/var/lib/x/serial_log.py", "/var/log/vm1.log", "6"],
            "writable": ["/var/lib/guests", "/var/log"],
            "used": ["/var/lib/guests/vm1.qcow2"],
        },
    ),
    "netns": ({"nics": [NIC], "netns": "lab"}, {}),
    "tpm": ({"tpm": True}, {}),
    "unplugged": ({"nics": [NIC]}, {"first": '[["set_link", {"name": "nic0", "up": false}]]'}),
    "home": ({}, {"writable": ["/home/images"], "used": ["/home/images", "/tmp/b"]}),
    "hostile": (
        {},
        {
            "words": [QEMU, 'a b"c\\d', "%n $HOME", "${X}", ";", "", "ü"],
            "writable": ['/srv/a b %h "q" \\x $y'],
        },
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_golden(case: str) -> None:
    spec, more = CASES[case]
    text = unit_file.drop_in(with_defaults(spec), setting(**more))
    assert text == (GOLDENS / f"{case}.conf").read_text("utf-8").partition("\n")[2]


def test_golden_of_what_all_guests_have_in_common() -> None:
    """How a guest is ended, what it sees of the host and when memory ends: each line that goes or changes is one on purpose."""
    golden = (GOLDENS / "template.service").read_text("utf-8")
    assert unit_file.TEMPLATE_TEXT == golden.partition("\n")[2]


@pytest.mark.parametrize("case", CASES)
def test_systemd_reads_it_without_a_word(case: str, tmp_path: Path) -> None:
    """The lab's machines have this program, and so do CI's; elsewhere the goldens stand for it."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip(
            "systemd-analyze is not installed; tests/faults/lab/test_h_units.py reads units in the lab"
        )
    spec, more = CASES[case]
    for name, text in (
        (unit_file.TEMPLATE, unit_file.TEMPLATE_TEXT),
        (unit_file.TARGET, unit_file.TARGET_TEXT),
        (unit_file.ORDER, unit_file.ORDER_TEXT),
        (unit_tpm.SOCKET, unit_tpm.SOCKET_TEXT),
        (unit_tpm.SERVICE, unit_tpm.SERVICE_TEXT.replace(unit_tpm.PROGRAM, QEMU)),
    ):
        (tmp_path / name).write_text(text, "utf-8")
    folder = tmp_path / f"{unit_file.unit('vm1')}.d"
    folder.mkdir()
    text = unit_file.drop_in(with_defaults(spec), setting(**more))
    (folder / unit_file.DROP_IN).write_text(text, "utf-8")
    # the program is looked for, and what this machine has in /var/lib is not the matter here
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", unit_file.unit("vm1")],
        env={"SYSTEMD_UNIT_PATH": f"{tmp_path}:/lib/systemd/system", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    said = [
        line
        for line in (done.stdout + done.stderr).splitlines()
        if "hypervisor-network" in line or str(tmp_path) in line
    ]
    assert said == []


def test_systemd_s_reader_is_one_that_complains(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    (tmp_path / "x.service").write_text(
        "[Service]\nExecStart=/usr/bin/true\nMemoryMaxx=3\n", "ascii"
    )
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / "x.service")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "MemoryMaxx" in done.stderr


def lines(text: str, key: str) -> list[str]:
    return re.findall(rf"^{key}=(.*)$", text, re.MULTILINE)


def test_trap_1_the_helper_is_done_before_systemd_loses_patience() -> None:
    text = unit_file.drop_in(with_defaults(FULL), setting())
    (grace,) = lines(text, f"Environment={unit_file.GRACE}")
    (stop,) = lines(text, "TimeoutStopSec")
    assert (int(grace), int(stop)) == (21, 66)
    (command,) = lines(text, "ExecStop")
    assert command.endswith("/run/hypervisor-network/vm1 ${HVN_GRACE}")


def test_trap_2_the_filter_has_seccomp_which_qemu_s_own_sandbox_calls() -> None:
    filters = lines(unit_file.TEMPLATE_TEXT, "SystemCallFilter")
    assert filters == ["@system-service seccomp", "~@privileged"]


@pytest.mark.parametrize(
    "deadly",
    ["PrivateDevices", "MemoryDenyWriteExecute", "PrivateNetwork", "DynamicUser", "BindsTo"],
)
def test_what_ends_a_guest_is_not_there(deadly: str) -> None:
    assert lines(unit_file.TEMPLATE_TEXT, deadly) == []
    assert lines(unit_file.drop_in(with_defaults(FULL), setting()), deadly) == []


def test_devices_are_allowed_with_a_space_since_a_colon_allows_nothing() -> None:
    assert lines(unit_file.TEMPLATE_TEXT, "DeviceAllow") == [
        "/dev/net/tun rw",
        "/dev/kvm rw",
        "/dev/vhost-net rw",
    ]


def test_sockets_that_qemu_makes_are_for_its_user_alone() -> None:
    assert lines(unit_file.TEMPLATE_TEXT, "UMask") == ["0177"]
    assert lines(unit_file.TEMPLATE_TEXT, "RuntimeDirectoryMode") == ["0700"]


def test_a_tap_is_waited_for_and_does_not_end_its_guest() -> None:
    text = unit_file.drop_in(with_defaults({"nics": [NIC]}), setting())
    device = r"sys-subsystem-net-devices-tap\x2d1.device"
    assert (lines(text, "Wants"), lines(text, "After")) == ([device], [device])


def test_the_boot_does_not_wait_for_guests() -> None:
    assert lines(unit_file.TARGET_TEXT, "DefaultDependencies") == ["no"]
    assert lines(unit_file.TARGET_TEXT, "WantedBy") == ["multi-user.target"]
    assert lines(unit_file.TEMPLATE_TEXT, "WantedBy") == [unit_file.TARGET]


def test_guests_begin_after_those_before_them() -> None:
    text = unit_file.drop_in(with_defaults(FULL), setting())
    own = "hypervisor-network-guests@3.target"
    assert own in lines(text, "Wants") and lines(text, "Before") == [own]
    assert "hypervisor-network-guests@1.target hypervisor-network-guests@2.target" in lines(
        text, "After"
    )
    first = unit_file.drop_in(with_defaults({"start_order": 1}), setting())
    assert lines(first, "After") == []


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/sys/subsystem/net/devices/tap1", "sys-subsystem-net-devices-tap1"),
        ("/sys/subsystem/net/devices/tap-1.2", r"sys-subsystem-net-devices-tap\x2d1.2"),
        ("/sys/subsystem/net/devices/ü@:_", r"sys-subsystem-net-devices-\xc3\xbc\x40:_"),
        ("/.x", r"\x2ex"),
    ],
)
def test_a_path_as_a_unit_s_name(path: str, name: str) -> None:
    assert unit_file.escaped_path(path) == name
    if shutil.which("systemd-escape") is not None:
        said = subprocess.run(
            ["systemd-escape", "--path", path], capture_output=True, text=True, check=True
        )
        assert said.stdout.strip() == name


def test_a_word_that_cannot_be_written_down_is_refused() -> None:
    with pytest.raises(BadInput, match="no text of UTF-8"):
        unit_file.drop_in(with_defaults({}), setting(words=[QEMU, "a\udcff"]))


def test_a_start_that_is_waited_for_is_not_delayed() -> None:
    assert unit_file.start_environment(False) == "HVN_DELAY=0\n"
    assert unit_file.start_environment(True) == "HVN_DELAY=0\nHVN_PAUSED=-S\n"
    assert unit_file.start_environment(False, 0) == "HVN_DELAY=0\nHVN_GRACE=0\n"


def test_the_folder_of_a_path() -> None:
    assert (unit_file.folder("/a/b"), unit_file.folder("/a")) == ("/a", "/")
