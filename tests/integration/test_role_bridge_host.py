# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role bridge_host by playbook on a host of a LAN in namespaces: its job, nothing at all, and what it refuses.

The host has the namespace's network, and /run, /etc/network and what the collection writes below /var of its own; a real machine boots in the lab.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._host import (
    ifupdown2 as known_ifupdown2,
)
from ansible_collections.hypervisor.network.tests.conftest import needs_root
from ansible_collections.hypervisor.network.tests.harness.host import ifupdown2, role_host
from ansible_collections.hypervisor.network.tests.harness.host.role_host import (
    GONE,
    INTERFACES,
    JOB,
    Host,
    Play,
)
from ansible_collections.hypervisor.network.tests.harness.net.dump import differences, dump, settled
from ansible_collections.hypervisor.network.tests.harness.net.netns import batch, ip_json, run


def test_the_job_and_back(host: Host) -> None:
    before, disk = settled(host.netns), host.disk()
    predicted = host.role(JOB, "--check")
    assert predicted.status == 0, predicted.output[-4000:]
    assert dump(host.netns) == before and host.disk() == disk

    first = host.role(JOB)
    assert first.status == 0, first.output[-4000:]
    plugged = ["Ports | Plug the taps into their bridges"]
    assert first.changed == [task for task in predicted.changed if not task.startswith("Ports")][
        :5
    ] + plugged + ["Guests | Start the guests"]
    _check_network(host)
    _check_report(host, first)
    assert "vm1's MAC 52:00:00:00:00:01 was learned on tap1." in first.told(
        "Verify | Hold the host against what was asked for"
    )
    _check_file(host)

    again, modules = host.modules_of(JOB)
    assert again.status == 0 and again.changed == [], again.output[-4000:]
    assert modules == ["host_plan"]
    _check_report(host, again)
    checked, modules = host.modules_of(JOB, "--check", "--diff")
    assert checked.status == 0 and checked.changed == [] and modules == ["host_plan"]
    assert "Nothing is to do: the host is as the variables say." in checked.output

    for _run, something in ((1, True), (2, False)):
        gone = host.role(GONE)
        assert gone.status == 0 and bool(gone.changed) is something, gone.output[-4000:]
        assert host.interfaces.read_text(encoding="ascii") == INTERFACES
        assert sorted(dump(host.netns)["links"]) == sorted(before["links"])
        assert dump(host.netns)["addresses"]["eth0"] == before["addresses"]["eth0"]
        assert all(host.lan.all_reachable().values())
    assert not [
        pid
        for pid in run("ip", "netns", "pids", host.netns).split()
        if "qemu" in Path("/proc", pid, "comm").read_text(encoding="ascii")
    ]


def test_check_mode_foresees_the_guest_words_a_user_to_come(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    passwd = host.folder / "passwd"
    users = Path("/etc/passwd").read_text(encoding="utf-8").splitlines(keepends=True)
    passwd.write_text(
        "".join(line for line in users if not line.startswith("hypervisor-guest:")),
        encoding="utf-8",
    )
    monkeypatch.setattr(
        role_host, "ENTER", f"mount --bind {passwd} /etc/passwd || exit 9; {role_host.ENTER}"
    )
    predicted = host.role(JOB, "--check")
    assert predicted.status == 0, predicted.output[-4000:]
    assert {
        "Packages | Make the user that guests run as",
        "Taps | Make the taps",
        "Guests | Start the guests",
    } <= set(predicted.changed)


def _check_network(host: Host) -> None:
    ports = {
        link["ifname"]: link for link in ip_json(host.netns, "-d", "link", "show", "master", "br0")
    }
    assert sorted(ports) == ["eth0", "tap1", "tap2"]
    assert {
        name: link["linkinfo"]["info_slave_data"]["isolated"] for name, link in ports.items()
    } == {"eth0": False, "tap1": False, "tap2": True}
    assert {route["dev"] for route in ip_json(host.netns, "route", "show", "default")} == {"br0"}
    assert all(host.lan.all_reachable().values())


def _check_report(host: Host, play: Play) -> None:
    """The report against the tools whose tables it draws."""
    lines = play.told("Report | Bridges, MACs and routes")
    parts = "\n".join(lines).split("\n\n")
    assert [part.splitlines()[0] for part in parts[:3]] == [
        "BRIDGES (brctl show)",
        "MACS (brctl showmacs)",
        "ROUTES (route -n)",
    ]
    oracle = [line.split() for line in run("brctl", "show", netns=host.netns).splitlines()]
    assert [line.split() for line in parts[0].splitlines()[1:]] == oracle
    fdb = {
        tuple(line.split()[:3])
        for line in run("brctl", "showmacs", "br0", netns=host.netns).splitlines()[1:]
    }
    assert {tuple(line.split()[:3]) for line in parts[1].splitlines()[3:]} == fdb
    routes = [
        (line["dst"], line.get("gateway", "0.0.0.0"), line["dev"])
        for line in ip_json(host.netns, "-4", "route", "show")
    ]
    drawn = [line.split() for line in parts[2].splitlines()[2:]]
    assert len(drawn) == len(routes) and {(one[1], one[5]) for one in drawn} == {
        (gateway, dev) for _dst, gateway, dev in routes
    }
    assert all("\t" not in line and line == line.rstrip() for line in lines)


def _check_file(host: Host) -> None:
    """What ifupdown reads of the new file, and that the old one's other lines are all in it."""
    text = host.interfaces.read_text(encoding="ascii")
    for line in (
        "# The primary network interface",
        "    # the router is in the cellar",
        "# the end",
    ):
        assert line in text.splitlines()
    told = {
        name: run("ifquery", "-i", str(host.interfaces), name).splitlines()
        for name in ("br0", "eth0", "tap1", "tap2")
    }
    assert {
        "bridge_ports: eth0",
        "bridge_stp: off",
        "bridge_fd: 0",
        "bridge_maxwait: 0",
        "gateway: 10.77.0.1",
        "gateway: fd77::1",
    } <= set(told["br0"])
    assert told["eth0"] == []
    made = "ip tuntap add dev tap1 mode tap user hypervisor-guest"
    assert f"pre-up: test -e /sys/class/net/tap1 || {made}" in told["tap1"]
    assert "up: bridge link set dev tap2 isolated on" in told["tap2"]
    assert {"br0=br0", "tap1=tap1"} <= set(
        (host.folder / "run/network/ifstate").read_text(encoding="ascii").splitlines()
    )
    assert (
        list((host.folder / "var/backups").rglob("*interfaces*"))
        and len(list(host.interfaces.parent.iterdir())) == 1
    )


def test_a_static_host_that_is_described_by_variables(host: Host) -> None:
    """The addresses and gateways that the variables list are the file's, each once; the host has them already."""
    addresses = ["10.77.0.10/24", "10.77.0.11/24", "192.168.99.10/24", "fd77::10/64"]
    bridge = {
        "name": "br0",
        "uplink": "eth0",
        "method": "static",
        "address": addresses,
        "gateway": ["10.77.0.1", "fd77::1"],
    }
    first = host.role({"bridge_host_bridges": [bridge]})
    assert first.status == 0, first.output[-4000:]
    assert all(host.lan.all_reachable().values())
    told = run("ifquery", "-i", str(host.interfaces), "br0").splitlines()
    assert [line.partition(": ")[2] for line in told if line.startswith("address: ")] == [
        one.partition("/")[0] for one in addresses
    ]
    assert [line.partition(": ")[2] for line in told if line.startswith("gateway: ")] == bridge[
        "gateway"
    ]
    assert not [line for line in told if line.startswith("up: ip address add")]
    again = host.role({"bridge_host_bridges": [bridge]})
    assert again.status == 0 and again.changed == [], again.output[-4000:]


def test_a_host_as_variables_is_unchanged_by_them_and_made_again_by_them(
    host: Host, target_path: str
) -> None:
    job = {
        "bridge_host_bridges": [
            {"name": "br0", "uplink": "eth0", "ageing_time": 60},
            {"name": "br1", "mac": "02:00:00:00:00:b1", "up": False, "stp_state": True},
        ],
        "bridge_host_taps": [
            {
                "name": "tap1",
                "bridge": "br0",
                "mac": "02:00:00:00:00:71",
                "isolated": True,
                "alias": "the first",
            },
            {"name": "tap2", "mac": "02:00:00:00:00:72", "owner": "65534", "multi_queue": True},
        ],
        "bridge_host_guests": [{**JOB["bridge_host_guests"][0], "wait_for": ["running"]}],
        "bridge_host_verify": False,
    }
    assert host.role(job).status == 0
    told = host.as_variables(target_path)
    assert told["bridge_host_bridges"][0] == {
        "name": "br0",
        "uplink": "eth0",
        "stp_state": False,
        "forward_delay": 0,
        "ageing_time": 60,
    }
    assert {one["name"] for one in told["bridge_host_taps"]} == {"tap1", "tap2"} and told[
        "bridge_host_guests"
    ][0]["nics"][0]["tap"] == "tap1"
    made = settled(host.netns)
    again = host.role({**told, "bridge_host_verify": False})
    assert again.status == 0 and again.changed == [], again.output[-4000:]
    gone = {
        **GONE,
        "bridge_host_bridges": [*GONE["bridge_host_bridges"], {"name": "br1", "state": "absent"}],
    }
    assert host.role(gone).status == 0
    assert host.role({**told, "bridge_host_verify": False}).status == 0
    assert host.as_variables(target_path) == told
    assert differences(made["links"], settled(host.netns)["links"]) == []
    assert host.role(gone).status == 0


def test_what_a_boot_does_with_the_taps(host: Host) -> None:
    """The lines of the file, run as ifupdown runs them, make the taps that the role made."""
    assert host.role({**JOB, "bridge_host_guests": []}).status == 0
    made = {
        link["ifname"]: link
        for link in dump(host.netns)["links"].values()
        if link["ifname"].startswith("tap")
    }
    batch(host.netns, "link del tap1\nlink del tap2\n")
    (host.folder / "state").mkdir()
    for name in ("tap1", "tap2"):
        run(
            "ifup",
            "-i",
            str(host.interfaces),
            "--state-dir",
            str(host.folder / "state"),
            "--no-scripts",
            name,
            netns=host.netns,
        )
    again = {
        name: link for name, link in dump(host.netns)["links"].items() if name.startswith("tap")
    }
    for link in (*made.values(), *again.values()):
        link.pop("address")  # the kernel's choice
    assert again == made
    assert host.role({**JOB, "bridge_host_guests": []}).changed == []


# What ifupdown2 sets on every bridge and port; with forwarding come IPv6's anycast addresses of routers
IFUPDOWN2S_OWN = re.compile(r"/cost: |/forwarding: 0 is now 1$|/routes6: only after: .*'anycast'")


def test_g07_ifreload_of_ifupdown2_leaves_ports_addresses_and_routes_as_they_are_all_the_time(
    host: Host,
) -> None:
    (bridge,) = JOB["bridge_host_bridges"]
    unlike_its_defaults = {**bridge, "mcast_snooping": False, "mcast_query_interval": 60}
    variables = {**JOB, "bridge_host_bridges": [unlike_its_defaults], "bridge_host_guests": []}
    ifupdown2.on_path(host.folder)
    assert known_ifupdown2.is_here(str(ifupdown2.unpacked())), "Debian's package is not known"
    assert host.role(variables).status == 0
    before = settled(host.netns)
    with ifupdown2.upset(host.netns, ["eth0", "tap1", "tap2"], "mcast_snooping 1") as upset:
        said = ifupdown2.reload(host.netns, host.folder)
    assert upset == [], said
    changed = differences(before, settled(host.netns))
    assert changed and [one for one in changed if not IFUPDOWN2S_OWN.search(one)] == [], said
    assert all(host.lan.all_reachable().values())
    assert host.role(variables).changed == []


@pytest.mark.parametrize("arguments", [(), ("--check",)], ids=["for real", "in check mode"])
def test_a12_with_empty_variables_nothing_is_done(host: Host, arguments: tuple[str, ...]) -> None:
    before, disk = settled(host.netns), host.disk()
    play = host.role({}, *arguments)
    assert play.status == 0 and play.changed == [], play.output[-4000:]
    assert dump(host.netns) == before and host.disk() == disk
    # the argument spec, and the variables against each other: the host is not even asked
    assert "skipped=" in play.output and play.output.count("ok: [localhost]") == 2


def test_packages_that_are_missing_are_installed(tmp_path: Path) -> None:
    """On this machine itself, with its own Python: no other step has anything to do there."""
    needs_root()
    policy = (
        run("apt-cache", "policy", "python3-pyroute2", "python3-netaddr")
        if shutil.which("apt-cache")
        else ""
    )
    if policy.count("Candidate: ") - policy.count("Candidate: (none)") < 2:
        pytest.skip("apt knows no python3-pyroute2 and python3-netaddr here")
    playbook = tmp_path / "playbook.yml"
    playbook.write_text(
        json.dumps(
            [
                {
                    "hosts": "localhost",
                    "gather_facts": False,
                    "roles": ["hypervisor.network.bridge_host"],
                }
            ]
        ),
        encoding="ascii",
    )
    given = {
        "ansible_connection": "local",
        "ansible_python_interpreter": "/usr/bin/python3",
        "bridge_host_taps": [{"name": "hn-nothing", "state": "absent"}],
        "bridge_host_persist": False,
    }
    for _run in range(2):
        words = [
            str(Path(sys.executable).with_name("ansible-playbook")),
            "-i",
            "localhost,",
            "-e",
            json.dumps(given),
            "--tags",
            "packages",
            str(playbook),
        ]
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        play = Play(done.returncode, done.stdout)
        assert play.status == 0, play.output[-4000:]
        assert set(play.changed) <= {"Packages | Install those that are missing"}
    assert play.changed == []
    states = run(
        "dpkg-query",
        "--show",
        "--showformat",
        "${db:Status-Status} ",
        "python3-pyroute2",
        "python3-netaddr",
    )
    assert states.split() == ["installed", "installed"]
