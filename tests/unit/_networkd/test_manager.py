# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""networkd behind the port, on a host below a folder: what is written where, and what is in force after each step."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import (
    HANDED,
    HELD,
    OWN,
    Standing,
    Uplink,
)
from ansible_collections.hypervisor.network.plugins.module_utils._networkd import unit
from ansible_collections.hypervisor.network.plugins.module_utils._networkd.manager import (
    Networkd as Manager,
)
from ansible_collections.hypervisor.network.tests.harness.model.networkd import (
    BRIDGE,
    CONFIG,
    NIC,
    WIRED,
    Networkd,
)
from ansible_collections.hypervisor.network.tests.harness.model.standing import WISH, standing

HOLD = "/run/systemd/network/20-wired.network.d/99-hypervisor-network-hold.conf"
NIC_FILE, BRIDGE_FILE = (f"/run/systemd/network/04-hypervisor-network-{dev}.network" for dev in ("eth0", "br0"))  # fmt: skip


@pytest.fixture
def host(tmp_path: Path) -> Networkd:
    return Networkd(tmp_path)


def hand_over(host: Networkd, manager: Manager, known: Any) -> None:
    manager.hand_over(Uplink(host.owner(), "br0", "52:54:00:00:00:10", known))


def test_there_and_back(host: Networkd) -> None:
    manager = Manager(host.control)
    known = manager.look(host.owner(), "br0")
    assert manager.stage(host.owner(), "br0") == OWN
    manager.hold(host.owner(), "br0")
    assert manager.stage(host.owner(), "br0") == HELD
    assert host.control.link(NIC)["NETWORK_FILE_DROPINS"] == f'"{HOLD}"'
    hand_over(host, manager, known)
    assert manager.stage(host.owner(), "br0") == HANDED
    assert host.owner().source == NIC_FILE and host.owner("br0").source == BRIDGE_FILE
    manager.release(host.owner(), "br0")
    assert manager.stage(host.owner(), "br0") == OWN
    assert host.owner().source == WIRED and host.control.link(NIC)["NETWORK_FILE_DROPINS"] == '""'
    assert [host.text(path) for path in (HOLD, NIC_FILE, BRIDGE_FILE)] == [None] * 3
    assert host.text(WIRED) == CONFIG and host.reloads == 4


def test_the_bridge_has_what_the_nic_had_by_the_same_identity(host: Networkd) -> None:
    manager = Manager(host.control)
    known = manager.look(host.owner(), "br0")
    hand_over(host, manager, known)
    bridge = unit.parse(host.text(BRIDGE_FILE) or "")
    assert unit.value(bridge, "DHCPv4", "IAID") == "0xe2343f3e"
    assert unit.value(bridge, "Network", "DHCP") == "yes"
    assert unit.value(bridge, "Network", "KeepConfiguration") == "yes"
    assert "Bridge=" not in (host.text(NIC_FILE) or "")


def test_a_step_that_is_taken_twice_writes_nothing_twice(host: Networkd) -> None:
    manager = Manager(host.control)
    manager.hold(host.owner(), "br0")
    written = (host.root / HOLD[1:]).stat().st_ino
    manager.hold(host.owner(), "br0")
    assert (host.root / HOLD[1:]).stat().st_ino == written


def test_a_hold_that_a_killed_run_left_is_taken_out(host: Networkd) -> None:
    manager = Manager(host.control)
    manager.hold(host.owner(), "br0")
    manager.release(host.owner(), "br0")
    assert manager.stage(host.owner(), "br0") == OWN and host.text(HOLD) is None
    manager.release(host.owner(), "br0")


@pytest.mark.parametrize(
    ("source", "config", "said"),
    [
        (WIRED, CONFIG, None),
        ("/etc/systemd/network/21-gone.network", CONFIG, "is gone; write it again"),
        ("", CONFIG, "tells no file"),
        ("/etc/systemd/network/00-first.network", CONFIG, "comes before that of ours"),
        ("/etc/systemd/network/04-first.network", CONFIG, "rename that file"),
        ("/etc/systemd/network/05-first.network", CONFIG, "comes before that of ours"),
        ("/etc/systemd/network/05-lan.network", CONFIG, None),
        (WIRED, "[Network]\nBond=bond0\n", "part of a bond or a VRF"),
    ],
)
def test_what_can_not_be_held_is_told_before_anything_is_done(
    host: Networkd, source: str, config: str, said: str | None
) -> None:
    manager = Manager(host.control)
    for name in ("00-first", "04-first", "05-first", "05-lan"):
        host.put(f"/etc/systemd/network/{name}.network", "")
    known = replace(manager.look(host.owner(), "br0"), source=source, config=unit.parse(config))
    found = manager.objection(host.owner(), known)
    assert found is None if said is None else said in str(found)


DEBIAN_12 = "systemd 252 (252.39-1~deb12u2)"


@pytest.mark.parametrize(
    ("version", "refused"),
    [("systemd 249 (249.11-0ubuntu3)", True), (DEBIAN_12, False), ("systemd 257 (257.13)", False), ("", False)],
)  # fmt: skip
def test_a_networkd_that_was_not_tried_is_told_before_anything_is_done(
    host: Networkd, version: str, refused: bool
) -> None:
    host.version = version
    manager = Manager(host.control)
    found = manager.objection(host.owner(), manager.look(host.owner(), "br0"))
    assert (found is not None) == refused
    assert not refused or "systemd-networkd 249" in str(found)


def test_before_257_what_a_bridge_lives_by_stays_in_force_until_the_boot(host: Networkd) -> None:
    """Seen with 252: a link that gets another file loses its addresses and routes, and asks for a new lease."""
    host.version = DEBIAN_12
    manager = Manager(host.control)
    hand_over(host, manager, manager.look(host.owner(), "br0"))
    before = host.text(BRIDGE_FILE)
    now = persisted(host, manager)
    assert (host.owner().source, host.owner("br0").source) == (NIC_FILE, BRIDGE_FILE)
    assert host.text(BRIDGE_FILE) == before and 'NETWORK_FILE_DROPINS=""' in str(
        host.text(f"/run/systemd/netif/links/{BRIDGE}")
    )
    reloads = host.reloads
    assert reloads == 2  # what is about taps is read
    # the next boot, which forgets /run
    for path in (NIC_FILE, BRIDGE_FILE):
        (host.root / path[1:]).unlink()
    host.take()
    assert manager.stage(host.owner(), "br0") == HANDED
    persisted(host, manager)
    assert host.reloads == reloads  # what the bridge lives by may have got other words
    manager.release(host.owner(), "br0")
    there = host.owner().source
    write(host, manager.plan(now, replace(WISH, present=False)))
    manager.load(now, replace(WISH, present=False))
    assert host.owner().source == there == "/run/systemd/network/03-hypervisor-network-eth0.network"
    assert not list((host.root / "etc/systemd/network").glob("*hypervisor*"))


@pytest.mark.parametrize(("version", "said"), [(DEBIAN_12, 0), ("systemd 257 (257.13)", 2)])
def test_vlans_that_come_before_the_boot_are_not_removed_by_what_was_handed_over(
    host: Networkd, version: str, said: int
) -> None:
    host.version = version
    manager = Manager(host.control)
    vlans = {dev: {"1": "pvid untagged"} for dev in ("eth0", "br0")}
    known = manager.look(host.owner(), "br0")
    manager.hand_over(Uplink(host.owner(), "br0", "52:54:00:00:00:10", known, vlans=vlans))
    found = [host.text(path) or "" for path in (NIC_FILE, BRIDGE_FILE)]
    assert sum("[BridgeVLAN]" in text for text in found) == said


def test_an_identity_that_is_not_known_is_named(host: Networkd) -> None:
    manager = Manager(host.control)
    assert manager.unknown(manager.look(host.owner(), "br0")) is None
    host.put(f"/run/systemd/netif/leases/{NIC}", "")
    assert manager.unknown(manager.look(host.owner(), "br0")) == "the DHCPv4 client identifier"


def persisted(host: Networkd, manager: Manager) -> Standing:
    """The host with its files for the next boot written and read."""
    now = replace(standing(), known={"eth0": manager.look(host.owner(), "br0")})
    write(host, manager.plan(now, WISH))
    manager.load(now, WISH)
    return now


def write(host: Networkd, wanted: Any) -> None:
    for one in wanted:
        if one.text is None:
            (host.root / one.path[1:]).unlink(missing_ok=True)
        else:
            host.put(one.path, one.text)


def test_what_boots_is_taken_over_with_a_hold_until_the_boot(host: Networkd) -> None:
    manager = Manager(host.control)
    hand_over(host, manager, manager.look(host.owner(), "br0"))
    now = persisted(host, manager)
    assert host.owner("br0").source == "/etc/systemd/network/05-hypervisor-network-br0.network"
    assert "99-hypervisor-network-hold.conf" in host.control.link(BRIDGE)["NETWORK_FILE_DROPINS"]
    assert manager.stage(host.owner(), "br0") == HANDED
    assert [host.text(one) for one in (NIC_FILE, BRIDGE_FILE)] == [None, None]
    again = manager.look(host.owner(), "br0")
    assert (again.source, again.config, again.identity) == (now.known["eth0"].source, now.known["eth0"].config, now.known["eth0"].identity)  # fmt: skip
    assert manager.objection(host.owner(), again) is None


def test_an_identity_is_kept_by_our_file_where_there_is_no_lease(host: Networkd) -> None:
    manager = Manager(host.control)
    persisted(host, manager)
    host.put(f"/run/systemd/netif/leases/{NIC}", "")
    assert manager.look(host.owner(), "br0").identity.iaid4 == 0xE2343F3E


LINKS = "/run/systemd/netif/links"
KNOWN = "DHCP6_CLIENT_IAID=0x2b506735\n"


def test_the_identity_is_known_on_every_way_although_networkd_tells_it_no_more(
    host: Networkd,
) -> None:
    """Seen: converted, given back and converted again, a host had another address of DHCPv6, since a NIC that leaves a bridge has no name to networkd."""
    manager = Manager(host.control)
    there = host.text(f"{LINKS}/{NIC}") or ""
    host.put(f"{LINKS}/{NIC}", there + KNOWN)
    manager.hold(host.owner(), "br0")
    assert manager.look(host.owner(), "br0").identity.iaid6 == 0x2B506735
    hand_over(host, manager, manager.look(host.owner(), "br0"))
    now = persisted(host, manager)
    assert now.known["eth0"].identity.iaid6 == 0x2B506735
    manager.release(host.owner(), "br0")
    assert manager.look(host.owner(), "br0").identity.iaid6 == 0x2B506735
    absent = replace(WISH, present=False)
    write(host, manager.plan(now, absent))
    manager.load(now, absent)
    assert host.owner().source == WIRED
    assert manager.look(host.owner(), "br0").identity == now.known["eth0"].identity


def test_a_nic_that_boots_as_a_port_is_given_back_until_the_boot(host: Networkd) -> None:
    manager = Manager(host.control)
    persisted(host, manager)
    manager.release(host.owner(), "br0")
    back = "/run/systemd/network/03-hypervisor-network-eth0.network"
    assert host.owner().source == back and manager.stage(host.owner(), "br0") == OWN
    assert unit.value(unit.parse(host.text(back) or ""), "Network", "DHCP") == "yes"
    # and once more the other way
    hand_over(host, manager, manager.look(host.owner(), "br0"))
    assert host.owner().source == NIC_FILE and host.text(back) is None
    assert manager.look(host.owner(), "br0").source == WIRED


def test_absent_leaves_the_administrators_file_in_force(host: Networkd) -> None:
    manager = Manager(host.control)
    manager.hold(host.owner(), "br0")  # the conversion's, where there was no boot since
    now = persisted(host, manager)
    manager.release(host.owner(), "br0")
    absent = replace(WISH, present=False)
    write(host, manager.plan(now, absent))
    manager.load(now, absent)
    assert host.owner().source == WIRED and host.text(WIRED) == CONFIG
    assert not list((host.root / "etc/systemd/network").glob("*hypervisor*"))
    # it keeps what it has until the next boot, and is held by nobody: the next run finds nothing to do
    assert host.text(HOLD) is None
    assert manager.stage(host.owner(), "br0") == OWN


def test_words_beside_a_file_by_which_another_nic_goes_are_said_to_nobody(host: Networkd) -> None:
    """Seen with 257: by the drop-in that holds a NIC the other one got its identity, and another address. So nothing is read while it is there."""
    other = f"NETWORK_FILE={WIRED}\nADMIN_STATE=configured\n"
    host.put(f"{LINKS}/7", other)
    manager = Manager(host.control)
    known = manager.look(host.owner(), "br0")
    manager.hold(host.owner(), "br0")
    assert host.reloads == 0 and manager.stage(host.owner(), "br0") == HELD
    manager.hand_over(Uplink(host.owner(), "br0", None, known, vlans={"br0": {"VLAN": "7"}}))
    assert host.text(HOLD) is None and host.reloads == 1
    assert "VLAN" not in (host.text(BRIDGE_FILE) or "").replace("VLAN=eth0.10", "")
    now = replace(standing(), known={"eth0": known}, owners={"eth0": host.owner()})
    write(host, manager.plan(now, WISH))
    manager.load(now, WISH)
    assert host.owner("br0").source == BRIDGE_FILE  # until the boot
    manager.release(host.owner(), "br0")
    back = "/run/systemd/network/03-hypervisor-network-eth0.network"
    assert host.owner().source == back
    assert unit.value(unit.parse(host.text(back) or ""), "DHCPv4", "IAID") == "0xe2343f3e"
    absent = replace(WISH, present=False)
    write(host, manager.plan(now, absent))
    manager.load(now, absent)
    assert host.owner().source == back and manager.stage(host.owner(), "br0") == OWN
    beside = list((host.root / "run/systemd/network").glob("*.d/*"))
    assert beside == [] and host.text(f"{LINKS}/7") == other


def test_a_bridge_without_an_uplink_is_only_read_anew(host: Networkd) -> None:
    wish = replace(WISH, uplinks=[], bridges=["nope0", "br0"], ports=[], taps=[])
    Manager(host.control).load(standing(), wish)
    Manager(host.control).load(standing(), replace(wish, bridges=["nope0"]))
    assert host.reloads == 2


def test_a_nic_that_boots_as_a_port_is_held_before_its_way_back(host: Networkd) -> None:
    """Seen: networkd put it back into the bridge in the second in which it was taken out, and removed the routes that had come to it."""
    manager = Manager(host.control)
    persisted(host, manager)
    assert manager.watches
    manager.hold(host.owner(), "br0")
    held = unit.parse(host.text(NIC_FILE) or "")
    assert host.owner().source == NIC_FILE and manager.stage(host.owner(), "br0") == HANDED
    assert unit.value(held, "Network", "KeepMaster") == unit.value(held, "Network", "KeepConfiguration") == "yes"  # fmt: skip
    assert not unit.value(held, "Network", "Bridge")
    reloads = host.reloads
    manager.hold(host.owner(), "br0")
    assert host.reloads == reloads
    manager.release(host.owner(), "br0")
    assert host.owner().source == "/run/systemd/network/03-hypervisor-network-eth0.network"
    # a bridge that has its lease by our lasting file may stay with that one
    host.put("/etc/systemd/network/01-stubborn.network", "[Match]\nName=br0\n")
    hand_over(host, manager, manager.look(host.owner(), "br0"))


NETDEV, BRIDGES, PORT = (
    f"/etc/systemd/network/{name}" for name in ("10-br0.netdev", "30-br0.network", "20-wired.network")
)  # fmt: skip
BESIDE = f"{NETDEV}.d/50-hypervisor-network.conf"
ALONE = replace(WISH, ports=[], taps=[])


@pytest.fixture
def by_hand(host: Networkd) -> Networkd:
    """The host whose administrator has made a bridge of its NIC."""
    host.put(NETDEV, "[NetDev]\nName=br0\nKind=bridge\nMACAddress=52:54:00:00:00:10\n[Bridge]\nForwardDelaySec=0\n")  # fmt: skip
    host.put(PORT, "[Match]\nName=eth0\n[Link]\nMTUBytes=1500\n[Network]\nBridge=br0\nLLDP=yes\n")
    host.put(BRIDGES, "[Match]\nName=br0\n[Network]\nAddress=10.77.0.11/24\nGateway=10.77.0.1\n")
    host.take()
    return host


def adopted(host: Networkd, manager: Manager, **bridge: Any) -> Standing:
    return replace(standing(**bridge), known={"eth0": manager.look(host.owner(), "br0")})


def test_a_bridge_that_its_administrator_described_is_handed_over_and_there_is_nothing_to_write(
    by_hand: Networkd,
) -> None:
    manager = Manager(by_hand.control)
    known = manager.look(by_hand.owner(), "br0")
    assert known.theirs and known.source == PORT
    assert unit.values(known.config, "Network", "Address") == ["10.77.0.11/24"]
    assert unit.value(known.config, "Network", "LLDP") == "yes"
    assert manager.stage(by_hand.owner(), "br0") == HANDED
    assert manager.objection(by_hand.owner(), known) is manager.unknown(known) is None
    assert {one.text for one in manager.plan(adopted(by_hand, manager), ALONE)} == {None}


def test_what_it_does_not_say_stands_beside_it_and_it_stays_in_force(by_hand: Networkd) -> None:
    manager = Manager(by_hand.control)
    now = adopted(by_hand, manager, ageing_time=60.0)
    write(by_hand, manager.plan(now, WISH))
    assert (by_hand.text(BESIDE) or "").endswith("[Bridge]\nAgeingTimeSec=60\n")
    manager.load(now, WISH)
    assert by_hand.owner("br0").source == BRIDGES and by_hand.owner().source == PORT
    hold = by_hand.control.link(BRIDGE)["NETWORK_FILE_DROPINS"]
    assert "30-br0.network.d/99-hypervisor-network-hold.conf" in hold
    # the same once more, and the way back
    assert manager.look(by_hand.owner(), "br0").theirs
    assert [one.text for one in manager.plan(now, WISH) if one.path == BESIDE] == [
        by_hand.text(BESIDE)
    ]
    write(by_hand, manager.plan(now, replace(WISH, present=False)))
    assert by_hand.text(BESIDE) is None and by_hand.text(NETDEV) is not None


def test_before_257_nothing_is_read_where_something_stands_beside_it(by_hand: Networkd) -> None:
    by_hand.version = DEBIAN_12
    manager = Manager(by_hand.control)
    now = adopted(by_hand, manager)
    write(by_hand, manager.plan(now, WISH))
    manager.load(now, WISH)
    assert by_hand.reloads == 1  # the tap's files
    write(by_hand, manager.plan(adopted(by_hand, manager, ageing_time=60.0), WISH))
    manager.load(now, WISH)
    assert by_hand.reloads == 1


@pytest.mark.parametrize("gone", [NETDEV, BRIDGES, PORT])
def test_a_host_of_which_a_part_is_not_described_goes_the_way_of_all_others(
    by_hand: Networkd, gone: str
) -> None:
    by_hand.put(gone, "[Match]\nName=eth0\n[Network]\nDHCP=yes\n" if gone == PORT else "")
    by_hand.take()
    manager = Manager(by_hand.control)
    assert manager.look(by_hand.owner(), "br0").theirs == (gone == BRIDGES)
    written = [one.path for one in manager.plan(adopted(by_hand, manager), ALONE) if one.text is not None]  # fmt: skip
    ours = "eth0" if gone == PORT else "br0"
    assert f"/etc/systemd/network/05-hypervisor-network-{ours}.network" in written
