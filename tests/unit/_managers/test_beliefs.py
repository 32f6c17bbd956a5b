# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What managers say, read from their files and from ours below a root: the words of both are those that were seen in containers of Debian 12 and 13."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    Address,
    Link,
    Snapshot,
)
from ansible_collections.hypervisor.network.plugins.module_utils._managers import beliefs
from ansible_collections.hypervisor.network.tests.harness.model.tree import write

UP = 0x1 | 0x10000
HOST = Snapshot(
    {
        "br0": Link("br0", 2, "bridge", UP),
        "eth0": Link("eth0", 3, "", UP, master="br0", port={}),
        "eth1": Link("eth1", 4, "", UP),
    },
    (Address("br0", "10.0.0.2/24", 2),),
)
RUNS = {"run/systemd/units/invocation:systemd-networkd.service": ""}
BRIDGE, LEASE = "run/systemd/netif/links/2", "run/systemd/netif/leases/2"
HANDED = "run/systemd/network/04-hypervisor-network-br0.network"
LASTING = "etc/systemd/network/05-hypervisor-network-br0.network"
HANDS_OFF = "[Match]\nName=br0\n\n[Link]\nUnmanaged=yes\n"
YAML, GENERATED = (
    "etc/netplan/95-hypervisor-network-br0.yaml",
    "/run/systemd/network/10-netplan-br0.network",
)
OURS = {LASTING: "[Match]\nName=br0\n"}
BROAD = "/etc/systemd/network/00-all.network"
HAS = "ADMIN_STATE=configured\nOPER_STATE=routable\nNETWORK_FILE={}\n"
NM_RUNS = {"run/systemd/units/invocation:NetworkManager.service": ""}
DEVICE = "run/NetworkManager/devices/2"
PROFILE, PROFILE_OF_RUN = (
    "etc/NetworkManager/system-connections/hv-br0.nmconnection",
    "run/NetworkManager/system-connections/hv-br0.nmconnection",
)
IS = "[connection]\nid=hv-br0\nuuid=ours\n\n[bridge]\nstp=false\n"


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, None),
        ({**RUNS, **OURS, BRIDGE: HAS.format(f"/{LASTING}")}, None),
        # until the next boot
        ({**RUNS, **OURS, HANDED: "[Match]\n", BRIDGE: HAS.format(f"/{HANDED}")}, None),
        ({**RUNS, **OURS, BRIDGE: HAS.format(BROAD)}, f"and not by /{LASTING}; see 'networkctl status br0'"),
        ({**RUNS, **OURS, BRIDGE: "ADMIN_STATE=unmanaged\n"}, "systemd-networkd leaves br0 alone"),
        ({**RUNS, **OURS, BRIDGE: f"{HAS.format('/' + LASTING)}ADMIN_STATE=failed\n"}, "failed to set up br0"),
        ({**OURS, BRIDGE: HAS.format(f"/{LASTING}")}, "systemd-networkd does not run"),
        ({**RUNS, YAML: "network:\n", BRIDGE: HAS.format(GENERATED)}, None),
        ({**RUNS, YAML: "network:\n", BRIDGE: HAS.format("/run/systemd/network/10-netplan-all.network")}, f"and not by /{YAML}"),
        ({**RUNS, BRIDGE: HAS.format("/etc/systemd/network/10-br0.network")}, None),  # its administrator's
        ({**RUNS, LASTING: HANDS_OFF, BRIDGE: "ADMIN_STATE=unmanaged\n"}, None),
        ({**RUNS, LASTING: HANDS_OFF, BRIDGE: HAS.format(BROAD)}, f"although /{LASTING} keeps it off"),
        ({**RUNS, BRIDGE: HAS.format(BROAD), LEASE: "ADDRESS=10.0.0.7\n"}, "has the lease of 10.0.0.7 for br0, which has 10.0.0.2/24"),
        ({**NM_RUNS, PROFILE: IS, DEVICE: "[device]\nmanaged=true\nnm-owned=true\nconnection-uuid=ours\n"}, None),
        # it took the bridge as it stood
        ({**NM_RUNS, PROFILE_OF_RUN: IS, DEVICE: "[device]\nmanaged=true\nnm-owned=false\nconnection-uuid=ours\n"}, None),
        ({**NM_RUNS, PROFILE_OF_RUN: IS, DEVICE: "[device]\nmanaged=true\nconnection-uuid=another\n"}, f"by another for br0, and not by /{PROFILE_OF_RUN}"),
        ({**NM_RUNS, PROFILE: IS, DEVICE: "[device]\nmanaged=true\nnm-owned=false\nconnection-uuid=another\n"}, "takes br0 for somebody else's"),
        ({**NM_RUNS, PROFILE: IS, DEVICE: "[device]\nmanaged=false\n"}, "NetworkManager leaves br0 alone"),
        ({**NM_RUNS, DEVICE: "[device]\nmanaged=true\nnm-owned=false\nconnection-uuid=another\n"}, None),
    ],
)  # fmt: skip
def test_what_is_said_of_a_bridge(
    tmp_path: Path, files: Mapping[str, str], words: str | None
) -> None:
    write(tmp_path, files)
    found = beliefs.disagreements(HOST, str(tmp_path))
    if words is None:
        assert found == {}
    else:
        assert words in found["br0"] and not found["br0"].endswith(".")


def test_a_bridge_that_shall_be_up_to_ifupdown(tmp_path: Path) -> None:
    write(tmp_path, {"run/network/ifstate": "lo=lo\neth0=eth0\n"})
    found = beliefs.disagreements(HOST, str(tmp_path), ["br0"])
    assert [*found] == ["br0"] and found["br0"].startswith("ifupdown does not know that br0 is up")
    assert beliefs.disagreements(HOST, str(tmp_path)) == {}
    write(tmp_path, {"run/network/ifstate": "lo=lo\nbr0=br0\n"})
    assert beliefs.disagreements(HOST, str(tmp_path), ["br0"]) == {}


def test_a_host_on_which_none_has_run_is_not_looked_at(tmp_path: Path) -> None:
    write(tmp_path, {**OURS})
    assert beliefs.disagreements(HOST, str(tmp_path)) == {}


def test_no_file_is_opened_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand ports have two each of the eight that are looked for."""
    write(tmp_path, {**RUNS, **NM_RUNS, BRIDGE: HAS.format(BROAD), DEVICE: "[device]\n"})
    opened: list[str] = []
    usual = beliefs.text
    monkeypatch.setattr(beliefs, "text", lambda path: opened.append(path) or usual(path))
    beliefs.disagreements(HOST, str(tmp_path))
    assert sorted(opened) == sorted(f"{tmp_path}/{one}" for one in (BRIDGE, DEVICE))
