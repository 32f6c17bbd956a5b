# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of the doctor, as the options of a module say it."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    BadInput,
    Refused,
)
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

    def run(before: Any = None, **options: Any) -> tuple[list[Any], list[str | None], set[str]]:
        steps.clear()
        given = {**NOTHING, **options}
        done = (
            None
            if before is None
            else lambda ways: steps.append((before, [one.tap for one in ways]))
        )
        _host, ways, result = ask.asked(given, object, object, steps.append, done)
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


def test_the_look_that_counts_is_after_what_is_done_before_it(asked: Any) -> None:
    steps = asked(before="listened")[0]
    assert steps == [("guests", None), None, "host", ("listened", ["tap1", "tap2"]), "host"]
    with pytest.raises(Refused, match="no guest 'vm9'"):
        asked(before="listened", guest="vm9")


@pytest.mark.parametrize("given", [-1.0, 601.0, float("nan"), float("inf")])
def test_what_is_no_time_to_listen_for_is_refused(given: float) -> None:
    with pytest.raises(BadInput, match="is no time to listen for"):
        ask.seconds(given)


@pytest.mark.parametrize(("probe", "listen"), [(True, 0.0), (False, 3.0)])
def test_a_look_alone_says_that_it_sends_and_hears_nothing(probe: bool, listen: float) -> None:
    with pytest.raises(BadInput, match="A look alone neither listens nor sends frames"):
        ask.check_alone({"probe": probe, "listen": listen})
    ask.check_alone({"probe": False, "listen": 0.0})
