# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. interfaces(5) without loss: C(Document(text).text == text) for every text, and an edit touches only its own lines.

Texts are str of file bytes decoded as UTF-8 with C(surrogateescape), so every byte survives. The grammar is that of
ifupdown 0.8 (its C(get_line) and C(read_interfaces_defn)): a comment is a line of its own and is never continued; a line
that ends in a backslash, and not in a blank after it, goes on in the next one, even where that begins with '#'; an option
belongs to the last header; a lone C(auto) inside a stanza is that stanza's.
"""

from __future__ import annotations

import functools
import itertools
import re
from dataclasses import dataclass, replace
from typing import Iterable, Iterator, Sequence

FAMILIES = ("inet", "inet6", "ipx", "can", "link", "meta")
COMMANDS = ("pre-up", "up", "down", "post-down")
_ALIASES = {"post-up": "up", "pre-down": "down"}
# What isspace(3) takes in the C locale: str.split would split at more, and at surrogates of other bytes never.
_SPACE = " \t\n\v\f\r"
_WORD = re.compile(f"[^{_SPACE}]+")
_STANZAS = ("iface", "mapping", "template")
_MEMBERS = ("blank", "comment", "option", "flag")
_LISTS = ("auto", "no-auto-down", "no-scripts")


def words(text: str) -> list[str]:
    """The words of a logical line, split as ifupdown splits them."""
    return _WORD.findall(text)


def canonical(key: str) -> str:
    """One spelling for the option names that ifupdown and its hooks take for the same: C(post-up), C(bridge-ports)."""
    return _ALIASES.get(key) or (key if key in COMMANDS else key.replace("-", "_"))


def whole_word(name: str) -> re.Pattern[str]:
    """Matches a device name that stands alone: C(eth0) in C(dev eth0) and C(label eth0:1), not in C(eth0.10) or C(veth0)."""
    return re.compile(rf"(?<![\w.:@-]){re.escape(name)}(?![\w.@-])")


@dataclass(frozen=True)
class Line:
    """A logical line. C(raw) holds its bytes with all line ends; C(kind) is blank, comment, option, one of the headers
    (iface, mapping, template, source, source-directory, select, rename), or flag: a lone C(auto) inside a stanza."""

    raw: str
    kind: str
    key: str = ""
    value: str = ""


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


def tokenize(text: str, inside: str = "") -> list[Line]:
    """The logical lines of a text; their C(raw) joined is the text. C(inside) is the kind of the stanza that it continues."""
    physical = re.findall(r"[^\n]*\n|[^\n]+", text)
    found: list[Line] = []
    position = 0
    while position < len(physical):
        raw = physical[position]
        position += 1
        logical = _chomp(raw).lstrip(_SPACE)
        if not logical.startswith("#"):
            while logical.endswith("\\"):
                logical = logical[:-1]
                if position == len(physical):
                    break
                raw += physical[position]
                logical += _chomp(physical[position])
                position += 1
        line = _line(raw, logical, inside)
        if line.kind not in _MEMBERS:
            inside = line.kind if line.kind in _STANZAS else ""
        found.append(line)
    return found


def _chomp(raw: str) -> str:
    return raw[:-1] if raw.endswith("\n") else raw


def _dangles(line: Line) -> bool:
    """Whether what follows would become part of the line: a backslash at the end of the file."""
    # by its first physical line: what a lone backslash joins to a "#" is a comment to read, and goes on all the same
    return not line.raw.lstrip(_SPACE).startswith("#") and _chomp(line.raw).endswith("\\")


def _line(raw: str, logical: str, inside: str) -> Line:
    first = _WORD.search(logical)
    if first is None:
        return Line(raw, "blank")
    if logical.startswith("#"):
        return Line(raw, "comment", value=logical.strip(_SPACE))
    # what follows a line of nothing but a backslash: ifupdown takes the blank for an empty name
    if first.start():
        return Line(raw, "option", "", logical.strip(_SPACE))
    key = first.group()
    value = logical[first.end() :].strip(_SPACE)
    if key in _STANZAS or key in ("source", "rename"):
        kind = key
    elif key.startswith("source-dir"):
        kind = "source-directory"
    elif is_selection(key):
        kind = _of_selection(value, inside)
    else:
        kind = "option"
    return Line(raw, kind, key, value)


def _of_selection(value: str, inside: str) -> str:
    return "flag" if inside == "iface" and not value else "select"


def is_selection(key: str) -> bool:
    """Whether a line that begins with this word lists interfaces: auto, allow-*, no-auto-down, no-scripts."""
    return key in _LISTS or (key.startswith("allow-") and len(key) > len("allow-"))


def is_keyword(key: str) -> bool:
    """Whether this word would begin something else than an option."""
    return (
        key in _STANZAS
        or key in ("source", "rename")
        or key.startswith("source-dir")
        or is_selection(key)
    )


class Document:
    """The text of one file, editable. Positions are indices into C(lines)."""

    def __init__(self, text: str) -> None:
        self._open_end = bool(text) and not text.endswith("\n")
        self.lines = tokenize(text + "\n" if self._open_end else text)
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
                if line.kind in _STANZAS:
                    for key in ((line.kind, _head(line.value)[0]), (line.kind, None)):
                        self._heads.setdefault(key, []).append(position)
        found = [self.at(position) for position in self._heads.get((kind, name), ())]
        return [stanza for stanza in found if family is None or stanza.family == family]

    def at(self, start: int) -> Stanza:
        """The stanza whose header is line C(start); read it anew after an edit inside it."""
        end = stop = start + 1
        while end < len(self.lines) and self.lines[end].kind in _MEMBERS:
            line = self.lines[end]
            end += 1
            # An indented comment right below an option is an option switched off, or a note on it.
            if line.kind in ("option", "flag") or (
                stop == end - 1 and line.kind == "comment" and line.raw[0] in " \t"
            ):
                stop = end
        return Stanza(start, stop, *_head(self.lines[start].value), tuple(self.lines[start:stop]))

    def number(self, position: int) -> int:
        """The number of the first physical line of a logical one, from 1, as editors count."""
        return 1 + sum(line.raw.count("\n") for line in self.lines[:position])

    def insert(self, position: int, raws: Iterable[str]) -> None:
        """Put lines before C(position); each with its line end."""
        added = "".join(raws)
        last = self.lines[position - 1] if position else None
        if last is not None and _dangles(last):
            self.lines[position - 1 : position] = tokenize(
                self._ended(last.raw), self._inside(position - 1)
            )
        self._splice(position, position, added)

    def _ended(self, raw: str) -> str:
        """Text that dangled, ended by an empty line for each of its backslashes."""
        body = _chomp(raw)
        return raw + self.eol * (len(body) - len(body.rstrip("\\")))

    def replace(self, start: int, stop: int, raws: Iterable[str]) -> None:
        """Put lines in the place of others."""
        self._splice(start, stop, "".join(raws))

    def _splice(self, start: int, stop: int, raw: str) -> None:
        added = tokenize(raw, self._inside(start))
        if added and stop < len(self.lines) and _dangles(added[-1]):
            added = tokenize(self._ended(raw), self._inside(start))
        self.lines[start:stop] = added
        self._heads = self._chosen = None
        # Whether a lone auto is a stanza's flag depends on what stands above it, which may be new.
        inside = self._inside(start + len(added))
        for position in range(start + len(added), len(self.lines)):
            line = self.lines[position]
            if line.kind in ("flag", "select") and not line.value:
                self.lines[position] = replace(line, kind=_of_selection("", inside))
                inside = inside if self.lines[position].kind == "flag" else "select"
            elif line.kind not in _MEMBERS:
                break

    def _inside(self, position: int) -> str:
        """The kind of the header that a line at this position would belong to."""
        while position:
            position -= 1
            if self.lines[position].kind not in _MEMBERS:
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
                self.replace(n, n + 1, [self._reworded(n, value)])
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
        lead = re.match(rf"[{_SPACE}]*{re.escape(line.key)}[ \t]*", line.raw)
        # a name that a continuation cuts in two
        start = lead.group() if lead else f"{self.indent()}{line.key} "
        gap = "" if start.endswith((" ", "\t")) else " "
        return f"{start}{gap}{value}{self.eol}"

    def set_method(self, stanza: Stanza, method: str) -> None:
        """Change the method of an iface line; its other bytes stay."""
        header = stanza.lines[0]
        raw = header.raw if "\\" not in header.raw else f"{header.key} {header.value}{self.eol}"
        spots = list(_WORD.finditer(raw))  # iface, name, family, then the method where there is one
        if stanza.method is None:
            raw = f"{raw[: spots[2].end()]} {method}{raw[spots[2].end() :]}"
        else:
            raw = raw[: spots[3].start()] + method + raw[spots[3].end() :]
        self.replace(stanza.start, stanza.start + 1, [raw])

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
                self.replace(
                    n, n + 1, [re.sub(rf"[ \t]+{re.escape(name)}(?=[{_SPACE}\\]|$)", "", line.raw)]
                )

    def _alone(self, position: int) -> bool:
        """Whether blank lines or the ends of the file stand on both sides."""
        sides = (
            self.lines[position - 1] if position else None,
            *self.lines[position + 1 : position + 2],
        )
        return all(line is None or line.kind == "blank" for line in sides)


def _keys(group: str) -> tuple[str, ...]:
    return (f"allow-{group}", *([group] if group in _LISTS else ()))


@functools.cache
def _head(value: str) -> tuple[str, str | None, str | None, str | None]:
    """Name, family, method and template of a header's words."""
    name, *rest = words(value) or [""]
    family = rest.pop(0) if rest and rest[0] in FAMILIES else None
    method = rest.pop(0) if family and rest and rest[0] != "inherits" else None
    inherits = rest[1] if len(rest) > 1 and rest[0] == "inherits" else None
    return name, family, method, inherits
