# SPDX-License-Identifier: GPL-3.0-or-later
"""Speak to NetworkManager: nmcli(1), its service, and the files that it keeps and reads below /run/NetworkManager."""

from __future__ import annotations

import contextlib
import glob
import os
import re
import time
from typing import Any, Callable, Iterator, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._host import (
    files,
    programs,
    regular_file,
)
from ansible_collections.hypervisor.network.plugins.module_utils._managers.read import text
from ansible_collections.hypervisor.network.plugins.module_utils._managers.state_files import DEVICE
from ansible_collections.hypervisor.network.plugins.module_utils._networkmanager import keyfile
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.snapshot import index_of

SERVICE = "NetworkManager.service"
_TICK = 0.05  # nobody tells when NetworkManager has written its file of a device
_SECONDS = 30.0
# A service on a busy host takes its time; systemd itself gives up on it after 90 seconds. Seen: 40 on an emulated machine
_SERVICE_SECONDS = 120.0
_LEASE_SECONDS = 15.0
_ACTIVATED = "100 "
# nmcli -t escapes what parts its fields
_FIELDS = re.compile(r"(?<!\\):")

Run = Callable[[Sequence[str], float], programs.Done]


class Control:
    """NetworkManager on this host, or on what stands in for it below C(root)."""

    def __init__(
        self,
        root: str = "/",
        run: Run = programs.run,
        seconds: float = _SECONDS,
        index: Callable[[str, Mapping[str, Any]], int] = index_of,
    ) -> None:
        self.root = root
        self._run = run
        self._seconds = seconds
        self._index = index

    def path(self, name: str) -> str:
        """A path of the host, below the root."""
        return os.path.join(self.root, name.lstrip("/"))

    def index(self, dev: str) -> int:
        """A device's number. Raises KernelError where there is none of that name."""
        return self._index(dev, {})

    def said(self, name: str) -> str | None:
        """What a file says; None where there is none."""
        return text(self.path(name))

    def listed(self, pattern: str) -> list[str]:
        """The files of the host whose paths fit."""
        base = glob.escape(self.root.rstrip("/"))
        return sorted("/" + os.path.relpath(one, self.root) for one in glob.glob(base + pattern))

    def state(self, index: int) -> dict[str, dict[str, str]]:
        """What NetworkManager keeps of the device with that number below /run, C({section: {key: value}}); empty where it keeps nothing."""
        return keyfile.parse(self.said(DEVICE.format(index=index)) or "")

    def dhcp6(self, dev: str) -> dict[str, str]:
        """What DHCPv6 has brought a device, C({"dhcp6.OPTION": value}) as in its file; empty where it has brought nothing. Raises Refused."""
        words = ["nmcli", "-e", "no", "-g", "DHCP6.OPTION", "device", "show", dev]
        told = (one.partition(" = ") for one in self._done(words).strip().split(" | "))
        return {f"dhcp6.{option}": value for option, sign, value in told if sign}

    def filename(self, uuid: str) -> str:
        """The file of a profile; empty where there is no such profile, or it is in none."""
        return self.filenames().get(uuid, "")

    def filenames(self) -> dict[str, str]:
        """The files of all profiles, C({uuid: path}), the path empty for one that is in none. Raises Refused where nmcli fails."""
        lines = self._done(
            ["nmcli", "-t", "-f", "UUID,FILENAME", "connection", "show"]
        ).splitlines()
        rows = [[re.sub(r"\\(.)", r"\1", one) for one in _FIELDS.split(line)] for line in lines]
        return {row[0]: row[1] for row in rows if len(row) > 1}

    def let_go(self, dev: str, index: int) -> None:
        """Keep NetworkManager's hands off a device until somebody says else: its addresses, routes and settings stay. Raises Refused."""
        with self.settings_kept(dev):
            self._done(["nmcli", "device", "set", dev, "managed", "no"])
            self._until(
                lambda: keyfile.value(self.state(index), "device", "managed") != "true",
                f"let go of {dev}",
            )

    @contextlib.contextmanager
    def settings_kept(self, *devs: str) -> Iterator[None]:
        """Devices' sysctls are as they stood: NetworkManager gives a device that is no longer its own those that it had before."""
        folders = [
            self.path(f"proc/sys/net/{one}/conf/{dev}") for one in ("ipv4", "ipv6") for dev in devs
        ]
        paths = [path for one in folders for path in glob.glob(os.path.join(glob.escape(one), "*"))]
        before = {path: text(path) for path in paths}
        yield
        for path, said in before.items():
            if said is not None and text(path) != said:
                with contextlib.suppress(OSError), open(path, "w", encoding="ascii") as stream:
                    stream.write(said)

    def reload(self) -> None:
        """Have NetworkManager read its profiles anew; devices stay as they are. Raises Refused."""
        self._done(["nmcli", "connection", "reload"])

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """NetworkManager does not run meanwhile: what is below its folder in /run is what it will find. It runs afterwards, whatever happens."""
        self._done(["systemctl", "stop", SERVICE], _SERVICE_SECONDS)
        try:
            yield
        finally:
            self._done(["systemctl", "start", SERVICE], _SERVICE_SECONDS)

    def settled(self, dev: str, profile: str) -> None:
        """Wait until NetworkManager has set a device up by a profile; a lease may never come, which is no failure."""
        words = ["nmcli", "-g", "GENERAL.STATE,GENERAL.CON-UUID", "device", "show", dev]

        def done() -> bool:
            lines = self._done(words).strip().split("\n")
            return lines[0].startswith(_ACTIVATED) and lines[1:2] == [profile]

        with contextlib.suppress(Refused):
            self._until(done, f"take {dev}", min(self._seconds, _LEASE_SECONDS))

    def put(self, wanted: Mapping[str, tuple[str | None, int]]) -> None:
        """Files by their paths, each with its text (None: it shall go) and its mode."""
        edits = []
        for name, (said, mode) in wanted.items():
            path = self.path(name)
            os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
            old = regular_file.read_bytes(path) if regular_file.is_file(path) else None
            new = None if said is None else said.encode("utf-8", "surrogateescape")
            if old != new:
                edits.append(files.Edit(path, old, new, mode=mode))
        files.replace(edits, self.path("run/NetworkManager"))

    def _done(self, words: Sequence[str], seconds: float | None = None) -> str:
        try:
            done = self._run(words, self._seconds if seconds is None else seconds)
            failed = (
                ""
                if done.status == 0
                else (done.errors or done.output).strip() or f"status {done.status}"
            )
        except OSError as error:
            failed = error.strerror or str(error)
        if failed:
            raise Refused(
                f"'{' '.join(words)}' failed: {failed}; see 'journalctl -u NetworkManager'."
            )
        return done.output

    def _until(self, true: Callable[[], bool], what: str, seconds: float | None = None) -> None:
        seconds = self._seconds if seconds is None else seconds
        deadline = time.monotonic() + seconds
        while not true():
            if time.monotonic() > deadline:
                raise Refused(
                    f"NetworkManager did not {what} within {seconds:g} s; see 'journalctl -u NetworkManager'."
                )
            time.sleep(_TICK)
