# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bridge's own times: the ioctl's bytes, written by a stand-in for the kernel."""

from __future__ import annotations

import ctypes
import errno
import struct
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._link import bridge_ioctl


def kernel(hertz: int) -> Any:
    """br_ioctl.c's get_bridge_info: a root of 20, 2 and 15 seconds, and a bridge that was given 7, 1.5 and 4."""

    def ioctl(_socket: object, request: int, ifreq: bytes) -> None:
        name, arguments = struct.unpack("16sP16x", ifreq)
        command, address, _two, _three = (ctypes.c_ulong * 4).from_address(arguments)
        assert (request, name.rstrip(b"\0"), command) == (0x89F0, b"br0", 6)
        times = struct.pack("=I3I3I", 4, 2000, 200, 15 * hertz, 7 * hertz, 3 * hertz // 2, 400)
        ctypes.memmove(address, b"\x80\0\2\0\0\0\0\x0a" + b"\x80\0\2\0\0\0\0\x0b" + times, 44)

    return ioctl


@pytest.mark.parametrize("hertz", [100, 250, 1000])
def test_the_bridges_own_times_in_seconds_whatever_the_kernels_tick(hertz: int) -> None:
    times = bridge_ioctl.own_times(
        "br0", kernel(hertz), lambda clock: 1 / hertz if clock == 6 else 0
    )
    assert times == {"max_age": 7, "hello_time": 1.5, "forward_delay": 4}


def test_a_bridge_that_is_gone_is_told() -> None:
    def gone(*_unused: object) -> None:
        raise OSError(errno.ENODEV, "No such device")

    with pytest.raises(OSError, match="No such device"):
        bridge_ioctl.own_times("br0", gone)
