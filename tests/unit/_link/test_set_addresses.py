# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses of a bridge as messages: what is sent, in which order, and what of the kernel's answers is no failure."""

from __future__ import annotations

import errno
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import KernelError
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    IFF_UP,
    Link,
    Snapshot,
)
from ansible_collections.hypervisor.network.plugins.module_utils._link.set_addresses import (
    carry_out,
    stay,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.address import (
    decode_addresses,
    new_address,
)

OLD, KEPT, NEW = "10.9.0.1/24", "10.9.0.2/24", "2001:db8::1/64"
NOW = Snapshot({}, tuple(new_address("br1", text) for text in (OLD, KEPT)))
CHANGE = Change("update", "bridge", "br1", {"addresses": [OLD, KEPT]}, {"addresses": [KEPT, NEW]})


class Kernel:
    def __init__(self, code: int = 0) -> None:
        self.code, self.sent = code, []  # type: ignore[var-annotated]

    def send(self, kind: int, flags: int, body: bytes, what: str) -> None:
        self.sent.append((what, decode_addresses([body], {7: "br1"})[0]))
        if self.code and what.startswith("remove"):
            raise KernelError(what, self.code)


@pytest.mark.parametrize("code", [0, errno.EADDRNOTAVAIL])
def test_first_away_then_there(code: int) -> None:
    kernel: Any = Kernel(code)
    carry_out(kernel, CHANGE, 7, NOW)
    assert [(what, one.dev, one.text) for what, one in kernel.sent] == [
        (f"remove the address {OLD} of br1", "br1", OLD),
        (f"add the address {KEPT} to br1", "br1", KEPT),
        (f"add the address {NEW} to br1", "br1", NEW),
    ]


def test_what_the_kernel_refuses_is_a_failure() -> None:
    kernel: Any = Kernel(errno.EPERM)
    with pytest.raises(KernelError):
        carry_out(kernel, CHANGE, 7, NOW)


def test_who_goes_down_gets_again_what_the_kernel_takes_and_who_goes_does_not() -> None:
    has = tuple(replace(new_address("br1", text), flags=0x80) for text in (OLD, NEW))
    now = Snapshot({"br1": Link("br1", index=7, kind="bridge", flags=IFF_UP)}, has)
    for action, again in (("update", [NEW]), ("recreate", [])):
        kernel: Any = Kernel()
        stay(kernel, Change(action, "bridge", "br1", {}, {"up": False}), now)
        assert [one.text for _what, one in kernel.sent] == again
