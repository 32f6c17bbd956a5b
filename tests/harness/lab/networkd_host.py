# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that systemd-networkd manages, in a container of seconds, with a wire to a LAN whose other end pings it."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..net.advertised import advertise_nothing
from ..net.netns import Namespaces, batch, pings
from ..process.waiting import wait_for
from .container import Container
from .powered import RECORDS

NIC, MAC, BRIDGE, TAP = "enp1s0", "52:54:00:77:00:01", "br0", "tap1"
LAN = """
link add name sw type bridge forward_delay 0
link set sw up
address add 10.77.0.1/24 dev sw
address add fd77::1/64 dev sw nodad
"""
DHCP = (
    "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--user=root", "--port=0", "--leasefile-ro", "--interface=sw", "--bind-interfaces",
    "--dhcp-range=10.77.0.50,10.77.0.150,2m",
)  # fmt: skip
_ROUTES = (
    "ip route show table all dev {dev} | grep -v -e ^local -e ^broadcast | sed 's/ proto kernel.*//'; "
    "ip -6 route show dev {dev} | grep -v ^fe80 || true"
)


# A bridge of the host's own may have addresses that nobody there reaches
_OF_THE_LAN = r"inet6? ((?:10\.7[78]\.|fd77:)[^/ ]+)/"


class NetworkdHost(Container):
    """C(files) are by path what its administrator wrote; C(address) is the one that shall answer, None where a server gives it."""

    network = "netplan"
    packages: tuple[str, ...] = ()
    cables = {NIC: (MAC, "sw")}  # by NIC, with its MAC and the switch at the other end
    lan_of_it, server = LAN, DHCP
    upset = (
        "networkctl reload && systemctl restart systemd-networkd && networkctl status > /dev/null"
    )
    folders = "/etc/systemd/network /run/systemd/network /etc/netplan /etc/cloud"
    mode = "644"
    at_rest = "networkctl list --no-legend | grep -E 'routable +configured'"
    owned = "networkctl status {dev} | sed -nE 's/^ *(Network File: .*|State: [a-z-]+).*/\\1/p'"

    def __init__(self, files: dict[str, str], address: str | None = None) -> None:
        self._files, self._address = files, address
        self._wire = Namespaces("wire")
        self._server: subprocess.Popen[bytes] | None = None
        super().__init__(*self.packages, network=self.network)
        self.nic = NIC

    def __enter__(self) -> NetworkdHost:
        lan = self._wire.__enter__()["wire"]
        try:
            batch(lan, self.lan_of_it)
            self.serve(lan)
            super().__enter__()
        except BaseException:
            self._take_down()
            raise
        return self

    def __exit__(self, *unused: object) -> None:
        try:
            super().__exit__(*unused)
        finally:
            self._take_down()

    def serve(self, lan: str, *more: str) -> None:
        """Let the LAN have a DHCP server, in place of the one that it had; C(more) are words of its command line."""
        self._end_server()
        self._server = subprocess.Popen(
            ["ip", "netns", "exec", lan, *self.server, *more], stderr=subprocess.DEVNULL
        )

    def _end_server(self) -> None:
        if self._server is not None:
            self._server.kill()
            self._server.wait()

    def _take_down(self) -> None:
        self._end_server()
        self._wire.__exit__()

    @property
    def lan(self) -> str:
        return self._wire.names["wire"]

    def up(self, *arguments: str) -> None:
        """Boot it with its wire plugged in, until its address answers."""
        for nic, (mac, switch) in self.cables.items():
            batch(self.lan, f"link add name to-{nic} type veth peer name {nic}\nlink set {nic} netns {self._netns}\n")  # fmt: skip
            batch(self.lan, f"link set to-{nic} master {switch} up\n")
            batch(self._netns, f"link set {nic} address {mac}\n")
        super().up(*arguments)
        self._tell_of_devices()

    def _tell_of_devices(self) -> None:
        """What tells networkd of a device on a machine looks at all hardware, which a container leaves alone."""
        self.hv("udevadm trigger --action=add --subsystem-match=net")

    def prepare(self) -> None:
        super().prepare()
        self.describe(self._files, self._address)

    def describe(self, files: dict[str, str], address: str | None) -> None:
        """Let these files, by path, be its administrator's, and begin anew with them; C(address) is the one that shall answer then."""
        self._address = address
        self.hv("rm -rf /etc/netplan/* /etc/systemd/network/* /run/systemd/network/*; mkdir -p /etc/netplan")  # fmt: skip
        for path, text in files.items():
            self.write(path, text)
        self.hv(
            "if ls /etc/netplan/*.yaml > /dev/null 2>&1; then netplan generate; fi; systemctl enable --now systemd-networkd; systemctl restart systemd-networkd"
        )
        self.until_it_answers()

    def write(self, path: str, text: str) -> None:
        """A file of its administrator's."""
        self.hv(
            f"mkdir -p $(dirname {path}); cat > {path} <<'EOF'\n{text}EOF\nchmod {self.mode} {path}"
        )

    def until_it_answers(self) -> None:
        """And until its manager has set up all of it: one address may answer before another is there."""
        wait_for(self.answering, "an answer to the LAN", 60)
        wait_for(self._rests, "its manager to be at rest", 60)

    def _rests(self) -> bool:
        """Whether its manager is at rest. networkd waits 12 s for a router, at each start: this one says at once that it is none, and nothing else."""
        self.advertise()
        return bool(self.hv(f"{{ {self.at_rest}; }} > /dev/null && echo yes || true"))

    def advertise(self) -> None:
        advertise_nothing(self.lan, "sw")

    def answering(self) -> str:
        """The address that answers the LAN, empty while there is none."""
        for one in [self._address] if self._address else self.addresses():
            if pings(self.lan, one):
                return one
        return ""

    def addresses(self) -> list[str]:
        """Those of the LAN."""
        return re.findall(_OF_THE_LAN, self.hv("ip -o address show scope global"))

    def written(self) -> str:
        """Every file of a manager's with what it says."""
        return self.hv(f"grep -r '' {self.folders} || true")

    def owner(self, dev: str) -> list[str]:
        """What its manager says of a device: whether it is its own, and by what."""
        return [line.strip() for line in self.hv(self.owned.format(dev=dev)).splitlines()]

    def layer3(self, dev: str) -> dict[str, list[str]]:
        """Addresses, routes and rules. The metric of the link's own network is its manager's, and so is the number of a rule that was given none."""
        words = {
            "addresses": f"ip -o address show dev {dev} scope global | awk '{{print $4}}'",
            "routes": _ROUTES.format(dev=dev),
            "rules": "ip rule show | cut -f 2-; ip -6 rule show | cut -f 2-",
        }
        return {
            what: sorted(line.strip() for line in self.hv(how).splitlines() if line.strip())
            for what, how in words.items()
        }

    def given_up(self, module: str, **options: Any) -> set[str]:
        """A guarded module whose change nobody confirms, until that is undone: the bridges that the NIC was a port of meanwhile, by the kernel."""
        words = ["ip", "netns", "exec", self.netns, "ip", "-o", "monitor", "link"]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as watch:
            try:
                result = self.run(module, **options)
                assert not result.get("failed"), result["msg"]
                self.until(f"test -e {RECORDS}/{result['transaction']['id']}/rolled-back")
                self.until_it_answers()
            finally:
                watch.terminate()
            said = watch.communicate()[0]
        return set(re.findall(rf"^\d+: {self.nic}[@:].* master (\S+)", said, re.MULTILINE))

    @contextmanager
    def pinged(self, lost: list[int]) -> Iterator[None]:
        """While the block runs, each address twenty times a second; how many had no answer is appended, of the one that missed most."""
        words = ["ip", "netns", "exec", self.lan, "ping", "-q", "-i", "0.05"]
        children = [
            subprocess.Popen([*words, one], stdout=subprocess.PIPE, text=True)
            for one in self.addresses()
        ]
        try:
            yield
        finally:
            for child in children:
                child.send_signal(signal.SIGINT)
            said = [child.communicate()[0] for child in children]
        counts = [re.findall(r"(\d+) packets transmitted, (\d+) received", one)[0] for one in said]
        lost.append(max(int(sent) - int(answered) for sent, answered in counts))

    def done(self, module: str, **options: Any) -> dict[str, Any]:
        """A module to its end, and confirmed where it is guarded."""
        result = self.run(module, **options)
        assert not result.get("failed"), result["msg"]
        if "transaction" in result and result["transaction"].get("state") == "applied":
            confirmed = self.run("transaction", id=result["transaction"]["id"], state="confirmed")
            assert not confirmed.get("failed"), confirmed["msg"]
        return result
