# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a manager says of a bridge and of its ports, beside what the kernel has and what files of ours say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    Address,
    Link,
    Snapshot,
)
from ansible_collections.hypervisor.network.plugins.module_utils._managers.agreement import (
    Belief,
    disagreements,
)

UP = 0x1 | 0x10000
V4, V6 = 2, 10
OURS, OTHER = "/etc/systemd/network/05-ours-br0.network", "/etc/systemd/network/00-br.network"
HOST = Snapshot(
    {
        "br0": Link("br0", 2, "bridge", UP),
        "eth0": Link("eth0", 3, "", UP, master="br0", port={}),
        "tap1": Link("tap1", 4, "tun", UP, master="br0", port={}),
    },
    (Address("br0", "10.0.0.2/24", V4), Address("br0", "10.0.0.9/32", V4, scope=253)),
)
WITHIN = replace(HOST, links={dev: one for dev, one in HOST.links.items() if dev != "eth0"})
# a bridge that networkd has by a file of ours, and the address that it leased
WELL = Belief(
    "networkd", has=True, source=OURS, state="routable", lease="10.0.0.2", ours=[OURS], file=OURS
)
PORT = Belief("networkd", has=True, source=OURS, state="enslaved", ours=[OURS])


@pytest.mark.parametrize(
    ("dev", "said", "sentence"),
    [
        ("br0", WELL, None),
        ("br0", replace(WELL, lease=""), None),  # static, or asking
        ("br0", replace(WELL, state="degraded-carrier"), "networkd says that br0 is degraded-carrier, and it is up with 10.0.0.2/24"),
        ("br0", replace(WELL, state="no-carrier"), "networkd says that br0 is no-carrier, and it is up with 10.0.0.2/24"),
        ("br0", replace(WELL, failed=True), "networkd says that it failed to set up br0"),
        ("br0", replace(WELL, has=False), f"networkd leaves br0 alone, although it is networkd's by {OURS}, so nobody renews its addresses"),
        ("br0", replace(WELL, looks_on=True), f"networkd takes br0 for somebody else's, although it is networkd's by {OURS}, so nobody renews its addresses"),
        ("br0", replace(WELL, runs=False), f"br0 is networkd's by {OURS}, and networkd does not run, so nobody renews its addresses"),
        ("br0", replace(WELL, source=OTHER), f"networkd goes by {OTHER} for br0, and not by {OURS}"),
        ("br0", replace(WELL, source=""), None),  # it tells none
        ("br0", replace(WELL, lease="10.0.0.3"), "networkd has the lease of 10.0.0.3 for br0, which has 10.0.0.2/24"),
        ("br0", replace(WELL, lease="10.0.0.3", look="ask it"), "networkd has the lease of 10.0.0.3 for br0, which has 10.0.0.2/24; see 'ask it'"),
        # an administrator's own, and nobody's
        ("br0", replace(WELL, source=OTHER, ours=()), None),
        ("br0", replace(WELL, source=OTHER, ours=(), lease="10.0.0.3"), "networkd has the lease of 10.0.0.3 for br0, which has 10.0.0.2/24"),
        ("br0", Belief("networkd"), None),
        ("br0", Belief("networkd", runs=False), None),
        ("br0", Belief("NetworkManager", has=True, looks_on=True, source="its own"), None),
        # what is left of it where it does not run
        ("br0", replace(WELL, ours=(), runs=False, lease="10.0.0.3"), None),
        ("br0", Belief("networkd", off=OURS), None),
        ("br0", Belief("networkd", has=True, source=OTHER, off=OURS), f"networkd has br0 by {OTHER}, although {OURS} keeps it off"),
        ("eth0", PORT, None),
        ("eth0", replace(PORT, has=False), None),  # it has nothing to be renewed
        ("eth0", replace(PORT, source=OTHER), None),  # whether that keeps it in its bridge is the takers' to say
        ("eth0", replace(PORT, lease="10.0.0.2"), None),  # what is left of it until networkd begins anew
        ("tap1", Belief("networkd", has=True, off=OURS), f"networkd has tap1, although {OURS} keeps it off"),
        ("tap1", Belief("networkd", has=True, off=OURS, runs=False), None),
    ],
)  # fmt: skip
def test_what_a_manager_believes(dev: str, said: Belief, sentence: str | None) -> None:
    assert disagreements(HOST, {dev: [said]}) == ({} if sentence is None else {dev: sentence})


@pytest.mark.parametrize(
    ("now", "said", "sentence"),
    [
        # nothing is to be renewed for a bridge of guests alone
        (WITHIN, replace(WELL, has=False), None),
        (WITHIN, replace(WELL, lease="10.0.0.3"), None),
        (replace(HOST, addresses=()), WELL, "networkd has the lease of 10.0.0.2 for br0, which has no address"),
        (replace(HOST, addresses=()), replace(WELL, lease=""), "networkd says that br0 is routable, and it has no address"),
        (replace(HOST, addresses=()), replace(WELL, lease="", state="degraded"), None),
        # one of IPv6 may be looked for elsewhere first, and a bridge without a carrier is as networkd says
        (replace(HOST, addresses=(Address("br0", "fd77::1/64", V6),)), replace(WELL, lease="", state="degraded"), None),
        (replace(HOST, links={**HOST.links, "br0": Link("br0", 2, "bridge", 0x1)}), replace(WELL, state="no-carrier"), None),
    ],
)  # fmt: skip
def test_what_the_kernel_has_of_a_bridge(now: Snapshot, said: Belief, sentence: str | None) -> None:
    assert disagreements(now, {"br0": [said]}) == ({} if sentence is None else {"br0": sentence})


def test_a_device_has_one_sentence_whoever_says_more() -> None:
    wrong = replace(WELL, failed=True, source=OTHER)
    assert disagreements(HOST, {"br0": [WELL, wrong, replace(wrong, who="other")]}) == {
        "br0": "networkd says that it failed to set up br0"
    }
