# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. The files that ifupdown reads, before and after a plan, and how they are shown to people."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from typing import Any, Iterator, Mapping, Sequence, Union

from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown import lines
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.document import Document

Docs = Mapping[str, Document]
GROUPS = {"auto": "auto", "allow_hotplug": "hotplug"}


@dataclass(frozen=True)
class Files:
    """The files that ifupdown reads, in its order: path as it is reached -> text (bytes as UTF-8 with surrogateescape).

    C(root) is the first. C(includes) has, for each file, the files that its source lines lead to, line by line. C(openings)
    are what those lines say, as (source or source-directory, absolute pattern). C(cloud_init) tells whether cloud-init writes the network's configuration.
    C(ifupdown2) tells whether that reads them, and not ifupdown.
    C(switches) are our files by which cloud-init leaves the network alone, by path, and C(cloud) is the folder of such files, None without cloud-init.
    C(unsteady) has the NICs whose name another boot may change, each with why.
    C(metrics) has, by device, the metric of the routes that a DHCP client has set just now; what has none is not there.
    """

    root: str
    texts: Mapping[str, str]
    includes: Mapping[str, Sequence[Sequence[str]]] = field(default_factory=dict)
    openings: Sequence[tuple[str, str]] = ()
    cloud_init: bool = True
    metrics: Mapping[str, int] = field(default_factory=dict)
    ifupdown2: bool = False
    unsteady: Mapping[str, str] = field(default_factory=dict)
    switches: Mapping[str, str] = field(default_factory=dict)
    cloud: str | None = None


@dataclass(frozen=True)
class Texts:
    """The payload of a file's change: its text before and after, None where there is no file; C(keep) asks for a backup.

    C(meanwhile) is what it says until the other files of the plan are written; see interim.py. C(stanzas) is whether ifupdown reads it.
    """

    old: str | None
    new: str | None
    keep: bool = True
    meanwhile: str | None = None
    stanzas: bool = True


@dataclass(frozen=True)
class Restore:
    """The undo: per path (the text that we wrote, the text that was there). What somebody else wrote since is left."""

    texts: Mapping[str, tuple[Union[str, None], Union[str, None]]]


def file_change(path: str, texts: Texts) -> Change:
    action = "create" if texts.old is None else "delete" if texts.new is None else "update"
    return Change(action, "file", path, _hashed(texts.old), _hashed(texts.new), payload=texts)


def files(changes: Sequence[Change]) -> list[tuple[str, Texts]]:
    """What a plan does to files: (path, texts)."""
    return [(change.name, change.payload) for change in changes if change.kind == "file"]


def stanza_files(changes: Sequence[Change]) -> list[tuple[str, Texts]]:
    """Of these, what ifupdown reads."""
    return [(path, texts) for path, texts in files(changes) if texts.stanzas]


def _hashed(text: str | None) -> dict[str, str] | None:
    return (
        None
        if text is None
        else {"sha256": hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()}
    )


def described(docs: Docs, name: str, family: str | None) -> dict[str, Any]:
    """A stanza as the module returns it."""
    found = lines.places(docs, name, family)
    result: dict[str, Any] = {
        "name": name,
        "family": family or (found[0][1].family if found else None),
    }
    result["state"] = "present" if found else "absent"
    result["method"] = found[0][1].method if found else None
    result["file"] = found[0][0] if found else None
    result["options"] = [
        [readable(key), readable(value)] for _path, stanza in found for key, value in stanza.options
    ]
    for option, group in GROUPS.items():
        result[option] = any(doc.selected(group, name) for doc in docs.values())
    return result


def readable(text: str) -> str:
    """Text for people and JSON: bytes that are not UTF-8 become the replacement character."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def told(before: Docs, after: Docs) -> list[Change]:
    """What changed, stanza by stanza."""
    names: dict[tuple[str, str | None], None] = {}
    for docs in (before, after):
        names.update(
            ((stanza.name, stanza.family), None)
            for doc in docs.values()
            for stanza in doc.stanzas()
        )
    changes = []
    for name, family in names:
        old, new = (_facts(docs, name, family) for docs in (before, after))
        if old == new:
            continue
        action = "create" if old is None else "delete" if new is None else "update"
        if old is not None and new is not None:
            keys = [key for key in new if old[key] != new[key]]
            old, new = {key: old[key] for key in keys}, {key: new[key] for key in keys}
        changes.append(Change(action, "stanza", " ".join(filter(None, (name, family))), old, new))
    return changes


def _facts(docs: Docs, name: str, family: str | None) -> dict[str, Any] | None:
    facts = described(docs, name, family)
    return (
        None
        if facts["state"] == "absent"
        else {key: facts[key] for key in ("file", "method", "options", *GROUPS)}
    )


def after(now: Files, changes: Sequence[Change]) -> Files:
    """The files as they are after a plan."""

    def there(old: Mapping[str, str], own: bool) -> dict[str, str]:
        edited = {path: one.new for path, one in files(changes) if one.stanzas is own}
        return {path: text for path, text in {**old, **edited}.items() if text is not None}

    switches = there(now.switches, False)
    off = bool(switches) or not (now.cloud_init or now.switches)
    return replace(now, texts=there(now.texts, True), switches=switches, cloud_init=not off)


def docs_after(now: Files, changes: Sequence[Change]) -> dict[str, Document]:
    """The files as they are after a plan, or in check mode would be."""
    texts = {**now.texts, **{path: change.new or "" for path, change in stanza_files(changes)}}
    return {path: Document(text) for path, text in texts.items()}


def diff(changes: Sequence[Change]) -> list[dict[str, str]]:
    """Ansible's diff: each file's text, before and after."""
    return [
        {
            "before_header": path,
            "after_header": path,
            "before": readable(texts.old or ""),
            "after": readable(texts.new or ""),
        }
        for path, texts in files(changes)
    ]


def flat(now: Files, changes: Sequence[Change]) -> tuple[str, list[str]]:
    """All files as ifupdown would read them, in one text, each in the place of the line that sources it.

    With it comes, for each of its physical lines, where that stands on disk now, or that it is new.
    """
    docs = docs_after(now, changes)
    seen: set[str] = set()
    raws: list[str] = []
    places: list[str] = []

    def read(path: str) -> None:
        seen.add(path)
        included = iter(now.includes.get(path, ()))
        known = iter(_places(path, now.texts.get(path, ""), docs[path].text))
        for line in docs[path].lines:
            own = [next(known, path) for _line in range(line.raw.count("\n") or 1)]
            if line.kind in ("source", "source-directory"):
                for one in next(included, ()):
                    if one not in seen:
                        read(one)
            else:
                raws.append(line.raw)
                places.extend(own)
        if raws and not raws[-1].endswith("\n"):
            raws.append("\n")

    read(now.root)
    for path in docs:
        if path not in seen:
            read(path)
    return "".join(raws), places


def _places(path: str, old: str, new: str) -> list[str]:
    """For each line of the new text, its place in the old one."""
    before, after = old.split("\n"), new.split("\n")
    found = [f"the new line '{readable(line.strip())}' of {path}" for line in after]
    often, where = Counter(before), {line: number for number, line in enumerate(before, 1)}
    for number, line in enumerate(after):
        if often[line] == 1:
            found[number] = f"{path}:{where[line]}"
    for start, other, size in _alike(before, after):
        for offset in range(size):
            found[other + offset] = f"{path}:{start + offset + 1}"
    return found


def _alike(before: list[str], after: list[str]) -> Iterator[tuple[int, int, int]]:
    """What stayed, as C((place before, place after, number of lines)).

    An edit touches few lines, and comparing all with all takes minutes in a file of many that are alike: what both begin and end with is set aside.
    """
    most = min(len(before), len(after))
    head = next((n for n in range(most) if before[n] != after[n]), most)
    tail = next((n for n in range(most - head) if before[-1 - n] != after[-1 - n]), most - head)
    yield 0, 0, head
    inner = before[head : len(before) - tail], after[head : len(after) - tail]
    for block in SequenceMatcher(None, *inner, autojunk=False).get_matching_blocks():
        yield head + block.a, head + block.b, block.size
    yield len(before) - tail, len(after) - tail, tail
