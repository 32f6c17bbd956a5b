# SPDX-License-Identifier: GPL-3.0-or-later
"""What is beside a NIC that is to be converted: other managers and packet filters of the host, other hosts and switches of its LAN."""

from __future__ import annotations

import contextlib
from typing import Any, Iterator, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    Link,
    Snapshot,
)
from ansible_collections.hypervisor.network.plugins.module_utils._guard import timing
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.address import AF_INET
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import (
    acd,
    bound_sockets,
    bpdu,
    forwarding,
    manager_files,
    packet_filter,
)
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.preflight import (
    Spec,
    check_duplicates,
)

# kinds with a driver that may take the link down when it becomes a port
_RENEGOTIATING = ("", "bond")
TO_CONFIRM = timing.LINK_SECONDS + timing.MARGIN_SECONDS  # besides what the switch takes


def time_for(delay: float) -> float:
    """What a guard needs behind a switch whose ports listen and learn for that many seconds each."""
    return 2 * delay + TO_CONFIRM


def beside_us(spec: Spec, links: Mapping[str, Link], asked: Sequence[str] = ()) -> dict[str, Any]:
    """Fields of Inet: other managers of the NIC, and what the packet filter says. Reads only; empty where nothing of it matters.

    C(asked) are the files of the programs of a manager that is asked itself, and may listen on the NIC.
    """
    nic, bridge = links.get(spec.nic), links.get(spec.bridge)
    if nic is None or nic.master == spec.bridge or not (spec.own_network and spec.present):
        return {}
    return {
        "traces": manager_files.read(nic.name, nic.index),
        "forwards_dropped": forwarding.dropping(spec.bridge, bridge),
        "filter_rules": tuple(packet_filter.rules(nic.name)),
        "listeners": tuple(bound_sockets.bound(nic.name, managers=asked)),
    }


def ask_the_lan(now: Snapshot, spec: Spec, seconds: float | None) -> None:
    """Send ARP probes for the addresses of the NIC, and listen for a spanning tree.

    C(seconds) are the guard's, None where there is none. Raises Refused where another host has an address, and where the guard's time is shorter than
    the switch may be mute.
    """
    nic = now.links[spec.nic]
    if not nic.running:
        return
    if spec.present and nic.master is None:
        _ask_for_duplicates(now, spec, nic)
    if (
        seconds is not None
        and nic.kind in _RENEGOTIATING
        and seconds < time_for(bpdu.STANDARD_DELAY)
    ):
        _listen_for_stp(nic, seconds)


def _ask_for_duplicates(now: Snapshot, spec: Spec, nic: Link) -> None:
    addresses = [
        one.text.partition("/")[0] for one in now.addresses_of(nic.name) if one.family == AF_INET
    ]
    own = {link.mac or "" for link in now.links.values()}
    with _listening_on(nic.name):
        found = acd.elsewhere(nic.name, nic.mac or "", addresses, own)
    check_duplicates(spec, found)


def _listen_for_stp(nic: Link, seconds: float) -> None:
    with _listening_on(nic.name):
        delay = bpdu.listen(nic.name, nic.index)
    if delay is not None and seconds < time_for(delay):
        raise Refused(
            f"guard_timeout {seconds:g} is too short: the switch behind {nic.name} runs STP, and would be mute for {2 * delay:g} s if the link "
            f"is renegotiated; give at least {time_for(delay):g}."
        )


@contextlib.contextmanager
def _listening_on(dev: str) -> Iterator[None]:
    """Raises Refused where the device is no more, or goes down, while it is listened on."""
    try:
        yield
    except OSError as error:
        raise Refused(
            f"Cannot ask the LAN behind {dev}: {error.strerror}; it was deleted, renamed or set down meanwhile, and nothing was changed: run the task again."
        ) from None
