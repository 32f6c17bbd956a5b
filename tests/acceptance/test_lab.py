# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The job, end to end, on two hypervisors of the lab and over the SSH sessions that run through what is changed.

A story: each fixture is one step on both hosts, each test a look at what it led to, with iproute2, brctl, ifquery and the
LAN's DHCP server as witnesses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hypervisor.network.tests.harness.host.guests import guest_user
from ansible_collections.hypervisor.network.tests.harness.lab.hypervisors import (
    ALL_HOSTS,
    DISTRO,
    HOSTS,
    NEW_CONNECTION,
    Echo,
    Lab,
)
from ansible_collections.hypervisor.network.tests.harness.process.modules import guarded_form
from ansible_collections.hypervisor.network.tests.harness.process.waiting import wait_for

TAPS = {"dhcp": {"tap1", "tap2"}, "static": {"tap1"}}
GUESTS = {"dhcp": "52:00:00:00:00:01", "static": "52:00:00:00:01:01"}
# dhclient gives none, dhcpcd 1000 and the device's number
DHCP_METRIC = {"bookworm": None, "trixie": 1002}[DISTRO]
INTERFACES = "/etc/network/interfaces"
UNIT = "hypervisor-network-guest@vm1.service"
LIBRARY = "/run/hypervisor-network-tests"  # gone with the power
Records = list[dict[str, Any]]
_LATER = pytest.mark.skip(
    reason="two machines take twice as long without KVM: make acceptance has both"
)
pytestmark = pytest.mark.parametrize(
    "host", [pytest.param(one, marks=() if one in HOSTS else _LATER) for one in ALL_HOSTS]
)


@pytest.fixture(scope="module", autouse=True)
def off_afterwards(lab: Lab) -> Iterator[None]:
    """What comes after this story has the machine's processors for itself: guests that boot from the network for ever are gone with their hosts."""
    yield
    for host in HOSTS:
        lab.ssh(host, "systemctl poweroff")


@dataclass
class View:
    """What a host's network is, told by iproute2."""

    links: dict[str, dict[str, Any]]
    addresses: dict[str, set[str]]
    routes: dict[str, set[tuple[Any, ...]]]
    interfaces: str

    @classmethod
    def of(cls, lab: Lab, host: str) -> View:
        links = lab.json(host, "ip -j -d link show")
        addresses = {
            link["ifname"]: {
                f"{one['local']}/{one['prefixlen']}"
                for one in link["addr_info"]
                if one["scope"] == "global"
            }
            for link in lab.json(host, "ip -j address show")
        }
        routes: dict[str, set[tuple[Any, ...]]] = {}
        for family in ("-4", "-6"):
            for route in lab.json(host, f"ip -j {family} route show"):
                if route["dst"] != "fe80::/64":
                    key = (route["dst"], route.get("gateway"), route.get("metric"))
                    routes.setdefault(route["dev"], set()).add(key)
        return cls(
            {link["ifname"]: link for link in links},
            addresses,
            routes,
            lab.ssh(host, f"cat {INTERFACES}"),
        )


@pytest.fixture(scope="session")
def before(lab: Lab) -> dict[str, View]:
    return {host: View.of(lab, host) for host in HOSTS}


@pytest.fixture(scope="session")
def predicted(lab: Lab, before: dict[str, View]) -> tuple[Records, dict[str, View]]:
    """What check mode says, and the hosts after it."""
    return lab.site("--check"), {host: View.of(lab, host) for host in HOSTS}


@pytest.fixture(scope="session")
def unconfirmed(lab: Lab, predicted: Any) -> tuple[dict[str, View], dict[str, View]]:
    """The hosts converted by the module alone, which nobody confirms; and as they boot when their plug was pulled then."""
    converted = {}
    for host in HOSTS:
        lab.install(host, LIBRARY)
        wish = guarded_form("bridge_uplink", name="eth0", bridge="br0", guard_timeout=600)
        by_module(lab, host, "guarded_change", wish)
        converted[host] = View.of(lab, host)
        lab.pull_plug(host)
    lab.up()
    return converted, {host: View.of(lab, host) for host in HOSTS}


@pytest.fixture(scope="session")
def sessions(lab: Lab, unconfirmed: Any) -> Iterator[dict[str, Echo]]:
    """An SSH session to each host, opened before the conversion, and ended when it has been done twice."""
    with ExitStack() as stack:
        yield {
            host: stack.enter_context(Echo(lab.ssh_words(host, *NEW_CONNECTION))) for host in HOSTS
        }


@pytest.fixture(scope="session")
def converted(lab: Lab, sessions: dict[str, Echo]) -> Records:
    return lab.site()


@pytest.fixture(scope="session")
def repeated(
    lab: Lab, converted: Records, sessions: dict[str, Echo]
) -> tuple[Records, dict[str, int]]:
    """The second run, and how the sessions ended after it."""
    records = lab.site()
    return records, {host: session.finish() for host, session in sessions.items()}


@pytest.fixture(scope="session")
def rebooted(lab: Lab, repeated: Any) -> None:
    lab.reboot(*HOSTS)


@pytest.fixture(scope="session")
def recovered(lab: Lab, rebooted: None) -> Records:
    """One more run after the reboot: there is nothing left for it to do."""
    return lab.site()


def test_the_lab_is_what_the_story_starts_from(
    lab: Lab, before: dict[str, View], host: str
) -> None:
    view = before[host]
    assert "br0" not in view.links
    expected = {
        "dhcp": {"10.77.0.11/24"},
        "static": {"10.77.0.12/24", "192.168.99.12/24", "fd77::12/64"},
    }[host]
    assert view.addresses["eth0"] == expected
    assert ("default", "10.77.0.1", DHCP_METRIC if host == "dhcp" else None) in view.routes["eth0"]
    if host == "static":
        assert ("10.99.0.0/16", "192.168.99.1", 50) in view.routes["eth0"]


def test_the_machine_is_not_root_outside(lab: Lab, host: str) -> None:
    user = guest_user()
    pid = (lab.run_directory(host) / "pid").read_text(encoding="ascii").strip()
    status = Path("/proc", pid, "status").read_text(encoding="utf-8")
    assert "\t".join(["Uid:", *[str(user.pw_uid)] * 4]) + "\n" in status
    assert "\t".join(["Gid:", *[str(user.pw_gid)] * 4]) + "\n" in status


def test_check_mode_changes_nothing(
    predicted: tuple[Records, dict[str, View]], before: dict[str, View], host: str
) -> None:
    now = predicted[1][host]
    assert now.links.keys() == before[host].links.keys()
    assert (now.addresses, now.routes, now.interfaces) == (
        before[host].addresses,
        before[host].routes,
        before[host].interfaces,
    )


def test_check_mode_predicts_what_the_run_changes(
    predicted: tuple[Records, dict[str, View]], converted: Records, host: str
) -> None:
    assert foreseeable(converted, host), "the run changed nothing"
    assert foreseeable(predicted[0], host) == foreseeable(converted, host)
    assert steps(predicted[0], host) == steps(converted, host)


def test_a_plug_pulled_before_anybody_confirmed_boots_the_old_network(
    unconfirmed: Any, before: dict[str, View], host: str
) -> None:
    converted, booted = (views[host] for views in unconfirmed)
    assert (
        converted.links["eth0"]["master"] == "br0"
        and converted.addresses["br0"] == before[host].addresses["eth0"]
    )
    assert "br0" not in booted.links
    assert (booted.addresses, booted.routes, booted.interfaces) == (
        before[host].addresses,
        before[host].routes,
        before[host].interfaces,
    )


def test_eth0_is_a_port_of_the_bridge_and_the_bridge_has_what_it_had(
    lab: Lab, converted: Records, before: dict[str, View], host: str
) -> None:
    assert_converted(lab, host, before[host])


def test_the_vm_has_its_address_from_the_lan_and_its_mac_is_on_its_tap(
    lab: Lab, converted: Records, host: str
) -> None:
    assert_guest_is_on_the_lan(lab, host)


def test_the_session_that_was_open_lived_through_it(
    repeated: Any, sessions: dict[str, Echo], host: str
) -> None:
    session = sessions[host]
    print(
        f"{host}: {len(session.sent)} lines, longest wait for one {max(session.stalls) * 1000:.0f} ms"
    )
    assert session.returned == list(range(len(session.sent)))
    assert repeated[1][host] == 0


def test_a_new_connection_is_accepted(lab: Lab, converted: Records, host: str) -> None:
    assert lab.ssh(host, "cat /etc/hostname", *NEW_CONNECTION).strip() == host


def test_the_second_run_changes_nothing(repeated: tuple[Records, Any], host: str) -> None:
    assert [
        record["task"] for record in repeated[0] if record["host"] == host and record["changed"]
    ] == []
    assert [record for record in repeated[0] if record["host"] == host], "no task ran"


def test_the_file_keeps_what_is_not_eth0s(
    lab: Lab, converted: Records, before: dict[str, View], host: str
) -> None:
    old, new = before[host].interfaces, lab.ssh(host, f"cat {INTERFACES}")
    head, tail = outside_the_nic(old)
    assert new != old
    assert new.startswith(head)
    _nics, kept, taps = new[len(head) :].partition(tail or "\0")
    assert kept == tail
    # What comes after it is new: the taps
    assert (
        re.sub(r"^(auto tap\d+|iface tap\d+ inet manual|    .*)?\n", "", taps, flags=re.MULTILINE)
        == ""
    )
    # A backup beside the file would be read as one more file of the configuration
    listed = lab.ssh(host, "find /etc/network -newer /etc/hostname -type f").split()
    assert [path for path in listed if re.search(r"[~.](bak|old|dpkg|orig|[0-9])", path)] == []


def test_ifquery_reads_the_new_configuration(lab: Lab, converted: Records, host: str) -> None:
    assert "bridge_ports: eth0" in lab.ssh(host, "ifquery br0").replace("-", "_")
    assert "br0=br0" in lab.ssh(host, "ifquery --state").split()


def test_a_reboot_gives_the_same_network(
    lab: Lab, rebooted: None, before: dict[str, View], host: str
) -> None:
    assert_converted(lab, host, before[host])


def test_after_the_reboot_guests_run_with_no_play(lab: Lab, rebooted: None, host: str) -> None:
    wait_for(lambda: GUESTS[host] in lab.ssh(host, "bridge fdb show br br0"), "the guest", 120)
    assert_guest_is_on_the_lan(lab, host)
    assert lab.ssh(host, "systemctl --failed --no-legend") == ""


def test_guests_were_shut_down_before_the_network(lab: Lab, rebooted: None, host: str) -> None:
    said = lab.ssh(host, "journalctl -b -1 --no-pager -o cat _PID=1").splitlines()
    guests = [at for at, line in enumerate(said) if re.match(r"Stopped .*QEMU guest vm1", line)]
    networks = [at for at, line in enumerate(said) if re.match(r"Stopping .*Raise network", line)]
    assert guests and networks and guests[-1] < networks[-1]


def test_the_run_after_the_reboot_changes_nothing(recovered: Records, host: str) -> None:
    assert changes(recovered, host) == []


def test_a_guest_that_is_killed_is_told_as_that_and_started_by_the_next_run(
    lab: Lab, recovered: Records, host: str
) -> None:
    lab.install(host, LIBRARY)
    lab.ssh(host, f"systemctl kill --signal=KILL {UNIT}")
    wait_for(
        lambda: "failed" in lab.ssh(host, f"systemctl is-active {UNIT} || true"), "its end", 60
    )
    (guest,) = by_module(lab, host, "qemu_guest_info")["guests"]
    assert (guest["status"], guest["crash_reason"]) == ("crashed", "killed by signal 9")
    assert by_module(lab, host, "qemu_guest", {"name": "vm1"})["guest"]["status"] == "running"


def test_a_guest_that_the_kernel_kills_for_memory_is_told_as_that(
    lab: Lab, recovered: Records, host: str
) -> None:
    lab.install(host, LIBRARY)
    (guest,) = by_module(lab, host, "qemu_guest_info")["guests"]
    assert guest["status"] == "running"
    lab.ssh(host, "echo f > /proc/sysrq-trigger")  # as if memory had run out: the kernel chooses
    lab.ssh(host, f"timeout 60 tail --pid={guest['pid']} -f /dev/null")
    lab.ssh(host, f"timeout 60 sh -c 'while systemctl -q is-active {UNIT}; do sleep 0.1; done'")
    (guest,) = by_module(lab, host, "qemu_guest_info")["guests"]
    assert (guest["status"], guest["crash_reason"]) == (
        "crashed",
        "out of memory: the kernel killed it",
    )


def by_module(
    lab: Lab, host: str, name: str, args: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """What a module alone, run there from LIBRARY, returns. Raises CalledProcessError where it fails."""
    return lab.module(host, LIBRARY, name, args)


def changes(records: Records, host: str) -> list[tuple[str, str, str]]:
    """The changes of a run on a host, in order: (action, kind, name)."""
    return [
        (change["action"], change["kind"], change["name"])
        for record in changed(records, host)
        for change in record["changes"]
    ]


def changed(records: Records, host: str) -> Records:
    return [record for record in records if record["host"] == host and record["changed"]]


def steps(records: Records, host: str) -> set[str]:
    """The steps of the role that changed something: "Ports" of "... : Ports | Plug the taps into their bridges"."""
    return {
        record["task"].rpartition(" : ")[2].partition(" | ")[0] for record in changed(records, host)
    }


def foreseeable(records: Records, host: str) -> set[tuple[str, str, str]]:
    """The changes of a run without what a check of the host as it is can't tell.

    That is: whether a later step meets the bridge that an earlier one would have made (create) or has made (update), which
    neighbours are known at the moment, and the ports that taps become which are not there (the step itself is told).
    """
    return {
        ("" if kind == "bridge" else action, kind, name)
        for action, kind, name in changes(records, host)
        if kind != "neighbour" and not (kind == "port" and name.startswith("tap"))
    }


def outside_the_nic(text: str) -> tuple[str, str]:
    """The bytes of an interfaces file before and after the stanzas of eth0."""
    begin = re.search(r"^(allow-hotplug|auto) eth0$", text, re.MULTILINE).start()
    stanzas = list(re.finditer(r"^iface eth0 .*\n([ \t]+\S.*\n)*", text, re.MULTILINE))
    return text[:begin], text[stanzas[-1].end() :]


def assert_converted(lab: Lab, host: str, before: View) -> None:
    now = View.of(lab, host)
    bridge, nic = now.links["br0"], now.links["eth0"]
    assert bridge["linkinfo"]["info_kind"] == "bridge"
    assert "UP" in bridge["flags"]
    assert bridge["address"] == nic["address"] == before.links["eth0"]["address"]
    assert nic["master"] == "br0"
    assert now.addresses["eth0"] == set()
    assert "eth0" not in now.routes
    assert now.addresses["br0"] == before.addresses["eth0"]
    assert now.routes["br0"] == before.routes["eth0"]
    ports = {
        link["ifname"]
        for link in lab.json(host, "bridge -j link show")
        if link.get("master") == "br0"
    }
    assert ports == {"eth0", *TAPS[host]}
    assert set(re.findall(r"\b(?:eth0|tap\d)\b", lab.ssh(host, "brctl show br0"))) == ports
    for tap in TAPS[host]:
        assert "UP" in now.links[tap]["flags"]
    if host == "dhcp":
        clients = lab.ssh(host, "ps -C dhclient,dhcpcd -o args=")
        assert set(re.findall(r"\b(?:br0|eth0)\b", clients)) == {"br0"}
        assert lab.lease(nic["address"]) == "10.77.0.11"


def assert_guest_is_on_the_lan(lab: Lab, host: str) -> None:
    mac = GUESTS[host]
    address = lab.lease(mac)
    rows = [row for row in lab.json(host, "bridge -j fdb show br br0") if row["mac"] == mac]
    assert {row["ifname"] for row in rows} == {"tap1"}
    assert all(row["state"] != "permanent" for row in rows)
    assert re.search(rf"{mac}\s+no\b", lab.ssh(host, "brctl showmacs br0"))
    # The router's own words: the guest's address is reached over the bridge
    lab.from_router("arping", "-q", "-C", "1", "-w", "120", "-I", "lan0", address)
