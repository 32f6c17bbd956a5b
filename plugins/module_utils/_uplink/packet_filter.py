# SPDX-License-Identifier: GPL-3.0-or-later
"""The packet filter's rules about a NIC: which of them name it. Sources: libnftables-json(5), iptables-extensions(8).

A comment is anybody's text, with quotes and line breaks in it: so nft is asked for JSON, and of iptables' words comments go before lines are told apart.
"""

from __future__ import annotations

import json
import re
from typing import Any, Callable, Iterator, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._host.procfs import printable
from ansible_collections.hypervisor.network.plugins.module_utils._host.programs import printed

_AFTER_OPTION = re.compile(r"(?:-i|-o|--physdev-in|--physdev-out) (\S+)")
_COMMENT = re.compile(r'--comment (?:"(?:[^"\\]|\\.)*"|\S+)', re.DOTALL)
# Of each kind of thing in a ruleset, where a device may be named
_PLACES = {"rule": "expr", "set": "elem", "map": "elem", "chain": "dev", "flowtable": "dev"}
# and within that, what leads to a name: not comments, prefixes of logs, or chains to jump to
_WITHIN = ("match", "right", "set", "elem", "val", "concat", "range", "prefix", "vmap", "map", "data", "dup", "fwd", "dev")  # fmt: skip
_VERDICTS = ("accept", "drop", "return", "continue")


def by_nft(dev: str, text: str) -> list[str]:
    """PURE. The things of a ruleset in JSON that name a device, patterns included, in nft's words as far as they go."""
    try:
        things = json.loads(text)["nftables"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return []  # nft without JSON, or with words of years to come
    found = []
    for thing in things if isinstance(things, list) else ():
        for kind, value in thing.items() if isinstance(thing, dict) else ():
            if isinstance(value, dict) and any(
                _is_of(dev, name, "*") for name in _names(value.get(_PLACES.get(kind, "")))
            ):
                found.append(printable(_in_words(kind, value)))
    return found


def by_iptables(dev: str, text: str) -> list[str]:
    """PURE. The rules that name a device in what iptables-save prints."""
    lines = [line.strip() for line in _COMMENT.sub("", text).splitlines()]
    return [
        printable(line)
        for line in lines
        if line.startswith("-A ")
        and any(_is_of(dev, name, "+") for name in _AFTER_OPTION.findall(line))
    ]


def _is_of(dev: str, name: str, wild: str) -> bool:
    return name == dev or (name.endswith(wild) and dev.startswith(name[:-1]))


def _names(thing: Any) -> Iterator[str]:
    """The strings that may be devices' names."""
    if isinstance(thing, str):
        yield thing
    elif isinstance(thing, list):
        for one in thing:
            yield from _names(one)
    elif isinstance(thing, dict):
        for key, one in thing.items():
            if key in _WITHIN:
                yield from _names(one)


def _in_words(kind: str, thing: Mapping[str, Any]) -> str:
    if kind != "rule":
        names = " ".join(json.dumps(name) for name in _names(thing.get(_PLACES[kind])))
        return f"{kind} {thing.get('name')} of {thing.get('family')} {thing.get('table')}: {names}"
    said = thing.get("expr")
    statements = said if isinstance(said, list) else []
    return " ".join(_statement(one) for one in statements if isinstance(one, dict))


def _statement(statement: Mapping[str, Any]) -> str:
    for verb, argument in statement.items():
        if verb == "match" and isinstance(argument, dict):
            sign = argument.get("op")
            sign = "" if sign in ("==", "in") else f"{sign} "
            return f"{_left(argument.get('left'))} {sign}{_right(argument.get('right'))}"
        if verb in ("jump", "goto") and isinstance(argument, dict):
            return f"{verb} {argument.get('target')}"
        if verb in _VERDICTS:
            return verb
        names = " ".join(json.dumps(name) for name in _names({verb: argument}))
        return f"{verb} {names}".rstrip()
    return ""


def _left(left: Any) -> str:
    """What a rule looks at, such as iifname or tcp dport."""
    if not isinstance(left, dict):
        return json.dumps(left)
    for kind, what in left.items():
        if kind == "concat" and isinstance(what, list):
            return " . ".join(_left(one) for one in what)
        if isinstance(what, dict):
            words = [what.get(key) for key in ("protocol", "field", "key") if what.get(key)]
            return " ".join(
                str(one) for one in (words if kind in ("meta", "payload") else [kind, *words])
            )
    return json.dumps(left)


def _right(right: Any) -> str:
    if isinstance(right, dict) and isinstance(right.get("set"), list):
        return f"{{ {', '.join(_right(one) for one in right['set'])} }}"
    if isinstance(right, dict) and isinstance(right.get("concat"), list):
        return " . ".join(_right(one) for one in right["concat"])
    return json.dumps(right)


Reader = Callable[[str, str], list]
# The first of the groups that is installed is asked: nft tells what iptables has set too
PROGRAMS: Sequence[tuple[Reader, Sequence[Sequence[str]]]] = (
    (by_nft, (("nft", "--stateless", "--json", "list", "ruleset"),)),
    (by_iptables, (("iptables-save",), ("ip6tables-save",))),
)


def rules(
    dev: str, programs: Sequence[tuple[Reader, Sequence[Sequence[str]]]] = PROGRAMS
) -> list[str]:
    """This network's rules that name a device, a text each; none where no packet filter is installed, or it does not answer."""
    for reader, group in programs:
        answers = [text for text in map(printed, group) if text is not None]
        if answers:
            return [rule for text in answers for rule in reader(dev, text)]
    return []
