# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. Options of bridges and ports that the host's iproute2 does not know, written so that they boot: the kernel takes most of them as files too.

Files: Linux' net/bridge/br_sysfs_br.c and br_sysfs_if.c.
"""

from __future__ import annotations

import re
import shlex
from typing import Callable, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.commands import (
    questions,
    words_of_one,
)

# Whether the host's tool takes a question of commands.questions
Knows = Callable[[Sequence[str]], bool]

_SAME = (
    "forward_delay hello_time max_age ageing_time stp_state priority group_fwd_mask vlan_filtering vlan_stats_enabled vlan_stats_per_port "
    "nf_call_iptables nf_call_ip6tables nf_call_arptables no_linklocal_learn"
).split()
_MULTICAST = (
    "snooping querier router query_use_ifaddr last_member_count startup_query_count last_member_interval membership_interval querier_interval "
    "query_interval query_response_interval startup_query_interval stats_enabled igmp_version mld_version"
).split()
_BRIDGE = {
    **{word: word for word in _SAME},
    **{f"mcast_{word}": f"multicast_{word}" for word in _MULTICAST},
    "mcast_hash_max": "hash_max",
    "group_address": "group_addr",
    "vlan_default_pvid": "default_pvid",
}
_PORT = {
    **{
        word: word
        for word in "priority root_block learning neigh_suppress isolated group_fwd_mask backup_port".split()
    },
    "cost": "path_cost",
    "hairpin": "hairpin_mode",
    "guard": "bpdu_guard",
    "fastleave": "multicast_fast_leave",
    "flood": "unicast_flood",
    "mcast_flood": "multicast_flood",
    "bcast_flood": "broadcast_flood",
    "mcast_router": "multicast_router",
    "mcast_to_unicast": "multicast_to_unicast",
    "proxy_arp": "proxyarp",
    "proxy_arp_wifi": "proxyarp_wifi",
}
_SWITCH = {"on": "1", "off": "0"}
_NUMBER_OR_MAC = re.compile(r"\d+|0x[0-9a-fA-F]+|[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){5}")


def bootable(line: str, knows: Knows) -> list[str]:
    """The same as lines that boot: what the host's tool does not know, and the kernel has a file for, is written there, a line each.

    What neither knows stays, for the tool to refuse it by name; so does a line that is more than one command.
    """
    asked = questions(line)
    command = _command(line)
    if len(asked) != 1 or command is None or knows(asked[0]):
        return [line]
    head, pairs, folder, files = command
    left: list[str] = []
    written: list[str] = []
    for word, given in pairs:
        file, value = files.get(word), _SWITCH.get(given, given)
        odd = word != "backup_port" and not _NUMBER_OR_MAC.fullmatch(value)
        if file is None or odd or knows(questions(_joined([*head, word, given]))[0]):
            left += [word, given]
        else:
            written.append(f"echo {shlex.quote(value)} > {folder}/{file}")
    return ([_joined([*head, *left])] if left else []) + written


def _command(line: str) -> tuple[list[str], list[tuple[str, str]], str, dict[str, str]] | None:
    """The words before the options, the options, and where the kernel has them as files; None for what is no such command alone."""
    words = words_of_one(line)
    if words is None or words[1:4] != ["link", "set", "dev"] or len(words) < 7:
        return None
    device = shlex.quote(words[4])
    if words[0] == "ip" and words[5:7] == ["type", "bridge"]:
        head, folder, files = words[:7], f"/sys/class/net/{device}/bridge", _BRIDGE
    elif words[0] == "bridge":
        head, folder, files = words[:5], f"/sys/class/net/{device}/brport", _PORT
    else:
        return None
    rest = words[len(head) :]
    if len(rest) % 2:
        return None
    return head, list(zip(rest[::2], rest[1::2])), folder, files


def _joined(words: Sequence[str]) -> str:
    return " ".join(shlex.quote(word) for word in words)
