# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a worker of the kernel does a moment later: waited for, and not for ever."""

from __future__ import annotations

import socket
import time

from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.snapshot import Netlink
from ansible_collections.hypervisor.network.tests.harness.net.netns import batch, inside

BRIDGE = "link add br0 type bridge forward_delay 0\nlink set br0 up\n"
PORT = "link add port0 type veth peer name far0\nlink set far0 up\nlink set port0 master br0 up\n"


def _wait(method, *words):
    """(the answer, seconds) of a wait for br0, by a socket that this thread opens."""
    start = time.monotonic()
    return getattr(Netlink(), method)(
        socket.if_nametoindex("br0"), *words
    ), time.monotonic() - start


def test_a_bridge_without_a_port_does_not_transmit_in_time(netns):
    batch(netns, BRIDGE)
    answer, seconds = inside(netns, _wait, "wait_until_transmitting", 0.3)
    assert answer is False and 0.3 <= seconds < 2


def test_a_bridge_transmits_once_its_port_brought_the_carrier(netns, ip_json):
    batch(netns, BRIDGE + PORT)
    answer, _seconds = inside(netns, _wait, "wait_until_transmitting", 5)
    assert answer is True
    assert ip_json(netns, "link", "show", "br0")[0]["operstate"] == "UP"


def test_an_address_that_is_not_there_does_not_answer_in_time(netns):
    batch(netns, BRIDGE + PORT + "address add fd77::11/64 dev port0 nodad\n")
    answer, seconds = inside(netns, _wait, "wait_until_answering", "fd77::11", 0.3)
    assert answer is False and 0.3 <= seconds < 2


def test_an_address_answers_once_its_local_route_is_there(netns, ip_json):
    batch(netns, BRIDGE + PORT + "address add fd77::10/64 dev br0 nodad\n")
    answer, _seconds = inside(netns, _wait, "wait_until_answering", "fd77::10", 5)
    assert answer is True
    assert ip_json(netns, "-6", "route", "show", "table", "local", "fd77::10", "dev", "br0")


def test_a_link_local_address_can_be_bound_once_nobody_has_answered_for_it(netns, ip_json):
    batch(netns, BRIDGE)
    answer, seconds = inside(netns, _wait, "wait_until_link_local", 0.3)
    assert answer is False and 0.3 <= seconds < 2, "without a carrier there is none"
    batch(netns, PORT)
    answer, _seconds = inside(netns, _wait, "wait_until_link_local", 20)
    assert answer is True
    (made,) = ip_json(netns, "-6", "address", "show", "dev", "br0")
    (own,) = made["addr_info"]
    assert own["scope"] == "link" and not own.get("tentative")
