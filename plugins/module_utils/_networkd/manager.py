# SPDX-License-Identifier: GPL-3.0-or-later
"""systemd-networkd behind the port: held by a drop-in beside the file in force, and handed a bridge over by files that win until the next boot.

Measured with systemd 257, twenty pings a second: the drop-in, the hand-over and the way back lose none or three of them; a file of its own that leaves
DHCP out, and C(Unmanaged=yes), cut the host off at once, whatever KeepConfiguration says.
"""

from __future__ import annotations

import contextlib
import functools
from typing import Callable, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import (
    HANDED,
    HELD,
    NETWORKD,
    OWN,
    File,
    Owner,
    Standing,
    Uplink,
    Wish,
)
from ansible_collections.hypervisor.network.plugins.module_utils._managers.read import text
from ansible_collections.hypervisor.network.plugins.module_utils._networkd import (
    described,
    matching,
    refusals,
    render,
    routes,
    unit,
)
from ansible_collections.hypervisor.network.plugins.module_utils._networkd import identity as ids
from ansible_collections.hypervisor.network.plugins.module_utils._networkd import plan as planner
from ansible_collections.hypervisor.network.plugins.module_utils._networkd.control import (
    Control,
    Makers,
    numbered,
)
from ansible_collections.hypervisor.network.plugins.module_utils._networkd.described import (
    Described,
)
from ansible_collections.hypervisor.network.plugins.module_utils._networkd.plan import Known

_KEEPS = 257  # what came before takes addresses and routes from a link that gets another file, and gives it those that the file has
_MADE = "PermanentMACAddress"


class Networkd:
    """See _managers/port.Manager."""

    name = NETWORKD
    # a NIC that is taken from its bridge it configures anew, by files that make it a port: it is put back, and loses the routes that came to it
    watches = True
    programs = ("/usr/lib/systemd/systemd-networkd", "/lib/systemd/systemd-networkd")

    # begins the path of each file that makes a NIC a port at boot
    _ours = planner.lasting("").partition(".")[0]
    # what to do where the administrator's file comes first in the order of names
    _renamed = "rename that file to something that begins with 10-"

    def __init__(self, control: Control | None = None) -> None:
        self._control = control or Control()

    def look(self, nic: Owner, bridge: str) -> Known:
        own = self._theirs(nic, bridge)
        if own is not None:
            return own
        before = self._control.before(nic.source, nic.facts)
        config = self._control.config(before or nic.source, {} if before else nic.facts)
        index = self._control.index_or_none(bridge)
        lease = self._control.lease(nic.index) or self._control.lease(index)
        facts = {**self._control.link(index), **nic.facts}
        said = self._said(bridge)
        known = [*self._control.until_boot(nic.source, nic.facts), *said]
        return Known(before or nic.source, config, ids.identity(config, facts, lease, known), said)

    def _theirs(self, nic: Owner, bridge: str) -> Known | None:
        """What is known of a NIC that is a port of the bridge by files that somebody else wrote for both; None of any other."""
        makers = functools.lru_cache(maxsize=None)(self._control.makers)
        own, host = self._described(nic.dev, makers), self._described(bridge, makers)
        if own is None or host is None or described.master(own.network) != bridge:
            return None
        config = [*render.of_the_link(own.network), *render.host_sections(host.network)]
        return Known(nic.source, config, ids.Identity(False, False), theirs=True)

    def _described(self, dev: str, makers: Callable[[], Makers]) -> Described | None:
        """What files of somebody else's say of a device; None where ours are in force, or where none makes it what it is."""
        facts = self._control.link(self._control.index_or_none(dev))
        source = facts.get("NETWORK_FILE", "")
        if refusals.is_ours(source, self._ours) or self._is_ours(dev):
            return None
        made_by, device = makers().get(dev, ("", []))
        network = self._control.config(source, facts) if source else []
        if not made_by and not described.master(network):
            return None
        said = [numbered(one) for one in device]
        is_bridge = unit.value(device, "NetDev", "Kind") == "bridge"
        macs = self._control.own_macs(dev) if is_bridge else ()  # of a tap nobody asks
        return Described(source, network, made_by, said, *macs)

    def _is_ours(self, dev: str) -> bool:
        """Whether files of ours make a device although those in force are another's."""
        return self._there(planner.lasting(dev)) or self._there(planner.lasting(dev, "netdev"))

    def _said(self, bridge: str) -> Sequence[unit.Section]:
        """What our file of the bridge says, where there is one."""
        for path in self._bridge_files(bridge):
            there = text(self._control.path(path))
            if there is not None:
                return unit.parse(there)
        return []

    def _bridge_files(self, bridge: str) -> Sequence[str]:
        return planner.handed(bridge), planner.lasting(bridge)

    def objection(self, nic: Owner, known: Known) -> str | None:
        return refusals.objection(
            nic, known, self._version, self._there(known.source), self._ports_file(nic.dev)
        )

    def _ports_file(self, nic: str) -> refusals.PortsFile:
        return refusals.PortsFile(self._lasting_port(nic), self._ours, planner.lasting(nic), self._renamed)  # fmt: skip

    def unknown(self, known: Known) -> str | None:
        return None if known.theirs else ids.missing(known.config, known.identity)

    def stage(self, nic: Owner, bridge: str) -> str:
        if nic.source == planner.back(nic.dev):
            return OWN
        if self._there(planner.handed(nic.dev)) or self._is_lasting(nic):
            return HANDED
        if self._theirs(nic, bridge) is not None:
            return HANDED
        return HELD if nic.source and self._there(planner.held(nic.source)) else OWN

    def _is_lasting(self, nic: Owner) -> bool:
        """Whether the NIC is a port by files of ours that outlive a boot: found by its MAC, it may have had another name when they were written."""
        return nic.source.startswith(self._ours)

    def _lasting_port(self, nic: str) -> str:
        """The .network file that makes the NIC a port at boot: the last of ours in the order of names."""
        return planner.lasting(nic)

    def hold(self, nic: Owner, bridge: str) -> None:
        if self.stage(nic, bridge) == HANDED:
            self._hold_port(nic, bridge)
            return
        known = self.look(nic, bridge)
        config = self._control.config(nic.source, nic.facts)
        held = File(planner.held(nic.source), render.hold(config, known.identity))
        alone = self._left_alone(config, bridge) or self._waiting(nic, bridge)
        if self._keeps(nic.source, nic.index):
            self._control.put([held, *alone])
            self._reload(nic.dev, nic.index, nic.source, asks=known.identity.ipv4)
            return
        # read now, it would cost the NIC its addresses and its lease, or others theirs that go by the same file; it is there for whoever has networkd
        # read its files meanwhile
        if alone:
            self._control.put(alone)
            self._control.read()
        self._control.put([held])

    def _left_alone(self, config: Sequence[unit.Section], bridge: str) -> Sequence[File]:
        """What keeps networkd from taking the bridge by the NIC's own file; a bridge that it has already by another keeps what it has."""
        there = self._file_of(bridge)
        if matching.takes(config, bridge) and (not there or render.OURS in there):
            return self._alone(bridge)
        return []

    def _waiting(self, nic: Owner, bridge: str) -> Sequence[File]:
        """The same of a bridge that boots without its port, a plug having been pulled between two files: the NIC gives it a carrier, and its own addresses.

        One whose NIC was given back before a boot may have a lease.
        """
        ours = self._boots(bridge) and nic.source != planner.back(nic.dev)
        return self._alone(bridge) if ours and render.waits(self._said(bridge)) else []

    def _file_of(self, bridge: str) -> str:
        """The file by which networkd has the bridge; empty where it has it by none."""
        return self._control.link(self._control.index_or_none(bridge)).get("NETWORK_FILE", "")

    def _boots(self, bridge: str) -> bool:
        """Whether networkd has the bridge by the file that it reads at boot."""
        return self._file_of(bridge) == self._lasting_bridge(bridge)

    @staticmethod
    def _alone(bridge: str) -> Sequence[File]:
        return [File(planner.left_alone(bridge), render.left_alone(bridge))]

    def _hold_port(self, nic: Owner, bridge: str) -> None:
        """For the way back: the NIC's file of /run takes it neither to the bridge nor from it, and removes nothing."""
        if self._is_lasting(nic):
            known = self.look(nic, bridge)
            text_of_it = render.nic_file(nic.dev, None, known.config, before=known.source)
            self._control.put([File(planner.handed(nic.dev), text_of_it)])
            self._reload(nic.dev, nic.index, planner.handed(nic.dev), asks=False)

    def hand_over(self, uplink: Uplink) -> None:
        known, nic, bridge = uplink.known, uplink.nic.dev, uplink.bridge
        foreign = [
            *routes.routes(routes.foreign(uplink.routes, (nic, bridge), known.config)),
            *routes.policies(routes.foreign_rules(uplink.rules, known.config, known.said)),
        ]
        # where these files stay until the boot, VLANs that come later would be removed by them; what says none of any leaves all alone
        keeps = self._keeps(known.source, uplink.nic.index)
        vlans = uplink.vlans if keeps else {}
        more = render.bridge_vlans(vlans.get(nic))
        host = render.bridge_file(
            bridge, uplink.mac, known.config, known.identity, foreign, vlans.get(bridge), keep=True
        )  # fmt: skip
        self._control.put(
            [
                File(planner.handed(nic), render.nic_file(nic, None, known.config, more, known.source)),
                File(planner.handed(bridge), host),
                File(planner.back(nic), None),
                File(planner.left_alone(bridge), None),
                # other NICs that go by the same file would lose theirs
                *([] if keeps else [File(planner.held(known.source), None)]),
            ]
        )  # fmt: skip
        self._taken_over(bridge, planner.handed(bridge), known)

    def _taken_over(self, bridge: str, source: str, known: Known) -> None:
        index = self._control.index(bridge)
        # one that holds a lease by a file of ours need not take the other one: networkd calls it critical, and leaves it alone
        named = None if self._boots(bridge) else source
        self._reload(bridge, index, named, leased=known.identity.ipv4, asks=known.identity.ipv4)

    def _reload(self, dev: str, index: int, source: str | None = None, **how: bool) -> None:
        """Have networkd read its files, see C(Control.reload).

        What a device loses and gets by that it had before: looking for duplicates, it would be silent for 2 seconds.
        """
        with contextlib.nullcontext() if self._is_gentle() else self._control.undoubted(dev):
            self._control.reload(index, source, **how)

    def release(self, nic: Owner, bridge: str) -> None:
        known = self.look(nic, bridge)
        asks = known.identity.ipv4
        gone = [
            one for one in (planner.handed(nic.dev), planner.handed(bridge)) if self._there(one)
        ]
        ours = [*self._left_alone(known.config, bridge), *(File(one, None) for one in gone)]
        others = self._control.shared(known.source, nic.index)
        if self._lasts(nic.dev, bridge) or (gone and others):
            # what boots is a port, or a word beside the file in force would be one to other NICs: until then the NIC is a host's by files that win
            host = render.host_file(nic.dev, known.config, known.source, known.identity)
            # and the bridge nobody's, where it has no lease that would be released by that: by what boots it would get the same addresses again
            who = known.identity
            static = not (who.ipv4 or who.ipv6 or who.iaid6)
            alone = self._alone(bridge) if static else []
            self._control.put([File(planner.back(nic.dev), host), *ours, *alone])
            self._reload(nic.dev, nic.index, planner.back(nic.dev), leased=asks, asks=asks)
        elif gone:
            # a drop-in is in force by that: what stands on the NIC stays. Where taking that out would cost it, it stays too, as no hold
            place = planner.held if self._is_gentle() else planner.kept
            held = File(place(known.source), render.hold(known.config, known.identity))
            self._control.put([held, *ours])
            self._reload(nic.dev, nic.index, asks=asks)
        else:
            # nothing came of it
            self._forget(nic, planner.left_alone(bridge))
        source = self._control.link(nic.index).get("NETWORK_FILE", "")
        if source and self._there(planner.held(source)):
            self._control.put([File(planner.held(source), None)])
            self._reload(nic.dev, nic.index, source, asks=asks)

    def _forget(self, nic: Owner, path: str) -> None:
        """Remove a file about another device. Before networkd hears of that goes a hold of the NIC, where it was written without telling it."""
        there = self._there(path)
        keeps = self._keeps(nic.source, nic.index)
        unread = [] if keeps else [File(planner.held(nic.source), None)]
        self._control.put([File(path, None), *unread])
        if there and unread:  # else it hears of it when the hold goes
            self._control.read()

    def _lasts(self, nic: str, bridge: str) -> bool:
        """Whether the next boot makes the NIC a port: found by its MAC, whatever it was called when that was written."""
        return self._there(planner.lasting(nic)) or any(
            unit.value(said, "Network", "Bridge") == bridge for said in self._by_mac().values()
        )

    def _by_mac(self) -> dict[str, Sequence[unit.Section]]:
        """What outlives a boot and goes by a MAC, by path."""
        found = {
            path: unit.parse(text(self._control.path(path)) or "")
            for path in self._control.listed(f"{self._ours}*.network")
        }
        return {path: said for path, said in found.items() if unit.values(said, "Match", _MADE)}

    def plan(self, now: Standing, wish: Wish) -> Sequence[File]:
        found = self._planned(now, wish)
        others = [File(path, None) for path in self._of_other_names(now, wish)]
        found = [*found, *others] if wish.present else [*others, *found]
        # those of /run go with the boot, and what is in force by them stays untouched until then
        return found if self._all_keep(now) else [one for one in found if not one.path.startswith(planner.RUN)]  # fmt: skip

    def _planned(self, now: Standing, wish: Wish) -> Sequence[File]:
        return planner.plan(now, wish, self._all_described(wish))

    def _all_described(self, wish: Wish) -> dict[str, Described]:
        """The devices of a wish that somebody else's files describe: bridges and taps that these make, and ports that they put into such a bridge."""
        # a bridge is asked for by each of its ports, and what makes devices by each of these
        makers = functools.lru_cache(maxsize=None)(self._control.makers)
        look = functools.lru_cache(maxsize=None)(functools.partial(self._described, makers=makers))
        made = {name: look(name) for name in (*wish.bridges, *wish.taps)}
        found = {name: one for name, one in made.items() if one is not None and one.made_by}
        for name in (*wish.uplinks, *wish.ports):
            port = look(name)
            if port is not None and look(described.master(port.network)) is not None:
                found[name] = port
        return {name: one for name, one in found.items() if one.source}

    def _of_other_names(self, now: Standing, wish: Wish) -> Sequence[str]:
        """Our files of an uplink that had another name when they were written: it is found by its MAC, and they would make it a port."""
        macs = {now.permanent[nic] for nic in wish.uplinks if nic in now.permanent}
        own = {planner.lasting(nic) for nic in wish.uplinks}
        return [
            path
            for path, said in self._by_mac().items()
            if path not in own and macs.intersection(unit.values(said, "Match", _MADE))
        ]

    def _is_gentle(self) -> bool:
        """Whether a link that gets another file, or other words in it, keeps what it has; seen with 252 that it does not."""
        return self._version is None or self._version >= _KEEPS

    def _keeps(self, source: str, index: int) -> bool:
        """The same of a NIC, by the file that is in force for it as a host's: its identity beside a file by which others go would be theirs too.

        Seen with 257: two NICs by one file, and the other one got another address.
        """
        return self._is_gentle() and not self._control.shared(source, index)

    def _all_keep(self, now: Standing) -> bool:
        """The same of all uplinks of a wish."""
        return self._is_gentle() and all(
            self._keeps(known.source, now.owners[nic].index)
            for nic, known in now.known.items()
            if nic in now.owners
        )

    @functools.cached_property
    def _version(self) -> int | None:
        return self._control.version()

    def load(self, now: Standing, wish: Wish) -> None:
        if wish.present:
            # one that was left alone when it lost its uplink, and has addresses of its own
            within = [one for one in wish.bridges if not now.uplink_of(one, wish)]
            self._control.put([File(planner.left_alone(one), None) for one in within])
        if not self._all_keep(now):
            self._load_others(now, wish)
            return
        bridges = {now.uplink_of(bridge, wish): bridge for bridge in wish.bridges}
        theirs = self._all_described(wish)
        if wish.present:
            # without it networkd takes the default route that it learned from the bridge; it is gone with the next boot
            sources = {
                nic: theirs[one].source if one in theirs else self._lasting_bridge(one)
                for nic, one in bridges.items()
                if nic
            }
        else:
            sources = {nic: known.source for nic, known in now.known.items()}
        place = planner.held if wish.present else planner.kept
        self._control.put(
            [
                File(place(source), render.hold(now.known[nic].config, now.known[nic].identity))
                for nic, source in sources.items()
            ]
        )
        if not wish.present:
            # that of the conversion, where there was no boot since
            self._control.put([File(planner.held(source), None) for source in sources.values()])
        for nic, source in sources.items():
            self._taken_over(bridges[nic] if wish.present else nic, source, now.known[nic])
        if not sources:
            # what has no uplink has its addresses by its file
            there = (self._control.index_or_none(dev) for dev in wish.names)
            self._control.reload(next((one for one in there if one is not None), 0), asks=False)

    def _load_others(self, now: Standing, wish: Wish) -> None:
        """Read what is about all but uplinks and their bridges, unless a bridge lives by a file that may have other words by now: those are for the boot."""
        theirs = self._all_described(wish)
        beside = (path for one in theirs.values() for path in described.drop_ins(one))
        booted = (self._boots(one) for one in wish.bridges if one not in theirs)
        if not any(map(self._there, beside)) and not any(booted):
            own = set(wish.bridges if wish.present else ()).difference(theirs)
            within = [one for one in own if not now.uplink_of(one, wish)]
            self._control.take(map(self._control.index, within))

    def _lasting_bridge(self, bridge: str) -> str:
        """The .network file of the bridge that networkd reads at boot."""
        return planner.lasting(bridge)

    def _there(self, path: str) -> bool:
        return text(self._control.path(path)) is not None
