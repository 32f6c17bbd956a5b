# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What a file says for the moment in which a move between two files is half done: so much that a host which boots then is reachable.

Files are replaced one after the other. Were the bridge's file first, nothing would have the addresses; were the NIC's, both would. So the file that
loses the stanzas first has those of the other name at its end, then the other file gets them for good, and then this one gives them up.
Between the last two steps they stand there twice, which ifupdown takes as one interface (interfaces(5): several iface stanzas of one name).
"""

from __future__ import annotations

from typing import Collection

from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown import lines
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.files import GROUPS, Docs

_WORDS = {"auto": "auto", "hotplug": "allow-hotplug"}


def texts(
    before: Docs, after: Docs, source: str, goal: str, changed: Collection[str]
) -> dict[str, str]:
    """Texts for meanwhile by path, where what C(source) had in one file becomes C(goal)'s in another; empty where one file is all."""
    gaining = [(path, stanza) for path, stanza in lines.places(after, goal) if path in changed]
    gainers = {path for path, _stanza in gaining}
    losers = [
        path
        for path, _stanza in lines.places(before, source)
        if path in changed and path not in gainers
    ]
    if not gaining or not losers:
        return {}
    loser = after[losers[0]]
    raws = [
        f"{_WORDS[group]} {goal}{loser.eol}"
        for group in GROUPS.values()
        if any(doc.selected(group, goal) for doc in after.values())
    ]
    for path, stanza in gaining:
        raws += [
            _ended(line.raw, loser.eol) for line in after[path].lines[stanza.start : stanza.stop]
        ]
    return {losers[0]: _ended(loser.text, loser.eol) + "".join(raws)}


def _ended(text: str, eol: str) -> str:
    return text if not text or text.endswith("\n") else text + eol
