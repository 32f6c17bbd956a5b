# SPDX-License-Identifier: GPL-3.0-or-later
"""NetworkManager behind the port: it lets go of the NIC, and takes bridge and NIC as they stand by one restart of its service.

Measured with NetworkManager 1.52, twenty pings a second: that restart loses none, for whatever it manages, because what it finds in its files below /run
it assumes and does not set up anew. Every way without a restart lost something: C(nmcli connection up) over the live bridge cut the host off for good,
its automatic connection over the NIC cost 4 s of IPv6, and a file with C(unmanaged-devices) that it is told to read takes the NIC down at once.
"""

from __future__ import annotations

import os
from typing import Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import KernelError
from ansible_collections.hypervisor.network.plugins.module_utils._managers.owners import (
    DEVICE,
    LET_GO,
)
from ansible_collections.hypervisor.network.plugins.module_utils._managers.persistent_mac import (
    BY_UDEV,
    persistent_mac,
)
from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import (
    HANDED,
    HELD,
    NETWORKMANAGER,
    OWN,
    File,
    Owner,
    Standing,
    Uplink,
    Wish,
)
from ansible_collections.hypervisor.network.plugins.module_utils._networkmanager import (
    identity,
    keyfile,
    profiles,
)
from ansible_collections.hypervisor.network.plugins.module_utils._networkmanager import (
    plan as planner,
)
from ansible_collections.hypervisor.network.plugins.module_utils._networkmanager.control import (
    Control,
)
from ansible_collections.hypervisor.network.plugins.module_utils._networkmanager.described import (
    Described,
)
from ansible_collections.hypervisor.network.plugins.module_utils._networkmanager.profiles import (
    Known,
)

RUN = "/run/NetworkManager"
PRIVATE, PUBLIC = 0o600, 0o644  # NetworkManager reads no profile that others may read
# The profile of a NIC that it has let go of. This and LET_GO, what it said of the NIC then, are there while the NIC is held, or handed over
KEPT = f"{LET_GO}.nmconnection"
TAPS = f"{RUN}/conf.d/{profiles.OURS}-taps.conf"


class NetworkManager:
    """See _managers/port.Manager."""

    name = NETWORKMANAGER
    programs: Sequence[str] = ("/usr/sbin/NetworkManager",)
    # a port that is taken away, and a bridge that is removed, it sets up again
    watches = True

    def __init__(self, control: Control | None = None) -> None:
        self._control = control or Control()

    def look(self, nic: Owner, bridge: str) -> Known:
        kept = self._control.said(LET_GO.format(dev=nic.dev))
        state = self._control.state(nic.index) if kept is None else keyfile.parse(kept)
        source = keyfile.value(state, "device", "connection-uuid")
        if kept is None and source == profiles.uuid_of(bridge, nic.dev):
            return self._look_at_ours(bridge, source, self._file(bridge, nic.dev))
        if kept is None and source in (others := self._of_other_names(bridge)):
            return self._look_at_ours(bridge, source, others[source])
        own = self._theirs(nic, bridge) if kept is None else None
        if own is not None:
            return own
        filename = KEPT.format(dev=nic.dev)
        if kept is None:
            filename = self._control.filename(source) if source else ""
            state = self._whole(nic, state)
        profile = keyfile.parse(self._control.said(filename) or "") if filename else {}
        return Known(source, filename, profile, identity.identity(state), identity.metric(state))

    def _whole(self, nic: Owner, state: keyfile.Groups) -> keyfile.Groups:
        """What it keeps of a NIC, with what DHCPv6 brought after it was written: that is in the file with the next lease of IPv4. Seen with 1.42."""
        if not state or "dhcp6" in state:
            return state
        return {**state, "dhcp6": self._control.dhcp6(nic.dev)}

    def _of_other_names(self, bridge: str) -> dict[str, str]:
        """By UUID, our profiles of the bridge's uplinks that go by a MAC: a NIC may have had another name when they were written."""
        found = {}
        for path in self._control.listed(planner.profile(bridge, "*")):
            groups = keyfile.parse(self._control.said(path) or "")
            if keyfile.value(groups, "connection", "master") == bridge and profiles.mac(groups):
                found[keyfile.value(groups, "connection", "uuid")] = path
        return found

    def _theirs(self, nic: Owner, bridge: str) -> Known | None:
        """What is known of a NIC that is a port of the bridge by profiles of somebody else's; None of any other."""
        found = self._described((nic.dev, bridge))
        own, host = found.get(nic.dev), found.get(bridge)
        if own is None or host is None or not keyfile.is_port(own.profile, bridge, host.profile):
            return None
        source = keyfile.value(own.profile, "connection", "uuid")
        said = profiles.as_before(own.profile, host.profile)
        return Known(source, "", said, identity.Identity(), theirs=True)

    def _described(self, devs: Sequence[str]) -> dict[str, Described]:
        """Of some devices, the profiles of somebody else's that are in force, and outlive a boot."""
        uuids = {dev: self._uuid(dev) for dev in devs}
        if not any(uuids.values()):
            return {}
        files, machine = self._control.filenames(), self._control.said("/etc/machine-id") or ""
        found = {}
        for dev, uuid in uuids.items():
            path = files.get(uuid, "")
            said = self._control.said(path) if _lasts(path) else None
            if said is not None:
                own_mac = persistent_mac(machine, dev, BY_UDEV)
                found[dev] = Described(keyfile.parse(said), own_mac)
        return found

    def _uuid(self, dev: str) -> str:
        """The profile of a device that NetworkManager has not let go of; empty where there is none."""
        try:
            state = self._control.state(self._control.index(dev))
        except KernelError:
            return ""
        managed = keyfile.value(state, "device", "managed") == "true"
        return keyfile.value(state, "device", "connection-uuid") if managed else ""

    def _look_at_ours(self, bridge: str, source: str, filename: str) -> Known:
        """Of a NIC that is a port since the boot: what its bridge has of a host, and what is of its link."""
        of_bridge = self._file(bridge)
        has = self._control.said(of_bridge)
        port, host = keyfile.parse(self._control.said(filename) or ""), keyfile.parse(has or "")
        said = identity.Identity(
            keyfile.value(host, "ipv4", "dhcp-client-id") or None,
            keyfile.value(host, "ipv6", "dhcp-duid") or None,
            keyfile.value(host, "ipv6", "dhcp-iaid") or None,
        )
        lost = of_bridge if has is None else ""
        return Known(source, filename, profiles.as_before(port, host), said, lost=lost)

    def _file(self, *names: str) -> str:
        """The file of a profile of ours: until the next boot, or for it."""
        there = _profile(*names)
        return planner.profile(*names) if self._control.said(there) is None else there

    def objection(self, nic: Owner, known: Known) -> str | None:
        if known.theirs:
            return None
        if known.lost:
            # the bridge would boot with a lease, whatever it has
            return (
                f"{known.lost}, which has what the bridge got of {nic.dev}, is gone; have NetworkManager write it again with 'nmcli connection modify "
                f"{os.path.basename(known.lost).partition('.')[0]} connection.autoconnect yes', or put it back"
            )
        if not known.profile:
            return (
                f"NetworkManager manages {nic.dev} by no profile that is in a file, so there is nothing that its bridge could get; save one with "
                f"'nmcli connection modify {known.source or nic.dev} connection.autoconnect yes'"
            )
        if known.filename.startswith(f"{RUN}/system-connections/netplan-"):
            return (
                f"{nic.dev} is configured by netplan, which writes NetworkManager's profiles anew; take it out of /etc/netplan, save its profile with "
                f"'nmcli connection clone {known.source} {nic.dev}', and reboot"
            )
        if profiles.outranked(known):
            return (
                f"the profile of {nic.dev} has the highest autoconnect-priority there is, so it would take {nic.dev} from its bridge at boot; lower it "
                f"with 'nmcli connection modify {known.source} connection.autoconnect-priority 0'"
            )
        return None

    def unknown(self, known: Known) -> str | None:
        return None if known.theirs else identity.missing(known.profile, known.identity)

    def stage(self, nic: Owner, bridge: str) -> str:
        device = self._control.state(nic.index).get("device", {})
        source = device.get("connection-uuid")
        ours = source == profiles.uuid_of(bridge, nic.dev) or source in self._of_other_names(bridge)
        if device.get("managed") == "true" and ours:
            return HANDED
        if self._control.said(LET_GO.format(dev=nic.dev)) is not None:
            return HELD
        return OWN if self._theirs(nic, bridge) is None else HANDED

    def hold(self, nic: Owner, bridge: str) -> None:
        """On the way there it lets go of the NIC; on the way back of both, and forgets our profiles: else it would make the bridge again once it is gone."""
        stage = self.stage(nic, bridge)
        if self._control.said(LET_GO.format(dev=nic.dev)) is None:
            self._keep(nic, bridge)
        if stage == HANDED:
            self._control.let_go(bridge, self._control.index(bridge))
        self._control.let_go(nic.dev, nic.index)
        if stage == HANDED:
            self._control.put(
                {_profile(bridge): (None, PRIVATE), _profile(bridge, nic.dev): (None, PRIVATE)}
            )
            self._control.reload()

    def hand_over(self, uplink: Uplink) -> None:
        nic, name, known = uplink.nic, uplink.bridge, uplink.known
        index = self._control.index(name)
        files = {
            TAPS: (profiles.hands_off_taps(), PUBLIC),
            _profile(name): (profiles.bridge(name, uplink.mac, known, uplink.options, uplink.vlans.get(name)), PRIVATE),
            _profile(name, nic.dev): (profiles.port(nic.dev, name, known, profiles.vlan_words(uplink.vlans.get(nic.dev))), PRIVATE),
            DEVICE.format(index=index): (identity.assumed(profiles.uuid_of(name)), PUBLIC),
            DEVICE.format(index=nic.index): (identity.assumed(profiles.uuid_of(name, nic.dev)), PUBLIC),
        }  # fmt: skip
        with self._control.settings_kept(name, nic.dev):
            with self._control.stopped():
                self._control.put(files)
            # of both: it sets the sysctls of a port as late as that
            self._control.settled(name, profiles.uuid_of(name))
            self._control.settled(nic.dev, profiles.uuid_of(name, nic.dev))

    def release(self, nic: Owner, bridge: str) -> None:
        known = self.look(nic, bridge)
        source, back = known.source, _profile("back", nic.dev)
        files: dict[str, tuple[str | None, int]] = {}
        if self._control.said(planner.profile(bridge, nic.dev)) is not None:
            # what boots is a port: until then the NIC is a host's by a profile of its own, since NetworkManager makes none beside ours
            source = profiles.uuid_of("back", nic.dev)
            files[back] = (profiles.back(nic.dev, known), PRIVATE)
        elif source != profiles.uuid_of("back", nic.dev):
            files[back] = (None, PRIVATE)
        files[_profile(bridge)] = files[_profile(bridge, nic.dev)] = (None, PRIVATE)
        files[DEVICE.format(index=nic.index)] = (identity.assumed(source), PUBLIC)
        # the NIC's are by then what it had given it before; 1.42 leaves them otherwise
        with self._control.settings_kept(bridge, nic.dev):
            with self._control.stopped():
                self._control.put(files)
            self._control.settled(nic.dev, source)
        gone = (LET_GO.format(dev=nic.dev), KEPT.format(dev=nic.dev))
        self._control.put(dict.fromkeys(gone, (None, PRIVATE)))

    def plan(self, now: Standing, wish: Wish) -> Sequence[File]:
        found = planner.plan(now, wish, self._described(wish.names) if wish.present else None)
        own = {one.path for one in found}
        macs = {now.permanent[nic] for nic in wish.uplinks if nic in now.permanent}
        # of an uplink that had another name then: found by its MAC, it would be a port by these too
        others = [
            File(path, None)
            for bridge in wish.bridges
            for path in self._of_other_names(bridge).values()
            if path not in own
            and profiles.mac(keyfile.parse(self._control.said(path) or "")) in macs
        ]
        return [*found, *others] if wish.present else [*others, *found]

    def load(self, now: Standing, wish: Wish) -> None:
        """Devices stay with the profiles that they have, which say the same; it needs no restart.

        Of those whose profiles of ours have gone it lets go first, a bridge before its ports: else it takes the ports out of the bridge.
        """
        del now
        for dev in () if wish.present else (*wish.bridges, *wish.ports, *wish.taps):
            if self._uuid(dev) == profiles.uuid_of(dev):
                self._control.let_go(dev, self._control.index(dev))
        self._control.reload()

    def _keep(self, nic: Owner, bridge: str) -> None:
        """Write down what it says of the NIC: it forgets an automatic profile as soon as one of ours is there."""
        known = self.look(nic, bridge)
        state = self._whole(nic, self._control.state(nic.index))
        self._control.put(
            {
                KEPT.format(dev=nic.dev): (keyfile.render(known.profile), PRIVATE),
                LET_GO.format(dev=nic.dev): (keyfile.render(state) if state else None, PRIVATE),
            }
        )


def _lasts(path: str) -> bool:
    """Whether the file of a profile is somebody else's, and there at the next boot: netplan makes its own anew."""
    name = os.path.basename(path)
    if not path or name.startswith("hv-"):
        return False
    return not path.startswith(f"{RUN}/") or name.startswith("netplan-")


def _profile(*names: str) -> str:
    """Our profile until the next boot; one in /etc with the same UUID is the same."""
    return f"{RUN}/system-connections/{profiles.name_of(*names)}.nmconnection"
