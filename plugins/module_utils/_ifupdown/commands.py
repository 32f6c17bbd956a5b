# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What the shell commands of a hook (C(up), C(pre-down) and so on) do to one network device.

A hook's line is cut into its simple commands, and each is looked at alone: C(ip route add ... && ethtool -K eth0 tso off) is one of layer 3 and one
of the link. What is not known here is said to be unknown, and never taken for either.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Iterator, Sequence

LAYER3 = "layer 3"  # addresses, routes, rules, neighbours, DHCP, packet filters of IP
EMPTY = "empty"  # takes the device's addresses away: right on a port, and the end of a host's network elsewhere
PORT = "port"  # makes sense on a port only: promiscuous, down
LINK = "link"
OWNER = "owner"  # makes it the port of something
UNKNOWN = "unknown"  # names the device, and nobody here knows what for
NEUTRAL = "neutral"  # nothing of this device

# In ip(8)'s own order, in which it takes the first that begins with what was typed; those that are not of layer 3 with another kind.
_IP_OBJECTS = {
    "address": LAYER3, "addrlabel": LAYER3, "maddress": LINK, "route": LAYER3, "rule": LAYER3, "neighbor": LAYER3, "neighbour": LAYER3,
    "ntable": LAYER3, "ntbl": LAYER3, "link": LINK, "l2tp": UNKNOWN, "fou": NEUTRAL, "ila": UNKNOWN, "macsec": LINK, "tunnel": LAYER3,
    "tunl": LAYER3, "tuntap": LINK, "tap": LINK, "token": LAYER3, "tcpmetrics": LAYER3, "tcp_metrics": LAYER3, "monitor": NEUTRAL,
    "xfrm": UNKNOWN, "mroute": LAYER3, "mrule": LAYER3, "netns": UNKNOWN, "netconf": LAYER3, "vrf": UNKNOWN, "sr": UNKNOWN,
    "nexthop": LAYER3, "mptcp": LAYER3, "ioam": UNKNOWN, "help": NEUTRAL, "stats": LINK,
}  # fmt: skip
_IP_OPTION_WITH_VALUE = re.compile(r"-(?:f(?:amily)?|n(?:etns)?|rc(?:vbuf)?|l(?:oops)?|b(?:atch)?)")
_DEVICE_WORDS = ("dev", "iif", "oif", "link", "name")
_PROGRAMS = {
    **dict.fromkeys(
        "route arp arping ndisc6 rdisc6 rltraceroute6 dhclient dhcpcd udhcpc udhcpc6 dhcp6c pump avahi-autoipd zcip "
        "rtsol rtsold igmpproxy arpspoof".split(),
        LAYER3,
    ),
    **dict.fromkeys(
        "ethtool mii-tool ifplugd tc vconfig nameif iw iwconfig iwpriv iwlist wpa_supplicant wpa_cli wpa_action hostapd "
        "bridge lldptool dcb dcbtool xdp-loader bpftool ether-wake ifrename devlink".split(),
        LINK,
    ),
    **dict.fromkeys(
        "echo printf cat test [ true false : sleep logger exit cd export touch rm mkdir date grep sed awk set unset "
        "modprobe ifup ifdown ifquery".split(),
        NEUTRAL,
    ),
}  # fmt: skip
_FILTERS = re.compile(r"(?:ip6?tables|ip6?tables-(?:nft|legacy))")
_FILTER_DEVICES = ("-i", "-o", "--in-interface", "--out-interface")
_WRAPPERS = re.compile(
    r"(?:sudo|nice|ionice|exec|command|time|nohup|setsid|if|then|else|elif|fi|while|until|do|done|!|\{|\}|timeout|-\S+|[\d.]+[smhd]?|\w+=.*)"
)
_BREAK = re.compile(r"[;|&()\n]")
_IFCONFIG_LINK = ("up", "down", "promisc", "-promisc", "mtu", "hw", "arp", "-arp", "allmulti", "-allmulti", "multicast", "-multicast",
                  "txqueuelen", "dynamic", "-dynamic")  # fmt: skip


@dataclass(frozen=True)
class Command:
    """One simple command: where it stands in the text, and its kind for the device that was asked about.

    C(owner) is who gets the device as a port, where it is told; C(addresses) are the addresses that it gives it.
    """

    start: int
    stop: int
    kind: str
    owner: str | None = None
    addresses: tuple[str, ...] = ()


def names(text: str, device: str) -> bool:
    """Whether a text speaks of the device: by its name, or by the variables that stand for it in a hook."""
    return bool(
        re.search(
            rf"(?<![\w-]){re.escape(device)}(?![\w-])|\$\{{?(?:IFACE|LOGICAL)\b",
            text,
        )
    )


def by_variable(text: str) -> bool:
    """Whether it names its device by a variable, which is another device in another stanza."""
    return bool(re.search(r"\$\{?(?:IFACE|LOGICAL)\b", text))


def read(text: str, device: str) -> list[Command]:
    """The simple commands of a shell text, each with what it does to the device."""
    found = []
    for start, stop in _pieces(text):
        kind, owner, addresses = _judged(text[start:stop], device)
        found.append(Command(start, stop, kind, owner, addresses))
    return found


def questions(text: str) -> list[list[str]]:
    """For each option line of a bridge or a port in it, the same as a question, of a device that is there.

    ip(8) and bridge(8) read their words to the end before they do anything. To ip, C(help) behind them is the question how it is used; to bridge
    what it does not know is, so that for it a value stands there that no option has.
    """
    found = []
    for words in simple(text):
        plain = [one for one in words if not one.startswith("-")]
        if (
            plain[1:3] == ["link", "set"]
            and len(plain) > 4
            and (plain[0] == "bridge" or plain[0] == "ip" and ["type", "bridge"] in pairs(plain))
        ):
            named = 4 if plain[3] == "dev" else 3
            found.append(
                [
                    *plain[:3],
                    "dev",
                    "lo",
                    *plain[named + 1 :],
                    *(["help"] if plain[0] == "ip" else ["guard", "help"]),
                ]
            )
    return found


def words_of_one(text: str) -> list[str] | None:
    """The words of a text that is one simple command and nothing else, without quotes; None for any other."""
    pieces = list(_pieces(text))
    if len(pieces) != 1 or re.search(r"[$`<>*?]", text):
        return None
    start, stop = pieces[0]
    words = _words(text[start:stop])
    return words if text[stop:].strip() == "" and words and text.startswith(words[0]) else None


def simple(text: str) -> Iterator[list[str]]:
    """The words of each simple command in it, without quotes, the program by its name alone."""
    for start, stop in _pieces(text):
        words = _words(text[start:stop])
        if words:
            yield [words[0].rpartition("/")[2], *words[1:]]


def link_set(words: Sequence[str]) -> str | None:
    """Whom the words of C(ip link set) are about; None for those of any other command."""
    return _device(words[3:]) if list(words[:3]) == ["ip", "link", "set"] else None


def pairs(words: Sequence[str]) -> list[list[str]]:
    """Each word with the one behind it."""
    return [list(pair) for pair in zip(words, words[1:])]


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    """Where the simple commands begin and end; what is quoted is not cut."""
    start, position, quote = 0, 0, ""
    while position < len(text):
        one = text[position]
        if one == "\\" and quote != "'":
            position += 2
            continue
        if quote:
            quote = "" if one == quote else quote
        elif one in "'\"":
            quote = one
        elif _BREAK.match(one) and not _redirects(text, position):
            if text[start:position].strip():
                yield start, position
            start = position + 1
        position += 1
    if text[start:].strip():
        yield start, len(text)


def _redirects(text: str, position: int) -> bool:
    """Whether an C(&) belongs to a redirection, as in C(2>&1)."""
    around = text[max(position - 1, 0) : position], text[position + 1 : position + 2]
    return text[position] == "&" and (
        around[0] in (">", "<") and around[0] != "" or around[1] == ">"
    )


def _words(text: str) -> list[str]:
    """The words of a simple command, without quotes and what they only wrap."""
    plain = re.sub(r"\\\r?\n", " ", text)
    words = [
        re.sub(r"[\"']|\\(?=.)", "", one)
        for one in re.findall(r"(?:[^\s\"'\\]|\\.|\"[^\"]*\"|'[^']*')+", plain)
    ]
    while words and _WRAPPERS.fullmatch(words[0]):
        del words[0]
    return words


def _judged(text: str, device: str) -> tuple[str, str | None, tuple[str, ...]]:
    words = _words(text)
    if not words:
        return NEUTRAL, None, ()
    escaped = re.escape(device)
    own = rf"(?:{escaped}|\$\{{?(?:IFACE|LOGICAL)\}}?)"
    if re.search(rf"net[./]ipv[46][./](?:conf|neigh)[./]{own}[./]", text.replace('"', "")):
        return LAYER3, None, ()
    if re.search(rf">\s*\S*/sys/class/net/{own}/", text.replace('"', "")):
        return LINK, None, ()
    program = words[0].rpartition("/")[2]
    mine = re.compile(rf"{own}(?::[\w.-]+)?")
    if program == "ip":
        return _ip(words[1:], mine)
    if program == "ifconfig":
        return _ifconfig(words[1:], mine)
    if program in ("brctl", "ovs-vsctl", "ifenslave", "ifenslave-2.6", "teamdctl"):
        return _enslaving(program, words[1:], mine)
    if _FILTERS.fullmatch(program):
        return _filter(words[1:], mine, names(text, device)), None, ()
    kind = _PROGRAMS.get(program)
    if kind == LAYER3 and program == "route" and len(words) < 2:
        return NEUTRAL, None, ()
    if kind == LAYER3:
        return (
            (
                LAYER3
                if names(text, device) or program == "route" and not _elsewhere(words, mine)
                else NEUTRAL
            ),
            None,
            (),
        )
    if kind is not None:
        return (kind if names(text, device) else NEUTRAL), None, ()
    return (UNKNOWN if names(text, device) else NEUTRAL), None, ()


def _elsewhere(words: Sequence[str], mine: re.Pattern[str]) -> bool:
    """Whether a command names devices, and ours is not among them."""
    named = [words[n + 1] for n, word in enumerate(words[:-1]) if word in _DEVICE_WORDS]
    return bool(named) and not any(mine.fullmatch(one) for one in named)


def _ip(words: Sequence[str], mine: re.Pattern[str]) -> tuple[str, str | None, tuple[str, ...]]:
    rest = list(words)
    while rest and rest[0].startswith("-"):
        del rest[: 2 if _IP_OPTION_WITH_VALUE.fullmatch(rest[0].replace("--", "-")) else 1]
    if not rest:
        return NEUTRAL, None, ()
    kind = next((kind for name, kind in _IP_OBJECTS.items() if name.startswith(rest[0])), UNKNOWN)
    if "link".startswith(rest[0]):
        return (*_ip_link(rest[1:], mine), ())
    named = any(mine.fullmatch(one) for one in rest)
    if kind != LAYER3:
        return (kind if named else NEUTRAL), None, ()
    if _elsewhere(rest, mine) or len(rest) == 1:
        return NEUTRAL, None, ()
    verb = rest[1] if len(rest) > 1 else ""
    if _begins("address", rest[0]):
        if _begins("flush", verb):
            return EMPTY, None, ()
        if _begins("show", verb) or _begins("list", verb):
            return NEUTRAL, None, ()
        return LAYER3, None, tuple(filter(_is_address, rest[2:]))[:1]
    return LAYER3, None, ()


def _begins(full: str, typed: str) -> bool:
    return bool(typed) and full.startswith(typed)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_interface(text)
    except ValueError:
        return False
    return True


def _ip_link(words: Sequence[str], mine: re.Pattern[str]) -> tuple[str, str | None]:
    if not any(mine.fullmatch(one) for one in words):
        return NEUTRAL, None
    verb, rest = words[0], list(words[1:])
    if _begins("add", verb) or verb == "replace":
        on_top = [
            one
            for one in ("macvlan", "ipvlan", "macvtap", "ipvtap", "vxlan", "geneve")
            if one in rest
        ]
        return (UNKNOWN if on_top else LINK), None
    if not _begins("set", verb):
        return NEUTRAL, None
    if not mine.fullmatch(_device(rest)):
        return NEUTRAL, None
    master = next(
        (rest[n + 1] for n, word in enumerate(rest[:-1]) if word in ("master", "vrf")), None
    )
    if master is not None:
        return OWNER, master
    return (PORT if "down" in rest or "promisc" in rest and "off" not in rest else LINK), None


def _device(words: Sequence[str]) -> str:
    """Whom C(ip link set) is about; C(words) are those behind it."""
    return next((after for word, after in pairs(words) if word == "dev"), words[0] if words else "")


def _ifconfig(
    words: Sequence[str], mine: re.Pattern[str]
) -> tuple[str, str | None, tuple[str, ...]]:
    rest = [word for word in words if not re.fullmatch(r"-[asv]", word)]
    if not rest or not mine.fullmatch(rest[0]):
        return NEUTRAL, None, ()
    if len(rest) == 1:
        return NEUTRAL, None, ()
    if rest[1] in ("0", "0.0.0.0"):
        return EMPTY, None, ()
    if (
        ":" in rest[0].replace("${", "").partition("}")[2]
        or ":" in rest[0]
        or rest[1] not in _IFCONFIG_LINK
    ):
        given = [word for word in rest[1:] if _is_address(word)]
        return LAYER3, None, tuple(given[:1])
    return (PORT if {"down", "promisc"} & set(rest[1:]) else LINK), None, ()


def _enslaving(
    program: str, words: Sequence[str], mine: re.Pattern[str]
) -> tuple[str, str | None, tuple[str, ...]]:
    if not any(mine.fullmatch(one) for one in words):
        return NEUTRAL, None, ()
    if program == "ifenslave" or program == "ifenslave-2.6":
        plain = [one for one in words if not one.startswith("-")]
        if "-d" in words or mine.fullmatch(plain[0]):
            return LINK, None, ()
        return OWNER, plain[0], ()
    verbs = {"brctl": ("addif",), "ovs-vsctl": ("add-port", "add-bond"), "teamdctl": ("add",)}[
        program
    ]
    for verb in verbs:
        if verb in words[:-1]:
            after = words[words.index(verb) + 1]
            if not mine.fullmatch(after):
                return OWNER, after, ()
    return LINK, None, ()


def _filter(words: Sequence[str], mine: re.Pattern[str], named: bool) -> str:
    if any(word.startswith("--physdev") for word in words):
        return LINK if named else NEUTRAL
    if any(
        mine.fullmatch(words[n + 1]) for n, word in enumerate(words[:-1]) if word in _FILTER_DEVICES
    ):
        return LAYER3
    return UNKNOWN if named else NEUTRAL
