# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guarded form of a module does what the module does, and describes it alike."""

from __future__ import annotations

import pytest
import yaml

from ansible_collections.hypervisor.network.plugins.module_utils._core.guarding import SPEC
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Outcome
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Snapshot
from ansible_collections.hypervisor.network.plugins.module_utils._fdb.plan import Table
from ansible_collections.hypervisor.network.plugins.module_utils._guarded import tasks
from ansible_collections.hypervisor.network.plugins.module_utils._guarded.links import (
    GuardedNoun,
    Whole,
)
from ansible_collections.hypervisor.network.plugins.module_utils._guarded.uplink import (
    GuardedUplink,
)
from ansible_collections.hypervisor.network.plugins.module_utils._mdb.plan import Table as Groups
from ansible_collections.hypervisor.network.plugins.modules import (
    bridge_fdb,
    bridge_mdb,
    bridge_port,
    bridge_uplink,
    guarded_change,
    linux_bridge,
    tap_device,
)

LINKS = {"bridge_port": bridge_port, "linux_bridge": linux_bridge, "tap_device": tap_device}
MODULES = {**LINKS, "bridge_fdb": bridge_fdb, "bridge_mdb": bridge_mdb}
ITEM = {"name": "br0", "bridge": "br1", "state": "present", "vlans_mode": "set"}
PARAMS = {"guard_mode": "auto", "guard_timeout": 60, "netns": None}


def test_every_module_that_leaves_changes_to_a_guard_has_a_guarded_form() -> None:
    choices = yaml.safe_load(guarded_change.DOCUMENTATION)["options"]["module"]["choices"]
    assert choices == sorted(tasks.TASKS) == sorted([*MODULES, "bridge_uplink"])


def test_that_of_an_uplink_carries_out_what_the_module_foresees() -> None:
    task = tasks.of("bridge_uplink")
    assert set(yaml.safe_load(bridge_uplink.DOCUMENTATION)["options"]) <= set(task["spec"])
    item = {key: word.get("default") for key, word in task["spec"].items()}
    item.update(name="eth0", bridge="br0", guard_timeout=0)
    noun, wish, _describe = task["work"]({"netns": None}, [item])
    assert isinstance(noun, GuardedUplink) and noun.guard is None
    assert (wish.nic, wish.bridge, wish.present) == ("eth0", "br0", True)


@pytest.mark.parametrize("name", MODULES)
def test_it_takes_the_options_of_the_module(name: str) -> None:
    task = tasks.of(name)
    documented = yaml.safe_load(MODULES[name].DOCUMENTATION).get("options", {})
    assert set(documented) <= set(task["spec"])
    assert set(SPEC) <= set(task["common"])


@pytest.mark.parametrize("name", LINKS)
def test_it_describes_the_devices_without_what_they_carry(name: str) -> None:
    task = tasks.of(name)
    noun, wish, describe = task["work"](PARAMS, [ITEM])
    assert isinstance(noun, GuardedNoun)
    assert list(wish) == [task["singular"]]
    own = Snapshot({})
    (device,) = describe(Outcome((), Whole(own), Whole(own)))
    assert device == {"name": "br0", "state": "absent"}


def test_it_describes_entries_without_what_the_devices_carry() -> None:
    given = {"bridge": "br0", "mac": "52:54:00:00:00:01", "port": "tap1", "state": "present"}
    entry = {**dict.fromkeys(("vlan", "type", "sticky", "extern_learn")), **given}
    params = {**PARAMS, "entries": None, "flush": None, "mac": entry["mac"]}
    noun, wish, describe = tasks.of("bridge_fdb")["work"](params, [entry])
    assert isinstance(noun, GuardedNoun)
    own = Table(Snapshot({}))
    assert describe(Outcome((), Whole(own), Whole(own))) == [
        {"bridge": "br0", "mac": "52:54:00:00:00:01", "vlan": None, "state": "absent"}
    ]


def test_it_describes_groups_without_what_the_devices_carry() -> None:
    which = {"bridge": "br0", "group": "239.1.1.1", "port": "tap1", "vlan": None, "source": None}
    entry = {
        **which,
        **dict.fromkeys(("type", "filter_mode", "source_list")),
        "state": "present",
    }
    params = {**PARAMS, "entries": None, "group": entry["group"]}
    noun, wish, describe = tasks.of("bridge_mdb")["work"](params, [entry])
    assert isinstance(noun, GuardedNoun)
    own = Groups(Snapshot({}))
    assert describe(Outcome((), Whole(own), Whole(own))) == [{**which, "state": "absent"}]


def test_a_module_without_a_guarded_form() -> None:
    with pytest.raises(KeyError):
        tasks.of("bridge_info")
