# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An XDP program that drops all that a device takes in, before a packet socket sees it; C(tc) and C(nft) drop after that.

iproute2 loads programs from object files only, and there is no compiler here, so bpf(2) is asked itself.
"""

from __future__ import annotations

import ctypes
import os
import platform
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

from .netns import inside

_LIBC = ctypes.CDLL(None, use_errno=True)
_NUMBERS = {"x86_64": 321, "aarch64": 280, "riscv64": 280, "ppc64le": 361, "s390x": 351}
_PROG_LOAD, _LINK_CREATE = 5, 28
_TYPE_XDP, _ATTACH_XDP = 6, 37
# r0 = XDP_DROP; exit (struct bpf_insn)
_DROP = struct.pack("=BBhi", 0xB7, 0, 0, 1) + struct.pack("=BBhi", 0x95, 0, 0, 0)
_LICENSE = b"GPL\0"


@contextmanager
def dropping(netns: str, dev: str) -> Iterator[None]:
    """While the context lasts, the device takes in nothing. Raises OSError where the kernel does not let a program be loaded."""
    code, license_ = ctypes.create_string_buffer(_DROP), ctypes.create_string_buffer(_LICENSE)
    # union bpf_attr up to log_buf
    asked = struct.pack(
        "=IIQQIIQ", _TYPE_XDP, len(_DROP) // 8, ctypes.addressof(code), ctypes.addressof(license_), 0, 0, 0,
    )  # fmt: skip
    program = _bpf(_PROG_LOAD, asked)
    try:
        link = inside(netns, _attached, program, dev)
    finally:
        os.close(program)
    try:
        yield
    finally:
        os.close(link)


def _attached(program: int, dev: str) -> int:
    index = socket.if_nametoindex(dev)
    return _bpf(_LINK_CREATE, struct.pack("=IIII", program, index, _ATTACH_XDP, 0))


def _bpf(command: int, attributes: bytes) -> int:
    buffer = ctypes.create_string_buffer(attributes, len(attributes))
    found = _LIBC.syscall(_NUMBERS[platform.machine()], command, buffer, len(attributes))
    if found < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), f"bpf({command})")
    return found
