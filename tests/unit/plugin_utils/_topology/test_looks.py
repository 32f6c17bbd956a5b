# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How tenants look, and what a node says."""

from __future__ import annotations

from ansible_collections.hypervisor.network.plugins.plugin_utils._topology import looks
from ansible_collections.hypervisor.network.plugins.plugin_utils._topology.model import BAD, Node


def test_tenants_look_different_and_neighbours_have_another_sign() -> None:
    assert len({looks.look(number) for number in range(56)}) == 56
    assert looks.look(0).sign != looks.look(7).sign, "the colour comes again, the sign does not"


def test_black_text_can_be_read_on_every_colour() -> None:
    for colour in looks.COLOURS:
        channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        # WCAG's contrast of black on it
        light = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        assert (sum(map(float.__mul__, (0.2126, 0.7152, 0.0722), light)) + 0.05) / 0.05 > 7


def test_a_node_says_what_is_not_as_usual() -> None:
    found = {"id": "x", "severity": "error", "finding": "It is ill."}
    tap = Node("dev/tap1", "tap", "tap1", BAD, "down", tenant="blue", findings=[found])
    assert looks.lines(tap, {"blue": 0}) == ["tap1", "down", "It is ill."]
    guest = Node("guest/vm1", "guest", "vm1", state="running", mark="surplus", tenant="blue")
    assert looks.lines(guest, {"blue": 1}) == ["vm1", "surplus", "■ blue"]
    wire = Node("dev/eth0", "nic", "eth0", facts=[("LLDP neighbour", "sw1 Gi0/1")])
    assert looks.lines(wire, {}) == ["eth0 (nic)", "⇄ sw1 Gi0/1"]
    assert looks.lines(Node("dev/br0", "bridge", "br0"), {}) == ["br0 (bridge)"]
