# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. The options that a DHCP client's successor gets: those of a list, with values that can be what they say; the rest stays behind.

Who runs as root with another script or configuration than the distribution's own runs whatever stands in it. Sources: dhclient(8) 4.4,
udhcpc of busybox 1.35 to 1.37, dhcpcd(8) 8.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Callable, Mapping, Sequence

# Whether nobody but root could put another file in this one's place
Ours = Callable[[str], bool]
Check = Callable[[str], bool]
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+@/,= -]{0,254}")
_DEVICE = re.compile(r"[^\s/\ufffd-][^\s/\ufffd]{0,14}")


def _word(value: str) -> bool:
    return _WORD.fullmatch(value) is not None


def _number(value: str) -> bool:
    return re.fullmatch(r"-?[0-9]{1,9}", value) is not None


def _metric(value: str) -> bool:
    """What ifupdown hands to dhclient's script; any other variable could be one that a shell obeys."""
    return re.fullmatch(r"IF_METRIC=[0-9]{1,10}", value) is not None


def _file(value: str) -> bool:
    raise AssertionError("files are looked at by whoever can")


@dataclass(frozen=True)
class Grammar:
    """How a client's command line is read.

    C(flags) go over, and C(values) where their check passes; C(dropped) are known to take a value, and stay behind with it; so does whatever is not
    known. C(letters) may be written together and with their value, C(attached) are those whose value, if any, is in the same word, and C(long)
    names stand for letters.
    """

    flags: frozenset[str]
    values: Mapping[str, Check]
    dropped: frozenset[str]
    letters: bool = False
    attached: frozenset[str] = frozenset()
    long: Mapping[str, str] = field(default_factory=dict)

    def takes(self, option: str) -> bool:
        return option in self.values or option in self.dropped


@dataclass(frozen=True)
class Parsed:
    """C(options) that go over, (name, value) in their order; the C(devices) it names; and what is C(left) behind, in words."""

    options: tuple[tuple[str, str | None], ...]
    devices: tuple[str, ...]
    left: tuple[str, ...]

    def words(self, attached: frozenset[str] = frozenset()) -> tuple[str, ...]:
        found: list[str] = []
        for name, value in self.options:
            if value is None:
                found.append(name)
            else:
                found += [f"{name}{value}"] if name in attached else [name, value]
        return tuple(found)

    def value(self, option: str) -> str | None:
        """The last value that was given: it counts."""
        return next((value for name, value in reversed(self.options) if name == option), None)


def parse(words: Sequence[str], grammar: Grammar, ours: Ours) -> Parsed:
    """Read a command line without its program; C(ours) tells of a path whether only root could put another file there."""
    options: list[tuple[str, str | None]] = []
    devices: list[str] = []
    left: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("-"):
            (devices if _DEVICE.fullmatch(word) else left).append(word)
            continue
        for name, value in _split(word, rest, grammar):
            if _goes_over(name, value, grammar, ours):
                options.append((name, value))
            else:
                left.append(name if value is None else f"{name} {value}")
    return Parsed(tuple(options), tuple(devices), tuple(left))


def _goes_over(name: str, value: str | None, grammar: Grammar, ours: Ours) -> bool:
    if value is None:
        return name in grammar.flags
    check = grammar.values.get(name)
    if check is _file:
        return ours(value)
    return check is not None and check(value)


def _split(word: str, rest: list[str], grammar: Grammar) -> list[tuple[str, str | None]]:
    """The options of one word; a value that is a word of its own is taken out of C(rest)."""
    if not grammar.letters:
        return [(word, rest.pop(0) if grammar.takes(word) and rest else None)]
    if word.startswith("--"):
        name, equals, value = word[2:].partition("=")
        # getopt_long takes a beginning for the whole where it is one of one only
        known = [one for one in grammar.long if one.startswith(name)] if name else []
        if name not in known and len(known) != 1:
            return [(word, None)]
        letter = grammar.long[name if name in known else known[0]]
        if equals or letter in grammar.attached:
            return [(letter, value if equals else None)]
        return [(letter, rest.pop(0) if grammar.takes(letter) and rest else None)]
    found: list[tuple[str, str | None]] = []
    for at, character in enumerate(word[1:], 2):
        letter = f"-{character}"
        if letter in grammar.attached:
            return [*found, (letter, word[at:] or None)]
        if grammar.takes(letter):
            value = word[at:] or (rest.pop(0) if rest else None)
            return [*found, (letter, value)]
        found.append((letter, None))
    return found


# -d, which stays in the foreground, and -r and -x, which end another one, are not for a successor
DHCLIENT = Grammar(
    flags=frozenset(
        ("-4", "-6", "-1", "-q", "-v", "-w", "-nw", "-i", "-I", "-B", "-S", "-T", "-N", "-P", "--no-pid")
    ),
    values={
        "-lf": _file, "-pf": _file, "-df": _file, "-H": _word, "-F": _word, "-V": _word, "-C": _word, "-R": _word, "--request-options": _word,
        "-e": _metric, "-p": _number, "-timeout": _number, "--timeout": _number, "--dad-wait-time": _number, "--decline-wait-time": _number,
        "--prefix-len-hint": _number, "--address-prefix-len": _number, "-D": ("LL", "LLT").__contains__,
        "-cf": ("/etc/dhcp/dhclient.conf", "/etc/dhcp/dhclient6.conf").__contains__,
        "-sf": ("/sbin/dhclient-script", "/usr/sbin/dhclient-script").__contains__,
    },
    dropped=frozenset(("-s", "-g")),
)  # fmt: skip
UDHCPC_SCRIPTS = ("/etc/udhcpc/default.script", "/usr/share/udhcpc/default.script")
UDHCPC = Grammar(
    flags=frozenset(("-n", "-q", "-b", "-R", "-B", "-S", "-C", "-o", "-v", "-a")),
    values={
        "-i": _DEVICE.fullmatch, "-p": _file, "-t": _number, "-T": _number, "-A": _number, "-P": _number, "-a": _number, "-r": _word, "-V": _word,
        "-F": _word, "-x": _word, "-O": _word, "-h": _word, "-H": _word, "-s": UDHCPC_SCRIPTS.__contains__,
    },
    dropped=frozenset(),
    letters=True,
    attached=frozenset(("-a",)),
    long={
        "interface": "-i", "now": "-n", "pidfile": "-p", "quit": "-q", "release": "-R", "request": "-r", "script": "-s", "timeout": "-T",
        "version": "-v", "retries": "-t", "tryagain": "-A", "syslog": "-S", "request-option": "-O", "no-default-options": "-o", "foreground": "-f",
        "background": "-b", "broadcast": "-B", "arping": "-a", "client-port": "-P", "hostname": "-H", "fqdn": "-F", "vendorclass": "-V",
        "clientid-none": "-C", "opt": "-x",
    },
)  # fmt: skip
DHCPCD = Grammar(
    flags=frozenset(
        ("-4", "-6", "-A", "-b", "-D", "-E", "-G", "-J", "-K", "-L", "-p", "-q", "-w", "-d")
    ),
    values={
        "-m": _number, "-l": _number, "-t": _number, "-y": _number, "-h": _word, "-I": _word, "-i": _word, "-u": _word, "-F": _word, "-o": _word,
        "-O": _word, "-Q": _word, "-C": _word, "-f": ("/etc/dhcpcd.conf",).__contains__,
        "-c": ("/lib/dhcpcd/dhcpcd-run-hooks", "/usr/lib/dhcpcd/dhcpcd-run-hooks").__contains__,
    },
    dropped=frozenset(("-e", "-j", "-r", "-S", "-s", "-v", "-W", "-X", "-Z", "-z", "-U")),
    letters=True,
    long={
        "persistent": "-p", "metric": "-m", "leasetime": "-l", "timeout": "-t", "reboot": "-y", "hostname": "-h", "clientid": "-I", "vendorclassid": "-i",
        "userclass": "-u", "fqdn": "-F", "option": "-o", "nooption": "-O", "require": "-Q", "nohook": "-C", "config": "-f", "script": "-c", "env": "-e",
        "logfile": "-j", "request": "-r", "static": "-S", "inform": "-s", "vendor": "-v", "whitelist": "-W", "blacklist": "-X", "denyinterfaces": "-Z",
        "allowinterfaces": "-z", "ipv4only": "-4", "ipv6only": "-6", "background": "-b", "duid": "-D", "lastlease": "-E", "nogateway": "-G",
        "anonymous": "-J", "nolink": "-K", "noipv4ll": "-L", "quiet": "-q", "waitip": "-w", "noarp": "-A", "nobackground": "-B", "debug": "-d",
    },
)  # fmt: skip
