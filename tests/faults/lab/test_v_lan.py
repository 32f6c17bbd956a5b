# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Groups B, E, F and G where the NIC has a driver, the switch a spanning tree, the plug can be out, and the kernel a packet filter for bridges."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._qemu.qmp import Qmp
from ansible_collections.hypervisor.network.tests.harness.lab.powered import (
    HOST,
    NEW,
    OLD,
    UPLINK,
    WISH,
    PoweredLab,
)
from ansible_collections.hypervisor.network.tests.harness.net.netns import batch, inside
from ansible_collections.hypervisor.network.tests.harness.process.waiting import wait_for

FORWARD_DELAY = 15
MUTE = 2 * FORWARD_DELAY
BOOT = 200.0
ANSWER = 5.0
# dhclient gives up after 60 s, and asks again 300 s later
ASKED_AGAIN = 420.0
CLOUD = "datasource_list: [None]\\ndisable_root: false\\nssh_deletekeys: false\\npreserve_hostname: true\\n"
# What stands for a guest is a namespace with a cable to the bridge
GUEST = """
ip netns add guest
ip link add port type veth peer name eth0 netns guest
ip link set port master br0 up
ip -n guest address add 10.77.0.77/24 dev eth0
ip -n guest link set eth0 up
systemd-run --quiet ip netns exec guest python3 -m http.server 80
"""


@pytest.fixture
def spanning(fresh: PoweredLab) -> Iterator[PoweredLab]:
    """The hypervisor on a switch that runs STP with the standard's times, without portfast; its port forwards by now."""
    batch(fresh.name, "link set lan0 type bridge stp_state 1 forward_delay 200\n")
    fresh.until("true", BOOT)
    batch(fresh.name, f"link set lan0 type bridge forward_delay {FORWARD_DELAY * 100}\n")
    yield fresh
    batch(fresh.name, "link set lan0 type bridge stp_state 0\n")


def test_e12_a_time_shorter_than_the_switch_may_be_mute_is_refused(spanning: PoweredLab) -> None:
    result = spanning.run("bridge_uplink", **{**WISH, "guard_timeout": 34})
    assert (
        result["failed"]
        and "the switch behind eth0 runs STP" in result["msg"]
        and "give at least 37" in result["msg"]
    )
    assert spanning.state() == OLD
    spanning.used = False


def test_e12_a_link_that_is_renegotiated_behind_such_a_switch_is_waited_for(
    spanning: PoweredLab,
) -> None:
    with spanning.driven("bridge_uplink", "applied", **{**WISH, "guard_timeout": 120}):
        name = spanning.transaction()[0]
        batch(spanning.name, f"link set {HOST} down\nlink set {HOST} up\n")
        mute = spanning.until("true", 60)
        assert spanning.run("transaction", id=name, state="confirmed")["changed"]
    print(f"mute for {mute:.1f} s")
    assert (
        mute >= MUTE - 5
        and spanning.state() == NEW
        and spanning.transaction() == (name, "confirmed")
    )


@pytest.mark.parametrize(
    ("model", "driver", "reassembled"),
    [("virtio", "virtio_net", "off"), ("vmxnet3", "vmxnet3", "on")],
)
def test_b11_the_link_of_the_nic_does_not_bounce_and_the_guard_is_not_tripped(
    fresh: PoweredLab, model: str, driver: str, reassembled: str
) -> None:
    if model != "virtio":
        fresh.cut()
        fresh.up("-e", f"nic_model={model}")
    assert _driver_and_lro(fresh) == (driver, reassembled)
    before = int(fresh.hv("cat /sys/class/net/eth0/carrier_changes"))
    fresh.playbook(UPLINK, "-e", "uplink_timeout=60")
    bounced = int(fresh.hv("cat /sys/class/net/eth0/carrier_changes")) - before
    print(f"{model}: the carrier changed {bounced} times")
    assert bounced == 0 and fresh.state() == NEW and fresh.transaction()[1] == "confirmed"
    assert _driver_and_lro(fresh)[1] == "off"  # what is forwarded must not have been put together


def _driver_and_lro(lab: PoweredLab) -> tuple[str, str]:
    driver = lab.hv("basename $(readlink -f /sys/class/net/eth0/device/driver)").strip()
    (lro,) = re.findall(r"^large-receive-offload: (\w+)", lab.hv("ethtool -k eth0"), re.MULTILINE)
    return driver, lro


def _told(path: Path) -> str:
    return path.read_text(encoding="ascii") if path.exists() else ""


@contextmanager
def _plug_out(lab: PoweredLab) -> Iterator[None]:
    """Switch the machine off, and on again without its cable; it is plugged in at the end, and is entered then."""
    lab.cut()
    log = lab.directory / HOST / "serial.log"
    seen = len(log.read_bytes())
    failed: list[BaseException] = []

    def up() -> None:
        try:
            lab.up()
        except BaseException as error:  # told to the test
            failed.append(error)

    run = lab.run_directory(HOST)
    former = (run / "pid").read_text(encoding="ascii")
    powered = threading.Thread(target=up)
    powered.start()
    try:
        wait_for(lambda: _told(run / "pid") not in ("", former), "the machine is on", 60)
        with Qmp(str(run / "spare.sock")) as monitor:
            monitor.execute("set_link", name="nic0", up=False)
        wait_for(lambda: b"login:" in log.read_bytes()[seen:], "the machine has booted", BOOT)
        yield
        with Qmp(str(run / "spare.sock")) as monitor:
            monitor.execute("set_link", name="nic0", up=True)
    finally:
        powered.join(ASKED_AGAIN)
    assert not failed, failed


def test_f07_a_host_that_boots_without_its_cable_is_there_once_it_is_plugged_in(
    fresh: PoweredLab,
) -> None:
    fresh.playbook("site.yml")
    with _plug_out(fresh):
        with pytest.raises(subprocess.CalledProcessError):
            fresh.hv("true")
        began = time.monotonic()
    took = fresh.until("true", ASKED_AGAIN) + time.monotonic() - began
    print(f"reachable {took:.0f} s after the cable was plugged in")
    assert fresh.state() == NEW
    assert fresh.hv("ls /sys/class/net/br0/brif").split() == ["eth0", "tap1"]


def test_f09_cloud_init_that_describes_eth0_is_refused_until_it_is_told_to_stay_away(
    fresh: PoweredLab,
) -> None:
    fresh.hv(
        f"printf '{CLOUD}' > /etc/cloud/cloud.cfg.d/95-lab.cfg && rm -f /etc/cloud/cloud-init.disabled && cp /etc/network/interfaces /root/"
    )
    # what the distribution's image has: cloud-init alone describes the NIC
    fresh.hv(
        "printf 'source /etc/network/interfaces.d/*\\nauto lo\\niface lo inet loopback\\n' > /etc/network/interfaces && cloud-init clean && sync"
    )
    fresh.reboot(HOST)
    written = fresh.hv("cat /etc/network/interfaces.d/50-cloud-init")
    assert re.search(r"^iface eth0 ", written, re.MULTILINE), written
    result = fresh.run("bridge_uplink", **{**WISH, "guard_timeout": 0})
    assert (
        result["failed"]
        and "cloud-init" in result["msg"]
        and "override: [cloud_init]" in result["msg"]
    )
    assert fresh.state() == OLD
    (command,) = re.findall(r"'(echo .*\.cfg)'", result["msg"])
    fresh.hv(command)
    fresh.playbook("site.yml")
    fresh.reboot(HOST)
    assert fresh.state() == NEW


def test_g08_a_packet_filter_that_mutes_guests_is_told_with_its_cure_which_helps(
    fresh: PoweredLab,
) -> None:
    # as docker does
    fresh.hv(
        "modprobe br_netfilter && sysctl -qw net.bridge.bridge-nf-call-iptables=1 && iptables -P FORWARD DROP"
    )
    result = fresh.run("bridge_uplink", **{**WISH, "guard_timeout": 0})
    # Ansible's own words for one differ between its versions
    warnings = json.dumps(result["warnings"])
    told = re.search(r"'(sysctl net.bridge.bridge-nf-call-iptables=0 [^']*)'", warnings)
    assert told, warnings
    assert fresh.state() == NEW
    fresh.hv(GUEST)
    fresh.until("ip netns exec guest ss -Hltn | grep -q :80")
    assert _dropping(fresh)
    with pytest.raises(TimeoutError):
        _call(fresh, "10.77.0.77", 80)
    fresh.hv(told[1])
    _call(fresh, "10.77.0.77", 80)
    assert not _dropping(fresh)


def _dropping(lab: PoweredLab) -> bool:
    """Whether the doctor finds that a packet filter drops what the bridge passes on."""
    found = lab.run("bridge_doctor", bridge="br0")["findings"]
    return "packet_filter_drops" in {one["id"] for one in found}


def _call(lab: PoweredLab, address: str, port: int) -> None:
    """Open a TCP connection from the LAN. Raises TimeoutError where nobody answers."""
    inside(lab.name, lambda: socket.create_connection((address, port), ANSWER).close())
