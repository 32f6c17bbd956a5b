# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Group G with networkd and NetworkManager themselves in a container: there, over a restart and a boot, back and over one more, pinged all the while.

Debian 12's networkd takes a link's addresses away when another file is in force for it, Debian 13's keeps them: both go the same way. At last the same
host with a bridge that its administrator made by hand, adopted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.plugin_utils import _drift
from ansible_collections.hypervisor.network.tests.harness.lab import journey
from ansible_collections.hypervisor.network.tests.harness.lab.adopted import Adopted, adopted
from ansible_collections.hypervisor.network.tests.harness.lab.networkd_host import (
    BRIDGE,
    MAC,
    NIC,
    TAP,
    NetworkdHost,
)
from ansible_collections.hypervisor.network.tests.harness.lab.networkmanager_host import (
    STATIC_PROFILE,
    NetworkManagerHost,
)
from ansible_collections.hypervisor.network.tests.harness.net.frames import Station
from ansible_collections.hypervisor.network.tests.harness.net.netns import ip_json
from ansible_collections.hypervisor.network.tests.harness.net.tapped import Guest, Traffic

# by the MAC, which the bridge has too
STATIC = f"""\
[Match]
MACAddress={MAC}
[Network]
Address=10.77.0.20/24
Address=10.77.0.21/24
Address=fd77::20/64
Gateway=10.77.0.1
[Route]
Destination=10.9.0.0/24
Gateway=10.77.0.1
[Route]
Destination=0.0.0.0/0
Gateway=10.77.0.1
Table=100
[RoutingPolicyRule]
From=10.77.0.21
Table=100
"""
LEASED = """\
network:
  version: 2
  ethernets:
    all-en: {match: {name: 'en*'}, dhcp4: true}
"""
RENDERED = "/run/cloud-init-rendered"
# in the place of cloud-init, which writes its file before networkd begins
CLOUD_INIT = f"""\
[Service]
ExecStartPre=+/bin/sh -c 'grep -rqs "^network: {{config: disabled}}" /etc/cloud || touch {RENDERED}'
"""


def _networks(path: str, bridge: str, port: str) -> tuple[list[str], list[str]]:
    """networkd's words on a bridge and on its port."""
    files = [f"Network File: {path.format(one)}.network" for one in (bridge, port)]
    return [files[0], "State: routable"], [files[1], "State: enslaved"]


def clouded(service: str, path: str, said: str) -> dict[str, str]:
    return {
        f"/etc/systemd/system/{service}.service.d/cloud-init.conf": CLOUD_INIT,
        "/etc/cloud/cloud.cfg.d/90_dpkg.cfg": "datasource_list: [None]\n",
        path: said,
    }


PROFILE = f"""\
{STATIC_PROFILE}address2=10.77.0.21/24
route1=10.9.0.0/24,10.77.0.1
routing-rule1=priority 1000 from 10.77.0.21 table 254

[ipv6]
method=manual
address1=fd77::20/64
"""
PROFILES = "/etc/NetworkManager/system-connections"
SITES = {
    "static": (
        NetworkdHost,
        clouded("systemd-networkd", "/etc/systemd/network/20-wired.network", STATIC),
        "10.77.0.20",
    ),
    "netplan": (
        NetworkdHost,
        clouded("systemd-networkd", "/etc/netplan/50-cloud-init.yaml", LEASED),
        None,
    ),
    "networkmanager": (
        NetworkManagerHost,
        clouded("NetworkManager", f"{PROFILES}/cloud-init-wired.nmconnection", PROFILE),
        "10.77.0.20",
    ),
}
NETDEV = f"[NetDev]\nName=br0\nKind=bridge\nMACAddress={MAC}\n[Bridge]\nSTP=no\nForwardDelaySec=0\nAgeingTimeSec=1min\n"
# the same two sites, as they are with a bridge that somebody wrote into their files
BY_HAND = {
    "static": ({
        "/etc/systemd/network/10-br0.netdev": NETDEV,
        "/etc/systemd/network/20-wired.network": "[Match]\nName=enp1s0\n[Network]\nBridge=br0\n[Bridge]\nCost=7\n",
        "/etc/systemd/network/25-tap1.netdev": "[NetDev]\nName=tap1\nKind=tap\n[Tap]\nUser=nobody\n",
        "/etc/systemd/network/26-tap1.network": "[Match]\nName=tap1\n[Network]\nBridge=br0\n[Bridge]\nIsolated=yes\n",
        "/etc/systemd/network/30-br0.network": STATIC.replace(NIC, BRIDGE),
    }, "10.77.0.20"),
    "netplan": ({"/etc/netplan/90-default.yaml": f"""\
network:
  version: 2
  ethernets:
    {NIC}: {{}}
  bridges:
    br0:
      interfaces: [{NIC}]
      macaddress: "{MAC}"
      dhcp4: true
      parameters: {{stp: false, forward-delay: 0, priority: 4096}}
"""}, None),
}  # fmt: skip
# What the manager says after a boot of the bridge, and of the NIC
OWNERS = {
    "static": _networks("/etc/systemd/network/05-hypervisor-network-{}", BRIDGE, NIC),
    "netplan": _networks("/run/systemd/network/10-netplan-{}", BRIDGE, f"0hv-{NIC}"),
    "networkmanager": (["hv-br0", "100 (connected)"], [f"hv-br0-{NIC}", "100 (connected)"]),
}
OURS_UNTIL_THE_BOOT = r"/run/systemd/network/\S*hypervisor-network-"
# A ping each twentieth second; what is sent while the very port changes may be lost
MOST_LOST = 3
# A second bridge, of the host and its guests alone
WITHIN, GUEST = "br1", "tap2"
WISH = {
    "bridges": [BRIDGE, WITHIN],
    "uplinks": [NIC],
    "taps": [TAP, GUEST],
    "cloud_init_network": False,
}
UPLINK, GONE = journey.uplink(), journey.GONE
THERE = (
    ("linux_bridge", {"guard_mode": "never", "bridges": [
        {"name": BRIDGE, "forward_delay": 0},
        {"name": WITHIN, "forward_delay": 0, "up": True, "addresses": ["10.88.0.1/24"]},
    ]}),
    ("tap_device", {"taps": [{"name": TAP, "up": True}, {"name": GUEST, "up": True}]}),
    ("bridge_uplink", UPLINK),
    ("bridge_port", {"ports": [{"name": TAP, "bridge": BRIDGE}, {"name": GUEST, "bridge": WITHIN}]}),
    ("bridge_persist", WISH),
)  # fmt: skip
BACK = (
    ("bridge_uplink", {**UPLINK, **GONE}),
    ("bridge_persist", {**WISH, **GONE}),
    ("tap_device", {"taps": [{"name": name, **GONE} for name in (TAP, GUEST)]}),
    (
        "linux_bridge",
        {
            "guard_mode": "never",
            "bridges": [
                {"name": BRIDGE, **GONE},
                {"name": WITHIN, "addresses": ["10.88.0.1/24"], **GONE},
            ],
        },
    ),
)
# the same as the role's variables say it
JOB = {
    "bridges": [
        {"name": BRIDGE, "uplink": NIC, "forward_delay": 0},
        {"name": WITHIN, "method": "static", "address": ["10.88.0.1/24"], "forward_delay": 0},
    ],
    "taps": [{"name": TAP, "bridge": BRIDGE}, {"name": GUEST, "bridge": WITHIN}],
    "cloud_init_network": False,
}
OURS = "find {folders} -type f -path '*hypervisor-network*' -not -path '/run/*' -not -path '*/ansible*'"
# what somebody does to a file, and what gives it back as it was
# netplan's, by which a NIC's and a bridge's own files are told from the administrator's: without them more is said than of that file
REMEMBERS = ("/10-netplan-0hv-", "/netplan/95-")
BY_HAND_AT_BOOT = ("sed -i '$d' {path}", "rm {path}")


@dataclass
class Life:
    """What was seen after each step, and how many pings each lost."""

    host: NetworkdHost
    before: Untouched
    given_up: Untouched
    bridges_given_up: set[str]
    site: str
    lost: list[int] = field(default_factory=list)
    again: list[Any] = field(default_factory=list)
    layer3: list[dict[str, list[str]]] = field(default_factory=list)
    owners: list[tuple[list[str], list[str]]] = field(default_factory=list)
    ports: list[str] = field(default_factory=list)
    within: list[list[str]] = field(default_factory=list)
    rendered: list[bool] = field(default_factory=list)
    guest_lost: dict[str, int] | None = None
    disagreed: list[dict[str, str]] = field(default_factory=list)
    left: str = ""
    by_hand: str = ""
    adopted: list[Adopted] = field(default_factory=list)
    audits: dict[str, Any] = field(default_factory=dict)

    def step(self, *runs: tuple[str, dict[str, Any]], dev: str, then: str = "true") -> None:
        with self.host.pinged(self.lost):
            done = [self.host.done(module, **options) for module, options in runs]
            self.host.hv(then)
        self.disagreed += [one["disagreements"] for one in done if "disagreements" in one]
        self.look(dev)
        self.again += self.repeated(*runs)

    @contextmanager
    def guest(self) -> Iterator[None]:
        """A guest that runs on its tap meanwhile, and what it and the LAN lose of what they send each other."""
        (there,) = ip_json(self.host.lan, "link", "show", "sw")
        with (
            Guest(self.host.netns, TAP, "52:00:00:00:07:01") as guest,
            Station(self.host.lan, "sw", there["address"]) as lan,
            Traffic(out=(guest, lan)) as traffic,
        ):
            traffic.sent(10)
            assert traffic.lost() == {}
            yield
            traffic.sent(10)
            self.guest_lost = traffic.lost()

    def repeated(self, *runs: tuple[str, dict[str, Any]]) -> list[Any]:
        return [self.host.run(module, **options).get("changed") for module, options in runs]

    def audit(self) -> None:
        """Once as it is, and with each file of ours changed and removed, by what was done to it."""
        self.audits[""] = self.drift()
        for path in self.host.hv(OURS.format(folders=self.host.folders)).split():
            self.host.hv(f"cp -p {path} /tmp/kept")
            for how in BY_HAND_AT_BOOT:
                self.host.hv(how.format(path=path))
                self.audits[how.format(path=path)] = (path, self.drift())
                self.host.hv(f"cp -p /tmp/kept {path}")

    def drift(self) -> list[tuple[str, str]]:
        found = _drift.rows({"hv1": self.host.run("host_plan", refusals="tell", **JOB)})
        return [(row["where"], f"{row['what']} {row['key']}: {row['is']}") for row in found]

    def look(self, dev: str) -> None:
        self.layer3.append(self.host.layer3(dev))
        self.owners.append((self.host.owner(dev), self.host.owner(NIC)))
        folders = (f"/sys/class/net/{bridge}/brif" for bridge in (BRIDGE, WITHIN))
        self.ports.append(
            self.host.hv("; ".join(f"ls {one} 2> /dev/null" for one in folders) + "; true")
        )
        within = self.host.hv(f"ip -br -4 address show dev {WITHIN} 2> /dev/null || true")
        self.within.append(within.split()[2:])
        self.disagreed.append(self.host.done("bridge_info")["disagreements"])

    def booted(self, dev: str) -> None:
        self.host.reboot()
        self.host.until_it_answers()
        if (
            dev == BRIDGE
        ):  # NetworkManager calls its hook for the bridge within when the host answers already
            self.host.until(f"grep -qx 0 /sys/class/net/{WITHIN}/bridge/forward_delay")
        self.look(dev)
        self.rendered.append(bool(self.host.hv(f"ls {RENDERED} 2> /dev/null || true")))


@dataclass
class Untouched:
    """What a host has, what its administrator wrote there, and what its manager says of its NIC; what is ours in /run goes with the boot."""

    layer3: dict[str, list[str]]
    files: str
    owner: list[str]

    @classmethod
    def of(cls, host: NetworkdHost) -> Untouched:
        lines = host.written().splitlines(True)
        own = "".join(line for line in lines if not re.match(OURS_UNTIL_THE_BOOT, line))
        return cls(host.layer3(NIC), own, host.owner(NIC))


@pytest.fixture(scope="module", params=list(SITES))
def life(request: pytest.FixtureRequest) -> Iterator[Life]:
    kind, files, address = SITES[request.param]
    with kind(files, address) as host:
        before = Untouched.of(host)
        bridges = host.given_up("bridge_uplink", **{**UPLINK, "guard_timeout": 10})
        seen = Life(host, before, Untouched.of(host), bridges, request.param)
        seen.step(*THERE, dev=BRIDGE)
        with seen.guest():
            seen.step(dev=BRIDGE, then=host.upset)
        seen.booted(BRIDGE)
        seen.again += seen.repeated(*THERE)
        seen.audit()
        seen.step(*BACK, dev=NIC)
        seen.booted(NIC)
        seen.left = host.written()
        if request.param in BY_HAND:
            host.describe(*BY_HAND[request.param])
            seen.by_hand = host.written()
            seen.adopted = [adopted(host) for _time in range(2)]
        yield seen


def test_g01_a_conversion_that_nobody_confirms_leaves_all_as_it_was(life: Life) -> None:
    assert life.bridges_given_up == {BRIDGE}
    assert life.given_up == life.before


def test_g01_no_step_cuts_it_off(life: Life) -> None:
    assert len(life.lost) == 3 and max(life.lost) <= MOST_LOST


def test_g01_a_guest_that_runs_loses_nothing_where_the_manager_is_restarted(life: Life) -> None:
    assert life.guest_lost == {}


def test_g01_each_step_leaves_what_the_nic_had(life: Life) -> None:
    expected = journey.bridged(life.before.layer3)
    assert life.layer3 == [expected] * 3 + [life.before.layer3] * 2


def test_g01_its_manager_says_that_the_bridge_and_the_nic_are_its_own(life: Life) -> None:
    # what NetworkManager took over is what boots; networkd has files of its own until then
    over = life.owners[:3] if isinstance(life.host, NetworkManagerHost) else life.owners[2:3]
    assert over == [OWNERS[life.site]] * len(over)
    assert life.owners[-1] == (life.before.owner, life.before.owner)


def test_g01_its_manager_believes_what_the_kernel_has(life: Life) -> None:
    assert life.disagreed == [{}] * 7


def test_g01_what_is_done_twice_changes_nothing(life: Life) -> None:
    assert life.again == [False] * (2 * len(THERE) + len(BACK))


def test_g01_no_port_leaves_its_bridge_before_the_way_back(life: Life) -> None:
    assert [ports.split() for ports in life.ports] == [[NIC, TAP, GUEST]] * 3 + [[]] * 2


def test_g01_a_bridge_of_the_host_alone_keeps_its_address_until_the_way_back(life: Life) -> None:
    assert life.within == [["10.88.0.1/24"]] * 3 + [[]] * 2


def test_g01_the_way_back_leaves_no_file(life: Life) -> None:
    assert life.left == life.before.files


def test_g01_cloud_init_leaves_the_network_alone_until_the_way_back(life: Life) -> None:
    assert life.rendered == [False, True]


def test_each_file_that_somebody_changed_or_removed_is_the_audits_one_row(life: Life) -> None:
    clean, *drifted = life.audits.values()
    assert clean == [] and len(drifted) > 2 * len(WISH["bridges"])
    wrong = [
        (path, rows)
        for path, rows in drifted
        if {where for where, _said in rows} != {"boot"}
        or not any(word in path for word in REMEMBERS)
        and [path in said.replace(",", "").split() for _where, said in rows] != [True]
    ]
    assert wrong == []


def test_a_host_with_a_bridge_by_hand_is_adopted_and_its_variables_change_nothing(
    life: Life,
) -> None:
    if isinstance(life.host, NetworkManagerHost):
        assert not life.adopted  # of its bridges none is adopted
        return
    first, again = life.adopted
    assert first.changes == [] and first.managers != []
    assert again == first and life.host.written() == life.by_hand
    (bridge,) = first.told["bridge_host_bridges"]
    assert (bridge["name"], bridge["uplink"]) == (BRIDGE, NIC)
