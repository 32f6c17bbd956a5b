# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of the doctor, as the options of a module say it."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._doctor import ask
from ansible_collections.hypervisor.network.tests.harness.model import patient

NOTHING = dict.fromkeys([*ask.WHOSE, "netns"])


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that asks about a host on which both bridges are down; C(entered) are the namespaces that were, in their order among the reads."""
    down = patient.host(br0={"flags": 0}, br1={"flags": 0})
    steps: list[Any] = []
    monkeypatch.setattr(ask.read, "guests", lambda netns, _status: steps.append(("guests", netns)))
    monkeypatch.setattr(ask.read, "host", lambda *_: steps.append("host") or down)

    def run(**options: Any) -> tuple[list[Any], list[str | None], set[str]]:
        steps.clear()
        given = {**NOTHING, **options}
        _host, ways, result = ask.asked(given, object, object, steps.append)
        down_ones = {one["device"] for one in result["findings"] if one["id"] == "bridge_down"}
        return list(steps), [way.tap for way in ways], down_ones

    return run


def test_whoever_asks_for_nobody_hears_of_all_ways_and_bridges(asked: Any) -> None:
    steps, taps, bridges = asked(netns="blue")
    assert (taps, bridges) == (["tap1", "tap2"], {"br0", "br1"})
    assert steps == [("guests", "blue"), "blue", "host"]


@pytest.mark.parametrize(
    ("options", "taps", "bridges"),
    [
        ({"bridge": "br1"}, [], {"br1"}),
        ({"bridge": "br0"}, ["tap1", "tap2"], {"br0"}),
        ({"guest": "vm2"}, ["tap2"], {"br0"}),
        ({"mac": "52-00-00-00-00-01"}, ["tap1"], {"br0"}),
    ],
)
def test_who_asks_for_one_hears_of_that_and_of_what_is_on_its_way(
    asked: Any, options: dict[str, str], taps: list[str], bridges: set[str]
) -> None:
    assert asked(**options)[1:] == (taps, bridges)
