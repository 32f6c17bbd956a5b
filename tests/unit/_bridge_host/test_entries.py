# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Static forwarding entries of a wish, held against a table and against files of interfaces(5): one row for each attribute that drifted."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._bridge_host import entries
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    BadInput,
    Refused,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    Link,
    Snapshot,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.neigh import (
    NTF_STICKY,
    Forwarding,
)
from ansible_collections.hypervisor.network.plugins.plugin_utils import _drift

MAC, OTHER = "52:00:00:00:00:0a", "52:00:00:00:00:0b"
NOW = Snapshot(
    {
        "br0": Link("br0", 1, "bridge", 1, "02:00:00:00:00:b0", options={"ageing_time": 300.0}),
        "tap1": Link("tap1", 2, "tun", 1, "fe:00:00:00:00:01", master="br0", port={}),
        "tap2": Link("tap2", 3, "tun", 1, "fe:00:00:00:00:02", master="br0", port={}),
    }
)
ENTRY = Forwarding("br0", "tap1", MAC, None, False, True, 0.0)
WISH = {"bridge": "br0", "mac": MAC, "port": "tap1", "sticky": False}
BOOT = f"iface tap1 inet manual\n    up bridge fdb replace {MAC} dev $IFACE master static\n"


def drift(table: Any = (ENTRY,), text: str | None = BOOT, *wishes: Any) -> set[tuple[str, ...]]:
    texts = None if text is None else {"/etc/network/interfaces": text}
    found = entries.changes(NOW, table, texts, entries.checked(wishes or [WISH]))
    rows = _drift.rows({"hv1": {"changes": [], "fdb": found}})
    return {(row["where"], row["what"], row["key"], str(row["is"])) for row in rows}


def test_a_host_that_has_what_is_wished_has_no_row() -> None:
    assert drift() == set()
    assert drift(text=None) == set()
    learned = ENTRY._replace(mac=OTHER, static=False)
    local = ENTRY._replace(mac="fe:00:00:00:00:01", local=True)
    elsewhere = ENTRY._replace(mac=OTHER, bridge="br7", port="tap9")
    assert drift([ENTRY, learned, local, elsewhere]) == set()


ROW = f"entry {MAC} in br0"


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ([], ("kernel", ROW, "state", "absent")),
        ([ENTRY._replace(port="tap2")], ("kernel", ROW, "port", "tap2")),
        ([ENTRY._replace(static=False)], ("kernel", ROW, "type", "dynamic")),
        ([ENTRY._replace(flags=NTF_STICKY)], ("kernel", ROW, "sticky", "True")),
        ([ENTRY, ENTRY._replace(mac=OTHER)], ("kernel", f"entry {OTHER} in br0", "state", "present")),
        ([ENTRY, ENTRY._replace(vlan=20)], ("kernel", f"{ROW} vlan 20", "state", "present")),
    ],
)  # fmt: skip
def test_each_drift_of_what_runs_is_a_row(table: Any, row: tuple[str, ...]) -> None:
    assert drift(table) == {row}


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("", ("boot", ROW, "state", "absent")),
        (BOOT.replace("$IFACE", "tap2"), ("boot", ROW, "port", "tap2")),
        (BOOT.replace(" static", ""), ("boot", ROW, "type", "permanent")),
        (BOOT.replace("static", "static sticky"), ("boot", ROW, "sticky", "True")),
        (f"{BOOT}    post-up /sbin/bridge fdb add {OTHER.upper()} dev tap1 \\\n  vlan 20 master static || true\n",
         ("boot", f"entry {OTHER} in br0 vlan 20", "state", "present")),
        (f"{BOOT}    up bridge fdb add {OTHER} dev tap1 vlan \u00b2 master static\n",
         ("boot", f"entry {OTHER} in br0", "state", "present")),
        (BOOT.replace("master", "self"), ("boot", ROW, "state", "absent")),
        (BOOT.replace("static", "dynamic"), ("boot", ROW, "state", "absent")),
        (BOOT.replace("up bridge", "# up bridge"), ("boot", ROW, "state", "absent")),
        (BOOT.replace("dev $IFACE ", ""), ("boot", ROW, "state", "absent")),
    ],
)  # fmt: skip
def test_each_drift_of_what_boots_is_a_row(text: str, row: tuple[str, ...]) -> None:
    assert drift(text=text) == {row}


def test_what_nobody_wishes_and_what_comes_and_goes_is_not_asked_of_a_boot() -> None:
    gone = {**WISH, "state": "absent"}
    assert drift([], "", gone) == set()
    assert drift([ENTRY], "", gone) == {("kernel", ROW, "state", "present")}
    passing = {**WISH, "type": "dynamic"}
    assert drift([ENTRY._replace(static=False)], "", passing) == set()


def test_what_is_asked_after_what_boots_otherwise_is_held_against_the_files_too() -> None:
    row = ("boot", f"entry {OTHER} in br0", "state", "absent")
    here = {**WISH, "mac": OTHER}
    both = [ENTRY, ENTRY._replace(mac=OTHER)]
    assert drift(both, "", WISH, here) == {("boot", ROW, "state", "absent"), row}
    passing = [ENTRY._replace(static=False), both[1]]
    assert drift(passing, "", {**WISH, "type": "dynamic"}, here) == {row}


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ({**WISH, "typo": 1}, "An entry of fdb: .*typo"),
        ({**WISH, "mac": "nobody's"}, "nobody's"),
        ({"mac": MAC, "port": "tap1"}, "'bridge' is missing"),
    ],
)
def test_what_is_no_entry_is_refused(item: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        entries.checked([item])


def test_a_port_that_no_host_has_is_refused() -> None:
    with pytest.raises(Refused, match="tap9"):
        drift([], "", {**WISH, "port": "tap9"})
