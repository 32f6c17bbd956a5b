# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit of a host: each drift that is injected is found, a clean host has none, and nothing is changed by looking."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from ansible_collections.hypervisor.network.plugins.filter.drift import drift as drift_of
from ansible_collections.hypervisor.network.plugins.plugin_utils import _drift
from ansible_collections.hypervisor.network.tests.harness.host.role_host import Host
from ansible_collections.hypervisor.network.tests.harness.host.steps import carry_out, look
from ansible_collections.hypervisor.network.tests.harness.net.dump import settled
from ansible_collections.hypervisor.network.tests.harness.net.netns import batch, run
from ansible_collections.hypervisor.network.tests.harness.process.long_form import LONG
from ansible_collections.hypervisor.network.tests.harness.process.modules import Modules

AUDIT = Path(__file__).resolve().parents[2] / "playbooks" / "audit.yml"
JOB = {
    "bridge_host_bridges": [
        {
            "name": "br0",
            "uplink": "eth0",
            "ageing_time": 60,
            "mtu": 1500,
            "alias": "the LAN",
            "stp_state": False,
        },
        {
            "name": "br1",
            "method": "static",
            "address": ["10.50.0.1/24"],
            "mac": "02:00:00:00:00:b1",
        },
    ],
    "bridge_host_taps": [
        {"name": "tap1", "bridge": "br0", "owner": "65534", "isolated": True},
        {"name": "tap2", "bridge": "br1", "mtu": 1400},
    ],
}
# what somebody does by hand, and the row that it is: (where, what, key)
BY_HAND = {
    "ip link set br0 type bridge ageing_time 12000": ("kernel", "bridge br0", "ageing_time"),
    "ip link set br0 type bridge stp_state 1": ("kernel", "bridge br0", "stp_state"),
    "ip link set br0 alias other": ("kernel", "bridge br0", "alias"),
    "ip link set br0 mtu 1300": ("kernel", "bridge br0", "mtu"),
    "ip link set br1 down": ("kernel", "bridge br1", "up"),
    "ip link set br1 address 02:00:00:00:00:b2": ("kernel", "bridge br1", "mac"),
    "ip address del 10.50.0.1/24 dev br1": ("kernel", "bridge br1", "addresses"),
    "ip link set tap1 down": ("kernel", "tap tap1", "up"),
    "ip link set tap2 mtu 1500": ("kernel", "tap tap2", "mtu"),
    "bridge link set dev tap1 isolated off": ("kernel", "port tap1", "isolated"),
    "ip link set tap2 nomaster": ("kernel", "port tap2", "bridge"),
    "ip link del tap2": ("kernel", "tap tap2", "state"),
    "ip link set eth0 nomaster": ("kernel", "port eth0", "bridge"),
    "ip link set eth0 down": ("kernel", "link eth0", "up"),
    "ip link set eth0 addrgenmode eui64": ("kernel", "sysctl net/ipv6/conf/eth0/addr_gen_mode", "value"),
    "sysctl -qw net.ipv6.conf.eth0.accept_ra=1": ("kernel", "sysctl net/ipv6/conf/eth0/accept_ra", "value"),
    "ip address add 10.77.0.99/24 dev eth0": ("kernel", "address 10.77.0.99/24 dev eth0", "state"),
}  # fmt: skip
# the same where the variables say the host's addresses too
ADDRESSED = {
    **JOB,
    "bridge_host_bridges": [
        {
            **JOB["bridge_host_bridges"][0],
            "method": "static",
            "address": ["10.77.0.10/24"],
            "gateway": ["10.77.0.1"],
            "accept_ra": False,
            "maxwait": 3,
        },
        {**JOB["bridge_host_bridges"][1], "addresses_mode": "exact"},
    ],
}
ADDRESSES_BY_HAND = {
    "ip address add 10.9.9.9/24 dev br1": ("kernel", "bridge br1", "addresses"),
    "sysctl -qw net.ipv6.conf.br0.accept_ra=2": ("kernel", "sysctl net/ipv6/conf/br0/accept_ra", "value"),
    "ip route del default": ("kernel", "bridge br0", "gateway"),
    # nobody knows where else it is by now, so that is told in words
    "ip address del 10.77.0.10/24 dev br0": ("host", "host", "refused"),
}  # fmt: skip
BR0, BR1 = ("boot", "stanza br0 inet", "options"), ("boot", "stanza br1 inet", "options")
TAP1, TAP2 = ("boot", "stanza tap1 inet", "options"), ("boot", "stanza tap2 inet", "options")
# what somebody does to the file that boots: the words before, after, and the rows that it is
AT_BOOT = {
    ("auto br0\n", ""): {("boot", f"stanza br0 {family}", "auto") for family in ("inet", "inet6")},
    ("auto tap1\n", ""): {("boot", "stanza tap1 inet", "auto")},
    ("bridge_ports eth0", "bridge_ports none"): {BR0},
    ("bridge_hw eth0", "bridge_hw eth1"): {BR0},
    ("bridge_maxwait 3", "bridge_maxwait 4"): {BR0},
    ("gateway 10.77.0.1\n", "gateway 10.77.0.2\n"): {BR0},
    ("address 10.77.0.10/24", "address 10.77.0.12/24"): {BR0},
    ("iface br0 inet static", "iface br0 inet manual"): {("boot", "stanza br0 inet", "method")},
    ("alias 'the LAN'", "alias 'the WAN'"): {BR0},
    ("address 10.50.0.1/24", "address 10.50.0.2/24"): {BR1},
    ("02:00:00:00:00:b1", "02:00:00:00:00:b2"): {BR1},
    ("isolated on", "isolated off"): {TAP1},
    ("user 65534", "user 1"): {TAP1},
    ("dev tap1 master br0", "dev tap1 master br1"): {TAP1},
    ("mtu 1400", "mtu 1401"): {TAP2},
}


@pytest.fixture
def modules(modules: Modules) -> Modules:
    carry_out(modules, look(modules, JOB)["plan"])
    return modules


def drift(modules: Modules, job: dict[str, Any] | None = None) -> set[tuple[str, str, str]]:
    found = _drift.rows({"hv1": look(modules, JOB if job is None else job, refusals="tell")})
    return {(row["where"], row["what"], row["key"]) for row in found}


def test_each_drift_by_hand_is_found_and_a_clean_host_has_none(
    host: Host, modules: Modules
) -> None:
    assert drift(modules) == set()
    missed = {}
    for words, row in BY_HAND.items():
        run(*words.split(), netns=host.netns)
        found = drift(modules)
        if row not in found:
            missed[words] = found
        carry_out(modules, look(modules, JOB)["plan"])
        assert drift(modules) == set(), words
    assert missed == {}


def test_addresses_that_the_variables_say_are_found_where_they_run_and_where_they_boot(
    host: Host, modules: Modules
) -> None:
    carry_out(modules, look(modules, ADDRESSED)["plan"])
    assert drift(modules, ADDRESSED) == set()
    text = host.interfaces.read_text(encoding="ascii")
    wrong = {}
    for (before, after), rows in AT_BOOT.items():
        assert before in text, text
        host.interfaces.write_text(text.replace(before, after), encoding="ascii")
        if drift(modules, ADDRESSED) != rows:
            wrong[before] = drift(modules, ADDRESSED)
    assert wrong == {}
    host.interfaces.write_text(text, encoding="ascii")
    for words, row in ADDRESSES_BY_HAND.items():
        run(*words.split(), netns=host.netns)
        if drift(modules, ADDRESSED) != {row}:
            wrong[words] = drift(modules, ADDRESSED)
        if row[0] == "kernel":
            carry_out(modules, look(modules, ADDRESSED)["plan"])
            if row[2] == "gateway":  # no step of the role brings it back
                assert drift(modules, ADDRESSED) == {row}
                run("ip", "route", "add", "default", "via", "10.77.0.1", netns=host.netns)
            assert drift(modules, ADDRESSED) == set(), words
    assert wrong == {}


# what is in the way of a run, and the rows that tell so
IN_THE_WAY = {
    "tap1": {("kernel", "port tap1", "refused")},
    "eth0": {("host", "host", "refused"), ("kernel", "uplink eth0", "refused")},
}


@pytest.mark.parametrize("name", IN_THE_WAY)
def test_a_port_that_somebody_put_into_another_bridge_hides_nothing_else(
    host: Host, modules: Modules, name: str
) -> None:
    """The role would not steal it, and says so: a row of it."""
    run("ip", "link", "set", name, "master", "br1", netns=host.netns)
    assert look(modules, JOB)["failed"]
    told = _drift.rows({"hv1": look(modules, JOB, refusals="tell")})
    refused = [row for row in told if row["key"] == "refused"]
    assert {(row["where"], row["what"], row["key"]) for row in refused} == IN_THE_WAY[name]
    assert all(name in row["is"] and "br1" in row["is"] for row in refused), refused
    known = drift(modules)
    text = host.interfaces.read_text(encoding="ascii")
    host.interfaces.write_text(text.replace("mtu 1400", "mtu 1401"), encoding="ascii")
    batch(host.netns, "link set br0 alias other\nlink set tap2 mtu 1300\nlink set tap2 nomaster\n")
    assert drift(modules) == known | {
        ("kernel", "bridge br0", "alias"),
        ("kernel", "tap tap2", "mtu"),
        ("kernel", "port tap2", "bridge"),
        TAP2,
    }


def test_a_package_that_somebody_removed_hides_nothing_else(host: Host, modules: Modules) -> None:
    program = host.folder / "bin/dpkg-query"
    there = program.read_text(encoding="ascii")
    program.write_text(there.replace("case $word in", "case $word in *netaddr) ;;"), encoding="ascii")  # fmt: skip
    batch(host.netns, "link set br0 alias other\nlink del tap2\n")
    assert drift(modules) == {
        ("host", "package", "python3-netaddr"),
        ("kernel", "bridge br0", "alias"),
        ("kernel", "tap tap2", "state"),
        ("kernel", "port tap2", "bridge"),
    }
    assert not look(modules, JOB)["whole"]  # for a run, which installs it first


def test_drift_of_what_boots_is_told_apart_from_what_runs(host: Host, modules: Modules) -> None:
    text = host.interfaces.read_text(encoding="ascii")
    host.interfaces.write_text(
        text.replace("bridge_ageing 60", "bridge_ageing 61"), encoding="ascii"
    )
    assert drift(modules) == {("boot", "stanza br0 inet", "options")}
    state = host.folder / "run/network/ifstate"
    state.write_text("lo=lo\n", encoding="ascii")
    assert {("boot", "ifstate br0", "up"), ("boot", "ifstate tap1", "up")} <= drift(modules)


def without(text: str, name: str) -> str:
    """A file of interfaces(5) as somebody leaves it who takes a device's stanza out."""
    stanzas = text.split("\n\n")
    kept = [one for one in stanzas if f"iface {name} " not in one]
    assert len(kept) == len(stanzas) - 1, text
    return "\n\n".join(kept)


def test_what_somebody_removed_by_half_is_found_where_it_is_gone(
    host: Host, modules: Modules
) -> None:
    text = host.interfaces.read_text(encoding="ascii")
    # what runs without its file
    for name, row in (("br1", "stanza br1 inet"), ("tap1", "stanza tap1 inet")):
        host.interfaces.write_text(without(text, name), encoding="ascii")
        assert drift(modules) == {("boot", row, "state")}
    host.interfaces.write_text(text, encoding="ascii")
    assert drift(modules) == set()
    # a file without what it makes: its tap stays, and is no port
    run("ip", "link", "del", "br1", netns=host.netns)
    assert drift(modules) == {("kernel", "bridge br1", "state"), ("kernel", "port tap2", "bridge")}
    run("ip", "link", "del", "tap2", netns=host.netns)
    assert drift(modules) == {("kernel", "bridge br1", "state"), ("kernel", "tap tap2", "state"), ("kernel", "port tap2", "bridge")}  # fmt: skip
    carry_out(modules, look(modules, JOB)["plan"])
    assert drift(modules) == set()


GUEST, OTHER = "52:00:00:00:00:0a", "52:00:00:00:00:0b"
FDB = [{"bridge": "br0", "mac": GUEST, "port": "tap1", "sticky": False}]
# what somebody does by hand to an entry, and the row that it is
ENTRY = f"entry {GUEST} in br0"
ENTRIES_BY_HAND = {
    f"bridge fdb del {GUEST} dev tap1 master": ("kernel", ENTRY, "state"),
    f"bridge fdb replace {GUEST} dev eth0 master static": ("kernel", ENTRY, "port"),
    # an idle tap takes no dynamic one
    f"bridge fdb replace {GUEST} dev tap1 master permanent": ("kernel", ENTRY, "type"),
    f"bridge fdb replace {GUEST} dev tap1 master static sticky": ("kernel", ENTRY, "sticky"),
    f"bridge fdb add {OTHER} dev tap1 master static": ("kernel", f"entry {OTHER} in br0", "state"),
}


def entries(modules: Modules) -> set[tuple[str, str, str]]:
    found = _drift.rows({"hv1": look(modules, JOB, fdb=FDB)})
    return {(row["where"], row["what"], row["key"]) for row in found}


def test_forwarding_entries_that_drifted_are_found_in_the_kernel_and_at_boot(
    host: Host, modules: Modules
) -> None:
    boot = ("boot", ENTRY, "state")
    assert entries(modules) == {("kernel", ENTRY, "state"), boot}
    assert drift(modules) == set(), "who asks for none is told of none"
    modules.done("bridge_fdb", entries=FDB, guard_mode="never")
    assert entries(modules) == {boot}
    text = host.interfaces.read_text(encoding="ascii")
    line = f"    up bridge fdb replace {GUEST} dev $IFACE master static\n"
    stanza = "iface tap1 inet manual\n"
    assert stanza in text
    host.interfaces.write_text(text.replace(stanza, stanza + line), encoding="ascii")
    assert {row for row in entries(modules) if ENTRY in row} == set()
    for words, row in ENTRIES_BY_HAND.items():
        run(*words.split(), netns=host.netns)
        assert row in entries(modules), words
        flush = {"type": "static"}
        modules.done("bridge_fdb", bridge="br0", entries=FDB, flush=flush, guard_mode="never")
        assert not {one for one in entries(modules) if "entry" in one[1]}, words


def variant(number: int) -> dict[str, Any]:
    """A host's variables that differ from the next one's."""
    chance = random.Random(number)
    bridges = [
        {
            **one,
            "ageing_time": chance.choice([0, 15, 60.5, 300]),
            "mtu": chance.choice([1360, 1380, 1400]),
            "alias": chance.choice(["", "the LAN", "für Gäste"]),
            "priority": chance.randrange(0, 65536, 4096),
            "mcast_snooping": chance.choice([True, False]),
            "hello_time": chance.choice([1, 2, 2.5]),
        }
        for one in JOB["bridge_host_bridges"]
    ]
    taps = [
        {
            **one,
            "mtu": chance.choice([1400, 1500]),
            "isolated": chance.choice([True, False]),
            "learning": chance.choice([True, False]),
            "cost": chance.choice([2, 19, 100]),
            "txqueuelen": chance.choice([500, 1000]),
            "mac": f"02:00:00:00:{number:02x}:{place:02x}",
        }
        for place, one in enumerate(JOB["bridge_host_taps"], 1)
    ]
    return {"bridge_host_bridges": bridges, "bridge_host_taps": taps}


HOSTS, LOOKED_AT = 50, 50 if LONG else 5


def test_50_clean_hosts_give_no_false_alarm(host: Host, modules: Modules) -> None:
    """Each as its own variables say; in the short form the looks at a few stand for the others."""
    looks = []
    for number in range(LOOKED_AT):
        job = variant(number)
        carry_out(modules, look(modules, job)["plan"])
        looks.append(json.dumps(look(modules, job)))
    fleet = {f"hv{one:02}": json.loads(looks[one % LOOKED_AT]) for one in range(HOSTS)}
    assert all(one["whole"] and one["bridges"] for one in fleet.values())
    assert {str(row) for row in drift_of(fleet)} == set()
    assert drift_of(fleet, "table") == ["50 hosts, 0 of them not as their variables say."]
    suites = ElementTree.fromstring(drift_of(fleet, "junit"))
    assert [one.get("failures") for one in suites] == ["0"] * HOSTS
    # the same fleet with one drift has one row
    run("ip", "link", "set", "br1", "down", netns=host.netns)
    fleet["hv49"] = look(modules, variant(LOOKED_AT - 1))
    assert [(row["host"], row["key"]) for row in drift_of(fleet)] == [("hv49", "up")]


def test_the_playbook_tells_a_fleet_and_changes_nothing(host: Host, modules: Modules) -> None:
    inventory = host.folder / "fleet.ini"
    inventory.write_text(
        "[hypervisors]\nlocalhost\nsilent ansible_remote_tmp=/proc/nowhere\n",
        encoding="ascii",
    )
    words = ("-i", str(inventory), "--limit", "localhost")
    variables = {**JOB, "audit_folder": str(host.folder)}
    before, disk = settled(host.netns), host.disk()
    clean = host.role(variables, *words, playbook=str(AUDIT))
    assert clean.status == 0, clean.output[-3000:]
    assert "1 hosts, 0 of them not as their variables say." in clean.output
    assert settled(host.netns) == before
    assert host.disk() == disk
    batch(host.netns, "link set br1 down\n")
    drifted = host.role(variables, "-i", str(inventory), playbook=str(AUDIT))
    assert drifted.status == 2, drifted.output[-3000:]
    told = json.loads((host.folder / "audit.json").read_text(encoding="utf-8"))["hosts"]
    assert [row["key"] for row in told["localhost"]] == ["up"]
    assert [row["key"] for row in told["silent"]] == ["unreachable"]
    suites = ElementTree.parse(host.folder / "audit.xml").getroot()
    assert [int(one.get("failures", "")) for one in suites] == [1] * len(suites)
