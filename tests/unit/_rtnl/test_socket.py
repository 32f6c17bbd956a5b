# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one door to netlink. Reading wants no root, and a change that no kernel takes is refused to anybody."""

from __future__ import annotations

import errno
import socket
import time

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    KernelError,
    Refused,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import link as rtnl_link
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import neigh as rtnl_neigh
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import socket as rtnl_socket
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.socket import (
    NLM_F_ACK,
    Message,
    Socket,
)

NOWHERE = 2**31 - 1  # no device has this number
REFUSED = {errno.ENODEV, errno.EPERM}  # where there is none, and where this user may not


def test_a_dump_has_every_device() -> None:
    links = rtnl_link.decode_links(Socket().dump(rtnl_link.RTM_GETLINK))
    assert {(link.index, link.name) for link in links.values()} == set(socket.if_nameindex())


def test_a_dump_that_is_interrupted_each_time_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[int] = []
    monkeypatch.setattr(rtnl_socket, "asked", lambda *_arguments: tries.append(1))
    with pytest.raises(Refused, match="changed during each of 5 dumps"):
        Socket().dump(rtnl_link.RTM_GETLINK)
    assert len(tries) == 5


def test_objects_that_this_kernel_was_built_without_are_none() -> None:
    unknown = 250  # beyond RTM_MAX of any kernel so far, and by its number a question
    with pytest.raises(KernelError) as caught:
        Socket().dump(unknown, b"\0" * 8)
    assert caught.value.errno == errno.EOPNOTSUPP
    assert Socket().dump_where_known(unknown, b"\0" * 8) is None
    assert Socket().dump_where_known(rtnl_link.RTM_GETLINK, b"\0" * 16)


def test_what_is_asked_of_a_device_that_is_missing_is_the_kernels_answer() -> None:
    with pytest.raises(KernelError, match="Cannot read that: no such device") as caught:
        rtnl_socket.asked(
            rtnl_link.RTM_GETLINK, NLM_F_ACK, rtnl_link.link_header(NOWHERE), "read that"
        )
    assert caught.value.errno == errno.ENODEV


def test_a_change_that_is_refused_is_told_in_its_words() -> None:
    line = Socket()
    try:
        with pytest.raises(KernelError, match="^Cannot set it up: ") as caught:
            line.send(rtnl_link.RTM_NEWLINK, 0, rtnl_link.link_header(NOWHERE, 1, 1), "set it up")
        assert caught.value.errno in REFUSED
        line.ready()  # once is enough
    finally:
        line.close()


def test_closing_what_never_wrote_is_nothing() -> None:
    Socket().close()


def entry(number: int, *fine: int) -> Message:
    """Take away a forwarding entry of no bridge."""
    body = rtnl_neigh.NEIGHBOUR.pack(socket.AF_BRIDGE, NOWHERE, 0x80, 2, 0)
    return Message(rtnl_neigh.RTM_DELNEIGH, 0, body, f"take away {number}", fine)


@pytest.mark.parametrize("count", [1, 100, 250])
def test_of_many_changes_the_first_that_is_refused_is_told(count: int) -> None:
    fine = [entry(number, errno.ENODEV, errno.EPERM) for number in range(count - 1)]
    Socket().send_all(fine)
    with pytest.raises(KernelError, match=f"Cannot take away {count}: "):
        Socket().send_all([*fine, entry(count), entry(count + 1)])


def test_waiting_looks_at_once_and_then_no_longer_than_it_may() -> None:
    begin = time.monotonic()
    assert rtnl_socket.wait(1, 60, lambda: "seen") == "seen"
    assert time.monotonic() - begin < 5
    looks: list[int] = []
    assert not rtnl_socket.wait(1, 0.05, lambda: looks.append(1))
    assert looks and time.monotonic() - begin >= 0.05
