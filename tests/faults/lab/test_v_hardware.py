# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a guest has no network where the wire is the reason: a wireless uplink, a cloud's machine, and a NIC that joins frames, on a machine with Debian's whole
kernel whose maker is told by QEMU; and a part of a card (SR-IOV), on one whose NIC is Intel's 82576, which QEMU has since version 8.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.hypervisor.network.tests.harness.lab.hypervisors import DISTRO
from ansible_collections.hypervisor.network.tests.harness.lab.place import place
from ansible_collections.hypervisor.network.tests.harness.lab.powered import (
    HOST,
    NEW,
    UPLINK,
    PoweredLab,
)
from ansible_collections.hypervisor.network.tests.harness.process.long_form import LONG

PACKAGES = ("linux-image-amd64", "ethtool", "iw")
# what such a machine says of itself, and what vmxnet3 has that virtio has not: LRO
MORE = {
    "lab_distro": DISTRO,
    "lab_packages": PACKAGES,
    "maker": {"manufacturer": "Hetzner", "product": "vServer"},
    "nic_model": "vmxnet3",
}


@pytest.fixture(scope="module")
def bridged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PoweredLab]:
    """A machine of a cloud, whose NIC is a port of br0."""
    if not LONG:
        pytest.skip("a machine with a kernel of its own takes minutes: make faults runs it")
    directory, name = place("hvwire")
    made = PoweredLab(directory, name, tmp_path_factory.mktemp("records"), "-e", json.dumps(MORE))
    with made.running():
        made.bring()
        made.playbook(UPLINK)
        assert made.state() == NEW
        yield made


@pytest.fixture(scope="module")
def carded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PoweredLab]:
    """A machine whose NIC is a card of parts, one of which is a port of br1."""
    if not LONG:
        pytest.skip("a machine with a kernel of its own takes minutes: make faults runs it")
    directory, name = place("hvcard")
    known = subprocess.run(
        ["qemu-system-x86_64", "-device", "igb,help"], capture_output=True, check=False
    )
    if not known.stdout:  # its status says nothing
        pytest.skip("this QEMU has no NIC of parts: version 8 and newer have igb")
    more = {"lab_distro": DISTRO, "lab_packages": PACKAGES, "nic_model": "igb"}
    made = PoweredLab(directory, name, tmp_path_factory.mktemp("records"), "-e", json.dumps(more))
    with made.running():
        made.bring()
        made.hv("echo 1 > /sys/class/net/eth0/device/sriov_numvfs && udevadm settle")
        # QEMU's card takes no VLAN of a part's, and a bridge gives its ports one
        made.hv("ip link add br1 up type bridge vlan_default_pvid 0")
        made.hv("ip link set $(ls /sys/class/net/eth0/device/virtfn0/net) name part0")
        made.hv("ip link set part0 master br1 up")
        yield made


def findings(lab: PoweredLab, bridge: str) -> dict[str, dict[str, Any]]:
    answer = lab.run("bridge_doctor", bridge=bridge)
    assert not answer.get("failed"), answer["msg"]
    return {one["id"]: one for one in answer["findings"]}


def found(lab: PoweredLab, bridge: str) -> set[str]:
    return set(findings(lab, bridge))


def lro(lab: PoweredLab) -> str:
    return re.findall(r"^large-receive-offload: (\w+)", lab.hv("ethtool -k eth0"), re.MULTILINE)[0]


def test_a_clouds_machine_is_told_by_what_its_firmware_says(bridged: PoweredLab) -> None:
    assert bridged.hv("cat /sys/class/dmi/id/sys_vendor").strip() == "Hetzner"
    assert found(bridged, "br0") == {"upstream_cloud"}


def test_a_port_that_joins_frames_is_found_where_the_kernel_lets_it(bridged: PoweredLab) -> None:
    print(bridged.hv("ethtool -K eth0 lro on 2>&1 || true; ethtool -k eth0 | grep large-rec"))
    assert lro(bridged) == "off"
    assert found(bridged, "br0") == {"upstream_cloud"}


def test_a_wireless_uplink_is_found(bridged: PoweredLab) -> None:
    bridged.hv("modprobe mac80211_hwsim radios=1 && udevadm settle && ip link add br1 type bridge")
    assert "not" in bridged.hv("ip link set wlan0 master br1 2>&1 || true")
    bridged.hv("iw dev wlan0 set 4addr on && ip link set wlan0 master br1 && ip link set br1 up")
    assert "uplink_wireless" in found(bridged, "br1")
    bridged.hv("ip link set wlan0 nomaster")
    assert "uplink_wireless" not in found(bridged, "br1")


def test_a_part_of_a_card_that_takes_its_own_frames_alone_is_found_trusted_or_not(
    carded: PoweredLab,
) -> None:
    """What is set is told as iproute2 tells it; a card that lets a trusted part hear others is in tests/unit/_doctor."""

    def told() -> dict[str, Any]:
        (card,) = carded.json(HOST, "ip -j -d link show eth0")
        (part,) = card["vfinfo_list"]
        return {key: part[key] for key in ("vf", "spoofchk", "trust")}

    assert told() == {"vf": 0, "spoofchk": True, "trust": False}
    refused = findings(carded, "br1")["promiscuity_refused"]
    assert refused["evidence"] == {"driver": "igbvf", "card": "eth0", "vf": 0}
    for setting in ("trust off", "trust on"):
        carded.hv(f"ip link set eth0 vf 0 {setting}")
        checks = findings(carded, "br1")["upstream_card_checks"]
        assert checks["evidence"] == {"card": "eth0", **told()}
    carded.hv("ip link set eth0 vf 0 spoofchk off")
    assert told() == {"vf": 0, "spoofchk": False, "trust": True}
    assert found(carded, "br1") & {"upstream_card_checks", "promiscuity_refused"} == {"promiscuity_refused"}  # fmt: skip
