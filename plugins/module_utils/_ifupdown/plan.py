# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. (the files that ifupdown reads, wished stanzas) -> Plan.

A stanza here is all that one file says of a name and a family: ifupdown takes one address per stanza, so several addresses
are several C(iface) lines of one name, of which the first carries everything else. The plan tells stanzas, for people, and
files with their texts before and after, which is what is written: all edits of a file are one change of it.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown import (
    addresses,
    aliases,
    handback,
    ifreload,
    interim,
    lines,
    owners,
    switches,
    takeover,
)
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.document import (
    Document,
    Stanza,
)
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.files import (
    GROUPS,
    Docs,
    Files,
    Restore,
    Texts,
    file_change,
    told,
)
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.grammar import (
    COMMANDS,
    canonical,
    words,
)
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.validate import (
    IFUPDOWN2,
    Wish,
)

_CLOUD_INIT = re.compile(r"/50-cloud-init[^/]*$")


def plan(
    now: Files, wish: Sequence[Wish] | Restore, cloud_init_network: bool | None = None
) -> list[Change]:
    """The changes of stanzas, then those of files. Raises Refused with the file and the line where that helps.

    C(cloud_init_network) is whether cloud-init may write the network's files, None where that stays as it is.
    """
    if isinstance(wish, Restore):
        there = {**now.texts, **now.switches}
        return [
            file_change(path, Texts(ours, old, False, stanzas=not switches.is_switch(now, path)))
            for path, (ours, old) in wish.texts.items()
            if there.get(path) == ours != old
        ]
    off = switches.is_off(now, wish, cloud_init_network)
    before = _documents(now)
    after, _notes = _edited(now, wish)
    if now.ifupdown2:
        for one in wish:
            if one.state != "absent":
                ifreload.left_alone(after, one.name, before)
    changes: list[Change] = []
    changed = {path for path, doc in after.items() if doc.text != (now.texts.get(path) or "")}
    meanwhile: dict[str, str] = {}
    goals: set[str] = set()
    for one in wish:
        moves = {one.take_over: one.name, one.name: one.hand_back}
        for source, goal in moves.items():
            if source is not None and goal is not None:
                goals.add(goal)
                meanwhile.update(interim.texts(before, after, source, goal, changed))
    # what only loses a stanza that another file gets goes first: until then, what stood there before holds
    gaining = {path for goal in goals for path, _stanza in lines.places(after, goal)}
    for path in sorted((path for path in after if path in changed), key=gaining.__contains__):
        old, new = now.texts.get(path), after[path].text
        _refuse_file(off, path, old)
        changes.append(file_change(path, Texts(old, new, meanwhile=meanwhile.get(path))))
    changes = [*told(before, after), *changes] if changes else []
    return switches.framed(now, changes, switches.wanted(now, wish, cloud_init_network))


def notes(now: Files, wish: Sequence[Wish]) -> list[str]:
    """What is done on a guess, or with no effect on this host, each in one sentence with file and line, in the order of the wishes."""
    return list(dict.fromkeys(_edited(now, wish)[1]))


def _edited(now: Files, wish: Sequence[Wish]) -> tuple[dict[str, Document], list[str]]:
    docs = _documents(now)
    said: list[str] = []
    for one in wish:
        (_absent if one.state == "absent" else _present)(now, docs, one, said)
    return docs, said


def _documents(now: Files) -> dict[str, Document]:
    return {path: Document(text) for path, text in now.texts.items()}


def _refuse_file(off: bool, path: str, old: str | None) -> None:
    if not off and _CLOUD_INIT.search(path):
        raise Refused(
            f"cloud-init writes {path} anew at boot; say cloud_init_network: false beside the bridge, which switches that off, or put "
            "'network: {config: disabled}' into a file of /etc/cloud/cloud.cfg.d first."
        )
    if old is not None and "\0" in old:
        raise Refused(
            f"{path} holds a NUL byte, behind which ifupdown reads nothing of a line; correct the file by hand first."
        )


def _present(now: Files, docs: dict[str, Document], wish: Wish, said: list[str]) -> None:
    family, auto, given = wish.family or "inet", wish.auto, dict(wish.options)
    if wish.take_over is not None:
        family, given = _taken_over(now, docs, wish, family, given, said)
        if auto is None:
            auto = (
                any(
                    doc.covered(group, wish.take_over)
                    for doc in docs.values()
                    for group in GROUPS.values()
                )
                or None
            )
        if any(canonical(key) == "address" for key in given):
            addresses.drop_hooks(docs, wish.name, family, given, said)
    owners.refuse_owned_ports(docs, given, wish.name)
    path, group = _group(docs, wish.name, family)
    if not group:
        path = _created(now, docs, wish, family)
        group = docs[path].stanzas(wish.name, family)
    _edit(docs[path], group, wish, family, given)
    if wish.validate:
        _complete(docs, wish.name, family)
    if auto and wish.take_over is not None:
        aliases.brought_up_too(docs, wish.name)
    if auto:
        aliases.brought_up_first(docs, wish.name)
    for option, value in (("auto", auto), ("allow_hotplug", wish.allow_hotplug)):
        _selection(docs, wish.name, GROUPS[option], value)
    if not now.ifupdown2:
        said += [
            f"{wish.name}: option '{key}' is ifupdown2's, which this host does not have, so it does nothing here; "
            f"write it as a line 'up ip link set dev {wish.name} type bridge ...'."
            for key in given
            if canonical(key) in IFUPDOWN2
        ]


def _group(docs: Docs, name: str, family: str | None) -> tuple[str, list[Stanza]]:
    """The stanzas of a name and a family, and their file; Refused where two files have some."""
    found = lines.places(docs, name, family)
    for path, stanza in lines.places(docs, name):
        if stanza.family is None and stanza.inherits is None:
            raise Refused(
                f"{name} at {docs[path].place(path, stanza.start)} has no family, as ifupdown2 allows; add inet or inet6 first."
            )
    _one_file(docs, name, found)
    return (found[0][0] if found else "", [stanza for _path, stanza in found])


def _one_file(docs: Docs, name: str, found: Sequence[tuple[str, Stanza]]) -> None:
    first: dict[str | None, tuple[str, Stanza]] = {}
    for path, stanza in found:
        other = first.setdefault(stanza.family, (path, stanza))
        if other[0] != path:
            spots = [
                f"{docs[place].place(place, one.start)}" for place, one in (other, (path, stanza))
            ]
            raise Refused(
                f"{name} {stanza.family or ''} is defined twice, at {spots[0]} and {spots[1]}; remove one of the two first."
            )


def _taken_over(
    now: Files,
    docs: Docs,
    wish: Wish,
    family: str,
    given: dict[str, tuple[str, ...]],
    said: list[str],
) -> tuple[str, dict[str, tuple[str, ...]]]:
    """Move the NIC's stanzas; returns the family that the given options are for, and the options with the port added."""
    nic = wish.take_over or ""
    _one_file(docs, nic, lines.places(docs, nic))
    _one_file(docs, wish.name, lines.places(docs, wish.name))
    moved = takeover.take_over(docs, nic, wish.name, said)
    if moved and nic in now.unsteady:
        said.append(
            f"{wish.name} would boot without its port if {nic} had another name then, and {now.unsteady[nic]}; "
            f"bind the name to the MAC of {nic} by a file /etc/systemd/network/10-{nic}.link with [Match] PermanentMACAddress= and [Link] Name=."
        )
    held = lines.places(docs, wish.name)
    if not held and wish.method is None:
        raise Refused(
            f"No file that ifupdown reads says how {nic} gets its address, so {wish.name} cannot take it over; give method and options."
        )
    if moved and wish.method is not None:
        _drop_other_method(docs, wish.name, family, wish.method)
    if moved and "metric" not in given and (wish.method in (None, "dhcp") or family != "inet"):
        takeover.keep_metric(docs, nic, wish.name, now.metrics)
    if not lines.places(docs, nic):
        root = docs[next(iter(docs))]
        root.append([f"iface {nic} inet manual{root.eol}"])
    if held and wish.method is None and not any(stanza.family == family for _path, stanza in held):
        family = held[0][1].family or family
    wanted = next(
        (values for key, values in given.items() if canonical(key) == "bridge_ports"), None
    )
    ports = takeover.as_port(docs, nic, wish.name, wanted)
    if ports is not None:
        if held:
            path, stanza = lines.places(docs, wish.name)[0]
            docs[path].set_option(stanza, "bridge_ports", ports)
        else:
            given = {"bridge_ports": ports, **given}
    return family, given


def _drop_other_method(docs: Docs, name: str, family: str, method: str) -> None:
    for path, stanza in reversed(lines.places(docs, name, family)):
        for key in (
            lines.METHOD_OPTIONS.get(stanza.method or "", ()) if stanza.method != method else ()
        ):
            docs[path].set_option(docs[path].at(stanza.start), key, ())


def _created(now: Files, docs: dict[str, Document], wish: Wish, family: str) -> str:
    """Put an empty stanza where it belongs: beside the name's other family, else beside its port, else at the end."""
    if wish.method is None:
        raise Refused(
            f"{wish.name} has no {family} stanza in any file that ifupdown reads, so one would be made; give its method."
        )
    beside = lines.places(docs, wish.name) or (
        lines.places(docs, wish.take_over) if wish.take_over else []
    )
    path = wish.file or (beside[-1][0] if beside else now.root)
    if path not in docs:
        if not _would_be_read(path, now.openings):
            raise Refused(
                f"{path} would not be read by ifupdown: no source line that {now.root} leads to matches it; add one, or choose another file."
            )
        docs[path] = Document("")
    doc = docs[path]
    header = f"iface {wish.name} {family} {wish.method}{doc.eol}"
    if beside and beside[-1][0] == path:
        doc.insert(beside[-1][1].stop, [doc.eol, header])
    else:
        doc.append([header])
    return path


def _would_be_read(path: str, openings: Sequence[tuple[str, str]]) -> bool:
    """Whether a new file at this path would match a source line."""
    directory, _slash, name = path.rpartition("/")
    for kind, written in openings:
        pattern = written.replace("[^", "[!")  # fnmatch(3) takes both, fnmatch.py one
        if kind == "source-directory":
            if fnmatchcase(directory, pattern.rstrip("/")) and re.fullmatch(
                r"[a-zA-Z0-9_-]+", name
            ):
                return True
        elif (
            pattern.count("/") == path.count("/")
            and fnmatchcase(path, pattern)
            and not name.startswith(".")
        ):
            return True
    return False


def _edit(
    doc: Document,
    group: Sequence[Stanza],
    wish: Wish,
    family: str,
    given: Mapping[str, tuple[str, ...]],
) -> None:
    start = group[0].start
    if wish.method is not None and group[0].method != wish.method:
        if doc.at(start).family is None:
            raise Refused(
                f"{wish.name} inherits its method {group[0].method} from {group[0].inherits}; write '{family} {wish.method}' into its iface line first."
            )
        doc.set_method(group[0], wish.method)
    plain = {canonical(key): values for key, values in given.items()}
    if "address" in plain:
        addresses.write(doc, group, plain["address"], plain.get("netmask", ()))
    for key, values in given.items():
        if canonical(key) == "address":
            continue
        stanza = doc.at(start)
        if wish.take_over is not None and canonical(key) in COMMANDS and values:
            values = _beside(stanza.values(key), values)
        if not _same(key, stanza.values(key), values):
            doc.set_option(stanza, key, values)


def _beside(now: Sequence[str], given: Sequence[str]) -> tuple[str, ...]:
    """The given hooks after those that moved here from the NIC."""
    return (*now, *(value for value in given if value not in now))


def _same(key: str, now: Sequence[str], wish: Sequence[str]) -> bool:
    if canonical(key) in COMMANDS:
        return list(now) == list(wish)
    return [words(value) for value in now] == [words(value) for value in wish]


def _complete(docs: Docs, name: str, family: str) -> None:
    if lines.has_heirs(docs, name):
        return
    for path, stanza in lines.places(docs, name, family):
        if stanza.method == "static" and not stanza.values("address") and stanza.inherits is None:
            where = docs[path].place(path, stanza.start)
            raise Refused(
                f"{name} {family} would be static without an address ({where}), and ifup would fail; give options.address."
            )


def _selection(docs: Docs, name: str, group: str, wish: bool | None) -> None:
    selected = any(doc.selected(group, name) for doc in docs.values())
    if wish is True and not selected:
        path, stanza = lines.places(docs, name)[0]
        docs[path].select(group, name, stanza.start)
    elif wish is False and selected:
        for doc in docs.values():
            doc.unselect(group, name)


def _absent(_now: Files, docs: Docs, wish: Wish, said: list[str]) -> None:
    if wish.hand_back is not None:
        _one_file(docs, wish.hand_back, lines.places(docs, wish.hand_back))
        handback.hand_back(docs, wish.hand_back, wish.name, said)
    _one_file(docs, wish.name, lines.places(docs, wish.name, wish.family))
    # The names first: a line "auto br0" above the stanza would else keep the blank line before it.
    if not [
        stanza
        for _path, stanza in lines.places(docs, wish.name)
        if wish.family not in (None, stanza.family)
    ]:
        for doc in docs.values():
            doc.unselect(None, wish.name)
    for path, stanza in reversed(lines.places(docs, wish.name, wish.family)):
        docs[path].remove(stanza.start, stanza.stop)
