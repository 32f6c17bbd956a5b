# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. Names that are made from a device's: C(eth0:1) is an address of eth0 and follows it, C(br0.5) is a VLAN on br0 and can't."""

from __future__ import annotations

import re
from typing import Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.document import (
    Document,
    Stanza,
)
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.grammar import (
    COMMANDS,
    canonical,
    whole_word,
    words,
)
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.lines import (
    headed,
    places,
    renamed,
)

Docs = Mapping[str, Document]


def follow(docs: Docs, old: str, new: str) -> bool:
    """Give the alias stanzas of a device the other device's name, in their headers, their hooks, and where they are selected.

    Raises Refused where that one has a stanza.
    """
    found = _of(docs, old)
    for name in dict.fromkeys(stanza.name for _path, stanza in found):
        other = new + name[len(old) :]
        taken = places(docs, other)
        if taken:
            path, stanza = taken[0]
            raise Refused(
                f"{name} would become {other}, which has a stanza at {docs[path].place(path, stanza.start)}; take one of the two away first."
            )
        for path, stanza in reversed(places(docs, name)):
            doc = docs[path]
            raws = [headed(doc, stanza, other)]
            for line in stanza.lines[1:]:
                raws += renamed([line.raw], line, old, new)
            doc.replace(stanza.start, stanza.stop, raws)
    for doc in docs.values():
        for position, line in enumerate(doc.lines):
            if line.kind == "select" and any(_label(word, old) for word in words(line.value)):
                doc.reword(position, _relabelled(line.raw, old, new))
    return bool(found)


def _label(name: str, device: str) -> bool:
    return name.startswith(f"{device}:")


def _relabelled(raw: str, old: str, new: str) -> str:
    return re.sub(rf"(?<=[ \t]){re.escape(old)}(?=:)", new, raw)


def brought_up_first(docs: Docs, bridge: str) -> None:
    """ifup takes names in the order of the C(auto) lines, so the bridge is put before the first of its aliases."""
    for doc in docs.values():
        for position, line in enumerate(doc.lines):
            if line.kind == "iface" and words(line.value)[:1] == [bridge]:
                return
            if line.kind == "select" and line.key in ("auto", "allow-auto"):
                if bridge in words(line.value):
                    return
                if any(_label(word, bridge) for word in words(line.value)):
                    pattern = rf"([ \t]+)(?={re.escape(bridge)}:)"
                    doc.reword(position, re.sub(pattern, rf"\g<1>{bridge}\g<1>", line.raw, count=1))
                    return


def brought_up_too(docs: Docs, bridge: str) -> None:
    """udev tells of no bridge, so that its aliases are brought up with it where those of the NIC were by hotplug.

    By C(allow-auto), the rarer word for C(auto), so that the way back knows the line.
    """
    for path, stanza in _of(docs, bridge):
        if _selected(docs, "hotplug", stanza.name) and not _selected(docs, "auto", stanza.name):
            doc = docs[path]
            doc.insert(stanza.start, [f"allow-auto {stanza.name}{doc.eol}"])


def brought_up_by_hotplug(docs: Docs, bridge: str) -> None:
    """The way back of C(brought_up_too)."""
    for doc in docs.values():
        for position in reversed(range(len(doc.lines))):
            line = doc.lines[position]
            only = words(line.value)
            if line.key == "allow-auto" and len(only) == 1 and _label(only[0], bridge):
                doc.replace(position, position + 1, [])


def _selected(docs: Docs, group: str, name: str) -> bool:
    return any(doc.selected(group, name) for doc in docs.values())


def _of(docs: Docs, device: str) -> list[tuple[str, Stanza]]:
    return [
        (path, stanza)
        for path, doc in docs.items()
        for stanza in reversed(doc.stanzas())
        if _label(stanza.name, device)
    ]


def refuse_devices_upon(docs: Docs, bridge: str) -> None:
    """What is made upon a bridge goes with it. Raises Refused with where it stands."""
    for path, doc in docs.items():
        for stanza in doc.stanzas():
            if re.fullmatch(rf"{re.escape(bridge)}\.\d+(?::.*)?", stanza.name):
                raise Refused(
                    f"{stanza.name} at {doc.place(path, stanza.start)} is a VLAN of {bridge}, which goes; take the stanza away first, or name the NIC in it."
                )
            if stanza.name == bridge:
                continue
            for offset, line in enumerate(stanza.lines):
                key = canonical(line.key)
                if line.kind != "option" or _label(stanza.name, bridge):
                    continue
                if key in ("vlan_raw_device", "bridge_ports", "bond_slaves", "slaves") and (
                    bridge in words(line.value)
                ):
                    what = f"makes {stanza.name} upon {bridge}, which goes"
                elif (
                    key in COMMANDS
                    and whole_word(bridge).search(line.value)
                    and " link add " in f" {line.value} "
                ):
                    what = f"makes a device upon {bridge}, which goes"
                else:
                    continue
                raise Refused(
                    f"{doc.place(path, stanza.start + offset)} {what}; take the line away first, or name the NIC in it."
                )
