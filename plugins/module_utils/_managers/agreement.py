# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. Where a manager of networks believes something else of a bridge, or of a port, than what the kernel has, or goes by something else than by what
files of ours say: with the next lease, or as soon as it reads its files, the host would be otherwise.

What may change by itself in a moment is no difference: a link that networkd is configuring, a lease that it has not got yet. Neither is what networkd
257 keeps of a NIC until it begins anew, seen after a hand-over: the file of the lease, which it asks nobody for any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterator, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import listed
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    Link,
    Snapshot,
)

_IPV4 = 2  # AF_INET
_ROUTABLE = "routable"
# Words of networkd's OPER_STATE for a link by which nothing is reached
_POOR = ("off", "no-carrier", "dormant", "degraded-carrier", "carrier", "degraded")
_UNIVERSE = 0  # RT_SCOPE_UNIVERSE


@dataclass(frozen=True)
class Belief:
    """What a manager says of a device, and what files of ours say to the manager.

    C(who) is its name for people, and C(runs) whether it does. C(has): it says that the device is its own, C(source) by what, empty where it tells none;
    C(looks_on): somebody else made it. C(failed), C(state) and C(lease), an address, are what came of it. C(up) is of ifupdown, which says no more than
    that. C(ours) are the sources of ours, one of which it shall have the device by, and C(file) is the file that says so; C(off) is the file of ours that
    keeps it off; all empty where there is none. C(look) is a command that shows more.
    """

    who: str
    runs: bool = True
    has: bool = False
    looks_on: bool = False
    up: bool | None = None
    failed: bool = False
    source: str = ""
    state: str = ""
    lease: str = ""
    ours: Sequence[str] = ()
    file: str = ""
    off: str = ""
    look: str = ""


def disagreements(now: Snapshot, said: Mapping[str, Sequence[Belief]]) -> dict[str, str]:
    """By device the first thing that is otherwise; a sentence without its end. C(said) is what managers say, by device."""
    found = {}
    for dev, beliefs in said.items():
        sentences = [one for belief in beliefs for one in _of(now, now.links[dev], belief)]
        if sentences:
            found[dev] = sentences[0]
    return found


def _of(now: Snapshot, link: Link, said: Belief) -> Iterator[str]:
    more = f"; see '{said.look}'" if said.look else ""
    dev = link.name
    if said.up is False:
        yield f"{said.who} does not know that {dev} is up, so 'ifdown {dev}' would do nothing, and 'ifup {dev}' make it a second time{more}"
    if said.off and said.runs and said.has and not said.looks_on:
        yield f"{said.who} has {dev}{_by(said.source)}, although {said.off} keeps it off{more}"
    if link.kind == "bridge":
        yield from (f"{one}{more}" for one in _of_a_bridge(now, link, said))


def _of_a_bridge(now: Snapshot, link: Link, said: Belief) -> Iterator[str]:
    dev, who, renews = link.name, said.who, _has_an_uplink(now, link)
    if said.ours and renews:
        if not said.runs:
            yield f"{dev} is {who}'s by {said.file}, and {who} does not run, so nobody renews its addresses"
            return
        if not said.has:
            yield f"{who} leaves {dev} alone, although it is {who}'s by {said.file}, so nobody renews its addresses"
        elif said.looks_on:
            yield f"{who} takes {dev} for somebody else's, although it is {who}'s by {said.file}, so nobody renews its addresses"
    if not (said.runs and said.has) or said.looks_on:
        return
    if said.failed:
        yield f"{who} says that it failed to set up {dev}"
    if said.ours and said.source and said.source not in said.ours:
        yield f"{who} goes by {said.source} for {dev}, and not by {said.file}"
    has = [one for one in now.addresses_of(dev) if one.scope == _UNIVERSE]
    texts = [one.text for one in has]
    if renews and said.lease and said.lease not in [one.partition("/")[0] for one in texts]:
        yield f"{who} has the lease of {said.lease} for {dev}, which has {listed(texts) or 'no address'}"
    # its IPv4 ones: one of IPv6 may be looked for elsewhere first
    ready = [one.text for one in has if one.family == _IPV4]
    if said.state in _POOR and ready and link.up and link.running:
        yield f"{who} says that {dev} is {said.state}, and it is up with {listed(ready)}"
    if said.state == _ROUTABLE and not has:
        yield f"{who} says that {dev} is {said.state}, and it has no address"


def _has_an_uplink(now: Snapshot, bridge: Link) -> bool:
    return any(one.kind != "tun" for one in now.ports_of(bridge.name))


def _by(source: str) -> str:
    return f" by {source}" if source else ""
