# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between DHCP clients: how one is recognised, how it ends without giving its lease back, and what its successor needs.

All of them tell the server the same identity on the bridge as on the NIC, because both have the same MAC. A command line is what a process says of
itself: holders.py looks whose it is. Sources: dhclient(8), dhclient.leases(5), udhcpc of busybox, dhcpcd(8) 9 and 10.
"""

from __future__ import annotations

import os
import re
import signal
from dataclasses import dataclass
from typing import Sequence, Union

from ansible_collections.hypervisor.network.plugins.module_utils._dhcp import options
from ansible_collections.hypervisor.network.plugins.module_utils._dhcp.client import Client
from ansible_collections.hypervisor.network.plugins.module_utils._host import atomic, places
from ansible_collections.hypervisor.network.plugins.module_utils._host.procfs import text

RUN = places.RUN
_SCRIPT_MODE = 0o755


@dataclass(frozen=True)
class Said:
    """What a command line says: the device, the command line for a successor, and the options that such a one does not get."""

    dev: str
    argv: tuple[str, ...]
    left: tuple[str, ...] = ()


class Dhclient:
    """isc-dhclient keeps its leases in a file that names the device in each; SIGTERM ends it and keeps the lease (never -r)."""

    name = "dhclient"
    binaries: tuple[str, ...] = ("dhclient",)
    package = "isc-dhcp-client"
    ending = signal.SIGTERM
    families = False
    _default_leases = "/var/lib/dhcp/dhclient.leases"

    def __init__(self, ours: options.Ours = places.is_only_ours) -> None:
        self._ours = ours

    def recognise(self, argv: Sequence[str], devs: Sequence[str]) -> list[Said]:
        """What the process with this command line says of each of C(devs) that it serves."""
        if os.path.basename(argv[0]) != self.name:
            return []
        parsed = options.parse(argv[1:], options.DHCLIENT, self._ours)
        whole = (self.name, *parsed.words(), *parsed.devices)
        return [Said(dev, whole, parsed.left) for dev in devs if dev in parsed.devices]

    def prepare(self, client: Client, old_dev: str) -> tuple[str, ...]:
        """Give the client the lease of C(old_dev), and return the command line to start, without the program. Raises OSError."""
        if old_dev != client.dev:
            argv = client.argv
            leases = argv[argv.index("-lf") + 1] if "-lf" in argv[:-1] else self._default_leases
            self._hand_over(
                leases.replace(f".{client.dev}.", f".{old_dev}."), leases, old_dev, client.dev
            )
        return client.argv[1:]

    @staticmethod
    def _hand_over(source: str, target: str, old_dev: str, dev: str) -> None:
        """The lease file under another name, its leases under another device. The source is kept: it is the way back."""
        try:
            with open(source, "rb") as stream:
                leases = stream.read()
        except FileNotFoundError:
            return
        old, new = f'interface "{old_dev}";'.encode(), f'interface "{dev}";'.encode()
        if source != target:
            atomic.write(target, leases.replace(old, new), like=source)
            return
        # one file for all devices: the latest lease is copied behind the others', in place of earlier copies
        blocks = re.findall(rb"^lease6? \{.*?^\}\n?", leases, re.MULTILINE | re.DOTALL)
        latest = [block for block in blocks if old in block][-1:]
        for block in blocks:
            if latest and new in block:
                leases = leases.replace(block, b"", 1)
        atomic.write(target, leases + b"".join(block.replace(old, new) for block in latest))


class Udhcpc:
    """udhcpc of busybox keeps no lease file, and begins by taking every address and route from its device.

    So it gets a script that passes over that first order; all others go to the script that it had.
    """

    name = "udhcpc"
    binaries = ("udhcpc", "busybox")
    package = "udhcpc"
    ending = signal.SIGKILL  # SIGTERM gives the lease back where -R was said
    families = False
    _default_dev = "eth0"
    _original = re.compile(r"^# Stands before (.*)$", re.MULTILINE)

    def __init__(
        self,
        run: str = RUN,
        scripts: Sequence[str] = options.UDHCPC_SCRIPTS,
        ours: options.Ours = places.is_only_ours,
    ) -> None:
        self._run = run
        self._scripts = tuple(scripts)
        self._ours = ours

    def recognise(self, argv: Sequence[str], devs: Sequence[str]) -> list[Said]:
        words = list(argv[1:] if os.path.basename(argv[0]) == "busybox" else argv)
        if not words or os.path.basename(words[0]) != self.name:
            return []
        given = self._without_ours(words[1:])
        parsed = options.parse(given, self._grammar, self._ours)
        dev = parsed.value("-i") or self._default_dev
        if dev not in devs:
            return []
        whole = (self.name, *parsed.words(options.UDHCPC.attached))
        return [
            Said(
                dev,
                whole if parsed.value("-i") else (*whole, "-i", dev),
                (*parsed.left, *parsed.devices),
            )
        ]

    @property
    def _grammar(self) -> options.Grammar:
        known = options.UDHCPC
        return options.Grammar(
            known.flags, {**known.values, "-s": self._scripts.__contains__}, known.dropped, known.letters, known.attached, known.long,
        )  # fmt: skip

    def prepare(self, client: Client, old_dev: str) -> tuple[str, ...]:
        argv = list(client.argv[1:])
        at = argv.index("-s") if "-s" in argv[:-1] else None
        original = self._scripts[0] if at is None else argv[at + 1]
        script = self._script(client.dev)
        places.own_directory(self._run, places.RUN_MODE)
        atomic.write(f"{script}.first", b"")
        said = f"#!/bin/sh\n# Stands before {original if at is not None else ''}\n"
        said += f'[ "$1" = deconfig ] && rm "{script}.first" 2>/dev/null && exit 0\nexec "{original}" "$@"\n'
        atomic.write(script, said.encode(), mode=_SCRIPT_MODE)
        if at is not None:
            argv[at + 1] = script
            return tuple(argv)
        return ("-s", script, *argv)

    def _script(self, dev: str) -> str:
        return f"{self._run}/udhcpc.{dev}"

    def _without_ours(self, words: Sequence[str]) -> list[str]:
        """The options as they were before C(prepare), which alone writes C(-s) as a word of its own before a path below our directory."""
        found = list(words)
        at = found.index("-s") if "-s" in found[:-1] else None
        if at is None or not found[at + 1].startswith(f"{self._run}/udhcpc."):
            return found
        said = None
        if self._ours(found[at + 1]):
            try:
                with open(found[at + 1], "rb") as stream:
                    said = self._original.search(text(stream.read()))
            except OSError:
                pass  # gone: then it stood before the default one
        original = said[1] if said else ""
        return found[:at] + (["-s", original] if original else []) + found[at + 2 :]


class Dhcpcd:
    """dhcpcd is several processes, which show their device in place of their command line; its lease file has the device's name.

    What it does as root is done by a process of its own, the others run as a user of their own: what is believed is that one's title, and
    the others are its family by their session, which nobody else can join. Any signal that it can handle makes it take its addresses
    away, unless its configuration says persistent; so it is killed. Its successor gets the metric of the routes as they are, and finds them right.
    """

    name = "dhcpcd"
    binaries = ("dhcpcd",)
    package = "dhcpcd-base"
    ending = signal.SIGKILL
    families = True
    _title = re.compile(
        r"^dhcpcd: (?P<part>\[[^]]+\] )?(?P<dev>[^ \[]+)(?P<families>( \[ip[46]\])*)"
    )
    _privileged = ("[privileged proxy] ", "[privileged actioneer] ")

    def __init__(
        self, leases: str = "/var/lib/dhcpcd", ours: options.Ours = places.is_only_ours
    ) -> None:
        self._leases = leases
        self._ours = ours

    def recognise(self, argv: Sequence[str], devs: Sequence[str]) -> list[Said]:
        if os.path.basename(argv[0]) == self.name:  # version 8 and before keep their command line
            parsed = options.parse(argv[1:], options.DHCPCD, self._ours)
            whole = (self.name, *parsed.words(), *parsed.devices)
            return [Said(dev, whole, parsed.left) for dev in devs if dev in parsed.devices]
        found = self._title.match(argv[0].rstrip())
        if found is None or found["dev"] not in devs:
            return []
        if found["part"] is not None and found["part"] not in self._privileged:
            return []
        only = {" [ip4]": ["-4"], " [ip6]": ["-6"]}.get(found["families"], [])
        return [Said(found["dev"], (self.name, *only, found["dev"]))]

    def prepare(self, client: Client, old_dev: str) -> tuple[str, ...]:
        for ending in ("lease", "lease6") if old_dev != client.dev else ():
            source = f"{self._leases}/{old_dev}.{ending}"
            try:
                with open(source, "rb") as stream:
                    lease = stream.read()
            except FileNotFoundError:
                continue
            atomic.write(f"{self._leases}/{client.dev}.{ending}", lease, like=source)
        metric = () if client.metric is None or "-m" in client.argv else ("-m", str(client.metric))
        return (*metric, *client.argv[1:])


Program = Union[Dhclient, Udhcpc, Dhcpcd]
PROGRAMS: dict[str, Program] = {one.name: one for one in (Dhclient(), Udhcpc(), Dhcpcd())}


def files_of(program: Program, path: str) -> list[str]:
    """Where the distribution's file of a client may be, in the folders of C(path)."""
    return [
        found
        for folder in path.split(":")
        for found in (os.path.join(folder, name) for name in program.binaries)
        if os.path.exists(found)
    ]
