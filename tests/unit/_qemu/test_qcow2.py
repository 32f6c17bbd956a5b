# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a qcow2 header names, and headers that somebody wrote to hurt us."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hypervisor.network.plugins.module_utils._qemu.qcow2 import (
    Header,
    begins,
    names_protocol,
    parse,
)


def made(path: Path, *more: str) -> bytes:
    if shutil.which("qemu-img") is None:
        pytest.skip("qemu-img makes these: run it through tools/env test")
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", *more, str(path), "1M"], check=True)
    return path.read_bytes()


@pytest.mark.parametrize("version", ["0.10", "1.1"])
def test_the_words_of_qemu_img(tmp_path: Path, version: str) -> None:
    own = ("-o", f"compat={version}")
    assert parse(made(tmp_path / "alone", *own)) == Header(size=2**20)
    head = made(tmp_path / "over", *own, "-b", "alone", "-F", "qcow2")
    assert parse(head) == Header("alone", "qcow2", size=2**20) and begins(head)
    info = subprocess.run(
        ["qemu-img", "info", "--output=json", str(tmp_path / "over")],
        check=True,
        capture_output=True,
    )
    assert json.loads(info.stdout)["backing-filename-format"] == "qcow2"


def test_data_that_are_in_another_file(tmp_path: Path) -> None:
    head = made(tmp_path / "disk", "-o", f"data_file={tmp_path}/data")
    assert parse(head) == Header(data_file=f"{tmp_path}/data", size=2**20)


def header(
    name: bytes = b"", features: int = 0, extensions: bytes = b"", bits: int = 16, version: int = 3
) -> bytes:
    fixed = 104 + len(extensions) + 8
    offset = fixed if name else 0
    head = struct.pack(">4sIQIIQ", b"QFI\xfb", version, offset, len(name), bits, 2**20)
    return (head.ljust(72, b"\0") + struct.pack(">QQQII", features, 0, 0, 4, 104) + extensions + b"\0" * 8 + name).ljust(2048, b"\0")  # fmt: skip


def test_a_backing_file_whose_format_is_left_open() -> None:
    assert parse(header(b"/etc/shadow")) == Header("/etc/shadow", size=2**20)


@pytest.mark.parametrize(
    ("head", "why"),
    [
        (b"", "cut off"),
        (b"QFI\xfb\0\0\0\3", "cut off"),
        (b"\0" * 2048, "no qcow2 header"),
        (header(version=4), "no qcow2 header"),
        (header(bits=40), "no qcow2 header"),
        (header(b"a" * 1024), "out of place"),
        (header(b"x")[:112], "out of place"),
        (header(b"a\nb"), "control character"),
        (header(features=4), "does not say in which"),
        (header(extensions=struct.pack(">II", 0xE2792ACA, 2**31)), "cut off"),
    ],
)
def test_a_header_that_is_none(head: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse(head)


@given(st.binary(max_size=300))
def test_j09_any_bytes_are_a_header_or_a_value_error(tail: bytes) -> None:
    for head in (tail, b"QFI\xfb\0\0\0\3" + tail, header()[:100] + tail):
        try:
            assert isinstance(parse(head), Header)
        except ValueError:
            pass


@pytest.mark.parametrize(
    ("name", "protocol"),
    [
        ("/a:b", False), ("a/b:c", False), ("base.qcow2", False), ("./a:b", False), ("json:{}", True), ("nbd://h/x", True), ("nbd:unix:/x", True),
        ("file:/etc/shadow", True), ("fat:rw:/etc", True), ("a:b", True), ("ssh://h/x", True),
    ],
)  # fmt: skip
def test_names_that_qemu_takes_for_a_protocol(name: str, protocol: bool) -> None:
    assert names_protocol(name) is protocol
