# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role bridge_host refuses by playbook: before its first change, in one sentence, and nothing is touched."""

from __future__ import annotations

import grp
from typing import Any

import pytest

from ansible_collections.hypervisor.network.tests.harness.host.role_host import (
    INTERFACES,
    JOB,
    Host,
)
from ansible_collections.hypervisor.network.tests.harness.net.dump import dump, settled
from ansible_collections.hypervisor.network.tests.harness.net.netns import batch, ip_json, run


def _managed(manager: str, line: str) -> Any:
    def prepare(host: Host) -> None:
        folder = host.folder / "run" / manager
        folder.mkdir(parents=True)
        (folder / str(ip_json(host.netns, "link", "show", "eth0")[0]["ifindex"])).write_text(
            f"[device]\n{line}\n", encoding="ascii"
        )

    return prepare


def _second_stanza(host: Host) -> None:
    host.interfaces.with_name("interfaces.d").mkdir()
    host.interfaces.with_name("interfaces.d").joinpath("more").write_text(
        "iface eth0 inet dhcp\n", encoding="ascii"
    )
    host.interfaces.write_text(
        "source /etc/network/interfaces.d/*\n" + INTERFACES, encoding="ascii"
    )


def _other_kind(host: Host) -> None:
    batch(host.netns, "link add br0 type veth peer name far\n")


def _in_a_bridge(host: Host) -> None:
    batch(host.netns, "link add virbr0 type bridge\nlink set eth0 master virbr0\n")


def _nothing(host: Host) -> None:
    pass


NOBODY = "nobody-of-that-name"


REFUSED = {
    "the NIC is missing": (
        _nothing,
        {"bridge_host_bridges": [{"name": "br0", "uplink": "enp9s0"}]},
        "There is no NIC enp9s0",
    ),
    "NetworkManager": (
        _managed("NetworkManager/devices", "managed=true"),
        JOB,
        "eth0 is managed by networkmanager and ifupdown at once",
    ),
    "systemd-networkd": (
        _managed("systemd/netif/links", "ADMIN_STATE=configured"),
        JOB,
        "eth0 is managed by networkd and ifupdown at once",
    ),
    "the NIC is in another bridge": (_in_a_bridge, JOB, "eth0 is a port of virbr0 already"),
    "the bridge's name is taken": (_other_kind, JOB, "br0 exists and is no bridge"),
    "the file says it twice": (_second_stanza, JOB, "eth0 inet is defined twice"),
    "the tap's owner is unknown": (
        _nothing,
        {**JOB, "bridge_host_taps": [{"name": "tap1", "bridge": "br0", "owner": NOBODY}]},
        NOBODY,
    ),
    "the guest's image is missing": (
        _nothing,
        {
            **JOB,
            "bridge_host_guests": [
                {
                    "name": "vm1",
                    "disks": [{"path": "/nowhere/vm1.qcow2"}],
                    "nics": [{"tap": "tap1"}],
                }
            ],
        },
        "/nowhere/vm1.qcow2",
    ),
    "tenants share a VLAN": (
        _nothing,
        {
            **JOB,
            "bridge_host_tenants": [
                {"name": "blue", "vlan": 10, "guests": ["vm1"]},
                {"name": "red", "vlan": 10, "taps": ["tap2"]},
            ],
        },
        "blue and red both have VLAN 10",
    ),
    "STP without a delay": (
        _nothing,
        {
            "bridge_host_bridges": [
                {"name": "br0", "uplink": "eth0", "stp_state": True, "forward_delay": 0}
            ]
        },
        "at least 2",
    ),
    "a guard that has no time": (
        _nothing,
        {**JOB, "bridge_host_guard_timeout": 5},
        "bridge_host_guard_timeout 5 is outside 10 to 900 seconds",
    ),
    "the address is another one": (
        _nothing,
        {
            "bridge_host_bridges": [
                {"name": "br0", "uplink": "eth0", "method": "static", "address": ["10.77.0.99/24"]}
            ]
        },
        "it has 10.77.0.10/24",
    ),
    "a bridge that goes has a stranger as a port": (
        _in_a_bridge,
        {"bridge_host_bridges": [{"name": "virbr0", "state": "absent"}]},
        "still has the ports eth0",
    ),
}


@pytest.mark.parametrize(("prepare", "variables", "words"), REFUSED.values(), ids=REFUSED)
def test_refused_before_the_first_change(
    host: Host, prepare: Any, variables: dict[str, Any], words: str
) -> None:
    assert NOBODY not in [group.gr_name for group in grp.getgrall()]
    prepare(host)
    before, disk = settled(host.netns), host.disk()
    play = host.role(variables)
    assert words in play.message and "\n" not in play.message
    assert play.changed == []
    assert dump(host.netns) == before and host.disk() == disk


@pytest.mark.parametrize("arguments", [(), ("--check",)], ids=["for real", "in check mode"])
def test_tenants_are_refused_where_bridges_filter_no_vlans(
    host: Host, arguments: tuple[str, ...]
) -> None:
    try:
        run(
            "unshare",
            "--net",
            "ip",
            "link",
            "add",
            "name",
            "probe",
            "type",
            "bridge",
            "vlan_filtering",
            "1",
        )
    except RuntimeError as error:
        assert "not supported" in str(error)
    else:
        pytest.skip(
            "bridges of this kernel filter VLANs; what tenants get there is tested by tests/acceptance/test_tenants.py"
        )
    before, disk = settled(host.netns), host.disk()
    play = host.role(
        {**JOB, "bridge_host_tenants": [{"name": "blue", "vlan": 10, "guests": ["vm1"]}]},
        *arguments,
    )
    assert (
        play.message.startswith("The bridges of this kernel filter no VLANs (")
        and "\n" not in play.message
    )
    assert play.changed == [] and dump(host.netns) == before and host.disk() == disk
