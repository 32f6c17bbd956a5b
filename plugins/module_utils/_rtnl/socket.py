# SPDX-License-Identifier: GPL-3.0-or-later
"""The one door to the kernel's rtnetlink, and the only file that imports pyroute2.

pyroute2 owns the socket of changes, its sequence numbers and acknowledgements; what is in the messages is said by the files
beside this one. Of its API only C(NetlinkSocket) with C(register_policy) and C(nlm_request) is used: the intersection of 0.7.2,
0.7.7 and 0.9.x. What comes by the thousands, dumps and forwarding entries, goes over plain sockets. (C(IPRoute) rewrites
RTM_NEWLINK on the way, which on 0.7.x refuses messages that it did not build.)
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import fcntl
import select
import socket
import struct
import time
from typing import Any, Callable, ContextManager, NamedTuple, Sequence, TypeVar

from ansible_collections.hypervisor.network.plugins.module_utils._core.deps import (
    check_present,
    needed,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    KernelError,
    Refused,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import (
    address as rtnl_address,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import link as rtnl_link
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import neigh as rtnl_neigh
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import nla
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import route as rtnl_route

NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP = 0x1, 0x4, 0x300
NLM_F_REPLACE, NLM_F_EXCL, NLM_F_CREATE, NLM_F_APPEND = 0x100, 0x200, 0x400, 0x800
_NLM_F_DUMP_INTR = 0x10
_MEANINGS = {
    errno.EACCES: "IPv6 is switched off for that device (sysctl disable_ipv6); switch it on, or leave out what is of IPv6"
}
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
# the kernel fills a datagram of a dump up to 32 KiB; one object that is larger it sends alone
_MOST_BYTES = 1 << 17
_DUMP_TRIES = 5
EXT_MASK = nla.attribute(29, struct.pack("=I", 8))  # IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS
_DUMP_HEADERS = {
    rtnl_link.RTM_GETLINK: b"\0" * 16 + EXT_MASK,
    rtnl_address.RTM_GETADDR: b"\0" * 8,
    rtnl_route.RTM_GETROUTE: b"\0" * 12,
    rtnl_neigh.RTM_GETNEIGH: b"\0" * 12,
    rtnl_route.RTM_GETRULE: b"\0" * 12,
}
_MESSAGE_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence number, port
_ANSWER = struct.Struct("=IHHIIi")  # the same, and an errno
_SOL_NETLINK, _NETLINK_CAP_ACK = 270, 10
_AT_ONCE = 100  # their refusals fit into the least receive buffer
_Seen = TypeVar("_Seen")


class Message(NamedTuple):
    """A change for C(send_all): as in C(send), and the errnos that mean that there is nothing to do any more."""

    kind: int
    flags: int
    body: bytes
    what: str
    fine: tuple[int, ...] = ()


class Socket:
    """One namespace: dumps as message bodies, changes as acknowledged messages. Raises MissingDependency.

    C(turn()) is entered around each write; who writes past this socket while it stands for a guarded change enters it too. It raises where it
    is not our turn any more.
    """

    def __init__(self) -> None:
        check_present("pyroute2")
        self._changes: Any = None
        self.turn: Callable[[], ContextManager[None]] = contextlib.nullcontext

    def ready(self) -> None:
        """Open the socket of changes. pyroute2 is imported only here: a run that finds nothing to change needs none. Raises MissingDependency."""
        if self._changes is not None:
            return
        with needed("pyroute2"):
            from pyroute2 import netlink
            from pyroute2.netlink import nlsocket

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
            with self.turn():
                # 0.9.x answers with a generator: nothing is sent before somebody iterates
                list(
                    self._changes.nlm_request(
                        message, msg_type=kind, msg_flags=NLM_F_REQUEST | NLM_F_ACK | flags
                    )
                )
        except self._error as error:
            raise KernelError(what, error.code, _MEANINGS.get(error.code)) from None

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
                with self.turn():
                    line.send(datagram)
                    answers = _answers(line, last)
                refused = [
                    (some[number], code)
                    for number, code in answers
                    if code and code not in some[number].fine
                ]
                if refused:
                    raise KernelError(refused[0][0].what, refused[0][1])

    def request(self, kind: int, body: bytes, what: str) -> None:
        """Make one change by an ioctl of IPv6, for what netlink has no word for. Raises KernelError, with C(what) as the change in words."""
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as line:
            try:
                with self.turn():
                    fcntl.ioctl(line, kind, body)
            except OSError as error:
                raise KernelError(what, error.errno or 0) from None

    def dump(self, kind: int, body: bytes | None = None) -> list[bytes]:
        """All objects of a kind, an RTM_GET number, as message bodies without netlink's header; repeated while the kernel says that it changed meanwhile.

        C(body) is the question, by default an empty one of that kind. Raises KernelError, and Refused where the network changed in each try.
        """
        for _again in range(_DUMP_TRIES):
            found = asked(
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


def asked(kind: int, flags: int, body: bytes, what: str) -> list[bytes] | None:
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
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as bell:
        bell.bind((0, group))
        seen = look()
        # The first look may ask something, and on a busy machine a process may stand still for seconds: the time to answer begins behind it, and
        # what rang while nobody ran is looked at, however late it is.
        deadline = time.monotonic() + timeout
        while not seen:
            left = deadline - time.monotonic()
            if not select.select([bell], [], [], max(left, 0))[0]:
                break
            try:
                bell.recv(65536)
            except OSError as error:
                # more notifications than fit: a reason to look again, no more
                if error.errno != errno.ENOBUFS:
                    raise
            seen = look()
            if left <= 0:
                break
        return seen
