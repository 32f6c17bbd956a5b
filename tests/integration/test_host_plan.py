# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""host_plan against the modules that carry a plan out: what it foresees is what they do, change for change."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ansible_collections.hypervisor.network.tests.harness.host import role_host
from ansible_collections.hypervisor.network.tests.harness.host.role_host import JOB, Host
from ansible_collections.hypervisor.network.tests.harness.host.steps import (
    carry_out,
    disagreements,
    look,
)
from ansible_collections.hypervisor.network.tests.harness.net.dump import dump, settled
from ansible_collections.hypervisor.network.tests.harness.process.long_form import LONG
from ansible_collections.hypervisor.network.tests.harness.process.modules import Modules

GONE = {
    "bridge_host_bridges": [{"name": "br0", "uplink": "eth0", "state": "absent"}],
    "bridge_host_taps": [{"name": "tap1", "state": "absent"}, {"name": "tap2", "state": "absent"}],
    "bridge_host_guests": [{"name": "vm1", "state": "absent", "shutdown_timeout": 0}],
}


@pytest.fixture
def modules(host: Host, target_path: str) -> Iterator[Modules]:
    """The modules in one process that sees the host's own network and directories."""
    within = ("sh", "-c", role_host.ENTER, str(host.folder))
    with Modules(host.netns, host.python, target_path, within=within) as running:
        yield running


def test_the_whole_job_and_back_is_foreseen_change_for_change(host: Host, modules: Modules) -> None:
    before, disk = settled(host.netns), host.disk()
    for job in (JOB, GONE):
        foreseen = look(modules, job)
        assert foreseen["whole"] and foreseen["changes"], foreseen
        if job is JOB:
            assert dump(host.netns) == before and host.disk() == disk
        done = carry_out(modules, foreseen["plan"])
        assert disagreements(foreseen["changes"], done) == [], "\n".join(foreseen["lines"])
        again = look(modules, job)
        assert again["changes"] == [] and again["steps"] == []
        assert again["lines"] == ["Nothing is to do: the host is as the variables say."]


# Host states: each example's wishes meet what the ones before have left
NAMES = ("tap1", "tap2", "tap3")
_SECONDS = st.integers(100, 1500).map(lambda even: even / 50)


@st.composite
def jobs(draw: st.DrawFn) -> dict[str, Any]:
    """Variables of the role that may be anything valid: what is listed, with which options, and what shall go."""
    keeps = draw(st.booleans())
    uplink = {"name": "br0", "uplink": "eth0", "state": "present" if keeps else "absent"}
    if keeps:
        uplink.update(draw(_some(_BRIDGE)))
    bridges = [uplink]
    inner = draw(st.sampled_from([None, "present", "absent"]))
    if inner == "present":
        own = draw(st.sampled_from([[], ["10.50.0.1/24"], ["10.50.0.1/24", "fd50::1/64"]]))
        method = {"method": "static", "address": own} if own else {}
        bridges.append({"name": "br1", **method, **draw(_some(_BRIDGE))})
    elif inner == "absent":
        bridges.append({"name": "br1", "state": "absent", "force": True})
    there = [one["name"] for one in bridges if one.get("state") != "absent"]
    taps = []
    for name in draw(st.lists(st.sampled_from(NAMES), unique=True)):
        home = draw(st.sampled_from([None, *there]))
        if draw(st.booleans()) and there:
            plug = {} if home is None else {"bridge": home, "steal": True, **draw(_some(_PORT))}
            taps.append({"name": name, "force": True, **plug, **draw(_some(_TAP))})
        else:
            taps.append({"name": name, "state": "absent"})
    return {
        "bridge_host_bridges": bridges,
        "bridge_host_taps": taps,
        "bridge_host_persist": draw(st.booleans()),
    }


_BRIDGE: dict[str, st.SearchStrategy[Any]] = {
    "ageing_time": _SECONDS,
    "mtu": st.sampled_from([1400, 1500]),
    "alias": st.sampled_from(["the first", "die zweite"]),
    "mcast_snooping": st.booleans(),
    "mac": st.sampled_from(["02:00:00:00:00:b0", "02:00:00:00:00:b1"]),
    "priority": st.sampled_from([4096, 32768]),
}
_PORT: dict[str, st.SearchStrategy[Any]] = {
    "isolated": st.booleans(),
    "learning": st.booleans(),
    "cost": st.integers(1, 200),
    "hairpin": st.booleans(),
}
# no MTU: a bridge that nobody gave one has the least of its ports
_TAP: dict[str, st.SearchStrategy[Any]] = {
    "mac": st.sampled_from(["02:00:00:00:00:71", "02:00:00:00:00:72", "02:00:00:00:00:73"]),
    "up": st.booleans(),
    "multi_queue": st.booleans(),
    "owner": st.sampled_from(["0", "65534"]),
    "txqueuelen": st.integers(1, 2000),
}


def _some(options: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.lists(st.sampled_from(sorted(options)), unique=True).flatmap(
        lambda chosen: st.fixed_dictionaries({key: options[key] for key in chosen})
    )


def test_random_wishes_are_foreseen_change_for_change(host: Host, modules: Modules) -> None:
    tried = {"carried out": 0, "refused": 0}

    @settings(max_examples=200 if LONG else 30, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])  # fmt: skip
    @given(jobs())
    def check(job: dict[str, Any]) -> None:
        foreseen = look(modules, job)
        if foreseen["failed"]:
            tried["refused"] += 1
            assert "\n" not in foreseen["msg"]
            return
        tried["carried out"] += 1
        done = carry_out(modules, foreseen["plan"], job["bridge_host_persist"])
        assert disagreements(foreseen["changes"], done) == [], "\n".join(foreseen["lines"])
        again = look(modules, job)
        assert again["changes"] == [], "\n".join(again["lines"])

    check()
    assert tried["carried out"] > tried["refused"], tried
