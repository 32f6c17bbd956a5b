# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A link-local address is made anew where the MAC is another one: what is asked of the kernel, which is here a folder and a list."""

from __future__ import annotations

import errno
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import KernelError
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._link.link_local import (
    follow_the_mac,
)
from ansible_collections.hypervisor.network.tests.harness.model import simulated

OLD, NEW = "02:00:00:00:00:01", "02:00:00:00:00:02"
BEFORE = Link("br0", 7, "bridge", 1, OLD, ipv6={"addr_gen_mode": "eui64"})


class Host:
    def __init__(self, now: Link, mac: str, code: int = 0) -> None:
        self.now, self.code, self.sent = now, code, []  # type: ignore[var-annotated]
        raw = simulated.link_local("br0", mac).raw
        self.addresses = [raw[:4] + (7).to_bytes(4, "little") + raw[8:]]

    def still(self, name: str, meant: int) -> int:
        return meant

    def link(self, index: int) -> Link:
        return self.now

    def dump(self, kind: int) -> list[bytes]:
        return self.addresses

    def send(self, kind: int, flags: int, body: bytes, what: str) -> None:
        self.sent.append(what)
        if self.code:
            raise KernelError(what, self.code)


def followed(folder: Path, host: Any) -> list[str]:
    follow_the_mac(host, BEFORE, str(folder / "{}"))
    return host.sent


@pytest.mark.parametrize("code", [0, errno.EADDRNOTAVAIL])
def test_the_old_one_goes_once_the_kernel_has_made_another(tmp_path: Path, code: int) -> None:
    host = Host(replace(BEFORE, mac=NEW), OLD, code)
    assert followed(tmp_path, host) == ["remove the address fe80::ff:fe00:1/64 of br0"]
    assert (tmp_path / "br0").read_text(encoding="ascii") == "0"


@pytest.mark.parametrize(
    "now",
    [
        BEFORE,
        replace(BEFORE, mac=NEW, flags=0),
        replace(BEFORE, mac=NEW, ipv6={}),
        replace(BEFORE, mac=NEW, ipv6={"addr_gen_mode": "none"}),
    ],
    ids=["the same MAC", "down", "no IPv6", "none by itself"],
)
def test_nothing_is_done_where_the_kernel_makes_none(tmp_path: Path, now: Link) -> None:
    assert followed(tmp_path, Host(now, OLD)) == [] and not list(tmp_path.iterdir())


def test_one_that_somebody_chose_is_left_alone(tmp_path: Path) -> None:
    assert followed(tmp_path, Host(replace(BEFORE, mac=NEW), "02:00:00:00:00:77")) == []


def test_a_kernel_that_refuses_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(KernelError, match="Cannot remove the address"):
        followed(tmp_path, Host(replace(BEFORE, mac=NEW), OLD, errno.EPERM))
    with pytest.raises(KernelError, match="Cannot have a link-local address made for br0"):
        followed(tmp_path / "missing", Host(replace(BEFORE, mac=NEW), OLD))
