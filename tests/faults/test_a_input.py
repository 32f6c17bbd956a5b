# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Group A: input that can't be meant."""

from __future__ import annotations

import pytest

from ansible_collections.hypervisor.network.tests.harness.lan import lan
from ansible_collections.hypervisor.network.tests.harness.netns import batch

NAMES = ["a-name-of-16-byt", "%d", "-x", ".", "..", "a/b", "br0\n", "br:0", "", "brücke"]


def test_a01_a02_names_that_are_no_device_names_are_refused(refused):
    with lan(echo=False) as made:
        for number, name in enumerate(NAMES):
            refused(made.host, **{"name" if number % 2 else "bridge": name})


@pytest.mark.parametrize(
    ("nic", "words"),
    [("br0", ["br0"]), ("br1", ["br1", "bridge"]), ("lo", ["lo", "loopback"]), ("tap1", ["tap1"]), ("eth9", ["eth9", "eth0"])],
)
def test_a05_what_can_be_no_uplink_is_refused(refused, nic, words):
    with lan(echo=False) as made:
        batch(made.host, "link add br0 type bridge\nlink add br1 type bridge\ntuntap add tap1 mode tap\n")
        refused(made.host, *words, name=nic)


def test_a05_a_port_of_another_bridge_is_refused_and_stays_there(refused):
    with lan(echo=False) as made:
        batch(made.host, "link add br1 type bridge\nlink set eth0 master br1\n")
        refused(made.host, "eth0", "br1")


def test_a05_a_bridge_name_taken_by_another_kind_is_refused(refused):
    with lan(echo=False) as made:
        batch(made.host, "tuntap add br0 mode tap\n")
        refused(made.host, "br0", "tun")
