# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input: each option of a module, and values that nobody can mean there, or that somebody means badly."""

from __future__ import annotations

import importlib
import math
from pathlib import Path
from typing import Any, Iterator, Mapping

import pytest
from hypothesis import strategies as st

from ansible_collections.hypervisor.network.plugins.module_utils._core import edge

MODULES = "ansible_collections.hypervisor.network.plugins.modules"
LONG_TEXT = 1 << 16
# as they come out of YAML and JSON: text of any kind, also what looks like a number and is none, or one that C can't hold
TEXTS = [
    "", " ", "\n", "a\nb", "a\0b", "\x1b[2J", "'", '"', "\\", "a' or 'a", "$(id)", "`id`", "{{ 7 * 7 }}", "{% raw %}", "!unsafe x", "%d", "%s%n",
    "../../etc/passwd", "/dev/full", "/dev/null/x", "~root", ".", "..", "-x", "--help", "a,b=c", "#", ";", "ä" * 8, "brücke", "\u202e0rb", "\u200b",
    "\ufeffbr0", "\ud800", "\udcff", "²", "٣", "１２", "0x10", "1_000", "1e400", "-1", "1.5", "nan", "inf", "true", "null", "0" * 400, "9" * 400,
    "x" * LONG_TEXT, "x " * (LONG_TEXT // 2), "1-4094,1-4094", "20-10", "::", "0.0.0.0/0", "1.2.3.4/99", "00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff",
]  # fmt: skip
NUMBERS = [
    -1,
    0,
    1,
    2**16,
    2**31,
    2**32,
    2**63,
    2**64,
    10**400,
    -(10**400),
    1.5,
    -0.5,
    1e308,
    math.nan,
    math.inf,
]
SHAPES: list[Any] = [
    True,
    False,
    [],
    [[]],
    [[[1]]],
    [None],
    ["\n"],
    ["\ud800"],
    [{}],
    [[1, 2]],
    {},
    {"a": []},
    {"": ""},
    {"\n": "\n"},
    [-1],
    [1.5],
]
VALUES: list[Any] = [*TEXTS, *NUMBERS, *SHAPES]
# and what nobody has thought of
ANY = st.one_of(
    st.sampled_from(VALUES),
    st.text(st.characters(exclude_categories=()), max_size=20),
    st.integers(),
    st.floats(),
    st.recursive(
        st.sampled_from(VALUES),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
        ),
        max_leaves=4,
    ),
)
Way = tuple[str, ...]
ITEM, VALUE = "[]", "{}"
_KEY = "address"  # which some know, and all take for a key


class _Asked(Exception):
    """A module has said which arguments it takes."""


def spec_of(name: str) -> dict[str, Any]:
    """The argument spec of a module, from its own call."""
    module = importlib.import_module(f"{MODULES}.{name}")

    def asked(_self: Any, argument_spec: dict[str, Any], **_more: Any) -> Any:
        raise _Asked(argument_spec)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(edge.Module, "__init__", asked)
        with pytest.raises(_Asked) as caught:
            module.main()
    return caught.value.args[0]


def names() -> list[str]:
    """All modules."""
    folder = Path(__file__).resolve().parents[3] / "plugins" / "modules"
    return sorted(path.stem for path in folder.glob("*.py"))


def ways(spec: Mapping[str, Any], above: Way = ()) -> Iterator[Way]:
    """The way to each option, through those that hold others; C(ITEM) and C(VALUE) end one in a list or a dictionary of no more options."""
    for name, one in spec.items():
        yield (*above, name)
        if one.get("options"):
            yield from ways(one["options"], (*above, name))
        elif one.get("type") == "list":
            yield (*above, name, ITEM)
        elif one.get("type") in ("dict", "raw"):
            yield (*above, name, VALUE)


def put(args: Mapping[str, Any], spec: Mapping[str, Any], way: Way, value: Any) -> dict[str, Any]:
    """The arguments with a value at that way; of a list that holds it, the first item has it, made like the arguments where there is none."""
    name, *rest = way
    if not rest:
        return {**args, name: value}
    if rest == [ITEM]:
        return {**args, name: [value]}
    if rest == [VALUE]:
        known = args.get(name)
        return {**args, name: {**(known if isinstance(known, dict) else {}), _KEY: value}}
    inner = spec[name]["options"]
    old = args.get(name)
    many = spec[name].get("type") == "list"
    first = (old[0] if many else old) if old else {key: args[key] for key in inner if key in args}
    made = put(first, inner, tuple(rest), value)
    # what is named in the list is not named beside it
    beside = {key: one for key, one in args.items() if not (many and key in inner)}
    return {**beside, name: [made, *(old or [])[1:]] if many else made}
