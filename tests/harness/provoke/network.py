# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenes of the kernel's network: what it answers, refuses, or is in the meantime."""

from __future__ import annotations

import contextlib
import os
import struct
from types import SimpleNamespace
from typing import Any, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import KernelError
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    Link,
    Snapshot,
)
from ansible_collections.hypervisor.network.plugins.module_utils._info import describe
from ansible_collections.hypervisor.network.plugins.module_utils._isolation import plan as proof
from ansible_collections.hypervisor.network.plugins.module_utils._isolation import probe as probes
from ansible_collections.hypervisor.network.plugins.module_utils._link import link_local
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import socket as rtnl_socket
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import apply as uplinks
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.preflight import Spec
from ansible_collections.hypervisor.network.tests.harness.model import simulated, triplets

from . import stage as stages
from .stage import Stage, scene

_RUN = bytes(8)


class _Line:
    """A netlink socket whose kernel answers each question with the same bytes."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer

    def __enter__(self) -> _Line:
        return self

    def __exit__(self, *_unused: object) -> None:
        """Nothing was opened."""

    def recv(self, _bytes: int) -> bytes:
        return self._answer

    def send(self, data: bytes) -> int:
        return len(data)

    def bind(self, *_asked: Any) -> None:
        """Nobody else is there."""

    setsockopt = bind


def _answers(stage: Stage, error: str) -> None:
    """The kernel acknowledges the first message with an errno."""
    code = -(stages.failure(error).errno or 0)
    line = _Line(struct.pack("=IHHIIi", 20, 2, 0, 0, 0, code))
    real = rtnl_socket.socket
    stage.patch.setattr(
        rtnl_socket, "socket", SimpleNamespace(**{**vars(real), "socket": lambda *_kind: line})
    )


@scene
def kernel_refuses(stage: Stage, what: str, error: str) -> None:
    """A change that goes through pyroute2's socket, C(what) in words."""

    class Refusal(Exception):
        code = stages.failure(error).errno

    def request(*_message: Any, **_header: Any) -> None:
        raise Refusal

    one = rtnl_socket.Socket()
    one._message, one._error = SimpleNamespace, Refusal
    one._changes = SimpleNamespace(nlm_request=request)
    one.send(16, 0, b"", what)


@scene
def kernel_refuses_of_many(stage: Stage, what: str, error: str) -> None:
    """The first of a datagram of changes."""
    _answers(stage, error)
    rtnl_socket.Socket().send_all([rtnl_socket.Message(28, 0, b"", what)])


@scene
def kernel_refuses_an_ioctl(stage: Stage, what: str, error: str) -> None:
    """What netlink has no word for."""

    def ioctl(*_asked: Any) -> None:
        raise stages.failure(error)

    stage.patch.setattr(rtnl_socket, "fcntl", SimpleNamespace(ioctl=ioctl))
    rtnl_socket.Socket().request(0, b"", what)


@scene
def kernel_refuses_to_say(stage: Stage, what: str, error: str) -> None:
    """A question, C(what) in words."""
    _answers(stage, error)
    rtnl_socket.asked(18, 0, b"", what)


@scene
def restless_kernel(stage: Stage) -> None:
    """Each dump is marked as interrupted."""
    stage.patch.setattr(rtnl_socket, "asked", lambda *_question: None)
    rtnl_socket.Socket().dump(18)


@scene
def bridges(_stage: Stage, name: str, holds: Mapping[str, Any]) -> Any:
    """bridge_info is asked for one bridge."""
    return describe.bridges(triplets.snapshot_of(dict(holds)), (), None, name)


@scene
def many_ports(_stage: Stage, ports: int, more: int) -> Any:
    """br0 has that many ports, and bridge_port shall plug in more."""
    taps = {f"tap{number}": {"kind": "tun"} for number in range(ports + more)}
    for number in range(ports):
        taps[f"tap{number}"] |= {"master": "br0", "port": {}}
    wish = {"ports": [{"name": f"tap{ports + number}", "bridge": "br0"} for number in range(more)]}
    return triplets.noun().plan(
        triplets.snapshot_of({"links": {"br0": {"kind": "bridge"}, **taps}}),
        triplets.wish_of({"module": "bridge_port", "parameters": wish}),
    )


@scene
def link_local_refused(stage: Stage, error: str) -> None:
    """The MAC of br0 has changed, and the file of its addr_gen_mode can't be written."""
    now = Link("br0", 3, "bridge", 1, "52:54:00:00:00:02", ipv6={"addr_gen_mode": "eui64"})
    old = simulated.address("br0", "fe80::5054:ff:fe00:1/64")
    stage.patch.setattr(link_local.rtnl_address, "decode_addresses", lambda _raw, _names: (old,))
    stage.patch.setattr(link_local, "open", _failing(error), raising=False)
    netlink = SimpleNamespace(
        link=lambda _index: now, still=lambda _name, _index: 3, dump=lambda _kind: []
    )
    link_local.follow_the_mac(netlink, Link("br0", 3, "bridge", 1, "52:54:00:00:00:01"))  # type: ignore[arg-type]


def _failing(error: str) -> Any:
    def fails(*_arguments: Any, **_named: Any) -> Any:
        raise stages.failure(error)

    return fails


@scene
def other_device(
    stage: Stage, now: Mapping[str, Any] | None = None, has_the_name: int | None = None
) -> None:
    """eth0, number 2, is converted; by now number 2 is C(now), none where it is gone, and its name is that of the device C(has_the_name)."""

    def link(_index: int) -> Link:
        if now is None:
            raise KernelError("read the device 2", 19)
        return Link(**{"index": 2, **now})

    def index_of(_name: str, _links: Mapping[str, Link]) -> int:
        if has_the_name is None:
            raise KernelError("find the device eth0", 19)
        return has_the_name

    stage.patch.setattr(uplinks, "index_of", index_of)
    noun = uplinks.UplinkNoun(SimpleNamespace(link=link), Spec("eth0", "br0"))  # type: ignore[arg-type]
    meant = Link("eth0", 2, "", 1, "52:54:00:00:00:10")
    noun._check_devices(Snapshot({"eth0": meant}))  # type: ignore[arg-type]


@scene
def sysctl_refused(stage: Stage, name: str, value: str, error: str) -> None:
    """A conversion gives the bridge a sysctl of the NIC, and its file can't be written."""
    stage.patch.setattr(uplinks, "open", _failing(error), raising=False)
    noun = uplinks.UplinkNoun(SimpleNamespace(turn=contextlib.nullcontext), Spec("eth0", "br0"))  # type: ignore[arg-type]
    change = Change("update", "sysctl", name, None, {"value": value}, payload=value)
    noun._sysctl(change, None)  # type: ignore[arg-type]


@scene
def tenants(_stage: Stage, typed: Mapping[str, Any], holds: Mapping[str, Any]) -> Any:
    """bridge_isolation looks for the tenants' ports before it plugs in its probes."""
    now = triplets.snapshot_of(dict(holds))
    return proof.probes(now, proof_wish(typed), "000000")


def proof_wish(typed: Mapping[str, Any]) -> Any:
    from ansible_collections.hypervisor.network.tests.harness.model import error_goldens

    return error_goldens._proof({"typed": typed})


def _probe() -> proof.Probe:
    fields = {"number": 1, "name": "hn0000001", "bridge": "br0", "mtu": 1500}
    return SimpleNamespace(**fields)  # type: ignore[return-value]


@scene
def probe_not_made(stage: Stage, error: str) -> None:
    stage.patch.setattr(probes.tuntap, "opened", lambda _flags: os.open(os.devnull, os.O_RDONLY))
    stage.patch.setattr(probes.fcntl, "ioctl", _failing(error))
    with probes._tap(_probe()):
        """It is there."""


@scene
def probe_blocked(stage: Stage, forward_delay: float) -> None:
    """A probe's port never forwards."""
    bridge = Link("br0", 2, "bridge", options={"forward_delay": forward_delay})
    noun = SimpleNamespace(read=lambda: Snapshot({"br0": bridge}))
    stage.patch.setattr(probes, "index_of", lambda _name, _links: 9)
    netlink = SimpleNamespace(wait_until_forwarding=lambda _index, _seconds: False)
    probes._wait_until_forwarding(netlink, noun, _probe())  # type: ignore[arg-type]


@scene
def probe_mute(stage: Stage, error: str) -> None:
    """What a probe sends is not taken."""
    stage.patch.setattr(probes.os, "write", _failing(error))
    sender = probes.Sender(_RUN, [_probe()], [-1])
    sender.fire(SimpleNamespace(probe=_probe(), kind="broadcast", peer=None, vid=None))  # type: ignore[arg-type]


class _Deaf:
    """A packet socket that can't be set up, or has lost frames."""

    def __init__(self, error: str, lost: int) -> None:
        self._error = error
        self._lost = lost

    def setsockopt(self, *_option: Any) -> None:
        if self._error:
            raise stages.failure(self._error)

    def getsockopt(self, *_option: Any) -> bytes:
        return struct.pack("=II", 0, self._lost)

    def close(self) -> None:
        """Nothing was opened."""


@scene
def listening(stage: Stage, error: str = "", lost: int = 0) -> None:
    """Frames are counted by a packet socket that can't be set up, or that has lost some."""
    real = probes.socket
    stage.patch.setattr(
        probes,
        "socket",
        SimpleNamespace(**{**vars(real), "socket": lambda *_kind: _Deaf(error, lost)}),
    )
    capture = probes.Capture(_RUN)
    if error:
        with capture:
            """It listens."""
    capture.heard()
