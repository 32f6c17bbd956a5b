# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps of the role bridge_host by themselves, with tasks_from or chosen by tags: each begins with preflight, for the variables of that very run."""

from __future__ import annotations

import json
from pathlib import Path
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


SAID = (
    "The tags network chose the include of this role and none of its steps, so nothing would be done: import the role, or say "
    "'apply: {tags: [network]}' in the include's arguments."
)
STEPS = ("preflight", "packages", "bridges", "uplinks", "persist", "taps", "ports", "guests", "verify", "report")  # fmt: skip


def test_an_include_in_a_loop_keeps_its_item(host: Host) -> None:
    """The role has loops of its own, in which variables that are worked out late must still mean the item of the include."""
    wish = {
        "bridge_host_bridges": [{"name": "br0", "uplink": "{{ item.nic }}"}],
        "bridge_host_guard_timeout": "{{ item.seconds }}",
    }
    play = host.tasks([include(vars=wish, loop=[{"nic": "eth0", "seconds": 20}])], "--check")
    assert play.status == 0, play.output[-4000:]
    assert "Uplinks | Make the NIC the uplink of its bridge" in play.changed
    assert "already in use" not in play.output


@pytest.mark.parametrize("skipped", ["", "report"], ids=["nothing-skipped", "report-skipped"])
def test_tags_that_choose_the_include_and_nothing_in_it_are_refused(
    host: Host, skipped: str
) -> None:
    play = host.tasks([include(vars=BR1, tags=["network"])], "--tags", "network", "--skip-tags", skipped)  # fmt: skip
    assert play.message == SAID and "Look at the host" not in play.output
    assert "br1" not in links(host)


@pytest.mark.parametrize("step", STEPS)
def test_tags_that_choose_the_include_of_a_step_are_refused_and_nothing_is_done(
    host: Host, step: str
) -> None:
    """What a step takes away was taken, since that has the tag always, and nothing was made."""
    batch(host.netns, "link add br1 type bridge\n")
    gone = {"bridge_host_bridges": [{"name": "br1", "state": "absent"}, {"name": "br2"}]}
    play = host.tasks([include(step, vars=gone, tags=["network"])], "--tags", "network")
    assert play.message == SAID
    assert play.changed == [] and links(host) & {"br1", "br2"} == {"br1"}


def test_a_step_that_was_chosen_before_is_no_excuse_for_the_next(host: Host) -> None:
    well = include("bridges", vars=BR1, tags=["network"], apply={"tags": ["network"]})
    ill = include("bridges", vars={"bridge_host_bridges": [{"name": "br2"}]}, tags=["network"])
    play = host.tasks([well, ill], "--tags", "network")
    assert play.message == SAID
    assert links(host) & {"br1", "br2"} == {"br1"}


def test_tags_that_choose_the_role_work_however_it_is_called(host: Host) -> None:
    def role(number: int, **more: Any) -> dict[str, Any]:
        variables = {"bridge_host_bridges": [{"name": f"br{number}"}]}
        return {"ansible.builtin.import_role": {"name": ROLE, **more}, "vars": variables}

    def included(number: int, step: str | None = None) -> dict[str, Any]:
        return include(
            step, vars=role(number)["vars"], tags=["network"], apply={"tags": ["network"]}
        )

    ways = [
        included(1),
        included(2, "bridges"),
        {**role(3), "tags": ["network"]},
        {**role(4, tasks_from="bridges"), "tags": ["network"]},
        {"block": [role(5)], "tags": ["network"]},
        {"block": [include(vars=role(6)["vars"])], "tags": ["network"]},
    ]
    play = host.tasks(ways, "--tags", "network", "--skip-tags", "report")
    assert play.status == 0 and SAID not in play.output, play.output[-4000:]
    assert {f"br{number}" for number in range(1, 7)} <= links(host)


def test_tags_of_steps_choose_these_in_an_include_that_has_them(host: Host) -> None:
    play = host.tasks([include(vars=TAPS, tags=list(STEPS))], "--tags", "bridges")
    assert play.status == 0 and links(host) & {"br1", "tap7"} == {"br1"}, play.output[-4000:]


def test_tags_of_something_else_leave_an_imported_role_out(host: Host) -> None:
    other = {"name": "Else", "ansible.builtin.debug": {"msg": "done"}, "tags": ["else"]}
    role = {"ansible.builtin.import_role": {"name": ROLE}, "vars": BR1}
    play = host.tasks([role, other], "--tags", "else")
    assert play.status == 0 and "br1" not in links(host), play.output[-4000:]
    assert "Look at the host" not in play.output and "apply" not in play.output


def test_an_import_that_was_not_chosen_is_silent_within_an_include_that_was(host: Host) -> None:
    """It has tags of its own, so somebody meant to leave it out; without any it is as the include is."""
    tasks = host.folder / "more.yml"
    own = {"ansible.builtin.import_role": {"name": ROLE}, "vars": BR1, "tags": ["hypervisors"]}
    around = {"name": "More", "ansible.builtin.include_tasks": str(tasks), "tags": ["network"]}
    tasks.write_text(json.dumps([own]), encoding="ascii")
    play = host.tasks([around], "--tags", "network")
    assert play.status == 0 and "br1" not in links(host), play.output[-4000:]
    tasks.write_text(json.dumps([{**own, "tags": []}]), encoding="ascii")
    assert host.tasks([around], "--tags", "network").message == SAID


def test_an_include_that_always_runs_is_silent_where_other_tags_are_asked_for(host: Host) -> None:
    """As one has it who chooses steps by their own tags."""
    role = include(vars=TAPS, tags=["always"])
    play = host.tasks([role], "--tags", "else")
    assert play.status == 0 and links(host) & {"br1", "tap7"} == set(), play.output[-4000:]
    play = host.tasks([role], "--tags", "bridges")
    assert play.status == 0 and links(host) & {"br1", "tap7"} == {"br1"}, play.output[-4000:]


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [(("--tags", "report"), True), (("--skip-tags", "verify"), True), (("--skip-tags", "report"), False)],
)  # fmt: skip
def test_report_reads_for_itself_where_verify_does_not(
    host: Host, arguments: tuple[str, str], printed: bool
) -> None:
    role = {"ansible.builtin.import_role": {"name": ROLE}, "vars": BR1}
    play = host.tasks([role], *arguments)
    assert play.status == 0, play.output[-4000:]
    assert ("BRIDGES (brctl show)" in play.output) is printed


@pytest.mark.parametrize(
    "there",
    ["", "link add br1 type bridge\n", "tuntap add tap7 mode tap\n"],
    ids=["neither", "the-bridge", "the-tap"],
)
def test_check_mode_shows_what_ports_will_be_of_what_is_not_there_yet(host: Host, there: str) -> None:  # fmt: skip
    batch(host.netns, there)
    play = host.tasks([include(vars=TAPS)], "--check", "--diff")
    assert play.status == 0, play.output[-4000:]
    (ports,) = [one for one in play.changed if one.startswith("Ports |")]
    shown = play.output.partition(f"TASK [{ROLE} : {ports}]")[2].partition("TASK [")[0]
    assert '"port tap7": {' in shown and '+        "bridge": "br1"' in shown, shown
    assert "tap7" not in links(host) or there.startswith("tuntap")


def test_verify_judges_the_host_once(host: Host) -> None:
    """With thousands of guests that takes its time, and each look at a variable is a judgement."""
    text = (Path(__file__).parents[2] / "roles/bridge_host/tasks/verify_host.yml").read_text(
        "utf-8"
    )
    assert text.count("bridge_host_findings(") == 1
    # in the arguments of an action, which are worked out once
    assert (
        '    findings: "{{ __bridge_host_look.plan | hypervisor.network.bridge_host_findings('
        in text
    )
    play = host.tasks([include(vars=BR1)])
    assert play.status == 0 and host.tasks([include("verify", vars=BR1)]).status == 0
