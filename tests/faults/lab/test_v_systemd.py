# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Groups C, F and G where systemd, sessions, ifupdown and other managers are the real ones."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from ansible_collections.hypervisor.network.tests.harness.lab.powered import (
    ADDRESS,
    HOST,
    NEW,
    OLD,
    WISH,
    PoweredLab,
)

TXN = "/var/lib/hypervisor-network/txn"
LOCK = "/run/hypervisor-network/.guard.lock"
GUARDS = f"find /proc -maxdepth 3 -path '*/fd/*' -lname {LOCK} 2>/dev/null | cut -d/ -f3 | sort -u"
BACK = {**OLD, "bridges": ["br0"]}  # it stays for its other ports


@pytest.fixture
def old(lab: PoweredLab) -> Iterator[PoweredLab]:
    """The hypervisor with its old network, and given back so where the case succeeds."""
    if lab.state() != OLD:
        lab.restore()
    lab.used = True
    yield lab
    if lab.state() == OLD:
        lab.used = False


def _roll_back(lab: PoweredLab) -> float:
    """As an administrator does: mv. How long until the host was as before, as the host itself measures it."""
    name, state = lab.transaction()
    assert state == "applied"
    took = lab.hv(
        f'python3 -c \'import os, time; began = time.monotonic(); os.rename("{TXN}/{name}/applied", "{TXN}/{name}/rolling-back")\n'
        f'while not {{"rolled-back", "rollback-failed"}} & set(os.listdir("{TXN}/{name}")): time.sleep(0.002)\n'
        "print(time.monotonic() - began)'"
    )
    assert lab.transaction() == (name, "rolled-back")
    return float(took)


def _client_serves(lab: PoweredLab, dev: str) -> None:
    """One DHCP client runs, it serves this device, and the server answers it there."""
    titles = lab.hv("ps -C dhclient,dhcpcd -o args=")
    assert f"{dev}" in titles and ("eth0" if dev == "br0" else "br0") not in titles, titles
    assert lab.json(HOST, f"ip -j -4 address show dev {dev}")[0]["addr_info"][0]["dynamic"]


def test_v06_the_lease_moves_there_and_back_and_again_with_the_releases_own_client(
    old: PoweredLab,
) -> None:
    wish = {**WISH, "guard_timeout": 0}
    for state, dev, wanted in (
        ("present", "br0", NEW),
        ("absent", "eth0", BACK),
        ("present", "br0", NEW),
        ("absent", "eth0", BACK),
    ):
        assert old.run("bridge_uplink", **wish, state=state)["changed"]
        assert old.state() == wanted
        _client_serves(old, dev)
        assert old.run("bridge_uplink", **wish, state=state)["changed"] is False
    old.hv("ip link delete br0")


def test_v06_a_rollback_gives_the_lease_back_to_the_releases_own_client(old: PoweredLab) -> None:
    assert old.run("bridge_uplink", **WISH)["changed"] and old.state() == NEW
    took = _roll_back(old)
    print(f"rolled back in {took * 1000:.0f} ms")
    assert old.state() == OLD  # how quick, is measured where no machine is emulated
    _client_serves(old, "eth0")


@pytest.mark.parametrize("point", ["attached", "applied"])
def test_c05_the_session_that_applies_is_killed_and_the_guard_is_not(
    old: PoweredLab, point: str
) -> None:
    with old.driven("bridge_uplink", point, **WISH):
        before = old.hv(GUARDS).split()
        assert len(before) >= 2
        # the sshd that serves the module: the parent of the shell it was started by
        old.hv(
            "set -- $(pgrep -f drive.py); kill -9 $(ps -o sid= -p $1 | xargs -I{} ps -o ppid= -p {})"
        )
        # the module goes with its session, so the guard goes back by itself
        if point == "attached":
            old.until(f"test -e {TXN}/{old.transaction()[0]}/rolled-back", 20)
        else:
            time.sleep(1)  # whatever a session's end would take along is gone by then
            assert old.transaction()[1] == "applied" and set(old.hv(GUARDS).split()) == set(before)
            _roll_back(old)
    assert old.state() == OLD


def test_c06_a_user_whose_processes_are_killed_at_logout_leaves_guard_and_client_running(
    old: PoweredLab,
) -> None:
    # somebody is named, because root is left alone where nobody is
    settings = "[Login]\\nKillUserProcesses=yes\\nKillExcludeUsers=nobody\\n"
    old.hv(
        f"mkdir -p /etc/systemd/logind.conf.d && printf '{settings}' > /etc/systemd/logind.conf.d/kill.conf"
    )
    old.hv("systemctl restart systemd-logind")
    try:
        # a process that the session leaves behind, so that it is seen that such are killed
        old.hv("setsid sleep 4711 </dev/null >/dev/null 2>&1 & :")
        old.until("! pgrep -fx 'sleep 4711'")
        assert old.run("bridge_uplink", **WISH)["changed"]
        # a second such process, left behind later than the conversion: when it is gone, so is all of the session before
        old.hv("setsid sleep 4712 </dev/null >/dev/null 2>&1 & :")
        old.until("! pgrep -fx 'sleep 4712'")
        assert len(old.hv(GUARDS).split()) >= 2
        scope = old.hv(f"cat /proc/$({GUARDS} | head -1)/cgroup")
        assert "hypervisor-network-guard-" in scope
        _client_serves(old, "br0")
        _roll_back(old)
        assert old.state() == OLD
        _client_serves(old, "eth0")
    finally:
        old.hv("rm /etc/systemd/logind.conf.d/kill.conf && systemctl restart systemd-logind")


def test_c08_the_oom_killer_takes_others_and_not_the_guard(old: PoweredLab) -> None:
    assert old.run("bridge_uplink", **WISH)["changed"]
    guards = set(old.hv(GUARDS).split())
    assert [old.hv(f"cat /proc/{pid}/oom_score_adj").strip() for pid in guards] == ["-900", "-900"]
    old.hv("python3 -c 'hog = [bytes([1]) * (1 << 24) for _ in range(1 << 12)]' || true")
    assert "Out of memory: Killed process" in old.hv("dmesg")
    assert set(old.hv(GUARDS).split()) == guards
    _roll_back(old)
    assert old.state() == OLD


def test_c08_a_watcher_that_is_taken_all_the_same_does_not_take_the_guard_along(
    old: PoweredLab,
) -> None:
    assert old.run("bridge_uplink", **WISH)["changed"]
    guards = old.hv(GUARDS).split()
    (watcher,) = [pid for pid in guards if old.hv(f"ps -o ppid= -p {pid}").strip() not in guards]
    old.hv(f"echo 1000 > /proc/{watcher}/oom_score_adj; echo f > /proc/sysrq-trigger")
    old.until(f"! test -e /proc/{watcher}")
    time.sleep(3)  # what systemd would do to the rest of the unit is done by then
    assert set(old.hv(GUARDS).split()) == set(guards) - {watcher}
    _roll_back(old)
    assert old.state() == OLD


def test_g01_networkmanager_has_the_nic_and_keeps_it(old: PoweredLab) -> None:
    old.hv(
        "ip link add nic1 type veth peer name nic1p && ip link set nic1p up && nmcli device set nic1 managed yes && ip link set nic1 up"
    )
    old.until(
        "grep -qx managed=true /run/NetworkManager/devices/$(cat /sys/class/net/nic1/ifindex)", 30
    )
    before = old.hv("nmcli -t -f GENERAL.STATE,GENERAL.NM-MANAGED device show nic1")
    result = old.run("bridge_uplink", name="nic1", bridge="br9", guard_timeout=0)
    assert (
        result["failed"]
        and "nmcli device set nic1 managed no" in result["msg"]
        and "override: [networkmanager]" in result["msg"]
    )
    assert old.hv("nmcli -t -f GENERAL.STATE,GENERAL.NM-MANAGED device show nic1") == before
    old.hv("nmcli device set nic1 managed no")
    old.until(
        "! grep -qx managed=true /run/NetworkManager/devices/$(cat /sys/class/net/nic1/ifindex)", 30
    )
    assert old.run("bridge_uplink", name="nic1", bridge="br9", guard_timeout=0)["changed"]
    old.hv("ip link delete br9; ip link delete nic1")


def test_g03_networkd_has_the_nic_and_keeps_it(old: PoweredLab) -> None:
    old.hv(
        "mkdir -p /run/systemd/network && printf '[Match]\\nName=nic1\\n\\n[Network]\\nAddress=192.0.2.1/24\\n' > /run/systemd/network/90-nic1.network"
    )
    old.hv(
        "ip link add nic1 type veth peer name nic1p && ip link set nic1p up && systemctl start systemd-networkd"
    )
    old.until(
        "grep -qx ADMIN_STATE=configured /run/systemd/netif/links/$(cat /sys/class/net/nic1/ifindex)",
        30,
    )
    result = old.run("bridge_uplink", name="nic1", bridge="br9", guard_timeout=0)
    assert (
        result["failed"]
        and "systemctl disable --now systemd-networkd" in result["msg"]
        and "override: [networkd]" in result["msg"]
    )
    assert old.state() == OLD
    assert "192.0.2.1/24" in old.hv("ip -4 -o address show dev nic1")
    old.hv(
        "systemctl stop systemd-networkd.socket systemd-networkd.service; ip link delete nic1; rm /run/systemd/network/90-nic1.network"
    )


def test_f04_networking_is_restarted_and_everything_is_there_again(converted: PoweredLab) -> None:
    # in a unit of its own: the session hangs on the network that goes away
    converted.hv("systemd-run --quiet --collect systemctl restart networking")
    converted.until(
        "systemctl is-active --quiet networking && ! systemctl list-jobs --no-legend | grep -q networking",
        60,
    )
    assert converted.state() == NEW
    took = converted.until("test -e /sys/class/net/br0/brif/tap1", 5)
    print(f"tap1 was a port again after {took:.1f} s more")


def test_f05_br0_is_taken_down_and_up_by_ifupdown_which_knows_it(converted: PoweredLab) -> None:
    assert "br0=br0" in converted.hv("ifquery --state").split()
    boot = converted.hv("cat /run/network/ifstate")
    converted.hv("systemd-run --quiet --collect sh -c 'ifdown br0; ifup br0; touch /run/f05'")
    converted.until("test -e /run/f05", 60)
    assert converted.state() == NEW
    assert converted.hv("ls /sys/class/net/br0/brif").split() == ["eth0", "tap1"]
    assert sorted(converted.hv("cat /run/network/ifstate").split()) == sorted(boot.split())


def test_f02_what_ifupdown_knows_is_the_same_after_a_reboot(converted: PoweredLab) -> None:
    before = converted.hv("ifquery --state")
    converted.reboot(HOST)
    assert converted.state() == NEW
    assert sorted(converted.hv("ifquery --state").split()) == sorted(before.split())


def test_g02_networkmanager_leaves_the_bridge_alone(converted: PoweredLab) -> None:
    for dev in ("br0", "eth0"):
        assert converted.hv(f"nmcli -t -f GENERAL.CONNECTION device show {dev}").strip() in (
            "GENERAL.CONNECTION:",
            f"GENERAL.CONNECTION:{dev}",
        )
    converted.hv("systemctl restart NetworkManager")
    converted.until("nmcli -t -f RUNNING general | grep -qx running", 30)
    assert converted.state() == NEW and ADDRESS in converted.hv("ip -4 -o address show dev br0")


def test_g11_udevs_own_policy_for_macs_leaves_the_bridges_mac_alone(converted: PoweredLab) -> None:
    # the distribution's rule gives a MAC of its own to a bridge whose MAC the kernel drew
    assert "MACAddressPolicy=persistent" in converted.hv(
        "cat /usr/lib/systemd/network/99-default.link"
    )
    converted.hv(
        "ip link add drawn type bridge && udevadm trigger --settle --action=add /sys/class/net/drawn /sys/class/net/br0"
    )
    for dev in ("drawn", "br0"):
        rule = converted.hv(
            f"udevadm info --query=property --property=ID_NET_LINK_FILE --value /sys/class/net/{dev}"
        )
        assert rule.strip().endswith("/99-default.link"), rule
    macs = {link["ifname"]: link["address"] for link in converted.json(HOST, "ip -j link show")}
    converted.hv("ip link delete drawn")
    assert macs["br0"] == macs["eth0"]
