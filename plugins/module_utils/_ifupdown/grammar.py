# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. The logical lines of interfaces(5), read as ifupdown 0.8 reads them (its C(get_line) and C(read_interfaces_defn)).

A comment is a line of its own and is never continued; a line that ends in a backslash, and not in a blank after it, goes on in the next one,
even where that begins with '#'; an option belongs to the last header; a lone C(auto) inside a stanza is that stanza's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

FAMILIES = ("inet", "inet6", "ipx", "can", "link", "meta")
COMMANDS = ("pre-up", "up", "down", "post-down")
_ALIASES = {"post-up": "up", "pre-down": "down"}
# What isspace(3) takes in the C locale: str.split would split at more, and at surrogates of other bytes never.
SPACE = " \t\n\v\f\r"
WORD = re.compile(f"[^{SPACE}]+")
STANZAS = ("iface", "mapping")
MEMBERS = ("blank", "comment", "option", "flag")
LISTS = ("auto", "no-auto-down", "no-scripts")


def words(text: str) -> list[str]:
    """The words of a logical line, split as ifupdown splits them."""
    return WORD.findall(text)


def canonical(key: str) -> str:
    """One spelling for the option names that ifupdown and its hooks take for the same: C(post-up), C(bridge-ports)."""
    return _ALIASES.get(key) or (key if key in COMMANDS else key.replace("-", "_"))


def whole_word(name: str) -> re.Pattern[str]:
    """Matches a device name that stands alone: C(eth0) in C(dev eth0) and C(label eth0:1), not in C(eth0.10) or C(veth0)."""
    return re.compile(rf"(?<![\w.:@-]){re.escape(name)}(?![\w.@-])")


@dataclass(frozen=True)
class Line:
    """A logical line. C(raw) holds its bytes with all line ends; C(kind) is blank, comment, option, one of the headers
    (iface, mapping, source, source-directory, select, rename), or flag: a lone C(auto) inside a stanza. C(number) is that of its first
    physical line in the file as it was read, from 1, as editors count; 0 for what an edit has made."""

    raw: str
    kind: str
    key: str = ""
    value: str = ""
    number: int = field(default=0, compare=False)


def tokenize(text: str, inside: str = "", numbered: bool = False) -> list[Line]:
    """The logical lines of a text; their C(raw) joined is the text. C(inside) is the kind of the stanza that it continues.

    C(numbered) says that it is a file's whole text.
    """
    physical = re.findall(r"[^\n]*\n|[^\n]+", text)
    found: list[Line] = []
    position = 0
    while position < len(physical):
        raw = physical[position]
        position += 1
        number = position
        logical = chomp(raw).lstrip(SPACE)
        if not logical.startswith("#"):
            while logical.endswith("\\"):
                if position == len(physical):
                    logical = logical.rstrip("\\")
                    break
                logical = logical[:-1]
                raw += physical[position]
                logical += chomp(physical[position])
                position += 1
        line = _line(raw, logical, inside, number if numbered else 0)
        if line.kind not in MEMBERS:
            inside = line.kind if line.kind in STANZAS else ""
        found.append(line)
    return found


def chomp(raw: str) -> str:
    return raw[:-1] if raw.endswith("\n") else raw


def dangles(line: Line) -> bool:
    """Whether what follows would become part of the line: a backslash at the end of the file."""
    return not line.raw.lstrip(SPACE).startswith("#") and chomp(line.raw).endswith("\\")


def _line(raw: str, logical: str, inside: str, number: int) -> Line:
    first = WORD.search(logical)
    if first is None:
        return Line(raw, "blank", number=number)
    # what a lone backslash joins to a "#" is an option of that name to ifupdown
    if raw.lstrip(SPACE).startswith("#"):
        return Line(raw, "comment", value=logical.strip(SPACE), number=number)
    # what follows a line of nothing but a backslash: ifupdown takes the blank for an empty name
    if first.start():
        return Line(raw, "option", "", logical.strip(SPACE), number)
    key = first.group()
    value = logical[first.end() :].strip(SPACE)
    if key in STANZAS or key in ("source", "rename"):
        kind = key
    elif key.startswith("source-dir"):
        kind = "source-directory"
    elif is_selection(key):
        kind = of_selection(value, inside)
    else:
        kind = "option"
    return Line(raw, kind, key, value, number)


def of_selection(value: str, inside: str) -> str:
    return "flag" if inside == "iface" and not value else "select"


def is_selection(key: str) -> bool:
    """Whether a line that begins with this word lists interfaces: auto, allow-*, no-auto-down, no-scripts."""
    return key in LISTS or (key.startswith("allow-") and len(key) > len("allow-"))


def is_keyword(key: str) -> bool:
    """Whether this word would begin something else than an option."""
    return (
        key in STANZAS
        or key in ("source", "rename")
        or key.startswith("source-dir")
        or is_selection(key)
    )


def is_pattern_of(word: str, device: str) -> bool:
    """Whether a word of C(auto) is a pattern that names the device among others (interfaces(5), PATTERN MATCHING INTERFACES).

    C(mac/...) and the like match what only the machine knows; they count as naming every device.
    """
    variable, slash, rest = word.partition("/")
    if not slash or word.startswith("/dev/"):
        return False
    return bool(variable) or fnmatchcase(device, rest.partition("=")[0].partition("/")[0])
