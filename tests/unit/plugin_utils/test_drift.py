# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans as rows of drift."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree

import pytest

from ansible_collections.hypervisor.network.plugins.plugin_utils import _drift


def change(step: str, kind: str, name: str, before: Any, after: Any) -> dict[str, Any]:
    return {"step": step, "action": "update", "kind": kind, "name": name, "before": before, "after": after, "risk": "safe"}  # fmt: skip


def only(result: dict[str, Any]) -> dict[str, Any]:
    (row,) = _drift.rows({"hv1": result})
    return row


def looked(*changes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"changes": list(changes), **more}


def row(where: str, what: str, key: str, is_: Any, should: Any) -> dict[str, Any]:
    return {"host": "hv1", "where": where, "what": what, "key": key, "is": is_, "should": should}


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (looked(change("bridges", "bridge", "br0", {"mtu": 1400}, {"mtu": 1500})), row("kernel", "bridge br0", "mtu", 1400, 1500)),
        (looked(change("taps", "tap", "tap1", None, {"mode": "tap"})), row("kernel", "tap tap1", "state", "absent", "present")),
        (looked(change("taps", "tap", "tap1", {"mode": "tap"}, None)), row("kernel", "tap tap1", "state", "present", "absent")),
        (looked(change("persist", "stanza", "br0 inet", {"auto": False}, {"auto": True})), row("boot", "stanza br0 inet", "auto", False, True)),
        (looked(change("persist", "file", "/etc/network/interfaces", {"sha256": "a"}, {"sha256": "b"})),
         row("boot", "file /etc/network/interfaces", "sha256", "a", "b")),
        (looked(change("guests", "guest", "vm1", {"status": "crashed"}, {"status": "running", "memory": 512})),
         row("guests", "guest vm1", "status", "crashed", "running")),
        (looked(pending={"vm1": {"memory": {"now": 512, "wanted": 1024}}}), row("guests", "guest vm1", "memory", 512, 1024)),
        (looked(boots=[change("persist", "file", "/etc/netplan/a.yaml", {"sha256": "a"}, {"sha256": "b"})]),
         row("boot", "file /etc/netplan/a.yaml", "sha256", "a", "b")),
        (looked(missing=["bridge-utils"]), row("host", "package", "bridge-utils", "missing", "installed")),
        (looked(refused=[{"step": "ports", "list": "ports", "name": "tap1", "msg": "No."}]), row("kernel", "port tap1", "refused", "No.", "a plan")),
        (looked(refused=[{"step": "persist", "list": "managers", "name": "netplan", "msg": "No."}]),
         row("boot", "manager netplan", "refused", "No.", "a plan")),
        (looked(refused=[{"step": "host", "list": "host", "name": "", "msg": "No."}]), row("host", "host", "refused", "No.", "a plan")),
        ({"failed": True, "msg": "There is no\nNIC eth9."}, row("host", "host", "refused", "There is no NIC eth9.", "an answer")),
        ({"unreachable": True, "msg": "timed out"}, row("host", "host", "unreachable", "timed out", "an answer")),
        ({"unreachable": True, "msg": "Task failed: Failed to connect to the host via ssh: refused"},
         row("host", "host", "unreachable", "refused", "an answer")),
        ({}, row("host", "host", "unreachable", "no answer", "an answer")),
    ],
)  # fmt: skip
def test_each_kind_of_drift_is_a_row(result: dict[str, Any], expected: dict[str, Any]) -> None:
    assert only(result) == expected


def test_whole_seconds_stand_in_the_table_as_they_are_written() -> None:
    times = change("bridges", "bridge", "br0", {"hello_time": 2.5}, {"hello_time": 2.0})
    found = _drift.rows({"hv1": looked(changes=[times])})
    assert _drift.table(found, 1)[1].split()[-2:] == ["2.5", "2"]


def test_of_a_file_its_stanzas_are_told_and_not_its_sum() -> None:
    stanza = change("persist", "stanza", "br0 inet", None, {"method": "dhcp"})
    file = change("persist", "file", "/etc/network/interfaces", {"sha256": "a"}, {"sha256": "b"})
    assert only(looked(stanza, file))["what"] == "stanza br0 inet"


FLEET: dict[str, Any] = {
    "hv1": looked(),
    "hv2": looked(change("bridges", "bridge", "br0", {"alias": "\x1b[31m<b>", "up": False}, {"alias": "x" * 99, "up": True})),
    "hv3": {},
}  # fmt: skip


def test_of_a_file_without_stanzas_its_sum_is_told_beside_stanzas() -> None:
    """A host may have a NIC of ifupdown's beside one of networkd's."""
    found = _drift.rows(
        {
            "hv1": looked(
                change("persist", "stanza", "br0 inet", {"auto": False}, {"auto": True}),
                boots=[change("persist", "file", "/etc/systemd/network/a.network", None, {"sha256": "b"})],
            )
        }
    )  # fmt: skip
    assert [one["key"] for one in found] == ["auto", "state"]


def test_the_table_has_a_line_for_each_and_a_sum() -> None:
    lines = _drift.table(_drift.rows(FLEET), len(FLEET))
    assert lines[0].split() == ["host", "where", "what", "key", "is", "should"]
    assert lines[1].split()[:5] == ["hv2", "kernel", "bridge", "br0", "alias"]
    assert "?[31m<b>" in lines[1] and lines[1].endswith("x" * 60 + "...")
    assert lines[2].split() == ["hv2", "kernel", "bridge", "br0", "up", "false", "true"]
    assert lines[-1] == "3 hosts, 2 of them not as their variables say."


def test_json_has_every_host() -> None:
    told = json.loads(_drift.as_json(_drift.rows(FLEET), list(FLEET)))
    assert told["drift"] == 3
    assert {host: len(found) for host, found in told["hosts"].items()} == {"hv1": 0, "hv2": 2, "hv3": 1}  # fmt: skip
    assert "host" not in told["hosts"]["hv2"][0]


def test_junit_has_a_suite_for_each_host_and_a_case_for_each_way() -> None:
    suites = ElementTree.fromstring(_drift.as_junit(_drift.rows(FLEET), list(FLEET)))
    assert [one.get("name") for one in suites] == ["hv1", "hv2", "hv3"]
    assert [one.get("failures") for one in suites] == ["0", "1", "1"]
    failed = {(suite.get("name"), case.get("name")) for suite in suites for case in suite if len(case)}  # fmt: skip
    assert failed == {("hv2", "kernel"), ("hv3", "host")}
    assert "bridge br0 up: is false, should be true" in suites[1].findtext(".//failure", "")


def test_prometheus_gets_a_number_for_each_way() -> None:
    lines = _drift.as_prometheus(_drift.rows(FLEET)).splitlines()
    assert lines[1] == "# TYPE hypervisor_network_drifted_attributes gauge"
    assert [line.partition("{")[2] for line in lines[2:]] == [
        'where="host"} 1',
        'where="kernel"} 2',
        'where="boot"} 0',
        'where="guests"} 0',
    ]
