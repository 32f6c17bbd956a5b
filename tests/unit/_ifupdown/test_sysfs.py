# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines of options that the host's iproute2 does not know, as they boot; what they do is in tests/integration/test_stanza_asked.py."""

from __future__ import annotations

from typing import Sequence

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown import sysfs


def lacking(*words: str) -> sysfs.Knows:
    """A host whose tools do not know these words."""

    def knows(question: Sequence[str]) -> bool:
        return not set(words) & set(question)

    return knows


IP = "ip link set dev br0 type bridge"
PORT = "bridge link set dev tap1"
CASES = [
    # all is known
    (f"{IP} mcast_snooping 0", (), [f"{IP} mcast_snooping 0"]),
    # one is not, and the others stay together
    (
        f"{IP} mcast_snooping 0 no_linklocal_learn 1 group_fwd_mask 8",
        ("no_linklocal_learn",),
        [
            f"{IP} mcast_snooping 0 group_fwd_mask 8",
            "echo 1 > /sys/class/net/br0/bridge/no_linklocal_learn",
        ],
    ),
    # none is left for the tool
    (f"{PORT} proxy_arp on", ("proxy_arp",), ["echo 1 > /sys/class/net/tap1/brport/proxyarp"]),
    (
        f"{PORT} isolated on hairpin off cost 5",
        ("hairpin", "cost"),
        [
            f"{PORT} isolated on",
            "echo 0 > /sys/class/net/tap1/brport/hairpin_mode",
            "echo 5 > /sys/class/net/tap1/brport/path_cost",
        ],
    ),
    # neither knows: it stays, to be refused by name
    (f"{IP} fdb_max_learned 9", ("fdb_max_learned",), [f"{IP} fdb_max_learned 9"]),
    (
        f"{IP} fdb_max_learned 9 vlan_default_pvid 0",
        ("fdb_max_learned", "vlan_default_pvid"),
        [f"{IP} fdb_max_learned 9", "echo 0 > /sys/class/net/br0/bridge/default_pvid"],
    ),
    # nobody would say at boot what is wrong with this value
    (f"{PORT} proxy_arp maybe", ("proxy_arp",), [f"{PORT} proxy_arp maybe"]),
    # no command of options alone
    *(
        (line, ("cost", "mcast_snooping"), [line])
        for line in (
            f"{PORT} cost 5 && echo done",
            f"{PORT} cost 5 || true",
            f"{PORT} cost $COST",
            f"sudo {PORT} cost 5",
            f"{PORT} cost",
            "bridge link set tap1 cost 5",
            "ip link set dev br0 mtu 1400 type bridge mcast_snooping 0",
            "ip link set dev tap1 type bridge_slave cost 5",
            "echo bridge link set dev tap1 cost 5",
            "",
        )
    ),
]


@pytest.mark.parametrize(("line", "lacks", "written"), CASES)
def test_a_line_as_it_boots(line: str, lacks: tuple[str, ...], written: list[str]) -> None:
    assert sysfs.bootable(line, lacking(*lacks)) == written


def test_what_is_written_is_one_word_to_the_shell() -> None:
    line = "bridge link set dev tap1 backup_port 'a;b'"
    written = ["echo 'a;b' > /sys/class/net/tap1/brport/backup_port"]
    assert sysfs.bootable(line, lacking("backup_port")) == written
