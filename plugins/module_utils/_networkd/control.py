# SPDX-License-Identifier: GPL-3.0-or-later
"""Have networkd read its files, and see what it made of a link: networkctl(1), and the files that it keeps below /run/systemd/netif."""

from __future__ import annotations

import contextlib
import glob
import grp
import os
import pwd
import re
import shlex
import time
from typing import Any, Callable, Iterable, Iterator, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    KernelError,
    Refused,
)
from ansible_collections.hypervisor.network.plugins.module_utils._host import (
    files,
    programs,
    regular_file,
)
from ansible_collections.hypervisor.network.plugins.module_utils._managers import owners
from ansible_collections.hypervisor.network.plugins.module_utils._managers.persistent_mac import (
    BY_NETWORKD,
    BY_UDEV,
    persistent_mac,
)
from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import File
from ansible_collections.hypervisor.network.plugins.module_utils._managers.read import text
from ansible_collections.hypervisor.network.plugins.module_utils._managers.state_files import (
    LINK,
    keys,
)
from ansible_collections.hypervisor.network.plugins.module_utils._networkd import unit
from ansible_collections.hypervisor.network.plugins.module_utils._networkd.unit import Section
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.snapshot import index_of

LEASE = "run/systemd/netif/leases/{index}"
# systemd.network(5): of files with one name the first folder's counts, and drop-ins come from all
FOLDERS = (
    "etc/systemd/network",
    owners.NETWORKD_RUN[1:],
    "usr/local/lib/systemd/network",
    "usr/lib/systemd/network",
)
_TICK = 0.05  # networkd replaces its file of a link when it is at rest, and tells nobody
_REST_SECONDS = 15.0
# netplan is a Python program: seen to take 34 s on an emulated machine that had much else to do
_RELOAD_SECONDS = 120.0
_AT_REST = "configured"
_ACCEPT_DAD = "proc/sys/net/ipv6/conf/{dev}/accept_dad"
_QUIET_SECONDS = 0.5  # after its last word on a link: what it removes goes before that
# Without DHCP it has said its last word when the addresses are no duplicates (2 s). It is at rest 12 s later where no router answers: what it waits for then
# is an advertisement that nobody sends (sd-ndisc's NDISC_TIMEOUT_NO_RA_USEC)
_SETTLED_SECONDS = 2.5

Run = Callable[[Sequence[str], float], programs.Done]
# by device: the file that makes it, and what is said there
Makers = dict[str, tuple[str, list[Section]]]


class Control:
    """networkd on this host, or on what stands in for it below C(root)."""

    def __init__(
        self,
        root: str = "/",
        run: Run = programs.run,
        rest: float = _REST_SECONDS,
        index: Callable[[str, Mapping[str, Any]], int] = index_of,
        quiet: float = _QUIET_SECONDS,
        settled: float = _SETTLED_SECONDS,
    ) -> None:
        self.root = root
        self._run = run
        self._rest = rest
        self._index = index
        self._quiet = quiet
        self._settled = settled

    def link(self, index: int | None) -> dict[str, str]:
        """What networkd says of a link, C({KEY: value}) of its file in /run; empty where it says nothing."""
        return keys(text(self.path(LINK.format(index=index))) or "")

    def lease(self, index: int | None) -> dict[str, str]:
        """What networkd says of a link's DHCPv4 lease, in the same form."""
        return keys(text(self.path(LEASE.format(index=index))) or "")

    def index(self, dev: str) -> int:
        """A device's number. Raises KernelError where there is none of that name."""
        return self._index(dev, {})

    def index_or_none(self, dev: str) -> int | None:
        """A device's number, None where there is none of that name."""
        try:
            return self.index(dev)
        except KernelError:
            return None

    def path(self, name: str) -> str:
        """A path of the host, below the root."""
        return os.path.join(self.root, name.lstrip("/"))

    def listed(self, pattern: str) -> list[str]:
        """The files of the host whose paths fit."""
        base = glob.escape(self.root.rstrip("/"))
        return sorted("/" + os.path.relpath(one, self.root) for one in glob.glob(base + pattern))

    def config(self, source: str, facts: Mapping[str, str]) -> list[Section]:
        """All that is said of a link: by the file in force for it, and by its drop-ins, less ours."""
        found = unit.parse(text(self.path(source)) or "")
        for path in self.drop_ins(source, facts):
            if "hypervisor-network" not in os.path.basename(path):
                found += unit.parse(text(self.path(path)) or "")
        return found

    def makers(self) -> Makers:
        """The .netdev file of somebody else's that makes a device, by the device, and what it and its drop-ins say, less ours. All of them are read."""
        by_name: dict[str, str] = {}
        for folder in reversed(FOLDERS):
            for path in glob.glob(os.path.join(glob.escape(self.path(folder)), "*.netdev")):
                by_name[os.path.basename(path)] = "/" + os.path.relpath(path, self.root)
        made: Makers = {}
        for name in sorted(by_name):
            if "hypervisor-network" not in name:
                said = self.config(by_name[name], {})
                made.setdefault(unit.value(said, "NetDev", "Name"), (by_name[name], said))
        return made

    def own_macs(self, dev: str) -> list[str | None]:
        """The MACs that networkd and udev, in that order, give a device of that name where nothing says one; None for what has no machine-id."""
        machine = text(self.path("/etc/machine-id")) or ""
        return [persistent_mac(machine, dev, key) for key in (BY_NETWORKD, BY_UDEV)]

    def drop_ins(self, source: str, facts: Mapping[str, str]) -> list[str]:
        """The paths of a file's drop-ins, in their order; networkd tells them with colons between."""
        said = facts.get("NETWORK_FILE_DROPINS")
        if said is not None:
            try:
                return [one for word in shlex.split(said) for one in word.split(":") if one]
            except ValueError:
                return []
        name = f"{os.path.basename(source)}.d"  # systemd before 252 does not tell
        by_name: dict[str, str] = {}
        for folder in reversed(FOLDERS):
            for path in glob.glob(os.path.join(glob.escape(self.path(folder)), name, "*.conf")):
                by_name[os.path.basename(path)] = "/" + os.path.relpath(path, self.root)
        return [by_name[one] for one in sorted(by_name)]

    def before(self, source: str, facts: Mapping[str, str]) -> str:
        """The file that was in force for a link before ours; empty where none of ours is."""
        found = [owners.before(text(self.path(one)) or "") for one in self._in_force(source, facts)]
        return next((one for one in found if one), "")

    def until_boot(self, source: str, facts: Mapping[str, str]) -> list[Section]:
        """What files of ours below /run say of a link: its identity among that, which networkd itself tells only where it is at rest."""
        ours = [
            one
            for one in self._in_force(source, facts)
            if "hypervisor-network" in os.path.basename(one)
        ]
        return [section for one in ours for section in unit.parse(text(self.path(one)) or "")]

    def _in_force(self, source: str, facts: Mapping[str, str]) -> list[str]:
        """The paths of the file that networkd goes by, and of its drop-ins."""
        return [source, *self.drop_ins(source, facts)] if source else []

    def shared(self, source: str, index: int) -> bool:
        """Whether networkd goes by a file for another link too."""
        own = LINK.format(index=index)
        others = (one for one in self.listed(f"/{LINK.format(index='*')}") if one[1:] != own)
        return any(keys(text(self.path(one)) or "").get("NETWORK_FILE") == source for one in others)

    def put(self, wanted: Sequence[File]) -> None:
        """Write files of /run, and remove those that shall not be."""
        edits = []
        for one in wanted:
            there = self.path(one.path)
            old = regular_file.read_bytes(there) if regular_file.is_file(there) else None
            new = None if one.text is None else one.text.encode("utf-8", "surrogateescape")
            if old != new:
                edits.append(files.Edit(there, old, new))
        folder = self.path(owners.NETWORKD_RUN)
        os.makedirs(folder, mode=0o755, exist_ok=True)
        files.put(edits, folder)

    def reload(
        self, index: int, source: str | None = None, leased: bool = False, asks: bool = True
    ) -> None:
        """Have networkd read its files anew, and wait until it is at rest with a link, which has C(source) in force then where one is given.

        C(leased): a lease is enough. C(asks): it may ask for one; of a link that does not, nothing new for a while is enough.
        A link may never come to rest, since a server does not answer: that is no failure. Raises Refused where networkd
        does not read its files, or takes another one for the link.
        """
        before = self._stamp(index)
        self.read()
        self._wait(lambda: self._rests(index, before, source, leased, asks))
        there = self.link(index).get("NETWORK_FILE", "")
        if source is not None and there != source:
            raise Refused(
                f"systemd-networkd takes {there or 'no file'} for the link in place of {source}; remove what comes before it in the order of names."
            )

    @contextlib.contextmanager
    def undoubted(self, dev: str) -> Iterator[None]:
        """Meanwhile a device has each IPv6 address at once, and asks nobody whether it is another host's (Linux' accept_dad): it had them before."""
        path = self.path(_ACCEPT_DAD.format(dev=dev))
        was = text(path)
        if was is None:  # a host without IPv6
            yield
            return
        _write(path, "0")
        try:
            yield
        finally:
            _write(path, was)

    def read(self) -> None:
        """Have networkd read its files anew. Raises Refused where it does not."""
        self._do("networkctl", "reload")

    def version(self) -> int | None:
        """Which systemd it is; None where it does not tell."""
        try:
            said = self._run(("networkctl", "--version"), _RELOAD_SECONDS).output
        except OSError:
            return None
        found = re.match(r"systemd (\d+)\b", said)
        return int(found.group(1)) if found else None

    def generate(self) -> None:
        """Have netplan make networkd's files of its own. Raises Refused where it does not read them."""
        self._do("netplan", "generate")

    def _do(self, *words: str) -> None:
        try:
            done = self._run(words, _RELOAD_SECONDS)
            failed = (done.errors or done.output).strip() or f"status {done.status}"
            said = "" if done.status == 0 else failed
        except OSError as error:
            said = error.strerror or str(error)
        if said:
            raise Refused(
                f"{' '.join(words)} failed: {said}; see 'journalctl -u systemd-networkd', and mend what it complains of."
            )

    def take(self, indexes: Iterable[int]) -> None:
        """Have networkd read its files anew, and wait until it is at rest with links that get other ones by that and ask for no lease.

        Before 257 it takes the addresses of such a link for a moment. Raises Refused where it does not read its files.
        """
        before = {index: self._stamp(index) for index in indexes}
        self.read()
        self._wait(lambda: all(self._rests(*one, None, False, False) for one in before.items()))

    def _wait(self, true: Callable[[], bool]) -> None:
        """Until it is so, or networkd has had its time."""
        deadline = time.monotonic() + self._rest
        while time.monotonic() < deadline and not true():
            time.sleep(_TICK)

    def _rests(
        self, index: int, before: object, source: str | None, leased: bool, asks: bool
    ) -> bool:
        link = self.link(index)
        stamp = self._stamp(index)
        if stamp is None or stamp == before or source not in (None, link.get("NETWORK_FILE")):
            return False
        since = time.time() - stamp[1] / 1e9
        done = link.get("ADMIN_STATE") == _AT_REST or (leased and bool(self.lease(index)))
        return since >= self._quiet if done else since >= self._settled and not asks

    def _stamp(self, index: int) -> tuple[int, int] | None:
        """Which version of networkd's file of a link it is, and when it was written."""
        try:
            found = os.stat(self.path(LINK.format(index=index)))
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns


def numbered(section: Section) -> Section:
    """A section with the numbers of the users and groups that it names, as far as this host knows them."""
    if section.name not in ("Tap", "Tun"):
        return section
    return Section(section.name, tuple((key, _number(key, value)) for key, value in section.lines))


def _number(key: str, value: str) -> str:
    try:
        if key == "User":
            return str(pwd.getpwnam(value).pw_uid)
        return str(grp.getgrnam(value).gr_gid) if key == "Group" else value
    except KeyError:
        return value


def _write(sysctl: str, value: str) -> None:
    with contextlib.suppress(FileNotFoundError), open(sysctl, "w", encoding="ascii") as stream:
        stream.write(value)  # else the device is gone
