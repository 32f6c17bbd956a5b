# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What drifted on a fleet: the plans of host_plan as rows, each an attribute that is not as the variables say, and how they are told.

A plan that is not empty is the drift. Where it is: C(kernel) is what runs, C(boot) what a boot would make, C(guests) the guests, C(host) the host itself.
"""

from __future__ import annotations

import json
from typing import Any, Iterator, Mapping, Sequence
from xml.etree import ElementTree

from ansible_collections.hypervisor.network.plugins.plugin_utils._tables import aligned

Row = dict[str, Any]

_WHERE = {"persist": "boot", "guests": "guests"}
WAYS = ("host", "kernel", "boot", "guests")
# a list of the role's plan, as one of it is called
_ONE = {
    "bridges": "bridge", "uplinks": "uplink", "stanzas": "stanza", "ifstate": "ifstate", "managers": "manager", "taps": "tap", "ports": "port",
    "guests": "guest",
}  # fmt: skip
_COLUMNS = ("host", "where", "what", "key", "is", "should")
_MOST_CHARACTERS = 60  # of a cell


def rows(fleet: Mapping[str, Any]) -> list[Row]:
    """The rows of all hosts; C(fleet) has by name what host_plan returned. A host that gave no answer is a row."""
    return [
        {"host": host, **row} for host, result in fleet.items() for row in _of_host(result or {})
    ]


def table(found: Sequence[Row], hosts: int) -> list[str]:
    """The rows for people, and a line that sums them up."""
    drifted = len({row["host"] for row in found})
    end = f"{hosts} hosts, {drifted} of them not as their variables say."
    if not found:
        return [end]
    cells = [_COLUMNS] + [tuple(_word(row[column]) for column in _COLUMNS) for row in found]
    return [*aligned(cells), "", end]


def as_json(found: Sequence[Row], hosts: Sequence[str]) -> str:
    """By host its rows, and how many there are."""
    by_host = {
        host: [
            {key: value for key, value in row.items() if key != "host"}
            for row in found
            if row["host"] == host
        ]
        for host in hosts
    }
    return json.dumps({"drift": len(found), "hosts": by_host}, indent=2, default=str) + "\n"


def as_junit(found: Sequence[Row], hosts: Sequence[str]) -> str:
    """A suite for each host with a case for each way, as CI servers read it."""
    suites = ElementTree.Element("testsuites", name="drift")
    for host in hosts:
        own = {way: [row for row in found if row["host"] == host and row["where"] == way] for way in WAYS}  # fmt: skip
        failures = sum(bool(one) for one in own.values())
        suite = ElementTree.SubElement(
            suites, "testsuite", name=_printable(host), tests=str(len(WAYS)), failures=str(failures)
        )
        for way, drifted in own.items():
            case = ElementTree.SubElement(
                suite, "testcase", classname=f"drift.{_printable(host)}", name=way
            )
            if drifted:
                lines = [_line(row) for row in drifted]
                failure = ElementTree.SubElement(case, "failure", message=f"{len(lines)} drifted")
                failure.text = "\n".join(lines)
    ElementTree.indent(suites)
    return ElementTree.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def as_prometheus(found: Sequence[Row]) -> str:
    """How many rows there are of each way, for the textfile collector of the node exporter. Hosts are not told apart: each exporter tells of its own."""
    name = "hypervisor_network_drifted_attributes"
    lines = [
        f"# HELP {name} Attributes that were not as the variables say, when the playbook last looked, at the time of this file.",
        f"# TYPE {name} gauge",
    ]
    counts = {way: sum(row["where"] == way for row in found) for way in WAYS}
    lines += [f'{name}{{where="{way}"}} {count}' for way, count in counts.items()]
    return "".join(f"{line}\n" for line in lines)


def _of_host(result: Mapping[str, Any]) -> Iterator[Row]:
    if "changes" not in result:
        said = " ".join(str(result.get("msg") or "no answer").split())
        # Ansible's own words, which left no room for those that say why
        said = said.removeprefix("Task failed: ").removeprefix(
            "Failed to connect to the host via ssh: "
        )
        silent = result.get("unreachable") or not result.get("msg")
        yield _row("host", "host", "unreachable" if silent else "refused", said, "an answer")
        return
    for package in result.get("missing") or ():
        yield _row("host", "package", package, "missing", "installed")
    stanzas = any(one["kind"] == "stanza" for one in result["changes"])
    for change in result["changes"]:
        # the stanzas of a file say more than its sum
        if change["kind"] != "file" or not stanzas:
            yield from _of_change(change)
    for name in ("boots", "unmended", "fdb"):
        for change in result.get(name) or ():
            yield from _of_change(change)
    for refusal in result.get("refused") or ():
        where = "host" if refusal["list"] == "host" else _WHERE.get(refusal["step"], "kernel")
        what = f"{_ONE.get(refusal['list'], refusal['list'])} {refusal['name']}".rstrip()
        yield _row(where, what, "refused", refusal["msg"], "a plan")
    for guest, options in (result.get("pending") or {}).items():
        for key, one in options.items():
            yield _row("guests", f"guest {guest}", key, one["now"], one["wanted"])


def _of_change(change: Mapping[str, Any]) -> Iterator[Row]:
    where = _WHERE.get(change["step"], "kernel")
    what = f"{change['kind']} {change['name']}"
    before, after = change["before"], change["after"]
    if before is None or after is None:
        there, gone = "present", "absent"
        yield _row(where, what, "state", *((gone, there) if before is None else (there, gone)))
        return
    for key in [key for key in before if key in after]:
        yield _row(where, what, key, before[key], after[key])


def _row(where: str, what: str, key: str, is_: Any, should: Any) -> Row:
    return {"where": where, "what": what, "key": key, "is": is_, "should": should}


def _line(row: Row) -> str:
    return f"{_printable(row['what'])} {_printable(row['key'])}: is {_word(row['is'])}, should be {_word(row['should'])}"


def _word(value: Any) -> str:
    if isinstance(value, float):  # a time of the kernel's that is whole seconds
        value = int(value) if value.is_integer() else value
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    text = _printable(text)
    return text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]}..."


def _printable(text: Any) -> str:
    """On one line, without what a terminal or XML would take for its own."""
    return "".join(one if one.isprintable() else "?" for one in str(text))
