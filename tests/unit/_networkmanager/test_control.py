# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of NetworkManager, and what of its answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._host.programs import Done
from ansible_collections.hypervisor.network.tests.harness.model.networkmanager import (
    NIC,
    UUID,
    WIRED,
    NetworkManager,
)


@pytest.fixture
def host(tmp_path: Path) -> NetworkManager:
    return NetworkManager(tmp_path)


def test_a_profiles_file_is_found_by_its_uuid(host: NetworkManager) -> None:
    odd = "/etc/NetworkManager/system-connections/a:b.nmconnection"
    host.put(odd, "[connection]\nuuid=1d1a\n")
    assert host.control.filename(UUID) == WIRED
    assert host.control.filename("1d1a") == odd
    assert host.control.filename("none") == ""


def test_what_it_keeps_of_a_device(host: NetworkManager) -> None:
    assert host.control.state(NIC)["device"]["connection-uuid"] == UUID
    assert host.control.state(77) == {} and host.control.said("/none") is None


def test_what_dhcpv6_has_brought_a_device(host: NetworkManager) -> None:
    assert host.control.dhcp6("eth0") == {}
    told = "dhcp6_client_id = 00:04:30:7b | fqdn_fqdn = hypervisor | iaid = 56:50:4d:98\n"
    host.answers["-e"] = Done(0, told)
    assert host.control.dhcp6("eth0") == {
        "dhcp6.dhcp6_client_id": "00:04:30:7b",
        "dhcp6.fqdn_fqdn": "hypervisor",
        "dhcp6.iaid": "56:50:4d:98",
    }


def test_it_is_waited_for_until_it_has_let_go(host: NetworkManager) -> None:
    host.control.let_go("eth0", NIC)
    assert host.calls == ["nmcli device set eth0 managed no"]
    assert "managed=false" in host.device("eth0")


def test_settings_that_it_sets_back_are_as_they_stood(host: NetworkManager) -> None:
    mode, other = (
        f"/proc/sys/net/ipv6/conf/eth0/{name}" for name in ("addr_gen_mode", "accept_ra")
    )
    host.put(mode, "1\n")
    host.put(other, "0\n")
    host.sets_back = {mode: "0\n"}
    host.control.let_go("eth0", NIC)
    assert (host.text(mode), host.text(other)) == ("1\n", "0\n")


def test_one_that_does_not_let_go_is_told(host: NetworkManager) -> None:
    host.answers["device"] = Done(0)
    with pytest.raises(Refused, match="did not let go of eth0 within 0.3 s"):
        host.control.let_go("eth0", NIC)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Done(8, "", "Error: NetworkManager is not running.\n"), "NetworkManager is not running"),
        (Done(3), "status 3"),
        (OSError(2, "No such file or directory"), "No such file or directory"),
        (TimeoutError(110, "nmcli did not end within 30 s"), "did not end"),
    ],
)
def test_what_fails_is_one_sentence(host: NetworkManager, answer: object, said: str) -> None:
    host.answers["connection"] = answer
    with pytest.raises(Refused, match=f"'nmcli connection reload' failed: .*{said}"):
        host.control.reload()


def test_it_runs_again_whatever_happens_while_it_does_not(host: NetworkManager) -> None:
    with pytest.raises(RuntimeError), host.control.stopped():
        assert not host.runs
        raise RuntimeError
    assert host.runs and host.calls == [
        "systemctl stop NetworkManager.service",
        "systemctl start NetworkManager.service",
    ]


def test_a_device_is_waited_for_until_it_is_set_up_by_a_profile(host: NetworkManager) -> None:
    host.control.settled("eth0", UUID)
    assert host.calls == ["nmcli -g GENERAL.STATE,GENERAL.CON-UUID device show eth0"]


@pytest.mark.parametrize(
    ("state", "profile"), [("70 (connecting)", UUID), ("100 (connected)", "x")]
)
def test_a_lease_that_does_not_come_is_no_failure(
    host: NetworkManager, state: str, profile: str
) -> None:
    host.state = state
    host.control.settled("eth0", profile)
    assert len(host.calls) > 1


def test_files_get_their_modes_and_go(host: NetworkManager) -> None:
    path = "/run/NetworkManager/system-connections/hv-br0.nmconnection"
    host.control.put({path: ("[connection]\n", 0o600)})
    assert (host.text(path), host.mode(path)) == ("[connection]\n", 0o600)
    host.control.put({path: (None, 0o600), "/run/hypervisor-network/x/none": (None, 0o600)})
    assert host.text(path) is None
