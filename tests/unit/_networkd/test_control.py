# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""networkd is told to read its files, and waited for; what it says of a link is read as it writes it."""

from __future__ import annotations

import errno
import shutil
import threading
import time
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._host.programs import Done
from ansible_collections.hypervisor.network.plugins.module_utils._managers.owners import told
from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import File
from ansible_collections.hypervisor.network.plugins.module_utils._networkd.control import numbered
from ansible_collections.hypervisor.network.plugins.module_utils._networkd.unit import (
    value,
    values,
)
from ansible_collections.hypervisor.network.tests.harness.model.networkd import (
    NEVER,
    NIC,
    PATIENCE,
    SETTLED,
    WIRED,
    Networkd,
)

OURS = "99-hypervisor-network-hold.conf"


def test_a_link_at_rest_with_the_file_that_was_meant(tmp_path: Path) -> None:
    host = Networkd(tmp_path)
    host.control.reload(NIC, WIRED)
    assert host.reloads == 1 and host.control.link(NIC)["ADMIN_STATE"] == "configured"
    assert host.control.lease(NIC)["ADDRESS"] == "10.77.0.11" and host.control.lease(9) == {}


def test_a_lease_is_enough_where_it_is_meant(tmp_path: Path) -> None:
    host = Networkd(tmp_path)
    host.state = "configuring"
    host.control.reload(NIC, WIRED, leased=True)


@pytest.mark.parametrize(("asks", "patience"), [(True, PATIENCE), (False, NEVER)])
def test_a_link_that_waits_for_a_router_only_is_not_waited_for(
    tmp_path: Path, asks: bool, patience: float
) -> None:
    """Without a lease to ask for it has all that it gets when nothing is new for a while; with one it is waited for as long as there is time."""
    host = Networkd(tmp_path, patience=patience)
    host.state = "configuring"
    began = time.monotonic()
    host.control.reload(NIC, WIRED, leased=False, asks=asks)
    took = time.monotonic() - began
    assert took >= PATIENCE if asks else SETTLED <= took < NEVER


def test_a_link_that_networkd_still_has_a_word_on_is_waited_for(tmp_path: Path) -> None:
    host = Networkd(tmp_path, patience=1.2, settled=1.0)  # no thread waits so long for its turn
    host.state = "configuring"
    stop = threading.Event()

    def busy() -> None:
        while not stop.wait(0.02):
            host.take()

    words = threading.Thread(target=busy)
    words.start()
    began = time.monotonic()
    try:
        host.control.reload(NIC, WIRED, asks=False)
    finally:
        stop.set()
        words.join()
    assert time.monotonic() - began >= 1.2


@pytest.mark.parametrize(
    ("state", "settled", "least"), [("configured", NEVER, 0), ("configuring", SETTLED, SETTLED)]
)
def test_links_that_get_other_files_are_waited_for_until_they_are_at_rest(
    tmp_path: Path, state: str, settled: float, least: float
) -> None:
    host = Networkd(tmp_path, patience=NEVER, settled=settled)
    host.state = state
    began = time.monotonic()
    host.control.take([NIC])
    assert least <= time.monotonic() - began < NEVER and host.reloads == 1


def test_where_no_link_gets_another_file_none_is_waited_for(tmp_path: Path) -> None:
    host = Networkd(tmp_path, patience=NEVER, settled=NEVER)
    host.state = "configuring"
    began = time.monotonic()
    host.control.take([])
    assert time.monotonic() - began < NEVER and host.reloads == 1


def test_settled_by_another_file_is_not_what_is_waited_for(tmp_path: Path) -> None:
    host = Networkd(tmp_path)
    with pytest.raises(Refused, match="takes /etc/systemd/network/20-wired.network"):
        host.control.reload(NIC, "/run/systemd/network/04-ours.network", asks=False)


def test_a_link_that_never_comes_to_rest_is_no_failure(tmp_path: Path) -> None:
    host = Networkd(tmp_path)
    host.state = "configuring"
    host.control.reload(NIC, WIRED)
    host.control.reload(9)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Done(1, "", "no bus"), "networkctl reload failed: no bus"),
        (Done(1, "told on stdout"), "told on stdout"),
        (Done(4), "status 4"),
        (FileNotFoundError(2, "No such file or directory"), "No such file or directory"),
    ],
)
def test_networkctl_fails(tmp_path: Path, answer: Done, said: str) -> None:
    host = Networkd(tmp_path, answer=answer)
    with pytest.raises(Refused, match=said):
        host.control.reload(NIC)


def test_another_file_wins(tmp_path: Path) -> None:
    host = Networkd(tmp_path)
    with pytest.raises(Refused, match="takes /etc/systemd/network/20-wired.network for the link"):
        host.control.reload(NIC, "/run/systemd/network/04-ours.network")
    with pytest.raises(Refused, match="takes no file for the link"):
        host.control.reload(9, WIRED)


def test_drop_ins_are_read_behind_the_file_and_ours_are_not(tmp_path: Path) -> None:
    host = Networkd(tmp_path)
    host.put("/etc/systemd/network/20-wired.network.d/10-dns.conf", "[Network]\nDNS=10.77.0.2\n")
    host.put(f"/run/systemd/network/20-wired.network.d/{OURS}", "[Network]\nDHCP=no\n")
    host.take()
    facts = host.control.link(NIC)
    assert OURS in facts["NETWORK_FILE_DROPINS"]
    found = host.control.config(WIRED, facts)
    assert values(found, "Network", "DNS") == ["10.77.0.1", "10.77.0.2"]
    assert value(found, "Network", "DHCP") == "yes"
    # a systemd that does not tell its drop-ins
    assert host.control.config(WIRED, {}) == found
    assert len(host.control.config(WIRED, {"NETWORK_FILE_DROPINS": '"unclosed'})) == 2


def test_the_version_of_one_that_is_not_there_is_not_known(tmp_path: Path) -> None:
    assert Networkd(tmp_path).control.version() == 257
    gone = Networkd(tmp_path, answer=OSError(errno.ENOENT, "gone"))
    assert gone.control.version() is None


def test_who_makes_a_device_is_the_first_file_of_its_name_that_is_not_ours(tmp_path: Path) -> None:
    host = Networkd(tmp_path)
    assert host.control.makers() == {}
    tap = "[NetDev]\nName=tap1\nKind=tap\n[Tap]\nUser=root\nGroup=nobody-of-that-name\nMultiQueue=yes\n"
    host.put("/etc/systemd/network/05-hypervisor-network-tap1.netdev", tap)
    host.put("/usr/lib/systemd/network/20-tap.netdev", "[NetDev]\nName=tap9\n")
    host.put("/etc/systemd/network/20-tap.netdev", tap)
    host.put("/etc/systemd/network/30-tap.netdev", "[NetDev]\nName=tap1\nKind=tun\n")
    host.put("/etc/systemd/network/20-tap.netdev.d/more.conf", "[Tun]\nUser=nobody-of-that-name\n[Tap]\nGroup=root\n")  # fmt: skip
    makers = host.control.makers()
    made_by, read = makers["tap1"]
    assert list(makers) == ["tap1"] and made_by == "/etc/systemd/network/20-tap.netdev"
    said = [numbered(one) for one in read]
    assert values(said, "NetDev", "Kind") == ["tap"]
    assert values(said, "Tap", "User") == ["0"] and values(said, "Tap", "MultiQueue") == ["yes"]
    assert values(said, "Tap", "Group") == ["nobody-of-that-name", "0"]
    assert values(said, "Tun", "User") == ["nobody-of-that-name"]


@pytest.mark.parametrize("goes", [False, True])
def test_meanwhile_a_device_looks_for_no_duplicates(tmp_path: Path, goes: bool) -> None:
    host = Networkd(tmp_path)
    switch = "/proc/sys/net/ipv6/conf/eth0/accept_dad"
    host.put(switch, "2\n")
    with host.control.undoubted("eth0"):
        assert host.text(switch) == "0"
        if goes:
            shutil.rmtree(tmp_path / "proc")
    assert host.text(switch) == (None if goes else "2\n")


def test_a_host_without_ipv6_has_nothing_to_look_for(tmp_path: Path) -> None:
    host = Networkd(tmp_path)
    with host.control.undoubted("eth0"):
        assert host.text("/proc/sys/net/ipv6/conf/eth0/accept_dad") is None


def test_files_are_listed_as_the_host_has_them(tmp_path: Path) -> None:
    host = Networkd(tmp_path)
    host.put("/etc/systemd/network/05-b.network", "")
    host.put("/etc/systemd/network/05-a.network", "")
    found = host.control.listed("/etc/systemd/network/05-*.network")
    assert found == [f"/etc/systemd/network/05-{name}.network" for name in "ab"]
    assert host.control.index_or_none("eth0") == NIC
    assert host.control.index_or_none("nobody0") is None


def test_what_was_in_force_before_ours_and_what_ours_says_until_the_boot(tmp_path: Path) -> None:
    host = Networkd(tmp_path)
    own, facts = "/run/systemd/network/04-hypervisor-network-eth0.network", host.control.link(NIC)
    assert (host.control.before(WIRED, facts), host.control.until_boot(WIRED, facts)) == ("", [])
    text = f"# {told(WIRED)}\n[Match]\nName=eth0\n[DHCPv4]\nIAID=7\n"
    host.control.put([File(own, text)])
    assert host.control.before(own, {}) == WIRED
    assert value(host.control.until_boot(own, {}), "DHCPv4", "IAID") == "7"
    assert (host.control.before("", {}), host.control.until_boot("", {})) == ("", [])
    host.control.put([File(own, None), File(own + ".gone", None)])
    assert host.text(own) is None


def test_a_file_is_shared_with_another_link_that_networkd_goes_by_it_for(tmp_path: Path) -> None:
    host = Networkd(tmp_path)
    assert not host.control.shared(WIRED, NIC)
    host.put("/run/systemd/netif/links/.#7half-written", "ADMIN_STATE=\n")
    host.put("/run/systemd/netif/links/7", "NETWORK_FILE=/etc/systemd/network/30-other.network\n")
    assert not host.control.shared(WIRED, NIC)
    host.put("/run/systemd/netif/links/8", f"NETWORK_FILE={WIRED}\n")
    assert host.control.shared(WIRED, NIC)
