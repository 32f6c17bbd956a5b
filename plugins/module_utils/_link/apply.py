# SPDX-License-Identifier: GPL-3.0-or-later
"""Bridges, ports and taps as one noun: the planners of bridge, port and tap, and their changes as messages.

A wish is C({kind: [wish, ...]}) with the kinds bridge, port and tap. One dump, one plan, one pass: devices are made first, then
joined, and deleted last, so that a failure before the end has nothing to make again. A wish of C(wish_back) has the kind address too.
"""

from __future__ import annotations

import errno
from dataclasses import replace
from typing import Any, Callable, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core import vlan as vlan_words
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import KernelError
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change, Plan
from ansible_collections.hypervisor.network.plugins.module_utils._core.reconcile import Guard
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    IFF_UP,
    Address,
    Snapshot,
)
from ansible_collections.hypervisor.network.plugins.module_utils._host.locks import alone
from ansible_collections.hypervisor.network.plugins.module_utils._link import (
    bridge as bridge_planner,
)
from ansible_collections.hypervisor.network.plugins.module_utils._link import (
    device,
    messages,
    own_addresses,
    own_mtu,
    set_addresses,
    tuntap,
)
from ansible_collections.hypervisor.network.plugins.module_utils._link import port as port_planner
from ansible_collections.hypervisor.network.plugins.module_utils._link import tap as tap_planner
from ansible_collections.hypervisor.network.plugins.module_utils._link.link_local import (
    follow_the_mac,
)
from ansible_collections.hypervisor.network.plugins.module_utils._link.read import read
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import (
    attributes as option_tables,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import bridge_vlan
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import link as rtnl_link
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.snapshot import (
    Netlink,
    OnASocket,
    index_of,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.socket import (
    NLM_F_CREATE,
    NLM_F_EXCL,
)

# seconds; the kernel's worker looks at carriers once a second, or at once (net/core/link_watch.c)
_NOTED = 2.0
_OWN_LINK_KEYS = ("mtu", "txqueuelen", "alias", "addr_gen_mode")


class LinkNoun(OnASocket):
    """See C(_core/reconcile.Noun). C(netlink) is the socket, C(configure) makes a TAP (a parameter, so that tests need no root)."""

    KINDS = ("bridge", "port", "tap")

    def __init__(
        self,
        netlink: Netlink,
        configure: Callable[[str, Mapping[str, Any]], None] = tuntap.configure,
        guard: Guard | None = None,
    ) -> None:
        self.netlink = netlink
        self._configure = configure
        self.guard = guard
        self.made: dict[str, int] = {}  # the devices of this run by name
        # on the way back: those that were there, and are not made by the run
        self._before: dict[str, int] = {}
        self._remarks: dict[str, None] = {}
        self._given_mtu: set[int] = set()  # the bridges that got one of this run, by index
        self.alone = alone

    def read(self) -> Snapshot:
        return own_mtu.noted(read(self.netlink), self._given_mtu)

    def prepare(self, before: Snapshot) -> None:
        self.netlink.ready()

    def plan(self, now: Snapshot, wish: Mapping[str, Sequence[Mapping[str, Any]]]) -> Plan:
        changes = bridge_planner.plan(now, wish.get("bridge", ())) + tap_planner.plan(
            now, wish.get("tap", ())
        )
        made = [one.name for one in changes if one.action in ("create", "recreate")]
        ports = wish.get("port", ())
        again = {one["name"] for one in ports} & {
            one.name for one in changes if one.action == "recreate"
        }
        if again:  # what is wished for the port counts for the new device, not what the old one had
            changes = [
                one for one in changes if one.kind != port_planner.KIND or one.name not in again
            ]
        links = {name: link for name, link in now.links.items() if name not in again}
        if ports:
            links.update(bridge_planner.with_their_new_default(now, changes))
        changes += port_planner.plan(replace(now, links=links), ports, made)
        changes += own_addresses.lost(now, wish.get("address", ()), made)
        kept = bridge_planner.joined(now, wish)
        self._remarks.update(dict.fromkeys(kept.values()))
        changes = [one for one in changes if one.name not in kept and self._is_meant(one, now)]
        return sorted(changes, key=messages.in_order)

    def remarks(self) -> list[str]:
        """What there is to say of a way back, in sentences."""
        return list(self._remarks)

    def _is_meant(self, change: Change, now: Snapshot) -> bool:
        """On the way back: whether the device is not somebody else's that has the name by now."""
        link, meant = now.links.get(change.name), self._before.get(change.name)
        if link is None or meant in (None, link.index):
            return True
        return self.made.get(change.name) == link.index

    def wish_back(self, before: Snapshot, changes: Plan) -> dict[str, list[Any]]:
        names: dict[str, dict[str, None]] = {"bridge": {}, "port": {}, "tap": {}}
        addresses: list[Address] = []
        made = {one.name for one in changes if one.action in ("create", "recreate", "delete")}
        self._before = {name: link.index for name, link in before.links.items() if name not in made}
        for change in changes:
            names[change.kind][change.name] = None
            # what hangs on a device goes with it, and comes back with it
            if change.kind == "tap" and change.name in before.links:
                names["port"][change.name] = None
            if change.kind == "bridge" and (
                change.action == "delete" or "vlan_default_pvid" in (change.after or {})
            ):
                names["port"].update(
                    dict.fromkeys(port.name for port in before.ports_of(change.name))
                )
            addresses += own_addresses.lost_by(before, change)
        planners = {"bridge": bridge_planner, "port": port_planner, "tap": tap_planner}
        back: dict[str, list[Any]] = {
            kind: [planners[kind].wish_back(before, name) for name in found]
            for kind, found in names.items()
        }
        back["bridge"] = own_addresses.with_those_back(back["bridge"], changes)
        return {**back, "address": addresses}

    def apply(self, changes: Plan, now: Snapshot) -> None:
        for change in changes:
            getattr(self, f"_{change.action}_{change.kind}")(change, now)
            set_addresses.stay(self.netlink, change, now)
        for name in dict.fromkeys(
            one for change in changes for one in messages.with_another_mac(change)
        ):
            link = now.links.get(name)
            if link is not None and link.up and name not in self.made:
                follow_the_mac(self.netlink, link)

    def _index(self, name: str, now: Snapshot) -> int:
        """The index of a device that is still the one of the snapshot, or of this run; of one that is in neither, whatever it is now. Raises Refused."""
        link = now.links.get(name)
        return self.netlink.still(name, self.made.get(name, None if link is None else link.index))

    def _create_bridge(self, change: Change, now: Snapshot) -> None:
        after = change.after or {}
        body = rtnl_link.link_header() + messages.name(change.name)
        if after.get("mac") is not None:
            body += messages.mac(after["mac"])
        self.netlink.send(
            rtnl_link.RTM_NEWLINK,
            NLM_F_CREATE | NLM_F_EXCL,
            body + rtnl_link.linkinfo("bridge"),
            f"create the bridge {change.name}",
        )
        index = self.made[change.name] = index_of(change.name, {})
        if any(after.get(one.option) is not None for one in option_tables.BRIDGE):
            # what the new bridge has already is not sent: a kernel without VLANs refuses even to switch them off
            self._set_bridge(
                change.name, bridge_planner.missing(self.netlink.link(index), after), index
            )
        if after.get("self_vlans") is not None:
            self._set_vlans(change.name, index, None, after["self_vlans"], own=True)
        if (change.payload or {}).get("mtu") is not None:
            self._give_mtu(change, index, now_has=device.ETHERNET_MTU)
        self._set_link(change, after, index)
        set_addresses.carry_out(self.netlink, change, index, now)

    def _update_bridge(self, change: Change, now: Snapshot) -> None:
        index = self._index(change.name, now)
        after = change.after or {}
        vlans = after.get("self_vlans")
        # before the bridge begins to filter, so that the host never lacks its own
        if vlans is not None:
            self._set_vlans(
                change.name, index, (change.before or {})["self_vlans"], vlans, own=True
            )
        self._set_bridge(change.name, after, index)
        if vlans is not None:
            self._set_vlans(
                change.name,
                index,
                bridge_planner.default_moves(now.links[change.name], after, vlans),
                vlans,
                own=True,
            )
        if "mac" in after:
            self._set_mac(change, index)
        if after.get("mtu") is not None:
            self._give_mtu(change, index, now_has=now.links[change.name].mtu)
        self._set_link(change, after, index)
        set_addresses.carry_out(self.netlink, change, index, now)

    def _give_mtu(self, change: Change, index: int, now_has: int) -> None:
        """So that the bridge follows its ports no more, though it has that one already: see own_mtu."""
        wished = (change.after or {})["mtu"]
        if wished == now_has:
            self._set_link(change, {"mtu": own_mtu.another(wished)}, index)
        self._given_mtu.add(index)

    def _set_bridge(self, name: str, options: Mapping[str, Any], index: int) -> None:
        # else the kernel refuses a forward_delay under 2
        first = {"stp_state": False} if options.get("stp_state") is False else {}
        if options.get("vlan_default_pvid"):  # once the ports have that VLAN, these are refused
            first.update(
                {key: options[key] for key in bridge_planner.NEED_NO_VLANS if key in options}
            )
        for part in (first, {key: value for key, value in options.items() if key not in first}):
            encoded = rtnl_link.encode_options(option_tables.BRIDGE, part)
            if encoded:
                self._send_link(
                    index,
                    rtnl_link.linkinfo("bridge", encoded),
                    f"set {messages.listed(part, option_tables.BRIDGE)} of the bridge {name}",
                )

    def _create_tap(self, change: Change, now: Snapshot) -> None:
        self._make_tap(change, change.after or {})

    def _recreate_tap(self, change: Change, now: Snapshot) -> None:
        self._delete_tap(change, now)
        self._make_tap(change, change.payload)

    def _make_tap(self, change: Change, options: Mapping[str, Any]) -> None:
        with self.netlink.turn():
            self._configure(change.name, options)
        index = self.made[change.name] = index_of(change.name, {})
        if any(options.get(key) is not None for key in ("mac", "up", *_OWN_LINK_KEYS)):
            if options.get("mac") is not None:
                self._send_link(
                    index,
                    messages.mac(options["mac"]),
                    f"set the MAC {options['mac']} of {change.name}",
                )
            self._set_link(change, options, index)

    def _update_tap(self, change: Change, now: Snapshot) -> None:
        after = change.after or {}
        index = self._index(change.name, now)
        if any(key in after for key in tap_planner.FLAGS + tap_planner.OWNERS):
            flags = {key: now.links[change.name].options[key] for key in tap_planner.FLAGS}
            with self.netlink.turn():
                self._configure(change.name, {**flags, **after})
        if "mac" in after:
            self._set_mac(change, index)
        self._set_link(change, after, index)

    def _attach_port(self, change: Change, now: Snapshot) -> None:
        after = change.after or {}
        index = self._index(change.name, now)
        bridge = self._index(after["bridge"], now)
        # of a tap that this run has made again it counts how it is by now
        made = change.name in self.made
        link = self.netlink.link(index) if made else now.links.get(change.name)
        leaks = "vlans" in after and bool(vlan_words.steps(change.payload, after["vlans"])[0])
        pause = leaks and link is not None and link.kind == "tun" and link.up
        if pause:  # else its frames would be in the default VLAN until it has its own
            self._set_up(change, False, index)
        self._send_link(
            index,
            messages.u32(rtnl_link.IFLA_MASTER, bridge),
            f"make {change.name} a port of {after['bridge']}",
        )
        if "vlans" in after:
            self._set_vlans(change.name, index, change.payload, after["vlans"])
        if pause and after.get("up") is None:
            self._set_up(change, True, index)
        self._set_port(change, after, index)

    def _update_port(self, change: Change, now: Snapshot) -> None:
        index = self._index(change.name, now)
        after = change.after or {}
        if "vlans" in after:
            self._set_vlans(change.name, index, (change.before or {})["vlans"], after["vlans"])
        self._set_port(change, after, index)

    def _detach_port(self, change: Change, now: Snapshot) -> None:
        index = self._index(change.name, now)
        what = f"take {change.name} out of {(change.before or {}).get('bridge')}"
        self._send_link(index, messages.u32(rtnl_link.IFLA_MASTER, 0), what)
        if (change.after or {}).get("up") is not None:
            self._set_up(change, (change.after or {})["up"], index)

    def _add_address(self, change: Change, now: Snapshot) -> None:
        set_addresses.give(self.netlink, change.payload, index_of(change.payload.dev, {}))

    def _delete_bridge(self, change: Change, now: Snapshot) -> None:
        try:
            body = rtnl_link.link_header(self._index(change.name, now))
            self.netlink.send(
                rtnl_link.RTM_DELLINK, 0, body, f"delete the {change.kind} {change.name}"
            )
            self.made.pop(change.name, None)
        except KernelError as error:
            if error.errno != errno.ENODEV:  # somebody else was faster: gone is gone
                raise

    _delete_tap = _delete_bridge

    def _set_port(self, change: Change, after: Mapping[str, Any], index: int) -> None:
        if after.get("up") is not None:  # first: the kernel sets no state of a port that is down
            self._set_up(change, after["up"], index)
        what = f"set {messages.listed(after, option_tables.PORT)} of the port {change.name}"
        if after.get("backup_port") is not None:
            after = {
                **after,
                "backup_port": index_of(after["backup_port"], {}) if after["backup_port"] else 0,
            }
        options = rtnl_link.encode_options(option_tables.PORT, after)
        if not options:
            return
        try:
            self._send_link(index, rtnl_link.slaveinfo(options), what)
        except KernelError as error:
            # The carrier may be there, and the kernel's worker that takes note of it still to run: until then a port may be disabled only.
            if error.errno != errno.ENETDOWN or not self.netlink.wait_until_transmitting(
                index, _NOTED
            ):
                raise
            self._send_link(index, rtnl_link.slaveinfo(options), what)

    def _set_vlans(
        self,
        name: str,
        index: int,
        now: vlan_words.Vlans | None,
        wish: vlan_words.Vlans,
        own: bool = False,
    ) -> None:
        """First away, then there: a moment of silence rather than of frames in two VLANs. What stays is not touched."""
        gone, come = vlan_words.steps(now, wish)
        for kind, ranges, verb in (
            (rtnl_link.RTM_DELLINK, gone, "take {} from"),
            (rtnl_link.RTM_SETLINK, come, "give {} to"),
        ):
            if ranges:
                vlans = f"the VLANs {', '.join(vlan_words.written(ranges))}"
                self.netlink.send(
                    kind, 0, bridge_vlan.request(index, ranges, own), f"{verb.format(vlans)} {name}"
                )

    def _set_mac(self, change: Change, index: int) -> None:
        mac = (change.after or {})["mac"]
        self._send_link(index, messages.mac(mac), f"set the MAC {mac} of {change.name}")

    def _set_link(self, change: Change, after: Mapping[str, Any], index: int) -> None:
        """One attribute a message: of a message that is refused, the kernel has applied what came before."""
        if after.get("mtu") is not None:
            self._send_link(
                index,
                messages.u32(rtnl_link.IFLA_MTU, after["mtu"]),
                f"set the MTU {after['mtu']} of {change.name}",
            )
        if after.get("txqueuelen") is not None:
            body = messages.u32(rtnl_link.IFLA_TXQLEN, after["txqueuelen"])
            self._send_link(
                index, body, f"set the queue length {after['txqueuelen']} of {change.name}"
            )
        if after.get("alias") is not None:
            body = messages.alias(after["alias"])
            self._send_link(index, body, f"set the alias of {change.name}")
        if after.get("addr_gen_mode") is not None:  # before the device goes up, and makes addresses
            self._send_link(
                index,
                rtnl_link.addr_gen_mode(after["addr_gen_mode"]),
                f"set addr_gen_mode {after['addr_gen_mode']} of {change.name}",
            )
        if after.get("up") is not None:
            self._set_up(change, after["up"], index)

    def _set_up(self, change: Change, up: bool, index: int) -> None:
        header = rtnl_link.link_header(index, IFF_UP if up else 0, IFF_UP)
        self.netlink.send(
            rtnl_link.RTM_NEWLINK, 0, header, f"set {change.name} {'up' if up else 'down'}"
        )

    def _send_link(self, index: int, attributes: bytes, what: str) -> None:
        self.netlink.send(rtnl_link.RTM_NEWLINK, 0, rtnl_link.link_header(index) + attributes, what)
