# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program of the playbook metrics, which runs on a host alone: what it makes of what iproute2 and systemd say, and of the collection's own files."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).resolve().parents[3] / "playbooks/files/hypervisor_network_metrics.py"
_SPEC = importlib.util.spec_from_file_location("hypervisor_network_metrics", PROGRAM)
metrics = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(metrics)
BRIDGE = {"ifname": "br0", "linkinfo": {"info_kind": "bridge", "info_data": {"topology_change": 1}}}


class Host:
    """What programs would print."""

    def __init__(self, links: list[Any], fdb: list[Any], ports: list[Any], units: str = "") -> None:
        self.told = {
            "-details": json.dumps(links),
            "fdb": json.dumps(fdb),
            "xstats": json.dumps(ports),
            "show": units,
        }

    def __call__(self, *words: str) -> str:
        return next(text for word, text in self.told.items() if word in words)


def tap(name: str, sent: int = 0, received: int = 0, **more: Any) -> dict[str, Any]:
    stats = {"rx": {"dropped": sent}, "tx": {"dropped": received}}
    return {"ifname": name, "linkinfo": {"info_kind": "tun"}, "stats64": stats, **more}


def lines(samples: Any) -> list[str]:
    text = metrics.render(list(samples))
    return [line for line in text.splitlines() if not line.startswith("#")]


def test_a_bridge_tells_what_it_has_learned_and_not_what_was_given() -> None:
    entries = [
        {"master": "br0", "flags": [], "state": ""},
        {"master": "br0", "flags": [], "state": ""},
        {"master": "br0", "flags": [], "state": "permanent"},
        {"master": "br0", "flags": [], "state": "static"},
        {"master": "br0", "flags": ["extern_learn"], "state": ""},
        {"flags": ["self"], "state": ""},
    ]
    told = lines(metrics.of_links(Host([BRIDGE], entries, [])))
    assert told == [
        'hypervisor_network_bridge_fdb_learned_entries{bridge="br0"} 2',
        'hypervisor_network_bridge_stp_topology_change{bridge="br0"} 1',
    ]


def test_a_kernel_that_counts_and_has_a_limit_is_believed() -> None:
    options = {"fdb_n_learned": 7, "fdb_max_learned": 10}
    link = {"ifname": "br0", "linkinfo": {"info_kind": "bridge", "info_data": options}}
    told = lines(metrics.of_links(Host([link], [], [])))
    assert 'hypervisor_network_bridge_fdb_learned_entries{bridge="br0"} 7' in told
    assert 'hypervisor_network_bridge_fdb_learned_limit{bridge="br0"} 10' in told


def test_a_tap_tells_what_it_dropped_each_way() -> None:
    told = lines(metrics.of_links(Host([tap("tap1", 3, 5, master="br0"), tap("tap2")], [], [])))
    name = "hypervisor_network_tap_dropped_packets_total"
    assert told == [
        f'{name}{{tap="tap1",bridge="br0",direction="from_guest"}} 3',
        f'{name}{{tap="tap1",bridge="br0",direction="to_guest"}} 5',
        f'{name}{{tap="tap2",bridge="",direction="from_guest"}} 0',
        f'{name}{{tap="tap2",bridge="",direction="to_guest"}} 0',
    ]


def test_ports_tell_what_the_spanning_tree_did_with_them() -> None:
    tree = {"rx_tcn": 1, "tx_tcn": 2, "transition_blk": 3, "transition_fwd": 4}
    ports = [{"ifname": "tap1", "stp": tree}, {"ifname": "old", "multicast": {}}, {}]
    told = lines(metrics.of_links(Host([tap("tap1", master="br0")], [], ports)))
    assert [line for line in told if "_port_" in line] == [
        'hypervisor_network_port_stp_transitions_total{port="tap1",bridge="br0",to="forwarding"} 4',
        'hypervisor_network_port_stp_transitions_total{port="tap1",bridge="br0",to="blocking"} 3',
        'hypervisor_network_port_stp_change_notifications_total{port="tap1",bridge="br0",direction="received"} 1',
        'hypervisor_network_port_stp_change_notifications_total{port="tap1",bridge="br0",direction="sent"} 2',
    ]


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ('a"b', 'a\\"b'),
        ("a\\b", "a\\\\b"),
        ("a\nb", "a\\nb"),
        ("\udcff", "\\\\xff"),
        ("{}", "{}"),
        ("\u202ex", "\u202ex"),
    ],
)
def test_a_hostile_name_is_a_label_and_no_more(name: str, label: str) -> None:
    (line, _other) = lines(metrics.of_links(Host([tap(name)], [], [])))
    assert line.endswith(f'{{tap="{label}",bridge="",direction="from_guest"}} 0')


def test_two_names_that_read_alike_are_one_line() -> None:
    taps = [tap("\udcff", 1), tap("\\xff", 2)]
    assert len(lines(metrics.of_links(Host(taps, [], [])))) == 2


def define(kept: Path, name: str, **record: Any) -> None:
    (kept / "definitions").mkdir(parents=True, exist_ok=True)
    (kept / "definitions" / f"{name}.json").write_text(json.dumps(record), encoding="utf-8")


def process(run: Path, name: str, pid: int, start: int, boot: str, pidfile: bool = True) -> None:
    (run / f".{name}").mkdir(parents=True)
    (run / name).mkdir()
    record = {"pid": pid, "start_time": start, "boot_id": boot}
    (run / f".{name}" / "process.json").write_text(json.dumps(record), encoding="utf-8")
    if pidfile:
        (run / name / "pid").write_text(str(pid), encoding="ascii")


def boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def test_guests_are_counted_by_state(tmp_path: Path) -> None:
    run, kept = tmp_path / "run", tmp_path / "kept"
    own = os.getpid()
    started = metrics._start_time(own)
    for name in ("runs", "ended", "clean", "rebooted"):
        define(kept, name)
    process(run, "runs", own, started, boot())
    process(run, "ended", own, started + 1, boot())
    process(run, "clean", own, started + 1, boot(), pidfile=False)
    process(run, "rebooted", own, started, "another")
    for name in ("unit-up", "unit-failed", "unit-down", "never-heard"):
        define(kept, name, unit={})
    (kept / "definitions" / "torn.json").write_text("{", encoding="ascii")
    units = "\n\n".join(
        f"Id=hypervisor-network-guest@{name}.service\nActiveState={state}"
        for name, state in [("unit-up", "active"), ("unit-failed", "failed"), ("unit-down", "inactive")]
    )  # fmt: skip
    told = lines(metrics.of_guests(Host([], [], [], units), str(run), str(kept)))
    assert told == [
        'hypervisor_network_guests{state="running"} 2',
        'hypervisor_network_guests{state="stopped"} 5',
        'hypervisor_network_guests{state="crashed"} 2',
    ]


def test_a_zombie_runs_no_guest() -> None:
    with subprocess.Popen(["true"]) as ended:
        os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
        assert metrics._start_time(ended.pid) is None
    assert metrics._start_time("x") is None


def test_a_host_without_anything_of_ours_has_no_guest_and_no_transaction(tmp_path: Path) -> None:
    told = lines(
        [*metrics.of_guests(Host([], [], []), str(tmp_path / "run"), str(tmp_path / "kept")), *metrics.of_transactions(str(tmp_path))]
    )  # fmt: skip
    assert [line.rpartition(" ")[2] for line in told] == ["0", "0", "0", "0"]


def test_a_transaction_is_pending_until_it_ended_and_in_its_own_boot(tmp_path: Path) -> None:
    for number, (states, own) in enumerate(
        [
            (["armed"], boot()),
            (["applied"], boot()),
            (["rolling-back"], boot()),
            (["applied", "confirmed"], boot()),
            (["rolled-back"], boot()),
            (["applied"], "another"),
            ([], boot()),
        ]
    ):
        folder = tmp_path / "txn" / f"{number:032x}"
        folder.mkdir(parents=True)
        for state in states:
            (folder / state).write_text(json.dumps({"boot": own}), encoding="ascii")
    (tmp_path / "txn" / ".making-1").mkdir()
    assert lines(metrics.of_transactions(str(tmp_path))) == [
        "hypervisor_network_pending_transactions 3"
    ]


def test_the_file_comes_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    metrics.write(str(tmp_path), "old 1\n")
    file = tmp_path / "hypervisor_network.prom"
    assert file.stat().st_mode & 0o777 == 0o644
    with pytest.raises(UnicodeEncodeError):
        metrics.write(str(tmp_path), "new 1\n\udcff")
    assert [path.name for path in tmp_path.iterdir()] == [file.name]
    assert file.read_text(encoding="ascii") == "old 1\n"


def test_what_cannot_be_asked_leaves_the_file(tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "ip").write_text("#!/bin/sh\necho '[{'; exit 1\n", encoding="ascii")
    (folder / "ip").chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-I", str(PROGRAM), str(tmp_path)],
        env={"PATH": str(folder)},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
    assert [path.name for path in tmp_path.iterdir()] == ["bin"]
