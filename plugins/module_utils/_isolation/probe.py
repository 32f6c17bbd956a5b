# SPDX-License-Identifier: GPL-3.0-or-later
"""Plug probes into bridges, send their frames, and look where they come out.

A probe is a TAP that this process holds and that goes with it, killed or not; what it writes enters the bridge as a guest's frame does. One packet
socket sees what leaves by every port; a filter in the kernel hands it the frames of this run only.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import select
import socket
import struct
import time
from collections import Counter
from typing import Any, Iterator, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    DeadlineExceeded,
    KernelError,
    Refused,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.reconcile import reconcile
from ansible_collections.hypervisor.network.plugins.module_utils._isolation import (
    frames as probe_frames,
)
from ansible_collections.hypervisor.network.plugins.module_utils._isolation import (
    plan as isolation_plan,
)
from ansible_collections.hypervisor.network.plugins.module_utils._isolation.frames import Mark
from ansible_collections.hypervisor.network.plugins.module_utils._isolation.plan import Probe, Shot
from ansible_collections.hypervisor.network.plugins.module_utils._isolation.spec import Wish
from ansible_collections.hypervisor.network.plugins.module_utils._isolation.verdict import Run
from ansible_collections.hypervisor.network.plugins.module_utils._link import tuntap
from ansible_collections.hypervisor.network.plugins.module_utils._link.apply import LinkNoun
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.snapshot import (
    Netlink,
    index_of,
)

_SIOCSIFHWADDR, _SIOCSIFMTU, _ARPHRD_ETHER = 0x8924, 0x8922, 1
_ETH_P_ALL, _SOL_PACKET, _PACKET_AUXDATA, _PACKET_STATISTICS = 3, 263, 8, 6
_SO_ATTACH_FILTER, _SO_RCVBUFFORCE = 26, 33
_VLAN_VALID = 0x10  # TP_STATUS_VLAN_VALID
_BUFFER = 4 << 20
_MOST_BYTES = 2048
# Nothing tells that a frame was dropped. The kernel hands one on within microseconds, a loaded machine within milliseconds.
_QUIET = 0.3
_ASK_AGAIN = 3.0  # seconds: a server that first looks whether the address is free takes as long
_COME_UP = 5.0


def prove(netlink: Netlink, wish: Wish, run: bytes) -> Run:
    """Plug in the probes, send everything, take them out again. C(run) are 8 random bytes.

    Raises Refused where a tenant's port is none, DeadlineExceeded where a probe was not let in, KernelError.
    """
    noun = LinkNoun(netlink)
    before = noun.read()
    planned = isolation_plan.probes(before, wish, run[:3].hex())
    with contextlib.ExitStack() as stack:
        lines = [stack.enter_context(_tap(probe)) for probe in planned]
        reconcile(noun, {"port": [dict(probe.options) for probe in planned]})
        for probe in planned:
            _wait_until_forwarding(netlink, noun, probe)
        now = noun.read()
        capture = stack.enter_context(Capture(run))
        sender = Sender(run, planned, lines)
        sent = list(isolation_plan.shots(now, wish, planned)) * wish.count
        for shot in sent:
            sender.fire(shot)
            capture.listen(0)
        capture.listen(_QUIET)
        asked, offers = _ask_for_addresses(netlink, sender, capture, wish, planned)
        watched = {link.name for link in isolation_plan.watched(now)}
        bridges = {link.name for link in now.links.values() if link.kind == "bridge"}
        own = {probe.name: probe.number for probe in planned}
        seen: Counter[isolation_plan.Sighting] = Counter()
        for (dev, leaving, number, kind, vid), count in capture.heard().items():
            # what leaves by a port, what reaches the host by the bridge, and what enters by the probe that sent it
            if dev in watched and leaving != (dev in bridges or own.get(dev) == number):
                seen[number, kind, dev, vid] += count
    return Run(now, wish, planned, [*sent, *asked], seen, offers)


@contextlib.contextmanager
def _tap(probe: Probe) -> Iterator[int]:
    """A TAP of that name that is gone when its descriptor is closed, with the MTU of its bridge and a MAC that the bridge never takes for its own."""
    line = tuntap.opened(os.O_NONBLOCK)
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            name = probe.name.encode()
            # a bridge without a MAC of its own takes its ports' lowest
            highest = b"\xfe\xff\xff\xff" + struct.pack("!H", probe.number)
            fcntl.ioctl(
                line,
                tuntap.TUNSETIFF,
                struct.pack("16sH22x", name, tuntap.IFF_TAP | tuntap.IFF_NO_PI),
            )
            fcntl.ioctl(
                control, _SIOCSIFHWADDR, struct.pack("16sH6s16x", name, _ARPHRD_ETHER, highest)
            )
            fcntl.ioctl(control, _SIOCSIFMTU, struct.pack("16si20x", name, probe.mtu))
        yield line
    except OSError as error:
        raise KernelError(f"make the probe {probe.name}", error.errno or 0) from None
    finally:
        os.close(line)


def _wait_until_forwarding(netlink: Netlink, noun: LinkNoun, probe: Probe) -> None:
    """With STP a port listens and learns before it forwards."""
    index = index_of(probe.name, {})
    delay = float(noun.read().links[probe.bridge].options.get("forward_delay") or 0)
    if not netlink.wait_until_forwarding(index, _COME_UP + 2 * delay):
        raise DeadlineExceeded(
            f"{probe.bridge} did not let the probe {probe.name} forward within {_COME_UP + 2 * delay:g} s; look at its STP."
        )


class Sender:
    """Sends frames by the probes, each by its own tap."""

    def __init__(self, run: bytes, planned: Sequence[Probe], lines: Sequence[int]) -> None:
        self._run = run
        self.lines = {probe.number: line for probe, line in zip(planned, lines)}

    def mark(self, shot: Shot) -> Mark:
        return Mark(self._run, shot.probe.number, shot.kind)

    def fire(self, shot: Shot) -> None:
        peer = b"" if shot.peer is None else probe_frames.station(self._run, shot.peer)
        try:
            os.write(
                self.lines[shot.probe.number],
                probe_frames.built(self.mark(shot), peer=peer, vid=shot.vid),
            )
        except OSError as error:
            raise KernelError(f"send by the probe {shot.probe.name}", error.errno or 0) from None

    def received(self, number: int) -> Iterator[bytes]:
        """What has arrived at a probe, until there is no more."""
        with contextlib.suppress(BlockingIOError):
            while True:
                yield os.read(self.lines[number], _MOST_BYTES)


class Capture:
    """A packet socket that counts the run's frames at every device: C({(device, leaving, probe, kind, VID): count})."""

    def __init__(self, run: bytes) -> None:
        self._run = run
        self._heard: Counter[tuple[str, bool, int, str, int | None]] = Counter()
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))

    def __enter__(self) -> Capture:
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
            self._filter(probe_frames.station(self._run, 0)[:4])
            self._socket.setsockopt(_SOL_PACKET, _PACKET_AUXDATA, 1)
        except OSError as error:
            self._socket.close()
            raise KernelError("listen on the bridge ports", error.errno or 0) from None
        return self

    def __exit__(self, *_unused: object) -> None:
        self._socket.close()

    def _filter(self, source: bytes) -> None:
        """Classic BPF: take a frame whose source address begins with these four bytes."""
        number = struct.unpack("!I", source)[0]
        # ld [6]; jeq; ret all; ret none
        program = [
            (0x20, 0, 0, 6),
            (0x15, 0, 1, number),
            (0x06, 0, 0, _MOST_BYTES),
            (0x06, 0, 0, 0),
        ]
        code = ctypes.create_string_buffer(
            b"".join(struct.pack("=HBBI", *step) for step in program)
        )
        self._socket.setsockopt(
            socket.SOL_SOCKET,
            _SO_ATTACH_FILTER,
            struct.pack("@HP", len(program), ctypes.addressof(code)),
        )

    def listen(self, quiet: float) -> None:
        """Count what is there, and what comes until there was nothing for C(quiet) seconds."""
        while select.select([self._socket], [], [], quiet)[0]:
            data, notes, _flags, where = self._socket.recvmsg(_MOST_BYTES, 64)
            mark = probe_frames.found(data, self._run)
            if mark is not None:
                vid = probe_frames.tag(data)
                probe, kind = mark
                self._heard[
                    where[0],
                    where[2] == socket.PACKET_OUTGOING,
                    probe,
                    kind,
                    _noted(notes) if vid is None else vid,
                ] += 1

    def heard(self) -> Mapping[tuple[str, bool, int, str, int | None], int]:
        """The counts. Raises Refused where the socket could not hold all."""
        dropped = struct.unpack("=II", self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8))[
            1
        ]
        if dropped:
            raise Refused(
                f"{dropped} frames came faster than they could be counted; ask for a smaller count."
            )
        return self._heard


def _noted(notes: Sequence[tuple[int, int, bytes]]) -> int | None:
    """The VID of a tag that the kernel keeps beside the frame (struct tpacket_auxdata)."""
    for level, kind, data in notes:
        if (level, kind) == (_SOL_PACKET, _PACKET_AUXDATA):
            status, _length, _snapped, _mac, _net, tci = struct.unpack_from("=IIIHHH", data)
            if status & _VLAN_VALID:
                return tci & 0xFFF
    return None


def _ask_for_addresses(
    netlink: Netlink, sender: Sender, capture: Capture, wish: Wish, planned: Sequence[Probe]
) -> tuple[list[Shot], dict[int, list[dict[str, Any]]]]:
    """A DHCPDISCOVER by one probe of each tenant that has a server, again while nobody answers; what was sent, and the offers by probe."""
    first: dict[str, Probe] = {}
    for probe in planned:
        if probe.tenant is not None and probe.tenant.dhcp:
            first.setdefault(probe.tenant.name, probe)
    waiting = [Shot(probe, "dhcp") for probe in first.values()]
    for probe in planned:
        for _old in sender.received(probe.number):
            pass  # what came before is no answer, and would only be in the way
    sent: list[Shot] = []
    offers: dict[int, list[dict[str, Any]]] = {shot.probe.number: [] for shot in waiting}
    end = time.monotonic() + wish.timeout
    while waiting:
        for shot in waiting:
            sender.fire(shot)
        sent += waiting
        again = min(end, time.monotonic() + _ASK_AGAIN)
        while (
            waiting
            and select.select(
                [sender.lines[shot.probe.number] for shot in waiting],
                [],
                [],
                max(0.0, again - time.monotonic()),
            )[0]
        ):
            for shot in waiting:
                found = (
                    probe_frames.offered(data, sender.mark(shot))
                    for data in sender.received(shot.probe.number)
                )
                offers[shot.probe.number] += [offer for offer in found if offer is not None]
            capture.listen(0)
            waiting = [shot for shot in waiting if not offers[shot.probe.number]]
        if time.monotonic() >= end:
            break
    if sent:
        capture.listen(_QUIET)
        # a second server may have taken longer; then, where each one's MAC was learned
        for shot in dict.fromkeys(sent):
            late = (
                probe_frames.offered(data, sender.mark(shot))
                for data in sender.received(shot.probe.number)
            )
            offers[shot.probe.number] += [offer for offer in late if offer is not None]
        _find_ports(netlink, planned, offers)
    return sent, offers


def _find_ports(
    netlink: Netlink, planned: Sequence[Probe], offers: Mapping[int, list[dict[str, Any]]]
) -> None:
    learned = {
        (entry.bridge, entry.mac): entry.port
        for entry in netlink.fdb(netlink.snapshot().links)
        if not entry.local
    }
    for number, found in offers.items():
        unlike = {
            offer["server"]: {**offer, "port": learned.get((planned[number].bridge, offer["mac"]))}
            for offer in found
        }
        offers[number][:] = list(unlike.values())
