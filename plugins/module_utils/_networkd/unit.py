# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. Files of systemd.syntax(7): read as sections in their order, told apart and put together again, and written.

A section may stand twice, and then goes on; one that describes a thing of its own ([Route], [Address]) begins a new one each time. So what several
files say together, a file and its drop-ins, is their sections in order.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Iterable, Sequence

_COMMENTS = ("#", ";")
_TRUE = ("1", "yes", "y", "true", "t", "on")


@dataclass(frozen=True)
class Section:
    """C(name) without its brackets, and the assignments in their order; an empty value resets what came before."""

    name: str
    lines: tuple[tuple[str, str], ...] = field(default=())

    def without(self, *keys: str) -> Section:
        """The same, less some keys."""
        return Section(self.name, tuple(line for line in self.lines if line[0] not in keys))

    def only(self, *keys: str) -> Section:
        """The same with nothing but some keys."""
        return Section(self.name, tuple(line for line in self.lines if line[0] in keys))


def parse(text: str) -> list[Section]:
    """The sections of a file; what stands before the first, and what is no assignment, systemd passes over too."""
    found: list[tuple[str, list[tuple[str, str]]]] = []
    for line in _whole_lines(text):
        if line.startswith("[") and line.endswith("]"):
            found.append((line[1:-1], []))
            continue
        key, equals, value = line.partition("=")
        if equals and found:
            found[-1][1].append((key.strip(), value.strip()))
    return [Section(name, tuple(lines)) for name, lines in found]


def _whole_lines(text: str) -> Iterable[str]:
    """Lines without comments; one that ends in a backslash goes on in the next."""
    begun = ""
    for raw in text.splitlines():
        line = raw.strip()
        if line.startswith(_COMMENTS) or (not line and not begun):
            continue
        if line.endswith("\\"):
            begun += line[:-1] + " "
            continue
        if begun + line:
            yield begun + line
        begun = ""
    if begun.strip():
        yield begun.strip()


def render(sections: Sequence[Section], *comments: str) -> str:
    """The sections as a file, those that say nothing left out."""
    parts = ["\n".join(f"# {one}" for one in comments)] if comments else []
    for section in sections:
        if section.lines:
            lines = "\n".join(f"{key}={value}" for key, value in section.lines)
            parts.append(f"[{section.name}]\n{lines}")
    return "\n\n".join(parts) + "\n"


def values(sections: Iterable[Section], name: str, key: str) -> list[str]:
    """What a key that may stand more than once says in all sections of that name; an empty value begins anew."""
    found: list[str] = []
    for section in sections:
        if section.name == name:
            for one, value in section.lines:
                if one == key:
                    found = [*found, value] if value else []
    return found


def value(sections: Iterable[Section], name: str, key: str, default: str = "") -> str:
    """What a key says at last."""
    return ([default] + values(sections, name, key))[-1]


def is_true(word: str) -> bool:
    return word.lower() in _TRUE
