# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""dhcpcd and udhcpc: the lease goes over to the bridge and comes back, with the same address, and nothing is lost or released.

Both keep files in places of the system. So each host here has a mount namespace of its own, with those places empty.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator

import pytest

from ansible_collections.hypervisor.network.tests.conftest import needs_root
from ansible_collections.hypervisor.network.tests.harness.guard.wanted import (
    comparable,
    moved,
    without,
)
from ansible_collections.hypervisor.network.tests.harness.net.dhcp import DhcpHost
from ansible_collections.hypervisor.network.tests.harness.net.dump import differences, settled
from ansible_collections.hypervisor.network.tests.harness.net.lan import HOST6, lan, set_sysctls
from ansible_collections.hypervisor.network.tests.harness.net.netns import inside as netns_inside
from ansible_collections.hypervisor.network.tests.harness.net.netns import ip_json, run

SCRIPT = Path("/etc/udhcpc/default.script")
PRIVATE = ("/var/lib/dhcpcd", "/run")
CLIENTS = {
    "dhcpcd": ("dhcpcd", "-4", "eth0"),
    "udhcpc": ("udhcpc", "-n", "-p", "/run/udhcpc.eth0.pid", "-i", "eth0"),
    "udhcpc-that-releases": ("busybox", "udhcpc", "-R", "-n", "-i", "eth0"),
}
# The distribution's, without what would ask for or write the machine's name servers.
DHCPCD_CONF = (
    "duid\noption interface_mtu\nrequire dhcp_server_identifier\nnohook resolv.conf\nnoarp\n"
)


@contextmanager
def host_with(
    client: tuple[str, ...], *more: str, renew: int | None = None
) -> Iterator[tuple[DhcpHost, tuple[str, ...]]]:
    """A LAN whose host got its address by this client, C(more) commands done before, and the words that run a program inside that host."""
    folder = Path(tempfile.mkdtemp(prefix="hn-dhcp-"))
    try:
        with lan(host=HOST6) as made:
            host = DhcpHost(made, folder)
            host.serve(renew)
            (folder / "dhcpcd.conf").write_text(DHCPCD_CONF, encoding="ascii")
            text = SCRIPT.read_text(encoding="utf-8").replace(
                'RESOLV_CONF="/etc/resolv.conf"', 'RESOLV_CONF="/dev/null"'
            )
            (folder / "script").write_text(
                text.replace("-x /sbin/resolvconf", "-x /nowhere"), encoding="utf-8"
            )
            (folder / "script").chmod(0o755)
            mounts = [f"mount -t tmpfs none {path}" for path in PRIVATE]
            mounts += [
                f"mount --bind {folder / 'dhcpcd.conf'} /etc/dhcpcd.conf",
                f"mount --bind {folder / 'script'} {SCRIPT}",
            ]
            inside = (*made.own_mounts(*mounts, *more), "-n")
            run(*inside, *client)
            yield host, inside
    finally:
        shutil.rmtree(folder)


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest) -> str:
    needs(CLIENTS[request.param][0])
    return str(request.param)


def needs(program: str) -> None:
    needs_root()
    missing = [
        path for path in (f"/usr/sbin/{program}", f"/usr/bin/{program}") if Path(path).exists()
    ] == []
    if (
        missing
        or not SCRIPT.exists()
        or not Path("/var/lib/dhcpcd").exists()
        or not Path("/etc/dhcpcd.conf").exists()
    ):
        pytest.skip("dhcpcd-base, udhcpc and busybox are not installed: run it through make")


def commands(host: DhcpHost) -> list[tuple[int, str]]:
    """The clients that run in the host: their numbers and command lines, helpers of dhcpcd left out."""
    found: list[tuple[int, str]] = []
    for pid in run("ip", "netns", "pids", host.lan.host).split():
        try:
            words = (
                Path("/proc", pid, "cmdline").read_bytes().decode().rstrip("\0").replace("\0", " ")
            )
        except OSError:
            continue
        if (
            "dhcp" in words
            and "unshare" not in words
            and "[" not in words.partition(" ")[2].partition(" ")[0]
        ):
            found.append((int(pid), words))
    return found


def test_a_lease_goes_to_the_bridge_and_back_without_a_loss(run_module, client):
    with host_with(CLIENTS[client], renew=4) as (host, inside):
        made = host.lan
        (address,) = host.leased()
        before = settled(made.host)

        def uplink(**options: Any) -> dict[str, Any]:
            result = run_module(
                "bridge_uplink",
                {"name": "eth0", "bridge": "br0", "guard_timeout": 0, **options},
                wrapper=inside,
            )
            assert not result["failed"], result
            return result

        counted = made.under_load(uplink, address)
        after = settled(made.host)
        ((pid, command),) = commands(host)
        assert "br0" in command and "eth0" not in command
        assert uplink()["changes"] == []
        asked = len(host.server_says("DHCPACK"))
        if "udhcpc" in command:  # asks after half of the lease, whatever the server says
            os.kill(pid, signal.SIGUSR1)
        host.wait_for(lambda: len(host.server_says("DHCPACK")) > asked, 10)
        assert made.reachable(address)
        assert differences(comparable(after), comparable(settled(made.host))) == []

        back = made.under_load(lambda: uplink(state="absent"), address)
        ((_pid, command),) = commands(host)
        assert "eth0" in command and "br0" not in command
        assert host.leased() == [address]
        assert host.server_says("DHCPRELEASE") == host.server_says("DHCPDECLINE") == []
        end = settled(made.host)
        assert uplink(state="absent")["changes"] == []
    for count in (counted, back):
        assert count["tcp"]["died"] == 0 and count["udp4"]["lost"] <= 5, count
    assert "\n".join(differences(moved(before), comparable(after))) == ""
    assert (
        "\n".join(differences(comparable(without(before, "br0")), comparable(without(end, "br0"))))
        == ""
    )


def test_a_dhcpcd_that_hears_routers_has_that_taken_from_the_kernel_wherever_it_serves(run_module):
    needs("dhcpcd")
    # as ifupdown sets it after dhcpcd did, for "iface eth0 inet6 dhcp"
    accept_ra = {"ipv6/conf/eth0/accept_ra": 1}
    with host_with(("dhcpcd", "eth0")) as (host, inside):
        (address,) = host.leased()
        netns_inside(host.lan.host, set_sysctls, accept_ra)
        for state, dev in (("present", "br0"), ("absent", "eth0"), ("present", "br0")):
            wish = {"name": "eth0", "bridge": "br0", "guard_timeout": 0, "state": state}
            result = run_module("bridge_uplink", wish, wrapper=inside)
            assert not result["failed"], result
            host.wait_for(
                lambda dev=dev: (
                    settled(host.lan.host)["sysctls"][f"ipv6/{dev}"]["accept_ra"] == "0"
                ),
                10,
            )
            assert run_module("bridge_uplink", wish, wrapper=inside)["changes"] == []
            assert host.lan.reachable(address)


def test_the_metric_that_dhcpcd_took_from_the_nics_number_is_written_into_the_bridges_stanza(
    run_module,
):
    needs("dhcpcd")
    before = "auto eth0\niface eth0 inet dhcp\n"
    folder = ("mount -t tmpfs none /etc/network", f"printf '{before}' > /etc/network/interfaces")
    with host_with(CLIENTS["dhcpcd"], *folder) as (host, inside):

        def stanza(check: bool = False, **options: Any) -> str:
            result = run_module(
                "interfaces_stanza", {"name": "br0", **options}, check=check, wrapper=inside
            )
            assert not result["failed"], result
            return str(result["diff"][0]["after"]) if result["changed"] else ""

        def default_metric(dev: str) -> int:
            (route,) = ip_json(host.lan.host, "route", "show", "default", "dev", dev)
            return int(route["metric"])

        metric = default_metric("eth0")
        predicted = stanza(check=True, take_over="eth0")
        assert f"\n    metric {metric}\n" in predicted
        result = run_module(
            "bridge_uplink", {"name": "eth0", "bridge": "br0", "guard_timeout": 0}, wrapper=inside
        )
        assert not result["failed"], result
        assert default_metric("br0") == metric
        assert stanza(take_over="eth0") == predicted
        assert stanza(take_over="eth0") == ""
        stanza(state="absent", hand_back="eth0")
        assert run(*inside, "cat", "/etc/network/interfaces") == before
