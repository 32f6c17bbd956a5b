# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""NetworkManager behind the port, on a host below a folder: what is written where, and what is asked in which order."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._host.programs import Done
from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import (
    HANDED,
    HELD,
    OWN,
    Standing,
    Uplink,
    Wish,
)
from ansible_collections.hypervisor.network.plugins.module_utils._networkmanager import (
    keyfile,
    profiles,
)
from ansible_collections.hypervisor.network.plugins.module_utils._networkmanager.manager import (
    NetworkManager as Manager,
)
from ansible_collections.hypervisor.network.tests.harness.model.networkmanager import (
    INDEXES,
    NIC,
    PROFILE,
    STATE,
    UUID,
    WIRED,
    NetworkManager,
)

MAC = "52:54:00:77:00:0d"
BRIDGE, PORT = ("/run/NetworkManager/system-connections/hv-br0.nmconnection", "/run/NetworkManager/system-connections/hv-br0-eth0.nmconnection")  # fmt: skip
TAPS = "/run/NetworkManager/conf.d/hypervisor-network-taps.conf"
SAID = {name: keys for name, keys in keyfile.parse(PROFILE).items() if keys}
STOP, START = "systemctl stop NetworkManager.service", "systemctl start NetworkManager.service"


@pytest.fixture
def host(tmp_path: Path) -> NetworkManager:
    return NetworkManager(tmp_path)


def hand_over(host: NetworkManager, manager: Manager) -> None:
    nic = host.nic()
    manager.hand_over(Uplink(nic, "br0", MAC, manager.look(nic, "br0")))


def test_what_it_says_of_the_nic(host: NetworkManager) -> None:
    found = Manager(host.control).look(host.nic(), "br0")
    assert (found.source, found.filename, found.metric) == (UUID, WIRED, 100)
    assert found.profile == keyfile.parse(PROFILE)


def test_there_and_back(host: NetworkManager) -> None:
    manager = Manager(host.control)
    assert manager.stage(host.nic(), "br0") == OWN
    manager.hold(host.nic(), "br0")
    assert manager.stage(host.nic(), "br0") == HELD and "managed=false" in host.device("eth0")
    hand_over(host, manager)
    assert manager.stage(host.nic(), "br0") == HANDED
    assert profiles.uuid_of("br0") in host.device("br0")
    assert profiles.uuid_of("br0", "eth0") in host.device("eth0")
    host.calls.clear()
    manager.hold(host.nic(), "br0")
    assert manager.stage(host.nic(), "br0") == HELD
    assert host.calls == [
        "nmcli device set br0 managed no",
        "nmcli device set eth0 managed no",
        "nmcli connection reload",
    ]
    manager.release(host.nic(), "br0")
    assert manager.stage(host.nic(), "br0") == OWN and host.nic().source == UUID
    assert host.profiles() == ["Wired connection 1.nmconnection"]
    assert not list((host.root / "run/hypervisor-network/networkmanager").iterdir())


def test_its_files_are_read_by_root_alone_and_last_until_the_next_boot(
    host: NetworkManager,
) -> None:
    manager = Manager(host.control)
    manager.hold(host.nic(), "br0")
    hand_over(host, manager)
    assert [host.mode(path) for path in (BRIDGE, PORT, TAPS)] == [0o600, 0o600, 0o644]
    assert not (host.root / "etc").exists()


def test_it_takes_the_bridge_over_by_one_restart_and_never_activates_a_profile(
    host: NetworkManager,
) -> None:
    manager = Manager(host.control)
    manager.hold(host.nic(), "br0")
    host.calls.clear()
    hand_over(host, manager)
    assert host.calls[:2] == [STOP, START]
    assert not [call for call in host.calls if " up" in call or "managed yes" in call]


def test_it_is_the_one_that_lets_go_and_no_file_that_it_is_told_to_read(
    host: NetworkManager,
) -> None:
    Manager(host.control).hold(host.nic(), "br0")
    assert "nmcli device set eth0 managed no" in host.calls
    assert not [call for call in host.calls if "reload" in call] and host.text(TAPS) is None


def test_the_nic_is_known_while_it_is_not_managed(host: NetworkManager) -> None:
    manager = Manager(host.control)
    manager.hold(host.nic(), "br0")
    (host.root / WIRED[1:]).unlink()  # it forgets what it made for a NIC that it does not manage
    nic = host.owner()
    assert nic is not None and nic.source == UUID
    assert manager.look(nic, "br0").profile == SAID


def test_what_dhcpv6_brought_after_it_wrote_its_file_is_known_and_stays_known(
    host: NetworkManager,
) -> None:
    host.put(f"/run/NetworkManager/devices/{NIC}", STATE.partition("[dhcp6]")[0])
    host.answers["-e"] = Done(0, "dhcp6_client_id = 00:04:30:7b | iaid = 56:50:4d:98\n")
    manager = Manager(host.control)
    found = manager.look(host.nic(), "br0").identity
    assert (found.duid, found.iaid) == ("00:04:30:7b", str(0x56504D98))
    assert found.client_id == "01:52:54:00:77:00:0d"
    nic = host.nic()
    manager.hold(nic, "br0")
    host.answers["-e"] = Done(0)
    assert manager.look(nic, "br0").identity == found


def test_a_step_that_is_taken_twice_forgets_nothing(host: NetworkManager) -> None:
    manager = Manager(host.control)
    manager.hold(host.nic(), "br0")
    manager.hold(host.nic(), "br0")
    assert manager.look(host.nic(), "br0").profile == SAID


def test_a_hold_that_a_killed_run_left_is_taken_out(host: NetworkManager) -> None:
    manager = Manager(host.control)
    manager.hold(host.nic(), "br0")
    manager.release(host.nic(), "br0")
    assert manager.stage(host.nic(), "br0") == OWN
    assert keyfile.value(keyfile.parse(host.device("eth0")), "device", "connection-uuid") == UUID


def test_one_that_a_killed_run_stopped_runs_after_the_release(host: NetworkManager) -> None:
    manager = Manager(host.control)
    manager.hold(host.nic(), "br0")
    host.runs = False
    manager.release(host.nic(), "br0")
    assert host.runs


def test_the_bridge_that_stays_behind_keeps_its_settings(host: NetworkManager) -> None:
    mode = "/proc/sys/net/ipv6/conf/br0/addr_gen_mode"
    manager = Manager(host.control)
    manager.hold(host.nic(), "br0")
    host.put(mode, "1\n")
    host.sets_back = {mode: "0\n"}
    manager.release(host.nic(), "br0")
    assert host.text(mode) == "1\n"


def test_what_it_sets_back_when_it_starts_is_as_it_stood_after_the_hand_over_too(
    host: NetworkManager,
) -> None:
    mode, other = (f"/proc/sys/net/ipv6/conf/{dev}/addr_gen_mode" for dev in ("br0", "eth0"))
    manager = Manager(host.control)
    manager.hold(host.nic(), "br0")
    for path in (mode, other):
        host.put(path, "1\n")
    host.sets_back = {mode: "0\n", other: "0\n"}
    hand_over(host, manager)
    assert (host.text(mode), host.text(other)) == ("1\n", "1\n")


def test_what_the_nic_had_before_is_as_it_stood_after_the_way_back_too(
    host: NetworkManager,
) -> None:
    """Seen with 1.42: it left addr_gen_mode as it is on a device that it has let go of, and the way back was undone."""
    mode = "/proc/sys/net/ipv6/conf/eth0/addr_gen_mode"
    manager = Manager(host.control)
    manager.hold(host.nic(), "br0")
    hand_over(host, manager)
    host.put(mode, "1\n")
    host.sets_back = {mode: "0\n"}
    manager.release(host.nic(), "br0")
    assert host.text(mode) == "1\n"


def test_one_that_does_not_start_again_is_told(host: NetworkManager) -> None:
    manager = Manager(host.control)
    manager.hold(host.nic(), "br0")
    host.answers["start"] = Done(1, "", "Job for NetworkManager.service failed.")
    with pytest.raises(Refused, match="'systemctl start NetworkManager.service' failed: Job for"):
        hand_over(host, manager)


@pytest.mark.parametrize(
    ("profile", "filename", "said"),
    [
        (PROFILE, WIRED, None),
        ("", "", "by no profile that is in a file"),
        (PROFILE, "/run/NetworkManager/system-connections/netplan-eth0.nmconnection", "by netplan"),
        (
            "[connection]\nautoconnect-priority=999\n",
            WIRED,
            "the highest autoconnect-priority there is",
        ),
    ],
)
def test_what_can_not_be_held_is_told_before_anything_is_done(
    host: NetworkManager, profile: str, filename: str, said: str | None
) -> None:
    manager = Manager(host.control)
    known = replace(
        manager.look(host.nic(), "br0"), profile=keyfile.parse(profile), filename=filename
    )
    found = manager.objection(host.nic(), known)
    assert found is None if said is None else said in str(found)


def test_a_nic_without_a_profile_has_nothing_to_give(tmp_path: Path) -> None:
    host = NetworkManager(tmp_path, "[device]\nmanaged=true\n")
    known = Manager(host.control).look(host.nic(), "br0")
    assert (known.source, known.filename, known.profile) == ("", "", {})


def test_an_identity_that_is_not_known_is_named(host: NetworkManager) -> None:
    manager = Manager(host.control)
    assert manager.unknown(manager.look(host.nic(), "br0")) is None
    host.put(f"/run/NetworkManager/devices/{NIC}", STATE.partition("\n\n")[0])
    assert manager.unknown(manager.look(host.nic(), "br0")) == "the DHCPv4 client identifier"


def boot(host: NetworkManager) -> None:
    """What NetworkManager has after a boot with the files of a conversion."""
    manager = Manager(host.control)
    wish = Wish(["br0"], ["eth0"])
    nic = host.nic()
    links = {
        "br0": Link(
            "br0", 3, "bridge", mac=MAC, options={"stp_state": False, "forward_delay": 0.0}
        ),
        "eth0": Link("eth0", NIC, master="br0", port={"cost": 100}),
    }
    now = Standing(links, known={"eth0": manager.look(nic, "br0")})
    host.planned = {one.path: one.text for one in manager.plan(now, wish)}
    for path, text in host.planned.items():
        if text is not None:
            host.put(path, text)
    (host.root / WIRED[1:]).unlink(missing_ok=True)
    uuid = profiles.uuid_of("br0", "eth0")
    host.put(
        f"/run/NetworkManager/devices/{NIC}", f"[device]\nmanaged=true\nconnection-uuid={uuid}\n"
    )


def test_after_a_boot_it_has_been_handed_over_and_the_same_files_are_planned(
    host: NetworkManager,
) -> None:
    boot(host)
    first, manager = host.planned, Manager(host.control)
    assert manager.stage(host.nic(), "br0") == HANDED
    assert manager.look(host.nic(), "br0").identity.client_id == "01:52:54:00:77:00:0d"
    boot(host)
    assert host.planned == first


def test_the_way_back_after_a_boot_ends_in_a_profile_of_its_own_until_the_next(
    host: NetworkManager,
) -> None:
    boot(host)
    manager = Manager(host.control)
    manager.hold(host.nic(), "br0")
    assert manager.stage(host.nic(), "br0") == HELD
    manager.release(host.nic(), "br0")
    assert manager.stage(host.nic(), "br0") == OWN
    assert host.nic().source == profiles.uuid_of("back", "eth0")
    said = keyfile.parse(
        host.text("/run/NetworkManager/system-connections/hv-back-eth0.nmconnection") or ""
    )
    assert said["ipv4"]["method"] == "auto" and said["connection"]["interface-name"] == "eth0"
    assert said["connection"]["autoconnect-priority"] == "131"
    # and from there it is a NIC like another
    manager.hold(host.nic(), "br0")
    assert manager.look(host.nic(), "br0").profile["ipv4"] == said["ipv4"]


def test_its_files_are_read_without_a_restart(host: NetworkManager) -> None:
    manager = Manager(host.control)
    manager.load(Standing({}), Wish(["br0"]))
    assert host.calls == ["nmcli connection reload"]


@pytest.mark.parametrize("whose", ["ours", "theirs"])
def test_what_it_boots_no_more_it_lets_go_of_first_a_bridge_before_its_ports(
    host: NetworkManager, whose: str
) -> None:
    """Seen with 1.52: a bridge whose profile went was left by its port, which the profile of the bridge had made one."""
    uuids = {dev: profiles.uuid_of(dev) if whose == "ours" else UUID for dev in ("br0", "tap1")}
    for dev, uuid in uuids.items():
        said = f"[device]\nmanaged=true\nconnection-uuid={uuid}\n"
        host.put(f"/run/NetworkManager/devices/{INDEXES[dev]}", said)
    wish = Wish(["br0"], taps=["tap1", "gone"], present=False)
    Manager(host.control).load(Standing({}), wish)
    let_go = [f"nmcli device set {dev} managed no" for dev in ("br0", "tap1")]
    assert host.calls == [*(let_go if whose == "ours" else []), "nmcli connection reload"]


def test_a_rank_that_is_no_number_is_ours(host: NetworkManager) -> None:
    boot(host)
    path = "/etc/NetworkManager/system-connections/hv-br0.nmconnection"
    host.put(path, (host.text(path) or "").replace("priority=130", "priority=x"))
    known = Manager(host.control).look(host.nic(), "br0")
    assert profiles.priority(known) == 130


def test_a_nic_that_has_another_name_by_now_is_a_port_and_its_old_profile_goes(
    host: NetworkManager,
) -> None:
    """It is found by its MAC. As a profile of the administrator's, ours would have given the bridge its defaults."""
    boot(host)
    manager = Manager(host.control)
    folder = "/etc/NetworkManager/system-connections"
    text = host.text(f"{folder}/hv-br0-eth0.nmconnection") or ""
    (host.root / f"{folder}/hv-br0-eth0.nmconnection"[1:]).unlink()
    uuid = profiles.uuid_of("br0", "eth9")
    moved = text.replace(profiles.uuid_of("br0", "eth0"), uuid)
    old = f"{folder}/hv-br0-eth9.nmconnection"
    host.put(old, f"{moved}\n[ethernet]\nmac-address={MAC.upper()}\n")
    host.put(f"{folder}/hv-br0-x.nmconnection", "[connection]\ntype=bridge\n")
    said = f"[device]\nmanaged=true\nconnection-uuid={uuid}\n"
    host.put(f"/run/NetworkManager/devices/{NIC}", said)
    assert manager.stage(host.nic(), "br0") == HANDED
    found = manager.look(host.nic(), "br0")
    assert found.filename == old and found.identity.client_id == "01:52:54:00:77:00:0d"
    links = {
        "br0": Link("br0", 3, "bridge", mac=MAC),
        "eth0": Link("eth0", NIC, master="br0", port={}),
    }
    now = Standing(links, known={"eth0": found}, permanent={"eth0": MAC})
    for present in (True, False):
        gone = [
            one.path
            for one in manager.plan(now, Wish(["br0"], ["eth0"], present=present))
            if one.text is None
        ]
        assert old in gone


def test_a_bridges_profile_that_went_by_hand_is_not_made_up(host: NetworkManager) -> None:
    """Since the boot it alone has what the NIC had: a bridge with a static address would boot with a lease."""
    folder = "/etc/NetworkManager/system-connections"
    own, port = profiles.uuid_of("br0"), profiles.uuid_of("br0", "eth0")
    host.put(f"{folder}/hv-br0.nmconnection", f"[connection]\nuuid={own}\n[ipv4]\nmethod=manual\naddress1=10.77.0.11/24\n")  # fmt: skip
    host.put(f"{folder}/hv-br0-eth0.nmconnection", f"[connection]\nuuid={port}\nmaster=br0\n")
    host.put(f"/run/NetworkManager/devices/{NIC}", STATE.replace(UUID, port))
    manager = Manager(host.control)
    assert manager.objection(host.nic(), manager.look(host.nic(), "br0")) is None
    (host.root / folder[1:] / "hv-br0.nmconnection").unlink()
    said = str(manager.objection(host.nic(), manager.look(host.nic(), "br0")))
    assert f"{folder}/hv-br0.nmconnection, which has what the bridge got of eth0, is gone" in said
    assert "'nmcli connection modify hv-br0 connection.autoconnect yes'" in said
    # the port's holds nothing that could not be made again
    host.put(f"{folder}/hv-br0.nmconnection", f"[connection]\nuuid={own}\n[ipv4]\nmethod=auto\n")
    (host.root / folder[1:] / "hv-br0-eth0.nmconnection").unlink()
    assert manager.objection(host.nic(), manager.look(host.nic(), "br0")) is None
