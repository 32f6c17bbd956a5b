# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""interfaces_stanza asks the host's own ifquery, ip and bridge beforehand, and says what they say in places that are on the disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown import sysfs
from ansible_collections.hypervisor.network.tests.conftest import RunModule
from ansible_collections.hypervisor.network.tests.harness.net.netns import batch, ip_json, run

NINE = "auto lo\niface lo inet loopback\n\nauto eth0\niface eth0 inet static\n    address 192.0.2.2/24\n    mtu\n\n# end\n"


@pytest.fixture
def stanza(tmp_path: Path, run_module: RunModule) -> Any:
    """A function that runs the module on a file of these lines."""

    def work(text: str, **item: Any) -> dict[str, Any]:
        (tmp_path / "interfaces").write_text(text, encoding="ascii")
        given = {"path": str(tmp_path / "interfaces"), "backup": False, **item}
        return run_module("interfaces_stanza", given)

    return work


def test_a_line_that_ifquery_stumbles_over_has_its_number_on_the_disk(
    stanza: Any, tmp_path: Path
) -> None:
    said = stanza(NINE, name="br0", take_over="eth0", options={"bridge_stp": "off"})["msg"]
    assert f"{tmp_path}/interfaces:7: option with empty value" in said and "\n" not in said


def test_an_option_that_the_hosts_ip_does_not_know_is_refused_beforehand(stanza: Any) -> None:
    unknown = "ip link set dev br0 type bridge mcast_snooping 0 no_such_option 1"
    said = stanza("", name="br0", method="manual", options={"up": unknown})["msg"]
    assert "no_such_option" in said and f"up {unknown}" in said and "would fail at boot" in said
    assert not stanza("", name="br0", method="manual", options={"up": unknown}, validate=False)[
        "failed"
    ]


@pytest.mark.parametrize(
    "line",
    [
        "ip link set dev br0 type bridge mcast_snooping 0 vlan_filtering 1 group_fwd_mask 8",
        "ip link set br0 type bridge ageing_time 1000",
        "bridge link set dev tap1 isolated on cost 5 priority 8",
    ],
)
def test_options_that_the_hosts_tools_know_are_written(stanza: Any, line: str) -> None:
    assert stanza("", name="br0", method="manual", options={"up": line})["changed"]


@pytest.mark.parametrize(
    "line",
    [
        "bridge link set dev tap1 isolated on no_such_option on",
        "ip link set dev br0 type bridge mcast_snooping maybe",
    ],
)
def test_words_that_the_hosts_tools_refuse_are_refused_beforehand(stanza: Any, line: str) -> None:
    assert (
        "would fail at boot" in stanza("", name="br0", method="manual", options={"up": line})["msg"]
    )


def test_an_option_of_a_newer_iproute2_is_refused_where_this_one_does_not_know_it(
    stanza: Any,
) -> None:
    known = "fdb_max_learned" in run("sh", "-c", "ip link help bridge 2>&1 || true")
    line = "ip link set dev br0 type bridge fdb_max_learned 100"
    assert stanza("", name="br0", method="manual", options={"up": line})["failed"] != known


def up_lines(path: Path) -> list[str]:
    text = path.read_text(encoding="ascii")
    return [line.split(None, 1)[1] for line in text.splitlines() if line.split()[:1] == ["up"]]


def test_what_this_iproute2_does_not_know_and_the_kernel_does_boots(
    stanza: Any, tmp_path: Path, netns: str
) -> None:
    """bridge(8) of Debian 12 has no word for these; ip(8) shows them."""
    line = "bridge link set dev tap1 isolated on proxy_arp on group_fwd_mask 16384"
    item = {"name": "tap1", "method": "manual", "options": {"up": line}}
    assert stanza("", **item)["changed"]
    written = up_lines(tmp_path / "interfaces")
    batch(netns, "link add br0 type bridge\nlink add tap1 master br0 type veth peer name far\n")
    for one in written:
        run("sh", "-ec", one, netns=netns)
    (link,) = ip_json(netns, "-d", "link", "show", "tap1")
    port = link["linkinfo"]["info_slave_data"]
    assert (port["isolated"], port["proxy_arp"], port["group_fwd_mask"]) == (True, True, "0x4000")
    # the second run asks again, and changes nothing
    text = (tmp_path / "interfaces").read_text(encoding="ascii")
    assert not stanza(text, **item)["changed"]
    assert up_lines(tmp_path / "interfaces") == written


# what is no switch
VALUES = {
    "forward_delay": "400", "hello_time": "300", "max_age": "1000", "ageing_time": "1000", "priority": "16", "group_fwd_mask": "16384", "cost": "9",
    "group_address": "01:80:c2:00:00:0e", "mcast_hash_max": "64", "mcast_igmp_version": "3", "mcast_mld_version": "2", "mcast_router": "2",
    "mcast_last_member_count": "3", "mcast_startup_query_count": "3", "backup_port": "tap2", "mcast_snooping": "0", "nf_call_iptables": "1",
}  # fmt: skip
# what only says how it goes, and not what is set
RUNNING = (
    "timer",
    "bridge_id",
    "designated",
    "root_",
    "topology",
    "port_",
    "id",
    "no",
    "hash_elasticity",
    "state",
)


@pytest.mark.parametrize("kind", ["bridge", "port"])
def test_each_file_does_what_the_option_of_its_name_does(netns: str, kind: str) -> None:
    made = "link add {0} type bridge\nlink add tap{1} master {0} type veth peer name far{1}\nlink add tap2{1} master {0} type veth peer name far2{1}\n"
    batch(netns, made.format("br0", "1") + made.format("br1", "3"))
    files, words, devices = (
        (sysfs._BRIDGE, ["type", "bridge"], ("br0", "br1"))
        if kind == "bridge"
        else (sysfs._PORT, ["type", "bridge_slave"], ("tap1", "tap3"))
    )
    told = {}
    for word in files:
        # this kernel filters no VLANs
        if "vlan" in word:
            continue
        for device, (by_ip, number) in zip(devices, ((True, "21"), (False, "23"))):
            given = (
                f"tap{number}"
                if word == "backup_port"
                else VALUES.get(word, "1" if kind == "bridge" else "on")
            )
            line = f"ip link set dev {device} {' '.join(words)} {word} {given}"
            asked = f"{'ip' if kind == 'bridge' else 'bridge'} link set dev {device} {'type bridge ' if kind == 'bridge' else ''}{word} {given}"
            (written,) = sysfs.bootable(asked, lambda _question: False)
            assert written.startswith("echo "), word
            run("sh", "-ec", line if by_ip else written, netns=netns)
        for device in devices:
            (link,) = ip_json(netns, "-d", "link", "show", device)
            info = link["linkinfo"]["info_data" if kind == "bridge" else "info_slave_data"]
            told[device] = {
                key: value
                for key, value in info.items()
                if not key.startswith(RUNNING) and not key.endswith("timer")
            }
            told[device].pop("backup_port", None)
        assert told[devices[0]] == told[devices[1]], word


def test_options_of_ifupdown2_are_known_and_told_where_it_is_not_installed(stanza: Any) -> None:
    options = {
        "bridge-ports": "none",
        "bridge-mcsnoop": 0,
        "bridge-allow-untagged": "no",
        "bridge-disable-mac-learning": 1,
    }
    done = stanza("", name="br0", method="manual", options=options)
    assert done["changed"]
    warned = [one if isinstance(one, str) else one["event"]["msg"] for one in done["warnings"]]
    for key in ("bridge-mcsnoop", "bridge-allow-untagged", "bridge-disable-mac-learning"):
        assert [one for one in warned if f"'{key}' is ifupdown2's" in one], warned


def test_a_line_that_nobody_can_judge_is_told_with_its_place(stanza: Any, tmp_path: Path) -> None:
    text = "auto eth0\niface eth0 inet dhcp\n    up /opt/x eth0\n"
    done = stanza(text, name="br0", take_over="eth0")
    assert len(done["warnings"]) == 1
    assert f"{tmp_path}/interfaces:3: the line 'up /opt/x eth0'" in str(done["warnings"][0])


def test_a_second_address_goes_by_its_name(stanza: Any) -> None:
    text = "auto eth0:1\niface eth0:1 inet static\n    address 192.0.2.2/24\n"
    assert stanza(text, name="eth0:1", state="absent")["stanza"]["state"] == "absent"
