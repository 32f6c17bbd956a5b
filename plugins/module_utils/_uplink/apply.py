# SPDX-License-Identifier: GPL-3.0-or-later
"""A NIC and its bridge as a noun: everything that moves is read, and each change of the plan becomes one acknowledged message."""

from __future__ import annotations

import errno
from dataclasses import replace
from typing import Callable

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    KernelError,
    Refused,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import (
    Change,
    Plan,
    listed,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._dhcp import handover
from ansible_collections.hypervisor.network.plugins.module_utils._link.apply import LinkNoun
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import (
    address as rtnl_address,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import heard
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import neigh as rtnl_neigh
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import route as rtnl_route
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.snapshot import (
    Netlink,
    index_of,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.socket import (
    NLM_F_APPEND,
    NLM_F_CREATE,
    NLM_F_REPLACE,
)
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import (
    identity,
    layout,
    read,
)
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import plan as uplink_plan
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.changes import KEEP
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.layout import Inet, Layout
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.noun import Uplink
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.preflight import Spec

# for what a worker of the kernel does: it takes microseconds, or on a busy host milliseconds
_WORKER_SECONDS = 1.0
# as long as ifupdown waits; the kernel begins within a second, and asks once, for a second, if nobody set more
_LINK_LOCAL_SECONDS = 6.0


class UplinkNoun(Uplink):
    """See C(_core/reconcile.Noun). A wish is a Spec, or a Layout for the way back."""

    def __init__(self, netlink: Netlink, spec: Spec) -> None:
        super().__init__(netlink, spec)
        self._use(netlink)
        self._remarks: dict[str, None] = {}

    def _use(self, netlink: Netlink) -> None:
        self._netlink = netlink
        self._links = LinkNoun(netlink)

    def called(self, dev: str) -> str:
        """The name that a device has by now."""
        return self._called.get(dev, dev)

    @property
    def astray(self) -> bool:
        """Whether the NIC has another name by now, or is gone: its old name may be another device's."""
        return self._gone or bool(self._called)

    def prepare(self, before: Inet) -> None:
        self._netlink.ready()

    def plan(self, now: Inet, wish: Spec | Layout) -> Plan:
        if isinstance(wish, Layout):
            return self._plan_back(now, wish)
        if self._target is not None and self.astray:
            self._check(Link(self._names[self._index], self._index))
        return super().plan(now, wish)

    def _plan_back(self, now: Inet, wish: Layout) -> list[Change]:
        bridge = self.called(wish.bridge)
        joined = [one.name for one in now.ports_of(bridge) if one.index != self._index]
        if wish.bridge_link is None and joined:
            self._remarks[
                f"The bridge {bridge} stays, because {listed(joined)} joined it meanwhile."
            ] = None
        if self._gone:
            self._remarks[f"{wish.nic} was deleted meanwhile, and what it had went with it."] = None
            return uplink_plan.without_the_nic(now, wish)
        there = {one.text for one in now.addresses_of(self.called(wish.nic))}
        lost = [one.text for one in wish.addresses if rtnl_address.temporary(one)]
        for text in (one for one in lost if one not in there):
            self._remarks[
                f"The temporary address {text} has gone with its connections: only the kernel makes such, and it makes another."
            ] = None
        changes = uplink_plan.plan(now, identity.follow(wish, self._called))
        return [one for one in changes if remark_on(one, False) not in self._remarks]

    def wish_back(self, before: Inet, changes: Plan) -> Layout:
        back = layout.layout_of(before, self._names[self._index], self._spec.bridge)
        return replace(back, made=self._target)

    def remarks(self) -> list[str]:
        """What there is to say of the way back beside its success, in sentences."""
        return list(self._remarks)

    def apply(self, changes: Plan, now: Inet) -> None:
        for change in changes:
            self._check_devices(now)
            if change.action != KEEP:
                self._carry_out(change, now)
                if (change.action, change.name) == ("delete", self._spec.bridge):
                    # by us: what comes after it is the NIC's, its client's and its manager's
                    others = {name: one for name, one in now.links.items() if name != change.name}
                    now = replace(now, links=others)
                continue
            try:
                self._carry_out(change, now)
                self._remarks[remark_on(change, True)] = None
            except KernelError:  # whoever added it is told, and the host comes first
                self._remarks[remark_on(change, False)] = None

    def _check_devices(self, now: Inet) -> None:
        """Raises Refused where the NIC or the bridge is not the device any more that it was in the snapshot."""
        if self._spec.nic in now.links and not self._gone:
            self._check(now.links[self._spec.nic])
        bridge = now.links.get(self._spec.bridge)
        if bridge is not None and self._spec.bridge != self._spec.nic:
            self._check(replace(bridge, mac=None))  # which changes with the conversion

    def _check(self, meant: Link) -> None:
        try:
            there = self._netlink.link(meant.index)
        except KernelError:
            there = None
        try:
            by_name = index_of(meant.name, {})
        except KernelError:
            by_name = None
        sentence = identity.objection(meant, there, by_name)
        if sentence:
            raise Refused(sentence)

    def _carry_out(self, change: Change, now: Inet) -> None:
        if change.kind not in ("bridge", "port"):
            getattr(self, f"_{change.kind}")(change, now)
            return
        self._links.apply((change,), now)
        if change.action == "attach" and now.links[change.name].running:
            # what is routed to the NIC still leaves meanwhile; through the bridge it would be lost
            self._netlink.wait_until_transmitting(
                index_of(self._spec.bridge, now.links), _WORKER_SECONDS
            )

    def _link(self, change: Change, now: Inet) -> None:
        self._links.apply((replace(change, kind="port"),), now)

    def _address(self, change: Change, now: Inet) -> None:
        address = change.payload
        index = index_of(address.dev, now.links)
        if change.action == "remove":
            body = rtnl_address.readdress(address, index, address.dev, 0)
            # deleting a primary address takes its secondaries along, unless promote_secondaries is set
            self._tolerating(
                errno.EADDRNOTAVAIL,
                lambda: self._netlink.send(
                    rtnl_address.RTM_DELADDR, 0, body, f"remove the address {change.name}"
                ),
            )
            return
        staged = address.flags | (
            rtnl_address.IFA_F_NODAD if address.family == rtnl_address.AF_INET6 else 0
        )
        # without NODAD the address would be mute for a second; then the mark goes
        for flags in dict.fromkeys((staged, address.flags)):
            body = rtnl_address.readdress(address, index, address.dev, flags)
            self._netlink.send(
                rtnl_address.RTM_NEWADDR,
                NLM_F_CREATE | NLM_F_REPLACE,
                body,
                f"add the address {change.name}",
            )
        if address.family == rtnl_address.AF_INET6:
            self._netlink.wait_until_answering(
                index, address.text.partition("/")[0], _WORKER_SECONDS
            )

    def _route(self, change: Change, now: Inet) -> None:
        route = change.payload
        indexes = [index_of(hop.dev, now.links) if hop.dev else 0 for hop in route.hops]
        body = rtnl_route.reroute(route.raw, indexes)
        what = f"{change.action} the route {route}"
        if change.action == "remove":
            if heard.possible(route):  # by its ioctl the kernel calls it another
                body = rtnl_route.by_any_protocol(body)
            # gone already where the kernel took it along with an address
            self._tolerating(
                errno.ESRCH, lambda: self._netlink.send(rtnl_route.RTM_DELROUTE, 0, body, what)
            )
        elif route.heard:
            asked = heard.request(route, indexes[0])
            self._tolerating(
                errno.EEXIST, lambda: self._netlink.request(heard.SIOCADDRT, asked, what)
            )
        elif change.before is not None:
            self._netlink.send(rtnl_route.RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, body, what)
        else:
            self._tolerating(
                errno.EEXIST,
                lambda: self._netlink.send(
                    rtnl_route.RTM_NEWROUTE, NLM_F_CREATE | NLM_F_APPEND, body, what
                ),
            )

    def _rule(self, change: Change, now: Inet) -> None:
        adding = change.action != "remove"
        kind, flags = (
            (rtnl_route.RTM_NEWRULE, NLM_F_CREATE) if adding else (rtnl_route.RTM_DELRULE, 0)
        )
        self._netlink.send(
            kind, flags, change.payload.raw, f"{change.action} the rule {change.name}"
        )

    def _neighbour(self, change: Change, now: Inet) -> None:
        body = rtnl_neigh.reneighbour(change.payload, index_of(change.payload.dev, now.links))
        if change.action == "remove":
            # gone already where the kernel took it along with the last address
            self._tolerating(
                errno.ENOENT,
                lambda: self._netlink.send(
                    rtnl_neigh.RTM_DELNEIGH, 0, body, f"remove the neighbour {change.name}"
                ),
            )
            return
        self._netlink.send(
            rtnl_neigh.RTM_NEWNEIGH,
            NLM_F_CREATE | NLM_F_REPLACE,
            body,
            f"add the neighbour {change.name}",
        )

    def _sysctl(self, change: Change, now: Inet) -> None:
        path = f"{read.SYSCTL_ROOT}/{change.name.partition('/')[2]}"
        try:
            with self._netlink.turn(), open(path, "w", encoding="ascii") as stream:
                stream.write(change.payload)
        except FileNotFoundError:
            pass  # the host has no IPv6 at all
        except OSError as error:
            raise KernelError(
                f"set the sysctl {change.name} to {(change.after or {})['value']}", error.errno or 0
            ) from None

    def _dhcp(self, change: Change, now: Inet) -> None:
        if change.action == "stop":
            handover.stop(change.payload, turn=self._netlink.turn)
            return
        others = {self._spec.nic, self._spec.bridge} - {change.payload.dev}
        source = next(
            (client.dev for client in now.clients if client.dev in others), change.payload.dev
        )
        if change.payload.binds_link_local:  # ifupdown waits too, by its wait-for-ll6.sh
            self._netlink.wait_until_link_local(
                index_of(change.payload.dev, {}), _LINK_LOCAL_SECONDS
            )
        handover.start(change.payload, source, turn=self._netlink.turn)

    @staticmethod
    def _tolerating(number: int, send: Callable[[], None]) -> None:
        try:
            send()
        except KernelError as error:
            if error.errno != number:
                raise


def remark_on(change: Change, kept: bool) -> str:
    """What is said of a thing that somebody else has added."""
    thing = f"{change.kind} {change.name}, which somebody else has added,"
    return f"The {thing} {'stays' if kept else 'could not be kept'}."
