# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. Who else on disk has a NIC: a bond, another bridge, Open vSwitch, an access point, a mapping, a stanza that inherits.

Each is refused by file and line.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Iterator, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.commands import (
    OWNER,
    Command,
)
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.document import (
    Document,
    Stanza,
)
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.grammar import (
    Line,
    canonical,
    is_pattern_of,
    words,
)
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.lines import commands_of

Docs = Mapping[str, Document]
# Options of another device's stanza whose words are its ports, and what that device is.
_PORTS = {
    "bond_slaves": "bond",
    "slaves": "bond",
    "ovs_ports": "bridge of Open vSwitch",
    "ovs_bonds": "bond of Open vSwitch",
    "team_ports": "team",
    "vrf_slaves": "VRF",
    "batman_ifaces": "batman-adv mesh",
}
# Options of the NIC's own stanza that give it to somebody.
_GIVEN = {"bond_master": "a port of the bond", "ovs_bridge": "a port of", "vrf": "in the VRF"}
_OVS_PORTS = ("OVSPort", "OVSIntPort", "OVSBond", "OVSTunnel", "OVSPatchPort")
# What bridge-utils puts in the place of "all" (its bridge_parse_ports), as extended regular expressions.
_ALL = ("eth.*", "em.*", "en.*", "p[0-9].*")


def refuse_owned(docs: Docs, nic: str, bridge: str) -> None:
    """A NIC can be the port of one device only, and of a bridge only where it is wired. Raises Refused with what has it, and where."""
    for path, doc, stanza, position, line in _options(docs):
        said = _said(stanza, line, nic, bridge)
        if said is not None:
            raise Refused(
                f"{nic} is {said}, at {doc.place(path, position)}, so {bridge} cannot have it; take it out there first."
            )


def refuse_owned_ports(docs: Docs, given: Mapping[str, Sequence[str]], bridge: str) -> None:
    """The same for each port that the options of a bridge name."""
    for key, values in given.items():
        if canonical(key) == "bridge_ports":
            for port in (word for value in values for word in _named(value)):
                refuse_owned(docs, port, bridge)


def _named(value: str) -> Iterator[str]:
    """The devices that a value of bridge_ports names; none, all and regular expressions are no names."""
    patterns = False
    for word in words(value):
        if word in ("regex", "noregex"):
            patterns = word == "regex"
        elif not patterns and word not in ("none", "all"):
            yield word


def _options(docs: Docs) -> Iterator[tuple[str, Document, Stanza, int, Line]]:
    for path, doc in docs.items():
        for stanza in doc.stanzas():
            for offset, line in enumerate(stanza.lines):
                if line.kind == "option":
                    yield path, doc, stanza, stanza.start + offset, line


def _said(stanza: Stanza, line: Line, nic: str, bridge: str) -> str | None:
    key = canonical(line.key)
    for one in commands_of(line, nic) if stanza.name == nic else _by_name(line, nic):
        if one.kind == OWNER and one.owner not in (bridge, None):
            return f"made a port of {one.owner} already"
    if stanza.name == nic:
        if key.startswith(("wpa_", "wireless_")):
            return (
                "wireless, and an access point drops frames from other MACs than the station's own"
            )
        if key == "ovs_type" and line.value in _OVS_PORTS:
            return "a port of Open vSwitch already"
        if key in _GIVEN and words(line.value)[:1] not in ([bridge], ["none"], []):
            return f"{_GIVEN[key]} {words(line.value)[0]} already"
    elif key == "bridge_ports":
        if stanza.name != bridge and nic in _ports(line.value, nic):
            return f"a port of {stanza.name} already"
    elif key in _PORTS and nic in words(line.value):
        return f"a port of the {_PORTS[key]} {stanza.name} already"
    return None


def _by_name(line: Line, nic: str) -> list[Command]:
    """Another stanza's variables stand for another device."""
    return [] if "$" in line.value else commands_of(line, nic)


def _ports(value: str, nic: str) -> Iterator[str]:
    """The ports that bridge-utils would find for this value, as far as the one NIC is concerned."""
    patterns = False
    for word in words(value):
        if word in ("regex", "noregex"):
            patterns = word == "regex"
        elif word == "all":
            # it ends in "noregex" there
            yield from (nic for one in _ALL if _matches(one, nic))
            patterns = False
        elif not patterns:
            yield word
        elif _matches(word, nic):
            yield nic


def _matches(pattern: str, nic: str) -> bool:
    try:
        return re.fullmatch(pattern, nic) is not None
    except re.error:
        return False


def refuse_mapped(docs: Docs, nic: str, bridge: str) -> None:
    """A name that stands for another stanza at boot, by a script or by C(auto eth0=home), can't be followed. Raises Refused."""
    for path, doc in docs.items():
        for position, line in enumerate(doc.lines):
            if line.kind == "mapping":
                for name in (nic, bridge):
                    if any(fnmatchcase(name, pattern) for pattern in words(line.value)):
                        raise Refused(
                            f"A mapping at {doc.place(path, position)} decides by a script what {name} is; remove it first."
                        )
            elif line.kind == "select":
                for word in words(line.value):
                    name, equals, logical = word.partition("=")
                    if equals and logical != nic and (name == nic or is_pattern_of(name, nic)):
                        raise Refused(
                            f"{doc.place(path, position)} says that {nic} is brought up as {logical}; write its stanza under its own name first."
                        )
            elif line.kind == "rename":
                for word in words(line.value):
                    current = word.partition("=")[0]
                    # "rename mac/...=eth0" is how ifupdown binds a name to a MAC, and right
                    if current == nic or current.startswith("/") and is_pattern_of(current, nic):
                        raise Refused(
                            f"{doc.place(path, position)} renames {nic} at boot, and a port cannot be renamed; name it by a .link file of systemd first."
                        )


def refuse_heirs(docs: Docs, name: str) -> None:
    """A stanza that others inherit from gives them its options, and can't move. Raises Refused."""
    for path, doc in docs.items():
        for stanza in doc.stanzas():
            if stanza.inherits == name and stanza.name != name:
                raise Refused(
                    f"{stanza.name} at {doc.place(path, stanza.start)} inherits from {name}, whose options would be others then; write them out there first."
                )
