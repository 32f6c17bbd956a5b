# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program of the playbook metrics on a network, judged by promtool; its playbook and its timer run in test_metrics_timer.py."""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ansible_collections.hypervisor.network.plugins.filter.drift import drift
from ansible_collections.hypervisor.network.tests.harness.model import examples, pictured
from ansible_collections.hypervisor.network.tests.harness.net.frames import Station
from ansible_collections.hypervisor.network.tests.harness.net.lan import set_sysctls
from ansible_collections.hypervisor.network.tests.harness.net.netns import batch, inside, run
from ansible_collections.hypervisor.network.tests.harness.process import promtool

PROGRAM = Path(__file__).resolve().parents[2] / "playbooks/files/hypervisor_network_metrics.py"
TUNSETIFF, TAP = 0x400454CA, 0x1002


def told(netns: str, folder: Path) -> str:
    """What the program writes; nothing of it is there for promtool to complain about."""
    run(sys.executable, "-I", str(PROGRAM), str(folder), netns=netns)
    text = (folder / "hypervisor_network.prom").read_text(encoding="utf-8")
    assert promtool.complaints(text) == ""
    return text


def opened(name: str) -> int:
    """A tap that somebody holds, and reads nothing of."""
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
    fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH22x", name.encode(), TAP))
    return descriptor


def test_what_a_bridge_learned_and_a_tap_dropped_is_told(netns: str, tmp_path: Path) -> None:
    inside(netns, set_sysctls, {"ipv6/conf/default/disable_ipv6": 1})  # nobody else sends
    batch(
        netns,
        "link add br0 type bridge forward_delay 0 stp_state 0 mcast_snooping 0\nlink set br0 up\n"
        "tuntap add tap1 mode tap\nlink set tap1 txqueuelen 2 master br0 up\n"
        "link add port0 up master br0 type veth peer name far0\nlink set far0 up\n",
    )
    held = inside(netns, opened, "tap1")
    try:
        with Station(netns, "far0", "02:00:00:00:00:01") as station:
            for number in range(1, 41):
                station.send(source=f"02:00:00:00:01:{number:02x}")
        text = told(netns, tmp_path)
        drops = run("cat", "/sys/class/net/tap1/statistics/tx_dropped", netns=netns).strip()
    finally:
        os.close(held)
    assert int(drops) >= 30
    assert (
        f'dropped_packets_total{{tap="tap1",bridge="br0",direction="to_guest"}} {drops}\n' in text
    )
    assert 'bridge_fdb_learned_entries{bridge="br0"} 40\n' in text


def test_a_tree_that_changes_is_told(netns: str, tmp_path: Path) -> None:
    batch(
        netns,
        "link add br0 up type bridge stp_state 1 forward_delay 200\n"
        "link add port0 up master br0 type veth peer name far0\nlink set far0 up\n",
    )
    assert 'bridge_stp_topology_change{bridge="br0"} 0\n' in told(netns, tmp_path)
    # another bridge tells the root that the tree beyond it changed: a notification
    with Station(netns, "far0", "02:00:00:00:00:01") as station:
        notified = bytes.fromhex("0180c2000000020000000001000742420300000080") + bytes(39)
        station._socket.send(
            notified
        )  # the kernel of the same machine takes it before send is done
    text = told(netns, tmp_path)
    blocked = 'port_stp_transitions_total{port="port0",bridge="br0",to="blocking"} '
    assert int(text.partition(blocked)[2].split()[0]) > 0
    name = "port_stp_change_notifications_total"
    assert f'{name}{{port="port0",bridge="br0",direction="received"}} 1\n' in text


# dev_valid_name of the kernel takes all but these, and reads a percent sign as a request to number the device
BYTES = [
    bytes([one]) for one in range(1, 256) if not bytes([one]).isspace() and one not in b"/:%\xa0"
]
ODD = [b"{}", b"\\n", b"\\\\\"", b"#HELP", b"\x1b[31m", b"\xff\xfe", b"br0.10", b"...", "\u202egnp.rb".encode(), "\u05e9\u05dc\u05d5\u05dd-br".encode(),
       "\U0001f409\u00e9".encode(), b"NaN", b'",x="', b"}1", b"<script>", pictured.FIFTEEN[:-1].encode(), b"\\" * 15, b'"' * 15]  # fmt: skip


def made(netns: str, *words: str | bytes) -> None:
    subprocess.run(["ip", "-n", netns, *words], check=True)


def values(text: str, name: str) -> int:
    """How many label sets a metric has: one that was there twice would be an error to promtool."""
    return sum(line.startswith(f"hypervisor_network_{name}{{") for line in text.splitlines())


def test_names_of_any_byte_that_the_kernel_takes_are_labels(netns: str, tmp_path: Path) -> None:
    for byte in BYTES:
        made(netns, "tuntap", "add", "name", b"t" + byte, "mode", "tap")
    assert len(BYTES) > 200
    assert values(told(netns, tmp_path), "tap_dropped_packets_total") == 2 * len(BYTES)


def test_odd_names_of_bridges_and_of_their_ports_are_labels(netns: str, tmp_path: Path) -> None:
    for name in ODD:
        made(netns, "link", "add", "name", name, "type", "bridge")
        port = name[:14] + b"~"
        made(netns, "tuntap", "add", "name", port, "mode", "tap")
        made(netns, "link", "set", "dev", port, "master", name)
    text = told(netns, tmp_path)
    for metric, each in (
        ("bridge_fdb_learned_entries", 1),
        ("bridge_stp_topology_change", 1),
        ("tap_dropped_packets_total", 2),
        ("port_stp_transitions_total", 2),
        ("port_stp_change_notifications_total", 2),
    ):
        assert values(text, metric) == each * len(ODD), metric
    assert 'bridge_fdb_learned_entries{bridge="\u05e9\u05dc\u05d5\u05dd-br"} 0\n' in text
    assert 'bridge_fdb_learned_entries{bridge="\\\\n"} 0\n' in text


def test_the_count_of_drift_is_in_order_for_prometheus() -> None:
    text = drift({"hv1": {"failed": True, "msg": 'no "such" NIC\n'}}, "prometheus")
    assert promtool.complaints(text) == ""
    assert 'hypervisor_network_drifted_attributes{where="host"} 1\n' in text


def _rules(folder: Path, rules: object) -> Path:
    path = folder / "rules.yml"
    text = yaml.safe_dump({"groups": [{"name": "guide", "rules": rules}]})
    path.write_text(text, encoding="utf-8")
    return path


def test_the_alerts_of_the_guide_are_rules_for_prometheus(tmp_path: Path) -> None:
    blocks = map(yaml.safe_load, examples.guide_blocks(f"{examples.GUIDES}/watching.rst"))
    alerts = [one for block in blocks if isinstance(block, list) for one in block if "alert" in one]
    assert alerts
    assert promtool.complaints_of_rules(_rules(tmp_path, alerts)) == ""
    broken = [{**alerts[0], "expr": f"{alerts[0]['expr']} >"}]
    assert "parse error" in promtool.complaints_of_rules(_rules(tmp_path, broken))


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ("x 1", "no help text"),
        ('# HELP x y\n# TYPE x gauge\nx{a="b"c"} 1', "error while linting"),
        ('# HELP x y\n# TYPE x gauge\nx{a="b\\c"} 1', "invalid escape sequence"),
    ],
)
def test_promtool_would_complain(lines: str, why: str) -> None:
    assert why in promtool.complaints(f"{lines}\n")
