# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. The addresses of a name: ifupdown takes one for each stanza, and hooks add others."""

from __future__ import annotations

from typing import Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown import lines
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.commands import NEUTRAL
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.document import (
    Document,
    Stanza,
)
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.files import Docs
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.grammar import (
    COMMANDS,
    canonical,
)
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.validate import address


def _netmask(stanza: Stanza) -> str | None:
    return next(iter(stanza.values("netmask")), None)


def write(
    doc: Document, group: Sequence[Stanza], wish: Sequence[str], netmask: Sequence[str]
) -> None:
    """Give a group of stanzas exactly these addresses: the first in the first stanza, each other in one of its own."""
    mask = netmask[0] if netmask else None
    name, family, first = group[0].name, group[0].family, doc.at(group[0].start)
    if [address(value, _netmask(first)) for value in first.values("address")] != [
        address(value, mask) for value in wish[:1]
    ]:
        doc.set_option(first, "address", wish[:1])
        for key in ("broadcast", "network") + (() if netmask else ("netmask",)):
            doc.set_option(doc.at(first.start), key, ())
    missing = {address(value, mask): value for value in wish[1:]}
    for stanza in reversed(_others(doc, first.start, name, family)):
        own = [address(value, _netmask(stanza)) for value in stanza.values("address")]
        if own and all(one in missing for one in own):
            for one in own:
                del missing[one]
        elif own:
            doc.remove(stanza.start, stanza.stop)
    others = _others(doc, first.start, name, family)
    last = others[-1] if others else doc.at(first.start)
    indent = doc.indent(last)
    raws = [
        raw
        for value in missing.values()
        for raw in (
            doc.eol,
            f"iface {name} {family} static{doc.eol}",
            f"{indent}address {value}{doc.eol}",
        )
    ]
    if raws:
        doc.insert(last.stop, raws)


def _others(doc: Document, first: int, name: str, family: str | None) -> list[Stanza]:
    return [stanza for stanza in doc.stanzas(name, family) if stanza.start > first]


def drop_hooks(
    docs: Docs, name: str, family: str, given: Mapping[str, tuple[str, ...]], said: list[str]
) -> None:
    """Given addresses are all that there shall be, so the hooks that add others of the family go, in whichever stanza of the name."""
    ours = {
        value for key, values in given.items() if canonical(key) in COMMANDS for value in values
    }
    for path, stanza in reversed(lines.places(docs, name)):
        for offset in reversed(range(len(stanza.lines))):
            line = stanza.lines[offset]
            done = lines.commands_of(line, name)
            added = [text for one in done for text in one.addresses]
            if line.value in ours or family not in map(_family_of, added):
                continue
            if all(one.addresses or one.kind == NEUTRAL for one in done):
                docs[path].replace(stanza.start + offset, stanza.start + offset + 1, [])
            else:
                where = docs[path].place(path, stanza.start + offset)
                said.append(
                    f"{where}: the line '{line.key} {line.value}' adds an address beside those that are given, and does more; take the address out of it."
                )


def _family_of(text: str) -> str:
    return "inet6" if ":" in text else "inet"
