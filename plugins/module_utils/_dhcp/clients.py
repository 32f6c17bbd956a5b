# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between DHCP clients: how one is recognised, how it ends without giving its lease back, and what its successor needs.

All of them tell the server the same identity on the bridge as on the NIC, because both have the same MAC. Sources: dhclient(8),
dhclient.leases(5), udhcpc of busybox, dhcpcd(8) 9 and 10.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
from typing import Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._dhcp.client import Client

RUN = "/run/hypervisor-network"


class Dhclient:
    """isc-dhclient keeps its leases in a file that names the device in each; SIGTERM ends it and keeps the lease (never -r)."""

    name = "dhclient"
    package = "isc-dhcp-client"
    ending = signal.SIGTERM
    _default_leases = "/var/lib/dhcp/dhclient.leases"

    def recognise(
        self, argv: Sequence[str], devs: Sequence[str]
    ) -> list[tuple[str, tuple[str, ...]]]:
        """(device, command line) for each of C(devs) that the process with this command line serves."""
        return (
            [(dev, tuple(argv)) for dev in devs if dev in argv[1:]]
            if os.path.basename(argv[0]) == self.name
            else []
        )

    def belongs(self, argv: Sequence[str], client: Client) -> bool:
        """Whether a process is part of the client."""
        return tuple(argv) == client.argv

    def prepare(self, client: Client, old_dev: str) -> tuple[str, ...]:
        """Give the client the lease of C(old_dev), and return the command line to start."""
        if old_dev != client.dev:
            argv = client.argv
            leases = argv[argv.index("-lf") + 1] if "-lf" in argv[:-1] else self._default_leases
            self._hand_over(
                leases.replace(f".{client.dev}.", f".{old_dev}."), leases, old_dev, client.dev
            )
        return client.argv

    @staticmethod
    def _hand_over(source: str, target: str, old_dev: str, dev: str) -> None:
        """The lease file under another name, its leases under another device. The source is kept: it is the way back."""
        try:
            with open(source, encoding="utf-8", errors="surrogateescape") as stream:
                text = stream.read()
        except FileNotFoundError:
            return
        old, new = f'interface "{old_dev}";', f'interface "{dev}";'
        if source != target:
            _write(target, text.replace(old, new), like=source)
            return
        # one file for all devices: the latest lease is copied behind the others', in place of earlier copies
        blocks = re.findall(r"^lease6? \{.*?^\}\n?", text, re.MULTILINE | re.DOTALL)
        latest = [block for block in blocks if old in block][-1:]
        for block in blocks:
            if latest and new in block:
                text = text.replace(block, "", 1)
        _write(target, text + "".join(block.replace(old, new) for block in latest), like=source)


class Udhcpc:
    """udhcpc of busybox keeps no lease file, and begins by taking every address and route from its device.

    So it gets a script that passes over that first order; all others go to the script that it had.
    """

    name = "udhcpc"
    package = "udhcpc"
    ending = signal.SIGKILL  # SIGTERM gives the lease back where -R was said
    _default_dev = "eth0"
    _original = re.compile(r"^# Stands before (.*)$", re.MULTILINE)

    def __init__(self, run: str = RUN, script: str = "/etc/udhcpc/default.script") -> None:
        self._run = run
        self._default_script = script

    def recognise(
        self, argv: Sequence[str], devs: Sequence[str]
    ) -> list[tuple[str, tuple[str, ...]]]:
        words = list(argv[1:] if os.path.basename(argv[0]) == "busybox" else argv)
        if not words or os.path.basename(words[0]) != self.name:
            return []
        whole = list(argv)
        dev = next((word[2:] for word in words if word.startswith("-i") and len(word) > 2), None)
        dev = next(
            (word.partition("=")[2] for word in words if word.startswith("--interface=")), dev
        )
        dev = next(
            (words[at + 1] for at, word in enumerate(words[:-1]) if word in ("-i", "--interface")),
            dev,
        )
        if dev is None:
            dev = self._default_dev
            whole += ["-i", dev]
        return [(dev, self._without_ours(whole))] if dev in devs else []

    def belongs(self, argv: Sequence[str], client: Client) -> bool:
        return (client.dev, client.argv) in self.recognise(argv, [client.dev])

    def prepare(self, client: Client, old_dev: str) -> tuple[str, ...]:
        argv = list(client.argv)
        at = argv.index("-s") if "-s" in argv[:-1] else None
        original = self._default_script if at is None else argv[at + 1]
        script = f"{self._run}/udhcpc.{client.dev}"
        os.makedirs(self._run, mode=0o711, exist_ok=True)
        _write(f"{script}.first", "", like=None)
        text = f"#!/bin/sh\n# Stands before {original if at is not None else ''}\n"
        text += f'[ "$1" = deconfig ] && rm "{script}.first" 2>/dev/null && exit 0\nexec "{original}" "$@"\n'
        _write(script, text, like=None)
        os.chmod(script, 0o755)
        if at is not None:
            argv[at + 1] = script
            return tuple(argv)
        where = argv.index(next(word for word in argv if os.path.basename(word) == self.name)) + 1
        return tuple(argv[:where] + ["-s", script] + argv[where:])

    def _without_ours(self, argv: list[str]) -> tuple[str, ...]:
        """The command line as it was before C(prepare)."""
        at = argv.index("-s") if "-s" in argv[:-1] else None
        if at is None or not argv[at + 1].startswith(f"{self._run}/udhcpc."):
            return tuple(argv)
        try:
            with open(argv[at + 1], encoding="utf-8", errors="surrogateescape") as stream:
                found = self._original.search(stream.read())
        except OSError:
            found = None
        original = found[1] if found else ""
        return tuple(argv[:at] + (["-s", original] if original else []) + argv[at + 2 :])


class Dhcpcd:
    """dhcpcd is several processes, which show their device in place of their command line; its lease file has the device's name.

    Any signal that it can handle makes it take its addresses away, unless its configuration says persistent; so it is killed. Its successor
    gets the metric of the routes as they are, and finds them right.
    """

    name = "dhcpcd"
    package = "dhcpcd-base"
    ending = signal.SIGKILL
    _title = re.compile(r"^dhcpcd: (\[[^]]+\] )?(?P<dev>[^ \[]+)(?P<families>( \[ip[46]\])*)")

    def __init__(self, leases: str = "/var/lib/dhcpcd") -> None:
        self._leases = leases

    def recognise(
        self, argv: Sequence[str], devs: Sequence[str]
    ) -> list[tuple[str, tuple[str, ...]]]:
        if os.path.basename(argv[0]) == self.name:  # version 8 and before keep their command line
            return [(dev, tuple(argv)) for dev in devs if dev in argv[1:]]
        found = self._title.match(argv[0])
        if found is None or found["dev"] not in devs or found[1] is not None:
            return []
        only = {" [ip4]": ["-4"], " [ip6]": ["-6"]}.get(found["families"], [])
        return [(found["dev"], (self.name, *only, found["dev"]))]

    def belongs(self, argv: Sequence[str], client: Client) -> bool:
        found = self._title.match(argv[0])
        return tuple(argv) == client.argv if found is None else found["dev"] == client.dev

    def prepare(self, client: Client, old_dev: str) -> tuple[str, ...]:
        for ending in ("lease", "lease6") if old_dev != client.dev else ():
            try:
                shutil.copy2(
                    f"{self._leases}/{old_dev}.{ending}", f"{self._leases}/{client.dev}.{ending}"
                )
            except FileNotFoundError:
                pass
        metric = () if client.metric is None or "-m" in client.argv else ("-m", str(client.metric))
        return (client.argv[0], *metric, *client.argv[1:])


PROGRAMS = {one.name: one for one in (Dhclient(), Udhcpc(), Dhcpcd())}


def _write(path: str, text: str, like: str | None) -> None:
    temporary = f"{path}.hypervisor-network"
    with open(temporary, "w", encoding="utf-8", errors="surrogateescape") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    if like is not None:
        shutil.copystat(like, temporary)
    os.replace(temporary, path)
