# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. Files of systemd.syntax(7): read as sections in their order, told apart and put together again, and written.

A section may stand twice, and then goes on; one that describes a thing of its own ([Route], [Address]) begins a new one each time. So what several
files say together, a file and its drop-ins, is their sections in order.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Iterable, Sequence

_COMMENTS = ("#", ";")
_TRUE = ("1", "yes", "y", "true", "t", "on")
# systemd.time(7), in seconds; what has no unit are seconds
_SPAN = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([a-zµμ]*)\s*")
_UNITS = {
    1e-6: ("us", "usec", "µs", "μs"), 1e-3: ("ms", "msec"), 1: ("", "s", "sec", "second", "seconds"), 60: ("m", "min", "minute", "minutes"),
    3600: ("h", "hr", "hour", "hours"), 86400: ("d", "day", "days"), 604800: ("w", "week", "weeks"),
}  # fmt: skip
_BY_UNIT = {word: size for size, words in _UNITS.items() for word in words}


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
    """The sections of a file in their order; what systemd passes over is not in them."""
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
    """What a key says at last; C(default) where no section of that name has it, or it was reset."""
    return ([default] + values(sections, name, key))[-1]


def is_true(word: str) -> bool:
    return word.lower() in _TRUE


def seconds(text: str) -> float | None:
    """A span of time, "1min 30s", in seconds; None for what is none, "infinity" too. Source: systemd.time(7)."""
    found = _SPAN.findall(text)
    if "".join(_SPAN.split(text)[::3]) or not found:
        return None
    if any(word not in _BY_UNIT for _number, word in found):
        return None
    return sum(float(number) * _BY_UNIT[word] for number, word in found)


def like(text: str, example: Any) -> Any:
    """A value as the kernel has it, of the type of an example (a float means seconds); None for what is none, which systemd passes over."""
    if not text:
        return None
    if isinstance(example, bool):
        return is_true(text)
    if isinstance(example, float):
        return seconds(text)
    if isinstance(example, str):
        return next((one for one in (example, "802.1ad") if one.lower() == text.lower()), text)
    return 0 if text == "none" else number(text)


def number(text: str) -> int | None:
    """A number in any of C's notations; None for what is none."""
    try:
        return int(text, 0)
    except ValueError:
        return None


def size(text: str) -> int | None:
    """A number of bytes, "9K" being 9216; None for what is none."""
    if text[-1:].upper() == "K":
        whole = number(text[:-1])
        return None if whole is None else whole << 10
    return number(text)
