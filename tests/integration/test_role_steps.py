# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps of the role bridge_host by themselves, with tasks_from or chosen by tags: each begins with preflight, for the variables of that very run."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hypervisor.network.tests.harness.host.role_host import Host
from ansible_collections.hypervisor.network.tests.harness.net.netns import batch, ip_json

ROLE = "hypervisor.network.bridge_host"
BR1 = {"bridge_host_bridges": [{"name": "br1"}]}
TAPS = {
    "bridge_host_bridges": [{"name": "br1"}],
    "bridge_host_taps": [{"name": "tap7", "bridge": "br1"}],
}


def include(step: str | None = None, **more: Any) -> dict[str, Any]:
    """A task that includes the role, or a step of it."""
    alone = {} if step is None else {"tasks_from": step}
    apply = {"apply": more.pop("apply")} if "apply" in more else {}
    return {"name": "Include it", "ansible.builtin.include_role": {"name": ROLE, **alone, **apply}, **more}  # fmt: skip


def links(host: Host) -> set[str]:
    return {link["ifname"] for link in ip_json(host.netns, "link", "show")}


def test_report_alone_tells_of_the_host(host: Host) -> None:
    batch(host.netns, "link add br1 type bridge\nlink set br1 up\n")
    play = host.tasks([include("report", vars=BR1)])
    assert play.status == 0 and play.changed == [], play.output[-4000:]
    assert any(line.startswith("br1 ") for line in play.told("Report | Bridges, MACs and routes"))


def test_verify_alone_holds_the_host_against_its_variables(host: Host) -> None:
    assert host.tasks([include("verify", vars=BR1)]).message == (
        "There is no bridge br1; the bridges are none."
    )
    assert host.tasks([include("verify", vars={})]).status == 0


def test_each_step_alone_does_its_part_and_takes_its_part_away(host: Host) -> None:
    for step in ("preflight", "packages", "bridges", "uplinks", "taps", "ports", "persist"):
        play = host.tasks([include(step, vars=TAPS)])
        assert play.status == 0, f"{step}: {play.output[-4000:]}"
    assert ip_json(host.netns, "link", "show", "tap7")[0]["master"] == "br1"
    assert "iface tap7" in host.interfaces.read_text(encoding="ascii")
    assert host.tasks([include("verify", vars=TAPS), include(vars=TAPS)]).changed == []
    gone = {key: [{**one, "state": "absent"} for one in items] for key, items in TAPS.items()}
    for step, there in (("taps", {"br1"}), ("persist", {"br1"}), ("bridges", set())):
        play = host.tasks([include(step, vars=gone)])
        assert play.status == 0 and play.changed, f"{step}: {play.output[-4000:]}"
        assert links(host) & {"br1", "tap7"} == there
    assert "br1" not in host.interfaces.read_text(encoding="ascii")


def test_a_step_alone_refuses_what_the_whole_role_would(host: Host) -> None:
    wrong = {"bridge_host_taps": [{"name": "tap7", "brigde": "br1"}]}
    assert "did you mean 'bridge'?" in host.tasks([include("taps", vars=wrong)]).message


def test_a_step_after_the_role_in_one_play_is_planned_for_its_own_variables(host: Host) -> None:
    br2 = {"bridge_host_bridges": [{"name": "br2"}]}
    play = host.tasks(
        [include(vars=BR1), include("bridges", vars=br2), include("verify", vars=br2)]
    )
    assert play.status == 0, play.output[-4000:]
    assert {"br1", "br2"} <= links(host)
    play = host.tasks([include(vars=BR1), include("verify", vars={"bridge_host_bridges": [{"name": "br3"}]})])  # fmt: skip
    assert play.message.startswith("There is no bridge br3")


@pytest.mark.parametrize("arguments", [(), ("--check",)], ids=["for real", "in check mode"])
def test_the_role_twice_in_one_play_with_other_variables(
    host: Host, arguments: tuple[str, ...]
) -> None:
    play = host.tasks([include(vars=TAPS), include(vars={}), include(vars=BR1)], *arguments)
    assert play.status == 0, play.output[-4000:]


SAID = "None of the steps of bridge_host has one of the tags network"


def test_tags_that_choose_the_include_and_nothing_in_it_are_told(host: Host) -> None:
    play = host.tasks([include(vars=BR1, tags=["network"])], "--tags", "network")
    assert play.status == 0 and SAID in play.output and "br1" not in links(host)


@pytest.mark.parametrize(
    "task",
    [
        include(vars=BR1, tags=["network"], apply={"tags": ["network"]}),
        {"ansible.builtin.import_role": {"name": ROLE}, "vars": BR1, "tags": ["network"]},
    ],
    ids=["applied", "imported"],
)
def test_tags_that_choose_the_role_say_nothing_and_work(host: Host, task: dict[str, Any]) -> None:
    play = host.tasks([task], "--tags", "network")
    assert play.status == 0 and SAID not in play.output, play.output[-4000:]
    assert "br1" in links(host)
