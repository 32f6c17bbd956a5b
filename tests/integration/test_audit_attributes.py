# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every attribute that the role's bridges and taps may say: changed by hand, it is the audit's one row; and no key of theirs is without such a test."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._bridge_host import items
from ansible_collections.hypervisor.network.plugins.plugin_utils import _drift
from ansible_collections.hypervisor.network.tests.harness.host.steps import carry_out, look
from ansible_collections.hypervisor.network.tests.harness.net.netns import run
from ansible_collections.hypervisor.network.tests.harness.net.rawlink import attributes_of
from ansible_collections.hypervisor.network.tests.harness.net.tapped import Guest
from ansible_collections.hypervisor.network.tests.harness.process.modules import Modules
from ansible_collections.hypervisor.network.tests.integration.test_attributes import (
    BRIDGE,
    LINK,
    PORT,
    TAP,
    Row,
    ticks,
)

BR, PLUGGED, OTHER, HELD, IDLE = "br0", "tap1", "tap2", "tap3", "tap4"
COMMON = [row.option for row in LINK]
# what this kernel may lack, and iproute2 has no word for
NEEDY = [row.option for row in (*BRIDGE, *PORT) if row.needs]
NEEDED_VLANS = [row.option for row in BRIDGE if row.needs == "VLAN"]
JOB = {
    "bridge_host_bridges": [
        {
            "name": BR,
            **{row.option: row.one for row in BRIDGE if row.option not in NEEDY},
            "up": True,
            "forward_delay": 3,  # with a tree it is not shorter than 2 s
        }
    ],
    "bridge_host_taps": [
        {"name": OTHER, "bridge": BR},
        {
            "name": PLUGGED,
            "bridge": BR,
            **{row.option: row.one for row in PORT if row.option not in (*NEEDY, "port_state")},
            "up": True,
            "backup_port": OTHER,
        },
        {
            "name": IDLE,
            **{row.option: row.one for row in LINK},
            "up": True,
            "mac": "02:00:00:00:00:a4",
        },
    ],
}
# a tap as the role has it; of what iproute2 says when it makes one again, one word at a time is otherwise
OWN = {"mode": "tap", "owner": "1", "group": "1", "multi_queue": True, "vnet_hdr": True, "pi": True}
MADE = {"mode": "mode tap", "owner": "user 1", "group": "group 1", "multi_queue": "multi_queue", "vnet_hdr": "vnet_hdr", "pi": "pi"}  # fmt: skip
OTHERWISE = {"mode": "mode tun", "owner": "user 2", "group": "group 2"}
WORDS = {"port_state": "state", "mac": "address", "addr_gen_mode": "addrgenmode"}
STATES = {"listening": "1", "learning": "2"}
# held to by another test
ELSEWHERE = {
    "test_audit.py, of the kernel": {
        "accept_ra", "address", "addresses_mode", "bridge", "gateway", "state", "uplink",
    },
    "test_audit.py, of what boots": {"address", "bridge", "gateway", "maxwait", "method", "uplink"},
    "tests/faults/lab/test_v_plan.py": {
        "access_vlan", "trunk_vlans", "native_vlan", "vlans", "self_vlans", "vlan_filtering", "vlan_protocol", "vlan_default_pvid", "vlan_stats_enabled",
        "vlan_stats_per_port", "mst_enabled",
    },
}  # fmt: skip
# what only a boot goes by
BOOT_ONLY = {"maxwait", "method"}
# how the role goes about it, and nothing that a host has
MANNERS = {"name", "force", "steal", "override", "allow_address_change", "accept_outage", "vlans_mode"}  # fmt: skip


@pytest.fixture
def modules(bare: Modules) -> Modules:
    return bare


def drift(modules: Modules, job: dict[str, Any]) -> set[tuple[str, str, str]]:
    found = _drift.rows({"hv1": look(modules, job, persist=False)})
    return {(row["where"], row["what"], row["key"]) for row in found}


def become(modules: Modules, job: dict[str, Any]) -> None:
    found = look(modules, job, persist=False)
    assert not found["failed"], found["msg"]
    carry_out(modules, found["plan"], persist=False)
    assert drift(modules, job) == set()


def by_hand(modules: Modules, dev: str, kind: str, row: Row, value: Any) -> None:
    """What somebody types for it."""
    common = row.option in COMMON
    if row.option == "backup_port":
        words = ["backup_port", value] if value else ["nobackup_port"]
    elif row.option == "up":
        words = ["up" if value else "down"]
    elif row.as_seen is ticks:
        words = [row.option, str(ticks(value))]
    elif isinstance(value, bool):
        words = [row.option, (("0", "1") if kind == "bridge" else ("off", "on"))[value]]
    else:
        words = [WORDS.get(row.option, row.option), STATES.get(value, str(value))]
    kinds = {"bridge": ["type", "bridge"], "port": ["type", "bridge_slave"]}
    before = [] if common else kinds[kind]
    run("ip", "link", "set", "dev", dev, *before, *words, netns=modules.netns)


def missed(
    modules: Modules, job: dict[str, Any], dev: str, kind: str, rows: Iterable[Row]
) -> dict[str, Any]:
    """The options whose change by hand is not the one row that the audit has."""
    (said,) = (one for key in job for one in job[key] if one["name"] == dev)
    wrong = {}
    for row in rows:
        by_hand(modules, dev, kind, row, row.one if said[row.option] == row.other else row.other)
        found = drift(modules, job)
        if found != {("kernel", f"{kind} {dev}", row.option)}:
            wrong[row.option] = found
        by_hand(modules, dev, kind, row, said[row.option])
        assert drift(modules, job) == set(), row.option
    return wrong


def test_each_option_of_a_bridge_that_drifted_is_one_row(modules: Modules) -> None:
    become(modules, JOB)
    rows = [row for row in BRIDGE if row.option not in NEEDY]
    assert missed(modules, JOB, BR, "bridge", rows) == {}


def test_each_option_of_a_port_and_of_any_device_that_drifted_is_one_row(modules: Modules) -> None:
    become(modules, JOB)
    rows = [row for row in PORT if row.option not in (*NEEDY, "up", "port_state")]
    assert missed(modules, JOB, PLUGGED, "port", rows) == {}
    assert missed(modules, JOB, IDLE, "tap", LINK) == {}


def test_the_state_of_a_port_that_somebody_holds_is_one_row(modules: Modules) -> None:
    bridges = [{"name": BR, "stp_state": False}]
    tap = {"name": HELD, "bridge": BR}
    become(modules, {"bridge_host_bridges": bridges, "bridge_host_taps": [tap]})
    with Guest(modules.netns, HELD, "02:00:00:00:00:03"):
        (row,) = (row for row in PORT if row.option == "port_state")
        job = {
            "bridge_host_bridges": bridges,
            "bridge_host_taps": [{**tap, "port_state": row.one}],
        }
        become(modules, job)
        assert missed(modules, job, HELD, "port", [row]) == {}


def test_what_only_a_tap_has_is_one_row_where_somebody_made_it_again_otherwise(
    modules: Modules,
) -> None:
    job = {"bridge_host_taps": [{"name": IDLE, **OWN}]}
    become(modules, job)
    assert set(MADE) == {row.option for row in TAP} - set(COMMON)
    wrong = {}
    for option in MADE:
        words = {**MADE, option: OTHERWISE.get(option, "")}
        run("ip", "link", "del", IDLE, netns=modules.netns)
        run("ip", "tuntap", "add", IDLE, *" ".join(words.values()).split(), netns=modules.netns)
        run("ip", "link", "set", IDLE, "up", netns=modules.netns)
        found = drift(modules, job)
        if found != {("kernel", f"tap {IDLE}", option)}:
            wrong[option] = found
    assert wrong == {}


@pytest.mark.parametrize(
    ("module", "dev", "said", "row"),
    [
        ("linux_bridge", BR, {}, next(row for row in BRIDGE if row.option == "fdb_max_learned")),
        ("bridge_port", OTHER, {"locked": True}, next(row for row in PORT if row.option == "mab")),
    ],
)
def test_what_this_iproute2_has_no_word_for_is_one_row_where_the_kernel_has_it(
    modules: Modules, module: str, dev: str, said: dict[str, Any], row: Row
) -> None:
    port = module == "bridge_port"
    become(modules, {"bridge_host_bridges": [{"name": BR}], "bridge_host_taps": [{"name": OTHER, "bridge": BR}]})  # fmt: skip
    if row.raw[0] not in attributes_of(modules.netns, dev, slave=port):
        pytest.skip(f"this kernel has no {row.option}")
    own = {**said, row.option: row.one}
    job = {
        "bridge_host_bridges": [{"name": BR, **({} if port else own)}],
        "bridge_host_taps": [{"name": OTHER, "bridge": BR, **(own if port else {})}],
    }
    become(modules, job)
    where = {"bridge": BR} if port else {}
    modules.done(module, name=dev, **where, **{row.option: row.other}, guard_mode="never")
    assert drift(modules, job) == {("kernel", f"{'port' if port else 'bridge'} {dev}", row.option)}


def test_no_key_of_a_bridge_or_a_tap_is_without_a_drift_that_is_injected() -> None:
    here = {row.option for row in (*BRIDGE, *PORT, *TAP)}
    elsewhere = {key for keys in ELSEWHERE.values() for key in keys}
    kernel = {key for place, keys in ELSEWHERE.items() for key in keys if "boots" not in place}
    assert set(items.BRIDGE) - here - kernel - MANNERS == BOOT_ONLY
    assert here - set(NEEDED_VLANS) | elsewhere | MANNERS == set(items.BRIDGE) | set(items.TAP)
