# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""H: what other processors boot: two of them from one network, and one that nothing of this machine can run but by emulation."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hypervisor.network.tests.harness.host.guests import MAC, Guests, words_of
from ansible_collections.hypervisor.network.tests.harness.net.netns import batch
from ansible_collections.hypervisor.network.tests.harness.process.waiting import wait_for

MACS = {"i386": MAC, "x86_64": "52:00:00:00:00:02"}
# Each says by the name of a file which processor it runs on; bit 29 of the extended features is the long mode
SCRIPT = """#!ipxe
cpuid --ext 29 && set is x86_64 || set is i386
chain tftp://${next-server}/${is}.ipxe
"""
SETTLED = "#!ipxe\n:again\nsleep 60\ngoto again\n"


class Server:
    """The network's DHCP and TFTP server: its log is what a guest cannot make up."""

    def __init__(self, netns: str, folder: Path) -> None:
        self.log = folder / "dnsmasq.log"
        tftp = folder / "tftp"
        tftp.mkdir()
        (tftp / "boot.ipxe").write_text(SCRIPT, encoding="ascii")
        for name in MACS:
            (tftp / f"{name}.ipxe").write_text(SETTLED, encoding="ascii")
        batch(netns, "address add 10.9.0.1/24 dev br0\n")
        words = [
            "ip", "netns", "exec", netns, "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--interface=br0",
            "--bind-interfaces", "--no-ping", "--no-resolv", "--no-hosts", "--user=root", "--pid-file=", "--dhcp-authoritative",
            "--dhcp-range=10.9.0.100,10.9.0.150", "--dhcp-boot=boot.ipxe", "--enable-tftp", f"--tftp-root={tftp}", f"--log-facility={self.log}",
            f"--dhcp-leasefile={folder / 'leases'}", "--log-dhcp",
        ]  # fmt: skip
        self.process = subprocess.Popen(words)

    def waited_for(self, pattern: str) -> list[str]:
        """What its log has of a pattern, as soon as there is something."""
        return wait_for(
            lambda: re.findall(pattern, self.log.read_text(encoding="utf-8")), pattern, 90
        )


@pytest.fixture
def server(netns: str, guests: Guests, tmp_path: Path) -> Iterator[Server]:
    made = Server(netns, tmp_path)
    yield made
    made.process.terminate()
    made.process.wait(10)


def test_b01_two_processors_boot_from_the_network_in_one_list(guests, server, run_module):
    batch(
        guests.netns,
        "tuntap add tap2 mode tap user hypervisor-guest\nlink set tap2 master br0 up\n",
    )
    common: dict[str, Any] = {"memory": "64", "accel": "tcg", "boot": "n", "shutdown_timeout": 0}
    both = [
        {
            "name": guests.name(f"vm{number}"),
            "emulator": f"qemu-system-{what}",
            "nics": [{"tap": f"tap{number}", "mac": mac}],
        }
        for number, (what, mac) in enumerate(MACS.items(), 1)
    ]
    wish = {**common, "guests": both, "supervisor": "process", "wait_for": ["mac_learned"]}
    guests.used("vm1", "vm2")
    result = run_module("qemu_guest", wish, guests.netns)
    assert not result["failed"], result
    for (what, mac), guest in zip(MACS.items(), result["guests"]):
        assert words_of(guest["pid"])[0].endswith(f"/qemu-system-{what}")
        (address,) = set(server.waited_for(rf"DHCPACK\(br0\) (\S+) {mac}"))
        server.waited_for(rf"sent \S+/{what}\.ipxe to {re.escape(address)}\b")
    assert not run_module("qemu_guest", wish, guests.netns)["changed"]


def test_b02_another_processor_comes_to_the_prompt_of_its_firmware(guests, guest_folder):
    log = guest_folder / "serial.log"
    guest = guests.done(
        emulator="qemu-system-aarch64",
        machine="virt",
        cpu="cortex-a57",
        memory="256",
        nics=[],  # or it asks that for a system first
        firmware="uefi",
        serial_log=str(log),
        wait_for=["serial"],
        serial_pattern="^Shell> ",
        wait_timeout=90,
    )
    assert guest["machine_used"].startswith("virt-")
    assert b"AAVMF" in Path(f"/proc/{guest['pid']}/cmdline").read_bytes()
    assert b"UEFI Interactive Shell" in log.read_bytes()
