# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. From the guest to its tap: whether it runs, whether it holds the tap, and whether its MAC is its own."""

from __future__ import annotations

from typing import Iterator

from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._doctor.case import (
    ERROR,
    GUEST,
    INFO,
    TAP,
    WARNING,
    Finding,
    Host,
    Way,
    task,
)

_RUNS = ("running", "suspended")


def guest(host: Host, way: Way) -> Iterator[Finding]:
    """The guest itself, and its card."""
    one = way.guest
    if one is None:
        return
    status = {"status": one.status}
    if one.status == "unresponsive":
        yield Finding(
            "guest_unresponsive", GUEST, ERROR, None,
            f"{one.name} runs as process {one.pid} and does not answer its monitor.",
            {**status, "pid": one.pid},
        )  # fmt: skip
    elif one.status not in _RUNS:
        reason = {} if one.crash_reason is None else {"crash_reason": one.crash_reason}
        yield Finding(
            "guest_not_running", GUEST, ERROR, None, f"{one.name} does not run: it is {one.status}.",
            {**status, **reason}, [task("qemu_guest", name=one.name, state="running")],
        )  # fmt: skip
    for problem in one.problems:
        yield Finding(
            "guest_problem", GUEST, WARNING, None, f"{one.name} has a problem: {problem}.",
            {**status, "pid": one.pid}, _again(way),
        )  # fmt: skip
    if way.nic.get("link") == "down":
        yield Finding(
            "guest_link_off", GUEST, ERROR, way.tap,
            f"{one.name}'s card on {way.tap} was defined with its link off, as if its cable was pulled.", {"link": "down"},
        )  # fmt: skip
    twins = sorted(
        other.name
        for other in host.guests
        if other.name != one.name
        and any(nic.get("mac") == way.mac for nic in other.spec.get("nics") or ())
    )
    if twins:
        yield Finding(
            "mac_of_two_guests", GUEST, ERROR, way.tap,
            f"{one.name} and {', '.join(twins)} have the same MAC {way.mac}, so frames for one go to whoever spoke last.",
            {"mac": way.mac, "guests": [one.name, *twins]},
        )  # fmt: skip


def mac(host: Host, way: Way) -> Iterator[Finding]:
    """Whether the MAC is the guest's alone on this host."""
    own = [link.name for link in host.now.links.values() if link.mac == way.mac]
    if way.mac is not None and own:
        yield Finding(
            "mac_is_hosts", GUEST, ERROR, own[0],
            f"The guest's MAC {way.mac} is that of this host's {own[0]}, at which frames for the guest end.",
            {"mac": way.mac, "devices": own},
        )  # fmt: skip


def tap(host: Host, way: Way) -> Iterator[Finding]:
    """The tap: there, up, and held by the one whose it is."""
    name, link = way.tap, host.link(way.tap)
    if name is None:
        return
    if link is None:
        bridge = way.nic.get("bridge")
        plug = [task("bridge_port", name=name, bridge=bridge)] if bridge else []
        yield Finding(
            "tap_missing", TAP, ERROR, name, f"There is no device {name}, which {way.whose}'s card is plugged into.", {},
            [task("tap_device", name=name, up=True), *plug, *_again(way)],
        )  # fmt: skip
        return
    if way.guest is not None and (link.kind != "tun" or link.options.get("mode") != "tap"):
        kind = "tun" if link.kind == "tun" else link.kind or "hardware"
        yield Finding(
            "not_a_tap", TAP, ERROR, name, f"{name} is no tap but a device of kind '{kind}', so no guest can be plugged into it.",
            {"kind": kind},
        )  # fmt: skip
        return
    if not link.up:
        yield Finding(
            "tap_down", TAP, ERROR, name, f"{name} is down.", {"up": False},
            [task("tap_device" if link.kind == "tun" else "bridge_port", name=name, up=True)],
        )  # fmt: skip
    elif link.kind == "tun":
        yield from _held(host, way, link)


def _held(host: Host, way: Way, link: Link) -> Iterator[Finding]:
    runs = way.guest is not None and way.guest.status in _RUNS
    holder = host.now.holders.get(link.name)
    if not link.running and runs:
        yield Finding(
            "tap_not_held", TAP, ERROR, link.name,
            f"{link.name} is held by nobody although {way.whose} runs: the tap was made again since, or the guest was started without it.",
            {"carrier": False, "pid": way.guest.pid if way.guest else None}, _again(way),
        )  # fmt: skip
    elif link.running and holder is not None and way.guest is not None and way.guest.is_not(holder):
        yield Finding(
            "tap_held_by_other", TAP, ERROR if runs else WARNING, link.name,
            f"{link.name} is held by {holder}, and not by {way.guest.name}.",
            {"holder_pid": holder.pid, "holder_guest": holder.guest, "pid": way.guest.pid},
        )  # fmt: skip


def spare(host: Host, bridge: str) -> Iterator[Finding]:
    """Taps in a bridge that no guest is known to have, and nobody holds."""
    known = {nic.get("tap") for guest in host.guests for nic in guest.spec.get("nics") or ()}
    for link in host.now.ports_of(bridge):
        # who holds it may be in another namespace, where only the carrier tells of it
        if link.kind == "tun" and link.name not in {*known, *host.now.holders} and not link.running:
            yield Finding(
                "tap_of_nobody", TAP, INFO, link.name,
                f"{link.name} is a port of {bridge}, and held by nobody: the guest that it was made for does not run, or runs without it.",
                {"carrier": False},
            )  # fmt: skip


def _again(way: Way) -> list:
    """A guest takes its tap when it starts."""
    if way.guest is None or way.guest.status not in _RUNS:
        return []
    return [
        task("qemu_guest", name=way.guest.name, state=state) for state in ("stopped", "running")
    ]
