# SPDX-License-Identifier: GPL-3.0-or-later
"""The packet filter's rules about a NIC: which of them name it. Sources: nft(8), iptables(8)."""

from __future__ import annotations

import re
from typing import Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._host.programs import printed

# The first of the groups that is installed is asked: nft tells what iptables has set too
PROGRAMS = ((("nft", "--stateless", "list", "ruleset"),), (("iptables-save",), ("ip6tables-save",)))
_IN_QUOTES = re.compile(r'"([^"]*)"')
_AFTER_OPTION = re.compile(r"(?:-i|-o|--physdev-in|--physdev-out) (\S+)")
_COMMENT = re.compile(r'(?:--)?comment (?:"[^"]*"|\S+)')


def naming(dev: str, text: str) -> list[str]:
    """PURE. The rules and sets in the words of nft or iptables-save that name a device, patterns included."""
    found = []
    for line in text.splitlines():
        said = _COMMENT.sub("", line)
        pick, wild = (_AFTER_OPTION, "+") if line.startswith("-A ") else (_IN_QUOTES, "*")
        if any(
            name == dev or (name.endswith(wild) and dev.startswith(name[:-1]))
            for name in pick.findall(said)
        ):
            found.append(line.strip())
    return found


def rules(dev: str, programs: Sequence[Sequence[Sequence[str]]] = PROGRAMS) -> list[str]:
    """This network's rules that name a device; none where no packet filter is installed, or it does not answer."""
    for group in programs:
        answers = [text for text in map(printed, group) if text is not None]
        if answers:
            return [rule for text in answers for rule in naming(dev, text)]
    return []
