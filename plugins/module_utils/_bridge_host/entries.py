# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. Static forwarding entries that bridges shall have, held against what runs and what boots. The role makes none of them; an audit tells what drifted."""

from __future__ import annotations

import re
from typing import Any, Iterable, Iterator, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core import arguments
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import BadInput
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change, differing
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Snapshot
from ansible_collections.hypervisor.network.plugins.module_utils._fdb import plan as fdb_plan
from ansible_collections.hypervisor.network.plugins.module_utils._fdb import spec as fdb_spec
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.neigh import Forwarding

Wishes = Sequence[Mapping[str, Any]]
# what a line of interfaces(5) can say of an entry
_SAYS = ("port", "type", "sticky")
_HEAD = re.compile(r"\s*iface\s+(\S+)")
_LINE = re.compile(
    r"\s*(?:pre-up|post-up|up)\s+(?:/\S*/)?bridge\s+fdb\s+(?:add|append|replace)\s+(.+)"
)
_TYPES = {"static": "static", "permanent": "permanent", "local": "permanent"}
_PASSING = ("dynamic", "temp")


def checked(items: Iterable[Mapping[str, Any]]) -> Wishes:
    """The items as bridge_fdb has them. Raises BadInput."""
    found = []
    for item in items:
        one, wrong = arguments.typed(item, fdb_spec.SPEC)
        if wrong:
            raise BadInput(f"An entry of fdb: {'; '.join(wrong)}.")
        found.append({**dict.fromkeys(fdb_spec.SPEC), **one})
    wish = fdb_spec.checked(found, {"entries": found, "mac": None, "flush": None})
    return list(wish["entries"])


def changes(
    now: Snapshot, fdb: Iterable[Forwarding], texts: Mapping[str, str] | None, wishes: Wishes
) -> list[dict[str, Any]]:
    """What is otherwise than wished, each change with its C(step), fdb or persist. On the bridges that are named a static entry is surplus that nobody wishes.

    C(texts) are the files of interfaces(5) by path, None where nothing is written there. Raises Refused for a wish that no host can have.
    """
    found = [("fdb", one) for one in _kernel(now, tuple(fdb), wishes)]
    if texts is not None:
        found += [("persist", one) for one in _boot(now, list(_lines(texts.values())), wishes)]
    return [{"step": step, **one.as_dict()} for step, one in found]


def _kernel(now: Snapshot, fdb: tuple[Forwarding, ...], wishes: Wishes) -> Iterator[Change]:
    for bridge in dict.fromkeys(one["bridge"] for one in wishes):
        own = [one for one in wishes if one["bridge"] == bridge]
        others = {"bridge": bridge, "port": None, "vlan": None, "type": "static", "sticky": None, "extern_learn": False}  # fmt: skip
        yield from fdb_plan.plan(fdb_plan.Table(now, fdb), {"entries": own, "flush": others})


def _boot(now: Snapshot, lines: Sequence[Mapping[str, Any]], wishes: Wishes) -> Iterator[Change]:
    bridges = {one["bridge"] for one in wishes}
    wished = {(one["mac"], one["vlan"]) for one in wishes if one["state"] == "present"}
    said = {(one["mac"], one["vlan"]): one for one in lines}
    for wish in wishes:
        key = (wish["mac"], wish["vlan"])
        if wish["state"] != "present" or wish["type"] == "dynamic":
            continue
        asked = {word: wish[word] for word in _SAYS if wish[word] is not None}
        line = said.get(key)
        if line is None:
            yield Change("create", fdb_plan.KIND, fdb_spec.name_of((wish["bridge"], *key)), None, asked)  # fmt: skip
            continue
        after = differing(line, asked)
        if after:
            before = {word: line[word] for word in after}
            yield Change("update", fdb_plan.KIND, fdb_spec.name_of((wish["bridge"], *key)), before, after)  # fmt: skip
    for key, line in said.items():
        link = now.links.get(line["port"])
        bridge = link.master if link is not None else None
        if bridge in bridges and key not in wished:
            yield Change("delete", fdb_plan.KIND, fdb_spec.name_of((bridge, *key)), {word: line[word] for word in _SAYS}, None)  # fmt: skip


def _lines(texts: Iterable[str]) -> Iterator[dict[str, Any]]:
    """The entries that lines of interfaces(5) make at boot, in the words of bridge_fdb."""
    for text in texts:
        stanza = ""
        for line in text.replace("\\\n", " ").splitlines():
            head, found = _HEAD.match(line), _LINE.match(line)
            if head:
                stanza = head[1]
            elif found:
                entry = _entry(found[1].split(), stanza)
                if entry is not None:
                    yield entry


def _entry(words: list[str], stanza: str) -> dict[str, Any] | None:
    """An entry as C(bridge fdb add) has it; None for one of the device itself, and for one that passes."""
    values = dict(zip(words, words[1:]))
    if "dev" not in values or "master" not in words or set(words) & set(_PASSING):
        return None
    types = [_TYPES[word] for word in words if word in _TYPES]
    vlan = values.get("vlan", "")
    return {
        "mac": words[0].lower(),
        "vlan": int(vlan) if vlan.isdecimal() else None,
        "port": stanza if values["dev"] in ("$IFACE", "${IFACE}", '"$IFACE"') else values["dev"],
        # bridge(8) says permanent where nothing is said
        "type": types[-1] if types else "permanent",
        "sticky": "sticky" in words,
    }
