# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one door to the kernel's rtnetlink, and the only file that imports pyroute2.

pyroute2 owns the socket of changes, its sequence numbers and acknowledgements; what is in the messages is in _wire.py. Of
its API only C(NetlinkSocket) with C(register_policy) and C(nlm_request) is used: the intersection of 0.7.2, 0.7.7 and 0.9.x. What comes by the
thousands, dumps and forwarding entries, goes over plain sockets. (C(IPRoute) rewrites RTM_NEWLINK on the way, which on 0.7.x refuses messages that
it did not build.)
"""

from __future__ import annotations

import atexit
import errno
import os
import re
import select
import socket
import struct
import time
from dataclasses import replace
from typing import Any, Callable, Iterable, Mapping, NamedTuple, Sequence, TypeVar

from ansible_collections.hypervisor.network.plugins.module_utils import _inet, _vlan_wire, _wire
from ansible_collections.hypervisor.network.plugins.module_utils._deps import check_present, need
from ansible_collections.hypervisor.network.plugins.module_utils._errors import (
    BadInput,
    KernelError,
    Refused,
)
from ansible_collections.hypervisor.network.plugins.module_utils._snapshot import Link, Snapshot

NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP = 0x1, 0x4, 0x300
NLM_F_REPLACE, NLM_F_EXCL, NLM_F_CREATE, NLM_F_APPEND = 0x100, 0x200, 0x400, 0x800
_NLM_F_DUMP_INTR = 0x10
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
# the kernel fills a datagram of a dump up to 32 KiB; one object that is larger it sends alone
_MOST_BYTES = 1 << 17
_DUMP_TRIES = 5
_NETNS = re.compile(r"[^/\s\0]{1,255}")
_EXT_MASK = _wire.attribute(29, struct.pack("=I", 8))  # IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS

_DUMP_HEADERS = {
    _wire.RTM_GETLINK: b"\0" * 16 + _EXT_MASK,
    _wire.RTM_GETADDR: b"\0" * 8,
    _inet.RTM_GETROUTE: b"\0" * 12,
    _inet.RTM_GETNEIGH: b"\0" * 12,
    _inet.RTM_GETRULE: b"\0" * 12,
}
_FDB_HEADER = struct.pack("=B11x", _inet.AF_BRIDGE)
_ROUTES6_HEADER = struct.pack("=B11x", _inet.AF_INET6)
_MESSAGE_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence number, port
_ANSWER = struct.Struct("=IHHIIi")  # the same, and an errno
_SOL_NETLINK, _NETLINK_CAP_ACK = 270, 10
_AT_ONCE = 100  # their refusals fit into the least receive buffer
_RTMGRP_LINK, RTMGRP_NEIGH, _RTMGRP_IPV6_ROUTE = 1, 4, 0x400
_IF_OPER_UP = 6
_Seen = TypeVar("_Seen")


def enter_netns(name: str | None) -> None:
    """Move this process into the named network namespace; None stays. Everything after it happens there: sockets, ioctls, children."""
    if name is None:
        return
    if not _NETNS.fullmatch(name) or name in (".", ".."):
        raise BadInput(
            f"netns {name!r} is no name of a network namespace; give one that 'ip netns list' shows, not a path."
        )
    netns = need("pyroute2.netns")
    try:
        netns.setns(name, flags=0)
    except FileNotFoundError:
        raise BadInput(
            f"There is no network namespace '{name}'; make it with 'ip netns add {name}'."
        ) from None
    except OSError as error:
        raise Refused(
            f"Cannot enter the network namespace '{name}': {error.strerror}; run the task with become."
        ) from None


class Message(NamedTuple):
    """A change for C(send_all): as in C(send), and the errnos that mean that there is nothing to do any more."""

    kind: int
    flags: int
    body: bytes
    what: str
    fine: tuple[int, ...] = ()


class Netlink:
    """One namespace: dumps as snapshots, changes as acknowledged messages. Raises MissingDependency."""

    def __init__(self) -> None:
        check_present("pyroute2")
        self._changes: Any = None

    def ready(self) -> None:
        """Open the socket of changes. pyroute2 is imported only here: a run that finds nothing to change needs none. Raises MissingDependency."""
        if self._changes is not None:
            return
        nlsocket = need("pyroute2.netlink.nlsocket")
        netlink = need("pyroute2.netlink")

        class Encoded(netlink.nlmsg):
            """A message whose body is ready: pyroute2 adds the header and sends it."""

            body = b""

            def encode(self) -> None:
                header = self["header"]
                size = _MESSAGE_HEADER.size + len(self.body)
                self.data = bytearray(
                    _MESSAGE_HEADER.pack(
                        size,
                        header["type"],
                        header["flags"],
                        header["sequence_number"],
                        header["pid"],
                    )
                    + self.body
                )

        class Undecoded(netlink.nlmsg):
            """What is received: only the header is parsed."""

            fields = (("family", "B"),)

        self._message = Encoded
        self._error = netlink.exceptions.NetlinkError
        self._changes = nlsocket.NetlinkSocket(family=netlink.NETLINK_ROUTE)
        self._changes.bind()
        self._changes.register_policy(dict.fromkeys(range(16, 120), Undecoded))
        # 0.9.x runs an event loop inside; one that is still open when Python ends complains on stderr
        atexit.register(self.close)

    def close(self) -> None:
        if self._changes is not None:
            self._changes.close()

    def send(self, kind: int, flags: int, body: bytes, what: str) -> None:
        """Send one change and wait for its acknowledgement. Raises KernelError, with C(what) as the change in words."""
        self.ready()
        message = self._message()
        message.body = body
        try:
            # 0.9.x answers with a generator: nothing is sent before somebody iterates
            list(
                self._changes.nlm_request(
                    message, msg_type=kind, msg_flags=NLM_F_REQUEST | NLM_F_ACK | flags
                )
            )
        except self._error as error:
            raise KernelError(what, error.code) from None

    def send_all(self, messages: Sequence[Message]) -> None:
        """Send thousands of small changes, in their order. Raises KernelError for the first one refused; up to 99 after it may have been applied.

        On a plain socket, a hundred in a datagram and one acknowledgement for all: for a forwarding entry the kernel takes 5 microseconds,
        pyroute2 0.9.x 150 more.
        """
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as line:
            line.setsockopt(_SOL_NETLINK, _NETLINK_CAP_ACK, 1)
            line.bind((0, 0))
            for start in range(0, len(messages), _AT_ONCE):
                some = messages[start : start + _AT_ONCE]
                last = len(some) - 1
                datagram = bytearray()
                for number, (kind, flags, body, _what, _fine) in enumerate(some):
                    flags |= NLM_F_REQUEST | (NLM_F_ACK if number == last else 0)
                    datagram += (
                        _MESSAGE_HEADER.pack(
                            _MESSAGE_HEADER.size + len(body), kind, flags, number, 0
                        )
                        + body
                    )
                line.send(datagram)
                refused = [
                    (some[number], code)
                    for number, code in _answers(line, last)
                    if code and code not in some[number].fine
                ]
                if refused:
                    raise KernelError(refused[0][0].what, refused[0][1])

    def dump(self, kind: int, body: bytes | None = None) -> list[bytes]:
        """All objects of a kind as message bodies; repeated while the kernel says that it changed meanwhile."""
        for _again in range(_DUMP_TRIES):
            found = _asked(
                kind,
                NLM_F_DUMP,
                _DUMP_HEADERS[kind] if body is None else body,
                "read the kernel's tables",
            )
            if found is not None:
                return found
        raise Refused(
            f"The network changed during each of {_DUMP_TRIES} dumps; run the task again when it is quiet."
        )

    def dump_where_known(self, kind: int, body: bytes) -> list[bytes] | None:
        """As C(dump), and None where this kernel was built without such objects."""
        try:
            return self.dump(kind, body)
        except KernelError as error:
            if error.errno != errno.EOPNOTSUPP:
                raise
            return None

    def snapshot(self, addresses: bool = False, vlans: bool = False) -> Snapshot:
        """The links, and on demand the addresses and the bridges' VLANs, as they are now."""
        links = _wire.decode_links(self.dump(_wire.RTM_GETLINK))
        if vlans:
            links = self._with_vlans(links)
        found = ()
        if addresses:
            found = _wire.decode_addresses(self.dump(_wire.RTM_GETADDR), names_of(links))
        return Snapshot(links, found)

    def _with_vlans(self, links: dict[str, Link]) -> dict[str, Link]:
        """Bridges and ports with their VLANs, where the first bridge shows that the kernel has VLANs."""
        bridge = next((link for link in links.values() if link.kind == "bridge"), None)
        if bridge is None or "vlan_protocol" not in bridge.options:
            return links
        found = _vlan_wire.decode(self.dump(_wire.RTM_GETLINK, _vlan_wire.DUMP), names_of(links))
        return {
            name: replace(link, vlans=found.get(name, {}))
            if link.kind == "bridge" or link.port is not None
            else link
            for name, link in links.items()
        }

    def link(self, index: int) -> Link:
        """One link as it is now; its master and lower device are not looked up."""
        return next(iter(_wire.decode_links([_device(index)]).values()))

    def wait_until_transmitting(self, index: int, timeout: float) -> bool:
        """Wait until a device sends what it is given; False after C(timeout) seconds.

        A carrier that came opens the device's queues only when a worker of the kernel has run (linkwatch, which then calls the
        device operationally up); until then everything sent through it is dropped in silence.
        """
        return bool(wait(_RTMGRP_LINK, timeout, lambda: _operstate(index) == _IF_OPER_UP))

    def wait_until_forwarding(self, index: int, timeout: float) -> bool:
        """Wait until a bridge port forwards: with STP it listens and learns before; False after C(timeout) seconds."""
        return bool(
            wait(
                _RTMGRP_LINK,
                timeout,
                lambda: (self.link(index).port or {}).get("port_state") == "forwarding",
            )
        )

    def wait_until_answering(self, index: int, address: str, timeout: float) -> bool:
        """Wait until an IPv6 address of a device is taken as the host's own; False after C(timeout) seconds.

        The kernel lists a new address at once, but a worker makes its local route a moment later.
        """
        return bool(
            wait(
                _RTMGRP_IPV6_ROUTE,
                timeout,
                lambda: (
                    (index, address)
                    in _inet.local_addresses(self.dump(_inet.RTM_GETROUTE, _ROUTES6_HEADER))
                ),
            )
        )

    def fdb(self, links: Mapping[str, Link]) -> tuple[_inet.Forwarding, ...]:
        """The forwarding databases of all bridges."""
        return _inet.decode_fdb(self.dump(_inet.RTM_GETNEIGH, _FDB_HEADER), names_of(links))

    def wait_for_mac(self, mac: str, timeout: float) -> _inet.Forwarding | None:
        """The learned entry of C(mac) in any bridge as soon as there is one; None after C(timeout) seconds."""

        def learned() -> _inet.Forwarding | None:
            return next(
                (
                    entry
                    for entry in self.fdb(self.snapshot().links)
                    if entry.mac == mac and not entry.local
                ),
                None,
            )

        return wait(RTMGRP_NEIGH, timeout, learned)


def _device(index: int) -> bytes:
    """A device as it is now, as a message body. Raises KernelError."""
    (found,) = (
        _asked(
            _wire.RTM_GETLINK,
            NLM_F_ACK,
            _wire.link_header(index) + _EXT_MASK,
            f"read the device {index}",
        )
        or ()
    )
    return found


def _operstate(index: int) -> int:
    return _wire.walk(_device(index), len(_wire.link_header()))[_wire.IFLA_OPERSTATE][0]


def _asked(kind: int, flags: int, body: bytes, what: str) -> list[bytes] | None:
    """The bodies of an answer, None for a dump that the kernel calls interrupted. Raises KernelError, with C(what) as the question in words.

    On a plain socket: a dump of 10,000 entries takes 10 milliseconds there, through pyroute2's messages 140.
    """
    found: list[bytes] = []
    whole = True
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as line:
        line.bind((0, 0))
        line.send(
            _MESSAGE_HEADER.pack(
                _MESSAGE_HEADER.size + len(body), kind, NLM_F_REQUEST | flags, 0, 0
            )
            + body
        )
        while True:
            data = line.recv(_MOST_BYTES)
            offset = 0
            while offset < len(data):
                length, kind, marks, _number, _port = _MESSAGE_HEADER.unpack_from(data, offset)
                whole = whole and not marks & _NLM_F_DUMP_INTR
                start = offset + _MESSAGE_HEADER.size
                if kind in (_NLMSG_ERROR, _NLMSG_DONE):
                    (code,) = struct.unpack_from("=i", data, start)
                    if code:
                        raise KernelError(what, -code)
                    return found if whole else None
                found.append(data[start : offset + length])
                offset += (length + 3) & ~3


def _answers(line: socket.socket, last: int) -> list[tuple[int, int]]:
    """What the kernel answers to a datagram: (sequence number, errno) of each message that it refused, and of the C(last) one in any case."""
    answers: list[tuple[int, int]] = []
    while not answers or answers[-1][0] != last:
        _length, _kind, _flags, number, _port, code = _ANSWER.unpack_from(line.recv(4096))
        answers.append((number, -code))
    return answers


def wait(group: int, timeout: float, look: Callable[[], _Seen]) -> _Seen:
    """Look until something is seen (anything true), at once and after each notification of this group; what the last look saw after C(timeout) seconds.

    The socket of the notifications only wakes us, what happened is read from the kernel, so nothing that is lost here is missed.
    """
    deadline = time.monotonic() + timeout
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as bell:
        bell.bind((0, group))
        while True:
            seen = look()
            left = deadline - time.monotonic()
            if seen or left <= 0 or not select.select([bell], [], [], left)[0]:
                return seen
            try:
                bell.recv(65536)
            except OSError as error:
                # more notifications than fit: a reason to look again, no more
                if error.errno != errno.ENOBUFS:
                    raise


def names_of(links: Mapping[str, Link]) -> dict[int, str]:
    """Device names by index."""
    return {link.index: name for name, link in links.items()}


def index_of(name: str, links: Mapping[str, Link]) -> int:
    """A device's index: from the snapshot, or from the kernel for one that this run made."""
    if name in links:
        return links[name].index
    try:
        return socket.if_nametoindex(name)
    except OSError:
        raise KernelError(f"find the device {name}", errno.ENODEV) from None


def wireless(names: Iterable[str], sysfs: str = "/sys/class/net") -> set[str]:
    """Which of these devices are IEEE 802.11 stations (sysfs shows a phy80211 or wireless folder for them)."""
    return {
        name
        for name in names
        if any(
            os.path.exists(os.path.join(sysfs, name, entry)) for entry in ("phy80211", "wireless")
        )
    }
