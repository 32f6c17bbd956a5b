# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the host's packet filter drops what a bridge passes from port to port. Sources: libnftables-json(5), iptables(8), Linux' br_netfilter_hooks.c.

Frames pass the chains of nftables' family bridge in any case; those of ip, ip6, inet and iptables where br_netfilter is told to hand them over.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Iterable, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._host.programs import printed

NFT = ("nft", "--stateless", "--json", "list", "ruleset")
_SYSCTL = "{}/sys/net/bridge/bridge-nf-call-{}"
_PROGRAMS = ("iptables", "ip6tables")
_FAMILIES = {"ip": "iptables", "ip6": "ip6tables"}
_NFTABLES = {
    program: f"nftables' chain {family} filter FORWARD" for family, program in _FAMILIES.items()
}
_ACCEPT, _DROP, _ON = "accept", "drop", ""
_DEVICES = ("iifname", "oifname", "iif", "oif", "ibrname", "obrname")
_SILENT = ("counter", "log", "limit", "comment", "notrack")  # statements that decide nothing
_DEEPEST = 16  # jumps; the kernel's own limit


def dropping(
    name: str, bridge: Link | None, proc: str = "/proc", nft: Sequence[str] = NFT
) -> tuple[str, ...]:
    """The chains that drop what a bridge passes on, in words; C(bridge) is as it is, None for one that is yet to be made."""
    called = {one for one in _PROGRAMS if _is_called(one, bridge, proc)}
    told = printed(nft)
    found = drops_by_nft(told, called, name) if told else []
    for program in sorted(called):
        text = printed((program, "-S", "FORWARD"))
        # the chains of today's iptables are nftables' as well
        if text and drops_by_iptables(text, name) and _NFTABLES[program] not in found:
            found.append(f"{program}' chain FORWARD")
    return tuple(found)


def _is_called(program: str, bridge: Link | None, proc: str) -> bool:
    """Whether bridged frames are handed over: for all bridges by the sysctl, or for this one."""
    if bridge is not None and bridge.options.get(f"nf_call_{program}"):
        return True
    try:
        with open(_SYSCTL.format(proc, program), encoding="ascii", errors="replace") as stream:
            return stream.read().strip() == "1"
    except OSError:
        return False  # br_netfilter is not loaded


def drops_by_iptables(text: str, bridge: str) -> bool:
    """PURE. The same of what C(iptables -S FORWARD) prints."""
    drops = False
    for line in text.splitlines():
        words = line.split()
        if words[:2] == ["-P", "FORWARD"]:
            drops = words[2:] == ["DROP"]
        if words[:2] != ["-A", "FORWARD"] or "-j" not in words:
            continue
        matches, target = words[2 : words.index("-j")], words[words.index("-j") + 1 :]
        if target[:1] == ["ACCEPT"] and _only_the_bridge(matches, bridge):
            return False
        if target[:1] in (["DROP"], ["REJECT"]) and not matches:
            return True
    return drops


def _only_the_bridge(matches: Sequence[str], bridge: str) -> bool:
    """Whether a rule of iptables asks for nothing but that a frame is bridged, or passes this bridge."""
    left = " ".join(matches)
    for words in (f"-i {bridge}", f"-o {bridge}", "-m physdev --physdev-is-bridged"):
        left = left.replace(words, "")
    return "!" not in left and not left.strip()


@dataclass(frozen=True)
class _Ruleset:
    """What nft tells: base chains that see what is forwarded, and the statements of each rule by chain."""

    bases: Sequence[Mapping[str, Any]]
    rules: Mapping[tuple[Any, ...], Sequence[Sequence[Any]]]


def drops_by_nft(text: str, called: Iterable[str], bridge: str) -> list[str]:
    """PURE. The chains of a ruleset in JSON that drop it; C(called) are the programs of iptables' family to whose chains frames are handed over."""
    ruleset = _ruleset(text)
    families = {"bridge"} | {family for family, one in _FAMILIES.items() if one in set(called)}
    if len(families) > 1:
        families.add("inet")
    found = []
    for base in ruleset.bases:
        key = (base.get("family"), base.get("table"), base.get("name"))
        if key[0] not in families:
            continue
        verdict = _verdict(ruleset, key, bridge, 0) or base.get("policy", _ACCEPT)
        if verdict == _DROP:
            found.append(f"nftables' chain {' '.join(str(one) for one in key)}")
    return found


def _ruleset(text: str) -> _Ruleset:
    """What can be read of it; nft without JSON, or with words of years to come, tells nothing."""
    bases: list[Mapping[str, Any]] = []
    rules: dict[tuple[Any, ...], list[Sequence[Any]]] = {}
    try:
        things = json.loads(text)["nftables"]
        for thing in things:
            chain, rule = thing.get("chain"), thing.get("rule")
            if chain and chain.get("hook") == "forward" and chain.get("type") == "filter":
                bases.append(chain)
            if rule:
                key = (rule.get("family"), rule.get("table"), rule.get("chain"))
                rules.setdefault(key, []).append(rule.get("expr", ()))
    except (ValueError, KeyError, TypeError, AttributeError):
        return _Ruleset((), {})
    return _Ruleset(bases, rules)


def _verdict(ruleset: _Ruleset, key: tuple[Any, ...], bridge: str, depth: int) -> str:
    """What becomes of any frame of a bridge in a chain; empty where the chain decides nothing."""
    if depth > _DEEPEST:
        return _ON
    for statements in ruleset.rules.get(key, ()):
        matches, verbs = _split(statements)
        everything = all(_is_of(one, bridge) for one in matches)
        for verb, argument in verbs if everything else ():
            if verb == _ACCEPT:
                return _ACCEPT
            if verb in (_DROP, "reject") and not matches:
                return _DROP
            if verb == "return":
                return _ON
            if verb in ("jump", "goto") and isinstance(argument, Mapping):
                found = _verdict(ruleset, (*key[:2], argument.get("target")), bridge, depth + 1)
                if found or verb == "goto":
                    return found
    return _ON


def _split(statements: Any) -> tuple[list[Any], list[tuple[str, Any]]]:
    """What a rule asks for, and what it does."""
    matches, verbs = [], []
    for statement in statements if isinstance(statements, list) else ():
        for word, argument in statement.items() if isinstance(statement, dict) else ():
            if word in (_ACCEPT, _DROP, "reject", "return", "jump", "goto"):
                verbs.append((word, argument))
            elif word not in _SILENT:
                matches.append({word: argument})
    return matches, verbs


def _is_of(match: Mapping[str, Any], bridge: str) -> bool:
    """Whether it asks for nothing but this bridge, or that a frame is bridged."""
    xt = match.get("xt")
    if isinstance(xt, Mapping):
        return xt.get("name") == "physdev"
    asked = match.get("match")
    if not isinstance(asked, Mapping) or asked.get("op") not in ("==", "in"):
        return False
    left, right = asked.get("left"), asked.get("right")
    key = left.get("meta", {}).get("key") if isinstance(left, Mapping) else None
    names = right.get("set", ()) if isinstance(right, Mapping) else (right,)
    return key in _DEVICES and any(
        name == bridge or (str(name).endswith("*") and bridge.startswith(str(name)[:-1]))
        for name in names
    )
