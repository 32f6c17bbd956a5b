# SPDX-License-Identifier: GPL-3.0-or-later
"""Routes and policy rules that a manager of networks has not made: foreign to it, and some of its steps remove them. They are put back.

They are the administrator's, a VPN's, a container network's; and the rules are whoever's, since a manager puts its own in the place of the same rule of
somebody else's.
"""

from __future__ import annotations

import contextlib
from typing import Iterator

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import KernelError
from ansible_collections.hypervisor.network.plugins.module_utils._managers import rules
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import route as rtnl_route
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.snapshot import (
    Netlink,
    index_of,
    names_of,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.socket import (
    NLM_F_APPEND,
    NLM_F_CREATE,
)

_FOREIGN = (rtnl_route.PROTO_BOOT, rtnl_route.PROTO_STATIC)


@contextlib.contextmanager
def kept(netlink: Netlink) -> Iterator[None]:
    """What of routes and rules was added by others is there afterwards too."""
    before, policies = _routes(netlink), _rules(netlink)
    try:
        yield
    finally:
        links = netlink.snapshot().links
        there = {_anybodys(one) for one in _routes(netlink)}
        for route, body in before.items():
            if _anybodys(route) not in there and route.devs <= {*links, None}:
                indexes = [index_of(hop.dev, links) if hop.dev else 0 for hop in route.hops]
                again = rtnl_route.reroute(body, indexes)
                flags = NLM_F_CREATE | NLM_F_APPEND
                _sent(netlink, rtnl_route.RTM_NEWROUTE, flags, again, f"add the route {route}")
        still = _rules(netlink)
        for policy, body in policies.items():
            if policy not in still:
                _sent(netlink, rtnl_route.RTM_NEWRULE, NLM_F_CREATE, body, f"add the rule {policy}")


def _anybodys(route: rtnl_route.Route) -> object:
    return route.key, route.hops


def _routes(netlink: Netlink) -> dict[rtnl_route.Route, bytes]:
    names = names_of(netlink.snapshot().links)
    found = rtnl_route.decode_routes(netlink.dump(rtnl_route.RTM_GETROUTE), names)
    return {one: one.raw for one in found if one.protocol in _FOREIGN}


def _rules(netlink: Netlink) -> dict[rules.Policy, bytes]:
    bodies = netlink.dump(rtnl_route.RTM_GETRULE)
    return {rules.anybodys(one): one.raw for one in rules.policies(bodies)}


def _sent(netlink: Netlink, kind: int, flags: int, body: bytes, what: str) -> None:
    """What can't be added again is gone with what it needed, such as a device."""
    with contextlib.suppress(KernelError):
        netlink.send(kind, flags, body, what)
