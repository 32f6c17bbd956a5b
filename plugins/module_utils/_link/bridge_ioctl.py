# SPDX-License-Identifier: GPL-3.0-or-later
"""A bridge's own spanning tree times, by the ioctl that brctl used: netlink and sysfs tell those of the root, which are in force.

Source: Linux' include/uapi/linux/if_bridge.h (BRCTL_GET_BRIDGE_INFO, struct __bridge_info) and net/bridge/br_ioctl.c.
"""

from __future__ import annotations

import ctypes
import fcntl
import socket
import struct
import time
from typing import Callable

from ansible_collections.hypervisor.network.plugins.module_utils._core.units import TICKS

_SIOCDEVPRIVATE, _GET_BRIDGE_INFO = 0x89F0, 6
_INFO_BYTES = 256  # the struct has 104
# two ids, the root's cost and times; then the bridge's own max_age, hello_time, forward_delay
_OWN = struct.Struct("=32x3I")
_CLOCK_MONOTONIC_COARSE = 6  # counts the kernel's own ticks, whose length nothing else tells


def own_times(
    name: str, _ioctl: Callable = fcntl.ioctl, _tick: Callable[[int], float] = time.clock_getres
) -> dict[str, float]:
    """C(max_age), C(hello_time) and C(forward_delay) that the bridge itself was given, in seconds. Raises OSError where it is gone."""
    info = ctypes.create_string_buffer(_INFO_BYTES)
    arguments = (ctypes.c_ulong * 4)(_GET_BRIDGE_INFO, ctypes.addressof(info), 0, 0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        _ioctl(
            any_socket,
            _SIOCDEVPRIVATE,
            struct.pack("16sP16x", name.encode(), ctypes.addressof(arguments)),
        )
    max_age, hello_time, forward_delay = _OWN.unpack_from(info.raw)
    # the first two come in the kernel's ticks, the third in hundredths of a second
    tick = _tick(_CLOCK_MONOTONIC_COARSE)
    times = {
        "max_age": max_age * tick,
        "hello_time": hello_time * tick,
        "forward_delay": forward_delay / TICKS,
    }
    return {key: round(value * TICKS) / TICKS for key, value in times.items()}
