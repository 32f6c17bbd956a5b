# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bridges, ports and taps as one noun: which change of VLANs may cut the host off from whoever makes it."""

from __future__ import annotations

import contextlib
import errno
import socket
import struct
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import KernelError
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    Address,
    Link,
    Snapshot,
)
from ansible_collections.hypervisor.network.plugins.module_utils._link.apply import LinkNoun
from ansible_collections.hypervisor.network.tests.harness.model import simulated
from ansible_collections.hypervisor.network.tests.harness.model.switch import (
    Switch,
    bridge,
    noun,
    port,
)


def reached(dev: str = "br0", own: dict[str, str] | None = None, **more: Link) -> Snapshot:
    """A bridge whose host is reached over one of its devices."""
    options = {"vlan_filtering": True, "vlan_protocol": "802.1Q", "vlan_default_pvid": 1}
    links = {
        "br0": Link(
            "br0",
            1,
            "bridge",
            1,
            options=options,
            vlans=own or {"1": "pvid untagged", "10": "tagged"},
        ),
        **more,
    }
    return Snapshot(links, (Address(dev, "192.0.2.1/24", 2),))


ON_10 = {"br0.10": Link("br0.10", 2, "vlan", 1, lower="br0", options={"id": 10})}
ON_THAT = {**ON_10, "mv0": Link("mv0", 3, "macvlan", 1, lower="br0.10")}
NIC = {
    "eth0": Link(
        "eth0",
        9,
        "",
        0x10001,
        master="br0",
        port={},
        vlans={"1": "pvid untagged", "10": "tagged", "20": "tagged"},
    )
}
TAP = {"eth0": Link("eth0", 9, "tun", 0x10001, master="br0", port={}, vlans=NIC["eth0"].vlans)}


@pytest.mark.parametrize(
    ("now", "vlans", "risk"),
    [
        (reached(), [{"vid": 1, "pvid": True, "untagged": True}], "safe"),
        (reached(), [{"vid": 10}], "may_cut_ssh"),
        (reached(), [{"vid": 1, "pvid": True}, {"vid": 10}], "may_cut_ssh"),
        (
            reached(),
            [{"vid": 1, "untagged": True}, {"vid": 10, "pvid": True, "untagged": True}],
            "may_cut_ssh",
        ),
        (reached("br0.10", **ON_10), [{"vid": 10}], "safe"),
        (reached("br0.10", **ON_10), [{"vid": 1, "pvid": True, "untagged": True}], "may_cut_ssh"),
        (reached("br0.10", **ON_10), [{"vid": 10, "untagged": True}], "may_cut_ssh"),
        (reached("mv0", **ON_THAT), [], "may_cut_ssh"),
        (reached("elsewhere", **ON_10), [], "safe"),
    ],
)
def test_taking_the_hosts_own_vlan_from_the_bridge_may_cut_it_off(
    now: Snapshot, vlans: list[dict[str, Any]], risk: str
) -> None:
    (change,) = noun(Switch()).plan(now, bridge(self_vlans=vlans))
    assert change.risk == risk


@pytest.mark.parametrize(
    ("now", "options", "risk"),
    [
        (reached(**NIC), {"trunk_vlans": ["10", "20"], "native_vlan": 1}, None),
        (reached(**NIC), {"trunk_vlans": ["10", "20", "30"], "native_vlan": 1}, "safe"),
        (reached(**NIC), {"trunk_vlans": ["10"], "native_vlan": 1}, "interrupts"),
        (reached(**NIC), {"trunk_vlans": ["10", "20"]}, "may_cut_ssh"),
        (reached(**NIC), {"trunk_vlans": ["1", "10", "20"]}, "may_cut_ssh"),
        (reached(**NIC), {"trunk_vlans": ["1", "10", "20"], "native_vlan": 20}, "may_cut_ssh"),
        (reached("br0.10", **ON_10, **NIC), {"trunk_vlans": ["10", "20"]}, "interrupts"),
        (
            reached("br0.10", **ON_10, **NIC),
            {"trunk_vlans": ["20"], "native_vlan": 1},
            "may_cut_ssh",
        ),
        (reached("elsewhere", **ON_10, **NIC), {"vlans": []}, "interrupts"),
        (reached(**TAP), {"vlans": []}, "interrupts"),
    ],
)
def test_taking_the_hosts_own_vlan_from_the_uplink_may_cut_it_off(
    now: Snapshot, options: dict[str, Any], risk: str | None
) -> None:
    assert [change.risk for change in noun(Switch()).plan(now, port("eth0", **options))] == (
        [] if risk is None else [risk]
    )


@pytest.mark.parametrize(
    "option", [{"vlan_default_pvid": 0}, {"vlan_filtering": False}, {"vlan_protocol": "802.1ad"}]
)
def test_what_moves_the_vlans_of_all_may_cut_off_a_host_on_a_vlan_device(
    option: dict[str, Any],
) -> None:
    (change,) = noun(Switch()).plan(reached("br0.10", **ON_10), bridge(**option))
    assert change.risk == "may_cut_ssh"


LO = socket.if_nametoindex(
    "lo"
)  # a device that is there on every machine, for what this run would have made


class Recorder:
    """A namespace that notes what is sent to it; C(refuses): the errno of a message by its number; C(tap): whether the tap that was made is up."""

    def __init__(
        self, refuses: dict[int, int] | None = None, transmits: bool = True, tap: bool | None = None
    ) -> None:
        self.sent: list[tuple[str, int, bytes]] = []
        self.tap = tap
        self.refuses, self.transmits = refuses or {}, transmits

    def send(self, kind: int, _flags: int, body: bytes, what: str) -> None:
        self.sent.append((what, kind, body))
        if len(self.sent) in self.refuses:
            raise KernelError(what, self.refuses[len(self.sent)])

    def turn(self) -> contextlib.nullcontext[None]:
        return contextlib.nullcontext()

    def still(self, name: str, meant: int | None) -> int:
        return LO if meant is None else meant

    def link(self, index: int) -> Link:
        if self.tap is not None:
            return Link("lo", index, "tun", int(self.tap))
        return Link("lo", index, "bridge", options={"forward_delay": 15.0, "stp_state": False})

    def wait_until_transmitting(self, index: int, timeout: float) -> bool:
        return self.transmits

    @property
    def words(self) -> list[str]:
        return [what for what, _kind, _body in self.sent]


def carried_out(
    netlink: Recorder, *changes: Change, now: Snapshot | None = None, made: list[Any] | None = None
) -> list[str]:
    made = [] if made is None else made
    noun_ = LinkNoun(netlink, lambda name, options: made.append((name, dict(options))))  # type: ignore[arg-type]
    noun_.apply(list(changes), now or Snapshot({}))
    return netlink.words


def test_a_new_bridge_gets_what_it_lacks_and_is_up_last() -> None:
    after = {
        "mac": "02:00:00:00:00:01",
        "forward_delay": 4.0,
        "stp_state": False,
        "mtu": 1400,
        "alias": "a",
        "txqueuelen": 5,
        "addr_gen_mode": "none",
        "up": True,
    }
    netlink = Recorder()
    assert carried_out(netlink, Change("create", "bridge", "lo", None, after)) == [
        "create the bridge lo",
        "set forward_delay 4.0 of the bridge lo",
        "set the MTU 1400 of lo",
        "set the queue length 5 of lo",
        "set the alias of lo",
        "set addr_gen_mode none of lo",
        "set lo up",
    ]
    assert bytes.fromhex("020000000001") in netlink.sent[0][2] and b"bridge\0" in netlink.sent[0][2]


def test_a_bridge_that_filters_gets_the_hosts_vlans_with_it() -> None:
    change = Change("create", "bridge", "lo", None, {"self_vlans": {"5": "pvid untagged"}})
    words = carried_out(Recorder(), change)
    assert words[0] == "create the bridge lo" and words[-1] == "give the VLANs 5 to lo"


def test_stp_goes_off_before_a_short_delay_comes() -> None:
    now = Snapshot({"br0": Link("br0", 7, "bridge")})
    change = Change(
        "update",
        "bridge",
        "br0",
        {},
        {"forward_delay": 0.0, "stp_state": False, "mac": "02:00:00:00:00:01"},
    )
    assert carried_out(Recorder(), change, now=now) == [
        "set stp_state False of the bridge br0",
        "set forward_delay 0.0 of the bridge br0",
        "set the MAC 02:00:00:00:00:01 of br0",
    ]


def test_a_tap_is_made_then_set_and_up_last() -> None:
    made: list[Any] = []
    after = {"mode": "tap", "mac": "02:00:00:00:00:01", "up": True}
    assert carried_out(Recorder(), Change("create", "tap", "lo", None, after), made=made) == [
        "set the MAC 02:00:00:00:00:01 of lo",
        "set lo up",
    ]
    assert made == [("lo", after)]
    assert carried_out(Recorder(), Change("create", "tap", "lo", None, {"mode": "tap"})) == []


def test_a_tap_is_made_again_with_everything_that_it_had() -> None:
    made: list[Any] = []
    now = Snapshot({"lo": Link("lo", 7, "tun")})
    change = Change(
        "recreate",
        "tap",
        "lo",
        {},
        {"multi_queue": True},
        payload={"multi_queue": True, "mtu": 1400},
    )
    assert carried_out(Recorder(), change, now=now, made=made) == [
        "delete the tap lo",
        "set the MTU 1400 of lo",
    ]
    assert made == [("lo", {"multi_queue": True, "mtu": 1400})]


@pytest.mark.parametrize(
    ("was_up", "up", "words"),
    [
        (True, False, ["set lo down", "make lo a port of br0", "take the VLANs 1 from lo", "give the VLANs 10 to lo"]),
        (False, True, ["set lo up", "set lo down", "make lo a port of br0", "take the VLANs 1 from lo", "give the VLANs 10 to lo", "set lo up"]),
    ],
    ids=["down-by-now", "up-by-now"],
)  # fmt: skip
def test_a_tap_that_is_made_again_is_up_in_its_vlans_only_where_it_shall_be(
    was_up: bool, up: bool, words: list[str]
) -> None:
    """What the old device was is no matter: a new one that shall be down stays so, and one that is up by now waits for its VLANs."""
    now = Snapshot({"lo": Link("lo", 7, "tun", int(was_up)), "br0": Link("br0", 5, "bridge")})
    again = Change("recreate", "tap", "lo", {}, {"up": up, "multi_queue": True}, payload={"up": up})
    back = Change("attach", "port", "lo", {"bridge": None}, {"bridge": "br0", "vlans": {"10": "pvid untagged"}}, payload={"1": "pvid untagged"})  # fmt: skip
    assert carried_out(Recorder(tap=up), again, back, now=now)[1:] == words


def test_flags_of_a_tap_are_given_with_those_that_stay() -> None:
    made: list[Any] = []
    flags = {"mode": "tap", "multi_queue": False, "vnet_hdr": False, "pi": False}
    now = Snapshot({"tap1": Link("tap1", 7, "tun", options=flags)})
    change = Change("update", "tap", "tap1", {}, {"vnet_hdr": True, "mac": "02:00:00:00:00:01"})
    assert carried_out(Recorder(), change, now=now, made=made) == [
        "set the MAC 02:00:00:00:00:01 of tap1"
    ]
    assert made[0][1] == {**flags, "vnet_hdr": True, "mac": "02:00:00:00:00:01"}


@pytest.mark.parametrize(("number", "fine"), [(errno.ENODEV, True), (errno.EBUSY, False)])
def test_what_somebody_else_has_deleted_is_gone(number: int, fine: bool) -> None:
    now = Snapshot({"br0": Link("br0", 7, "bridge")})
    change = Change("delete", "bridge", "br0", {}, None)
    if fine:
        carried_out(Recorder({1: number}), change, now=now)
    else:
        with pytest.raises(KernelError, match="Cannot delete the bridge br0"):
            carried_out(Recorder({1: number}), change, now=now)


def test_a_tap_that_is_up_is_down_while_it_has_the_default_vlan() -> None:
    now = Snapshot({"lo": Link("lo", LO, "tun", 0x1)})
    vlans = {"10": "pvid untagged"}
    change = Change(
        "attach", "port", "lo", {}, {"bridge": "lo", "vlans": vlans}, payload={"1": "pvid untagged"}
    )
    assert carried_out(Recorder(), change, now=now) == [
        "set lo down",
        "make lo a port of lo",
        "take the VLANs 1 from lo",
        "give the VLANs 10 to lo",
        "set lo up",
    ]


def test_a_port_leaves_and_goes_down_where_that_is_asked() -> None:
    now = Snapshot({"tap1": Link("tap1", 7, "tun")})
    change = Change("detach", "port", "tap1", {"bridge": "br0"}, {"bridge": None, "up": False})
    assert carried_out(Recorder(), change, now=now) == ["take tap1 out of br0", "set tap1 down"]


PORT = Snapshot({"tap1": Link("tap1", 7, "tun")})
BLOCKED = Change(
    "update", "port", "tap1", {}, {"port_state": "blocking", "up": True, "backup_port": "lo"}
)
SET = "set port_state blocking, backup_port lo of the port tap1"


def test_a_ports_state_is_set_once_the_kernel_has_noted_its_carrier() -> None:
    assert sorted(carried_out(Recorder(), BLOCKED, now=PORT)) == sorted(["set tap1 up", SET])
    assert carried_out(Recorder({2: errno.ENETDOWN}), BLOCKED, now=PORT).count(SET) == 2
    for netlink in (Recorder({2: errno.ENETDOWN}, transmits=False), Recorder({2: errno.EINVAL})):
        with pytest.raises(KernelError):
            carried_out(netlink, BLOCKED, now=PORT)


def test_a_port_without_a_backup_says_so_with_no_device() -> None:
    netlink = Recorder()
    carried_out(netlink, Change("update", "port", "tap1", {}, {"backup_port": ""}), now=PORT)
    assert struct.pack("=I", 0) == netlink.sent[0][2][-4:]


def test_an_address_that_went_with_its_device_is_given_again() -> None:
    address = simulated.address("lo", "192.0.2.1/24")
    (words,) = carried_out(
        Recorder(), Change("add", "address", address.text, None, {"dev": "lo"}, payload=address)
    )
    assert words == "add the address 192.0.2.1/24 to lo"


def test_another_socket_is_opened_before_it_is_used() -> None:
    opened: list[str] = []
    other = SimpleNamespace(ready=lambda: opened.append("ready"))
    one = LinkNoun(SimpleNamespace(ready=lambda: opened.append("first")))  # type: ignore[arg-type]
    one.prepare(Snapshot({}))
    one.use(other)  # type: ignore[arg-type]
    assert opened == ["first", "ready"] and one.netlink is other


def test_a_bridge_passes_through_another_mtu_where_the_kernel_would_take_no_note_of_it() -> None:
    now = Snapshot({"lo": Link("lo", LO, "bridge", mtu=1500)})
    noted = Change("update", "bridge", "lo", {"mtu": None}, {"mtu": 1500})
    words = ["set the MTU 1501 of lo", "set the MTU 1500 of lo"]
    assert carried_out(Recorder(), noted, now=now) == words
    made = Change("create", "bridge", "lo", None, {"mtu": 1500}, payload={"mtu": 1500})
    assert carried_out(Recorder(), made)[1:] == words
    another = Change("update", "bridge", "lo", {"mtu": 1500}, {"mtu": 1400})
    assert carried_out(Recorder(), another, now=now) == ["set the MTU 1400 of lo"]
