# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What ifupdown2 is told, so that C(ifreload -a), which makes a host as its files say, leaves guests and links alone.

It takes everything out of a bridge that C(bridge_ports) does not name, as taps, until a hook of ours plugs them in again; and it gives each device that has a
stanza link-local addresses by EUI-64, for which it takes a port without any down and up (addons/bridge.py and address.py of ifupdown2 3).
"""

from __future__ import annotations

from typing import Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.commands import (
    without_link_local,
)
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.document import (
    Document,
    Stanza,
)
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.grammar import (
    COMMANDS,
    Line,
    canonical,
)
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.lines import places

_CONDONED = ("bridge_ports_condone_regex", ".*")
_NO_LINK_LOCAL = ("ipv6-addrgen", "off")


def left_alone(docs: Mapping[str, Document], name: str) -> None:
    """Write that into the stanzas of a name and of the ports that its hooks name, where nothing else is said of it."""
    own = places(docs, name)
    for path, stanza in reversed(own):
        if stanza.values("bridge_ports"):
            _say(docs[path], stanza, *_CONDONED)
    for device in {device for _path, stanza in own for device in _without_link_local(stanza)}:
        for path, stanza in reversed(places(docs, device)):
            _say(docs[path], stanza, *_NO_LINK_LOCAL)


def ours(line: Line, device: str, stanza: Stanza) -> bool:
    """Whether a line is what C(left_alone) wrote for a device, by the hooks of a stanza, and goes with them."""
    key, value = _NO_LINK_LOCAL
    same = canonical(line.key) == canonical(key) and line.value == value
    return same and device in _without_link_local(stanza)


def _without_link_local(stanza: Stanza) -> set[str]:
    hooks = (line.value for line in stanza.lines if canonical(line.key) in COMMANDS)
    return {device for hook in hooks for device in without_link_local(hook)}


def _say(doc: Document, stanza: Stanza, key: str, value: str) -> None:
    if not stanza.values(key):
        doc.set_option(stanza, key, (value,))
