# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. interfaces(5) without loss: C(Document(text).text == text) for every text, and an edit touches only its own lines.

Texts are str of file bytes decoded as UTF-8 with C(surrogateescape), so every byte survives.
"""

from __future__ import annotations

import functools
import itertools
import re
from dataclasses import dataclass, replace
from typing import Iterable, Iterator, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.grammar import (
    FAMILIES,
    LISTS,
    MEMBERS,
    SPACE,
    STANZAS,
    WORD,
    Line,
    canonical,
    chomp,
    dangles,
    is_pattern_of,
    of_selection,
    tokenize,
    words,
)


@dataclass(frozen=True)
class Stanza:
    """Lines C(start) to C(stop) (not included) of a document: a header, its options and the comments among them.

    Blank lines after the last option, and comments that begin in the first column there, are not in it.
    """

    start: int
    stop: int
    name: str
    family: str | None
    method: str | None
    inherits: str | None
    lines: tuple[Line, ...]

    @property
    def options(self) -> tuple[tuple[str, str], ...]:
        """The options in their order, as C((key, value)) with the key as it is spelled."""
        return tuple((line.key, line.value) for line in self.lines if line.kind == "option")

    def values(self, key: str) -> list[str]:
        """Every value of an option, under whichever spelling."""
        return [value for name, value in self.options if canonical(name) == canonical(key)]


class Document:
    """The text of one file, editable. Positions are indices into C(lines)."""

    def __init__(self, text: str) -> None:
        self._open_end = bool(text) and not text.endswith("\n")
        self.lines = tokenize(text + "\n" if self._open_end else text, numbered=True)
        # The line end that the file uses: what is added ends in it too.
        self.eol = (
            "\r\n"
            if 2 * sum(line.raw.endswith("\r\n") for line in self.lines) > len(self.lines)
            else "\n"
        )
        self._heads: dict[tuple[str, str | None], list[int]] | None = None
        self._chosen: set[tuple[str, str]] | None = None

    @property
    def text(self) -> str:
        text = "".join(line.raw for line in self.lines)
        return text[:-1] if self._open_end and text.endswith("\n") else text

    def indent(self, stanza: Stanza | None = None) -> str:
        """The blank before an option: as in the stanza, else as in the file, else four spaces."""
        for line in itertools.chain(stanza.lines if stanza else (), self.lines):
            if line.kind == "option":
                return line.raw[: len(line.raw) - len(line.raw.lstrip(" \t"))]
        return "    "

    def stanzas(
        self, name: str | None = None, family: str | None = None, kind: str = "iface"
    ) -> list[Stanza]:
        """The stanzas of a kind, in their order, of one name and one family where those are given."""
        if self._heads is None:
            self._heads = {}
            for position, line in enumerate(self.lines):
                if line.kind in STANZAS:
                    for key in ((line.kind, _head(line.value)[0]), (line.kind, None)):
                        self._heads.setdefault(key, []).append(position)
        found = [self.at(position) for position in self._heads.get((kind, name), ())]
        return [stanza for stanza in found if family is None or stanza.family == family]

    def at(self, start: int) -> Stanza:
        """The stanza whose header is line C(start); read it anew after an edit inside it."""
        end = stop = start + 1
        while end < len(self.lines) and self.lines[end].kind in MEMBERS:
            line = self.lines[end]
            end += 1
            # An indented comment right below an option is an option switched off, or a note on it.
            if line.kind in ("option", "flag") or (
                stop == end - 1 and line.kind == "comment" and line.raw[0] in " \t"
            ):
                stop = end
        return Stanza(start, stop, *_head(self.lines[start].value), tuple(self.lines[start:stop]))

    def place(self, path: str, position: int) -> str:
        """Where a line stands on disk now, for a sentence: path and number, or the path alone of what is not on disk yet."""
        number = self.lines[position].number
        return f"{path}:{number}" if number else path

    def insert(self, position: int, raws: Iterable[str]) -> None:
        """Put lines before C(position); each with its line end."""
        added = "".join(raws)
        last = self.lines[position - 1] if position else None
        if last is not None and dangles(last):
            ended = tokenize(self._ended(last.raw), self._inside(position - 1))
            self.lines[position - 1 : position] = [
                replace(ended[0], number=last.number),
                *ended[1:],
            ]
        self._splice(position, position, added)

    def _ended(self, raw: str) -> str:
        """Text that dangled, ended by an empty line for each of its backslashes."""
        body = chomp(raw)
        return raw + self.eol * (len(body) - len(body.rstrip("\\")))

    def replace(self, start: int, stop: int, raws: Iterable[str]) -> None:
        """Put lines in the place of others."""
        self._splice(start, stop, "".join(raws))

    def reword(self, position: int, raw: str) -> None:
        """Put another line in the place of one; it stands on disk where that does."""
        number = self.lines[position].number
        self.replace(position, position + 1, [raw])
        self.lines[position] = replace(self.lines[position], number=number)

    def _splice(self, start: int, stop: int, raw: str) -> None:
        added = tokenize(raw, self._inside(start))
        if added and stop < len(self.lines) and dangles(added[-1]):
            added = tokenize(self._ended(raw), self._inside(start))
        self.lines[start:stop] = added
        self._heads = self._chosen = None
        # Whether a lone auto is a stanza's flag depends on what stands above it, which may be new.
        inside = self._inside(start + len(added))
        for position in range(start + len(added), len(self.lines)):
            line = self.lines[position]
            if line.kind in ("flag", "select") and not line.value:
                self.lines[position] = replace(line, kind=of_selection("", inside))
                inside = inside if self.lines[position].kind == "flag" else "select"
            elif line.kind not in MEMBERS:
                break

    def _inside(self, position: int) -> str:
        """The kind of the header that a line at this position would belong to."""
        while position:
            position -= 1
            if self.lines[position].kind not in MEMBERS:
                return self.lines[position].kind
        return ""

    def append(self, raws: Iterable[str]) -> int:
        """Put a block at the end, a blank line before it; returns the position of its first line."""
        # One more where the file ends in a blank line: remove() takes it away again, and the file's own must stay.
        blank = [self.eol] if self.lines else []
        position = len(self.lines)
        self.insert(position, [*blank, *raws])
        return position + len(blank)

    def remove(self, start: int, stop: int) -> None:
        """Take lines away, and one blank line with them where two would meet."""
        blank_after = stop == len(self.lines) or self.lines[stop].kind == "blank"
        if start and self.lines[start - 1].kind == "blank" and blank_after:
            start -= 1
        self.replace(start, stop, [])

    def set_option(self, stanza: Stanza, key: str, values: Sequence[str]) -> None:
        """Give an option exactly these values, a line each; none takes it away. Lines that are right stay as they are."""
        own = [n for n in range(stanza.start, stanza.stop) if self._is(n, key)]
        end = own[-1] + 1 if own else stanza.stop
        for n, value in reversed(list(zip(own, values))):
            if self.lines[n].value != value:
                self.reword(n, self._reworded(n, value))
        if len(values) > len(own):
            indent = self.indent(stanza)
            self.insert(end, [f"{indent}{key} {value}{self.eol}" for value in values[len(own) :]])
        for n in reversed(own[len(values) :]):
            self.replace(n, n + 1, [])

    def _is(self, position: int, key: str) -> bool:
        line = self.lines[position]
        return line.kind == "option" and canonical(line.key) == canonical(key)

    def _reworded(self, position: int, value: str) -> str:
        """The option's line with another value; the blanks around its name stay."""
        line = self.lines[position]
        lead = re.match(rf"[{SPACE}]*{re.escape(line.key)}[ \t]*", line.raw)
        # a name that a continuation cuts in two
        start = lead.group() if lead else f"{self.indent()}{line.key} "
        gap = "" if start.endswith((" ", "\t")) else " "
        return f"{start}{gap}{value}{self.eol}"

    def set_method(self, stanza: Stanza, method: str) -> None:
        """Change the method of an iface line; its other bytes stay."""
        header = stanza.lines[0]
        raw = header.raw if "\\" not in header.raw else f"{header.key} {header.value}{self.eol}"
        spots = list(WORD.finditer(raw))  # iface, name, family, then the method where there is one
        if stanza.method is None:
            raw = f"{raw[: spots[2].end()]} {method}{raw[spots[2].end() :]}"
        else:
            raw = raw[: spots[3].start()] + method + raw[spots[3].end() :]
        self.reword(stanza.start, raw)

    def selected(self, group: str, name: str) -> bool:
        """Whether a line of a group (auto, hotplug, ...) names the interface."""
        if self._chosen is None:
            pairs = [
                (line.key, word)
                for line in self.lines
                if line.kind == "select"
                for word in words(line.value)
            ]
            flags = [(line.key, _head(self.lines[start].value)[0]) for start, line in self._flags()]
            self._chosen = {*pairs, *flags}
        return any((key, name) in self._chosen for key in _keys(group))

    def covered(self, group: str, name: str) -> bool:
        """Whether a line of a group names the interface, or by a pattern the interfaces that are there (interfaces(5))."""
        if self.selected(group, name):
            return True
        return any(
            key in _keys(group) and is_pattern_of(word, name) for key, word in self._chosen or ()
        )

    def _flags(self) -> Iterator[tuple[int, Line]]:
        """The lone selections, each with the position of its stanza's header."""
        start = 0
        for position, line in enumerate(self.lines):
            if line.kind == "iface":
                start = position
            elif line.kind == "flag":
                yield start, line

    def _selections(self, group: str | None, name: str) -> Iterator[int]:
        flagged = {n for stanza in self.stanzas(name) for n in range(stanza.start, stanza.stop)}
        for n, line in enumerate(self.lines):
            if group is None or line.key in _keys(group):
                if (line.kind == "select" and name in words(line.value)) or (
                    line.kind == "flag" and n in flagged
                ):
                    yield n

    def select(self, group: str, name: str, position: int) -> None:
        """Put a line that names the interface before C(position)."""
        key = "auto" if group == "auto" else f"allow-{group}"
        self.insert(position, [f"{key} {name}{self.eol}"])

    def unselect(self, group: str | None, name: str) -> None:
        """Take the name out of a group's lines (None: of every group's); a line that is then empty goes."""
        for n in reversed(list(self._selections(group, name))):
            line = self.lines[n]
            if line.kind == "flag":
                self.replace(n, n + 1, [])
            elif set(words(line.value)) == {name}:
                self.remove(n, n + 1) if self._alone(n) else self.replace(n, n + 1, [])
            else:
                self.reword(n, re.sub(rf"[ \t]+{re.escape(name)}(?=[{SPACE}\\]|$)", "", line.raw))

    def _alone(self, position: int) -> bool:
        """Whether blank lines or the ends of the file stand on both sides."""
        sides = (
            self.lines[position - 1] if position else None,
            *self.lines[position + 1 : position + 2],
        )
        return all(line is None or line.kind == "blank" for line in sides)


def _keys(group: str) -> tuple[str, ...]:
    return (f"allow-{group}", *([group] if group in LISTS else ()))


@functools.cache
def _head(value: str) -> tuple[str, str | None, str | None, str | None]:
    """Name, family, method and template of a header's words."""
    name, *rest = words(value) or [""]
    family = rest.pop(0) if rest and rest[0] in FAMILIES else None
    method = rest.pop(0) if family and rest and rest[0] != "inherits" else None
    inherits = rest[1] if len(rest) > 1 and rest[0] == "inherits" else None
    return name, family, method, inherits
