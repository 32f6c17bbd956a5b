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


def test_what_netlink_has_no_word_for_is_asked_for_and_refused_in_its_words() -> None:
    nothing = 0  # no ioctl has this number
    with pytest.raises(KernelError, match="^Cannot ask for nothing: ") as caught:
        Socket().request(nothing, b"", "ask for nothing")
    assert caught.value.errno in (errno.ENOTTY, errno.EINVAL)


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


class Bell(socket.socket):
    """Rings once for each look that was taken while it stood."""

    def __init__(self, *_arguments: int) -> None:
        super().__init__(socket.AF_UNIX, socket.SOCK_DGRAM)

    def bind(self, _address: object) -> None:
        self.rung = 1

    def recv(self, _size: int) -> bytes:
        self.rung -= 1
        return b""


@pytest.mark.parametrize("stands_still_in", [1, 2])
def test_a_process_that_stood_still_looks_at_what_rang_meanwhile(
    monkeypatch: pytest.MonkeyPatch, stands_still_in: int
) -> None:
    """Seen at a load of 10 on 2 processors: a gateway that had answered by then was called silent."""
    clock = [0.0]
    looks: list[float] = []

    def look() -> bool:
        looks.append(clock[0])
        if len(looks) == stands_still_in:
            clock[0] += 60
        return len(looks) > stands_still_in

    def select_(bells: list[Bell], *_unused: object) -> tuple[list[Bell], list[Bell], list[Bell]]:
        return [one for one in bells if one.rung > 0 or stands_still_in >= len(looks)], [], []

    monkeypatch.setattr(rtnl_socket.socket, "socket", Bell)
    monkeypatch.setattr(rtnl_socket.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(rtnl_socket.select, "select", select_)
    assert rtnl_socket.wait(1, 3, look)


def test_what_rings_all_the_time_ends_with_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(rtnl_socket.socket, "socket", Bell)
    monkeypatch.setattr(rtnl_socket.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(rtnl_socket.select, "select", lambda bells, *_unused: (bells, [], []))

    def look() -> bool:
        clock[0] += 1
        return False

    assert not rtnl_socket.wait(1, 3, look) and clock[0] <= 6
