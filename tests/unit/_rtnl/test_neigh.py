# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Neighbours and forwarding entries, as iproute2 and bridge read them."""

from __future__ import annotations

import socket
import struct

from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import neigh as rtnl_neigh
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import nla
from ansible_collections.hypervisor.network.tests.harness.model.captured import (
    FDB,
    NAMES,
    NEIGHBOURS,
    word,
)


def test_neighbours_with_a_mac_that_somebody_may_ask_for() -> None:
    found = {
        (one.dev, one.address): one
        for one in rtnl_neigh.decode_neighbours([body for _text, body in NEIGHBOURS], NAMES)
    }
    wanted = [
        text
        for text, _body in NEIGHBOURS
        if text.split()[-1] in ("PERMANENT", "REACHABLE", "STALE")
    ]
    assert {(word(text, "dev"), text.split()[0]) for text in wanted} == set(found)
    assert all(
        found[word(text, "dev"), text.split()[0]].mac == word(text, "lladdr") for text in wanted
    )


def test_only_what_is_asked_for_in_vain_is_asked_anew_never_what_somebody_gave() -> None:
    def body(state: int) -> bytes:
        return rtnl_neigh.NEIGHBOUR.pack(socket.AF_INET, 5, state, 0, 1) + nla.attribute(
            1, bytes([192, 0, 2, state])
        )

    incomplete, reachable, failed, no_arp, permanent = 0x01, 0x02, 0x20, 0x40, 0x80
    found = rtnl_neigh.asked_in_vain(
        [body(state) for state in (incomplete, reachable, failed, no_arp, permanent)], {5: "br0"}
    )
    assert set(found) == {("br0", "192.0.2.1"), ("br0", "192.0.2.32")}
    assert all(
        gone[4:8] == struct.pack("=i", 5)
        and gone.endswith(bytes([192, 0, 2, int(who[1].rpartition(".")[2])]))
        for who, gone in found.items()
    )


def test_a_neighbour_on_another_device_stays_permanent_or_is_to_be_asked_again() -> None:
    for text, body in NEIGHBOURS:
        for neighbour in rtnl_neigh.decode_neighbours([body], NAMES):
            sent = rtnl_neigh.reneighbour(neighbour, 77)
            (again,) = rtnl_neigh.decode_neighbours([sent], {77: "br0"})
            assert (again.dev, again.address, again.mac) == (
                "br0",
                neighbour.address,
                neighbour.mac,
            )
            assert again.state == (
                rtnl_neigh.NUD_PERMANENT if "PERMANENT" in text else rtnl_neigh.NUD_STALE
            )
            assert bool(sent[10] & 0x80) == ("router" in text)


def test_the_forwarding_database_is_what_bridge_prints_of_bridges() -> None:
    found = {
        (one.mac, one.port): one
        for one in rtnl_neigh.decode_fdb([body for _text, body in FDB], NAMES)
    }
    printed = {
        (text.split()[0], word(text, "dev")): text for text, _body in FDB if "master br0" in text
    }
    assert set(found) == set(printed)
    for key, text in printed.items():
        entry, words = found[key], text.split()
        assert entry.bridge == "br0"
        assert entry.local == ("permanent" in words)
        assert entry.static == ("permanent" in words or "static" in words)
        assert bool(entry.flags & rtnl_neigh.NTF_STICKY) == ("sticky" in words)
        assert bool(entry.flags & rtnl_neigh.NTF_EXT_LEARNED) == ("extern_learn" in words)


def test_the_type_of_an_entry_is_in_iproute2s_words() -> None:
    def entry(local: bool, static: bool, flags: int = 0) -> rtnl_neigh.Forwarding:
        return rtnl_neigh.Forwarding(
            "br0", "tap1", "52:54:00:00:00:01", None, local, static, 0.0, flags
        )

    assert [entry(*one).type for one in ((True, True), (False, True), (False, False))] == [
        "permanent",
        "static",
        "dynamic",
    ]
    assert entry(False, True, rtnl_neigh.NTF_STICKY).sticky and not entry(False, True).sticky
    assert entry(False, False, rtnl_neigh.NTF_EXT_LEARNED).extern_learn


def test_what_is_no_neighbour_to_tell_of_is_left_out() -> None:
    mac, address = nla.attribute(2, bytes(6)), nla.attribute(1, bytes([192, 0, 2, 1]))
    bodies = [
        rtnl_neigh.NEIGHBOUR.pack(socket.AF_INET, 5, 0x01, 0, 1) + address,
        rtnl_neigh.NEIGHBOUR.pack(7, 5, 0x80, 0, 1) + mac,
        rtnl_neigh.NEIGHBOUR.pack(socket.AF_INET, 5, 0x20, 0, 1) + address + mac,
    ]
    assert rtnl_neigh.decode_neighbours(bodies, {5: "br0"}) == ()
    assert rtnl_neigh.decode_fdb(bodies, {5: "br0"}) == (), "a filter of a NIC is no bridge's"


def test_whom_the_host_talks_to_is_seen_behind_these_ports() -> None:
    def neighbour(mac: str | None) -> rtnl_neigh.Neighbour:
        return rtnl_neigh.Neighbour("br0", "192.0.2.1", 2, mac, 0x02)

    def entry(mac: str, port: str, local: bool = False) -> rtnl_neigh.Forwarding:
        return rtnl_neigh.Forwarding("br0", port, mac, None, local, local, 0.0)

    found = rtnl_neigh.peers(
        [neighbour("a"), neighbour("b"), neighbour(None)],
        [entry("a", "eth0"), entry("a", "tap1"), entry("c", "tap2"), entry("b", "br0", local=True)],
    )
    assert found == {"a": ("eth0", "tap1"), "b": ()}


def test_what_somebody_set_lasts_and_what_was_heard_does_not() -> None:
    permanent = rtnl_neigh.Neighbour("br0", "192.0.2.1", 2, None, rtnl_neigh.NUD_PERMANENT)
    heard = rtnl_neigh.Neighbour("br0", "192.0.2.1", 2, None, 0x02)
    proxy = rtnl_neigh.Neighbour("br0", "192.0.2.1", 2, None, 0, proxy=True)
    assert [one.lasting for one in (permanent, heard, proxy)] == [True, False, True]
    assert permanent.key == heard.key != proxy.key
