# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A qcow2 image's own snapshots, by images that qemu-img made, and by bytes that it never would."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hypervisor.network.plugins.module_utils._qemu import qcow2_tables
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.qcow2_tables import Tables


def parse(data: bytes) -> Tables:
    return qcow2_tables.parse(lambda at, size: data[at : at + size])


@pytest.fixture
def made(tmp_path: Path):
    """A function that makes an image, does to it what is said, and returns its tables."""
    if shutil.which("qemu-img") is None:
        pytest.skip("qemu-img makes these: run it through tools/env test")
    path = str(tmp_path / "i.qcow2")

    def make(*steps: str, options: str = "compat=1.1") -> Tables:
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-o", options, path, "100M"], check=True)  # fmt: skip
        for step in steps:
            word, _space, rest = step.partition(" ")
            if word == "io":
                subprocess.run(["qemu-io", "-c", rest, path], check=True, capture_output=True)
            else:
                subprocess.run(["qemu-img", "snapshot", "-q", word, rest, path], check=True)
        return parse(Path(path).read_bytes())

    return make


@pytest.mark.parametrize("options", ["compat=0.10", "compat=1.1", "compat=1.1,extended_l2=on", "cluster_size=512"])  # fmt: skip
def test_whether_something_was_written_since(made, options: str) -> None:
    assert made(options=options) == Tables((), True)
    assert not made("io write -P 1 0 64k", options=options).empty
    (saved,) = made("io write 0 64k", "-c a", options=options).snapshots
    assert (saved.name, saved.memory, saved.untouched) == ("a", False, True) and saved.seconds > 0
    (saved,) = made("-c a", "io write 90M 64k", options=options).snapshots
    assert not saved.untouched
    found = made("-c a", "io write 0 64k", "-c b", "-a a", options=options).snapshots
    assert [(one.name, one.untouched) for one in found] == [("a", True), ("b", False)]


def test_a_name_in_any_alphabet(made) -> None:
    assert [one.name for one in made("-c Ä-☃").snapshots] == ["Ä-☃"]


def header(**more: int) -> bytes:
    values = {"magic": b"QFI\xfb", "version": 3, "bits": 16, "size": 1 << 20, "l1": 1, "l1_at": 65536, "number": 0, "at": 131072, **more}  # fmt: skip
    head = struct.pack(
        ">4sIQIIQIIQQIIQ", values["magic"], values["version"], 0, 0, values["bits"], values["size"], 0, values["l1"], values["l1_at"], 0, 0,
        values["number"], values["at"],
    )  # fmt: skip
    return head.ljust(131072, b"\0")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "cut off"),
        (header(magic=b"XFI\xfb"), "no qcow2 header"),
        (header(version=9), "no qcow2 header"),
        (header(bits=63), "no qcow2 header"),
        (header(number=2**31), "snapshots"),
        (header(size=2**63), "longer than QEMU allows"),
        (header(l1_at=2**62), "cut off"),
        (header(number=1), "cut off"),
        (header(number=1) + struct.pack(">QIHHIIQII", 65536, 1, 1, 1, 0, 0, 0, 0, 2**31), "says more"),
        (header(number=1) + struct.pack(">QIHHIIQII", 65536, 1, 1, 9, 0, 0, 0, 0, 0), "cut off"),
        (header(number=1) + struct.pack(">QIHHIIQII4x", 2**60, 1, 1, 1, 0, 0, 0, 0, 0), "cut off"),
    ],
)  # fmt: skip
def test_bytes_that_are_no_tables(data: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse(data)


@given(st.binary(max_size=300), st.integers(0, 3), st.integers(0, 2**64 - 1))
def test_any_bytes_are_tables_or_none(rest: bytes, number: int, at: int) -> None:
    for data in (rest, header(number=number, at=at, l1_at=at % 2**16) + rest):
        try:
            parse(data)
        except ValueError:
            pass
