# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook metrics in a container with systemd: its timer writes what promtool takes, with next to no rights, and goes without a trace."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from ansible_collections.hypervisor.network.tests.conftest import needs_root
from ansible_collections.hypervisor.network.tests.harness.lab.container import Container
from ansible_collections.hypervisor.network.tests.harness.process import promtool

FOLDER = "/var/lib/metrics-test"
UNIT = "hypervisor-network-metrics"
OURS = [f"/etc/systemd/system/{UNIT}.*", f"/etc/systemd/system/timers.target.wants/{UNIT}.*", "/usr/local/lib/hypervisor-network/*", f"{FOLDER}/*"]  # fmt: skip
THERE = f"ls {' '.join(OURS)} 2> /dev/null || true"


def play(host: Container, *arguments: str) -> list[str]:
    """Run the playbook; returns the tasks that changed something."""
    variables = json.dumps({"metrics_folder": FOLDER, "metrics_interval": 1})
    records = host.playbook("metrics.yml", "-e", variables, *arguments)
    return [record["task"] for record in records if record["changed"]]


@pytest.fixture(scope="module")
def host() -> Iterator[Container]:
    """A hypervisor whose systemd is process 1."""
    needs_root()
    with Container() as made:
        yield made


@pytest.fixture(scope="module")
def written(host: Container) -> Iterator[list[str]]:
    """What the playbook changed; it has written."""
    host.hv(f"mkdir -m 0755 {FOLDER}; useradd --system exporter; chown exporter {FOLDER}")
    yield play(host)
    host.hv(f"userdel exporter; rm -rf {FOLDER}")


def test_check_mode_writes_nothing_and_the_second_run_changes_nothing(host: Container) -> None:
    host.hv(f"mkdir -p {FOLDER}")
    assert play(host, "--check")
    assert host.hv(THERE) == ""
    host.hv(f"rmdir {FOLDER}")


def test_the_timer_writes_what_prometheus_takes_and_writes_it_again(
    host: Container, written: list[str]
) -> None:
    assert written and play(host) == []
    file = f"{FOLDER}/hypervisor_network.prom"
    wait = f"timeout 60 sh -c 'while [ ! -e {file} ] || [ $(stat -c %i {file}) = \"$0\" ]; do sleep 0.1; done' {{}}; stat -c %i {file}"
    first = host.hv(wait.format(0)).strip()
    assert host.hv(wait.format(first)).strip() != first
    text = host.hv(f"cat {FOLDER}/*.prom")
    assert promtool.complaints(text) == ""
    assert 'hypervisor_network_guests{state="running"} 0\n' in text
    assert 'hypervisor_network_drifted_attributes{where="kernel"} 0\n' in text
    assert host.hv(f"stat -c '%U %a' {file}").split() == ["exporter", "644"]


def test_what_the_timer_starts_may_next_to_nothing(host: Container, written: list[str]) -> None:
    host.hv(f"systemd-analyze verify {UNIT}.service {UNIT}.timer")
    # systemd's own measure, in tenths: 96 is a service without any wall
    host.hv(f"systemd-analyze security --threshold=30 {UNIT}.service")


def test_absent_leaves_nothing(host: Container, written: list[str]) -> None:
    assert play(host, "-e", "metrics_state=absent")
    assert host.hv(THERE) == ""
    assert host.hv(f"systemctl list-units --all --plain --no-legend '{UNIT}*'") == ""
    assert play(host, "-e", "metrics_state=absent") == []
