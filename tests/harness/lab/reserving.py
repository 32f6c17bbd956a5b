# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A LAN whose DHCP server keeps an address for who says that it is the same client as the host's NIC was: by client identifier, and by DUID and IAID.

Not by the MAC, which a bridge has from its NIC: whoever says another identity gets another address. dnsmasq reserves an IPv6 address by the DUID, and
gives it to no other IAID while the one that has it is known.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..net.lan import set_sysctls
from ..net.netns import inside
from ..process.waiting import wait_for
from .networkd_host import NIC, NetworkdHost

_RENEW = 6  # seconds; what IPv6 has is half of two minutes, the shortest lease that dnsmasq has
_FOR_ALL = (
    "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--user=root", "--port=0", "--no-ping", "--dhcp-authoritative", "--log-dhcp", "--pid-file=",
    "--interface=sw", "--bind-interfaces", "--dhcp-range=10.77.0.50,10.77.0.150,2m", f"--dhcp-option=option:T1,{_RENEW}",
    "--dhcp-option=6", "--enable-ra", "--dhcp-range=fd77::50,fd77::150,64,2m",
)  # fmt: skip

# udev's name for a place on a board, of which networkd makes the IAID: a cable's end has none
_PLACE = (
    "/etc/udev/rules.d/90-place.rules",
    f'SUBSYSTEM=="net", KERNEL=="{NIC}", ENV{{ID_NET_NAME_PATH}}="{NIC}"\n',
)


@dataclass(frozen=True)
class Known:
    """By what a server knows those who have its addresses: (address, client identifier), and (address, DUID, IAID)."""

    four: tuple[tuple[str, str], ...]
    six: tuple[tuple[str, str, str], ...]


class Reserving(NetworkdHost):
    """Goes before a kind of host."""

    server = _FOR_ALL

    def __init__(self, *arguments: Any) -> None:
        self._leases = Path(tempfile.mkdtemp(prefix="hn-dhcp-"))
        self._reserved: set[str] = set()
        super().__init__(*arguments)

    def _take_down(self) -> None:
        super()._take_down()
        shutil.rmtree(self._leases, ignore_errors=True)

    def describe(self, files: dict[str, str], address: str | None) -> None:
        self.write(*_PLACE)
        self.hv("udevadm control --reload")
        self._tell_of_devices()
        self.hv("udevadm settle")
        super().describe(files, address)

    def serve(self, lan: str, *more: str) -> None:
        # a router says so in its answers too: who hears of it forgets it otherwise
        inside(lan, set_sysctls, {"ipv6/conf/all/forwarding": 1})
        files = (f"--dhcp-leasefile={self._leases / 'leases'}", f"--log-facility={self._leases / 'log'}")  # fmt: skip
        super().serve(lan, *files, *more)

    def advertise(self) -> None:
        """Its server does."""

    def known(self) -> Known:
        """What the server has written down."""
        rows = [line.split() for line in (self._leases / "leases").read_text().splitlines()]
        leases = [row for row in rows if len(row) == 5]
        return Known(
            tuple(sorted((row[2], row[4]) for row in leases if ":" not in row[2])),
            tuple(sorted((row[2], row[4], row[1]) for row in leases if ":" in row[2])),
        )

    def said(self, word: str) -> int:
        """In how many lines of its log the server has the word."""
        return (self._leases / "log").read_text().count(f"{word}(")

    def reserve(self) -> Known:
        """From now on there are these addresses for this client, and others for all others; what the server knows it by."""
        wait_for(lambda: len(self.known().four) == len(self.known().six) == 1, "both leases", 60)
        known = self.known()
        ((address, client),), ((address6, duid, _iaid),) = known.four, known.six
        self._reserved = {address, address6}
        self.serve(self.lan, f"--dhcp-host=id:{client},{address}", f"--dhcp-host=id:{duid},[{address6}]")  # fmt: skip
        self.settle(self.nic)
        return known

    def has_them(self, dev: str) -> bool:
        """Whether a device has what is reserved, and the host nothing else of the server's."""
        here = self.hv(f"ip -o address show dev {dev} scope global")
        has = set(re.findall(r"inet6? ([^/]+)/", here))
        return set(self.addresses()) == self._reserved == has

    def settle(self, dev: str) -> None:
        try:
            wait_for(lambda: self.has_them(dev), f"the reserved addresses on {dev}", 30)
        except AssertionError as error:
            said = (self._leases / "log").read_text() + self.hv("ip address")
            raise AssertionError(f"{error}; {self.known()}; the server said:\n{said}") from None

    def renewed(self) -> None:
        """Wait until the client has asked the server again, and has its answer."""
        answered = self.said("DHCPACK")
        wait_for(lambda: self.said("DHCPACK") > answered, "a renewal", 5 * _RENEW)
