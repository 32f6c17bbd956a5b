# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a stranger reads of the collection, held against what is there."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))

SPECS = sorted((ROOT / "roles").glob("*/meta/argument_specs.yml"))


@pytest.fixture(scope="module")
def documented(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Each module's documentation as Ansible puts it together, by the module's name without the collection's."""
    home = tmp_path_factory.mktemp("home")
    said = subprocess.run(
        [str(Path(sys.executable).with_name("ansible-doc")), "--json", "-t", "module"]
        + [f"hypervisor.network.{name}" for name in MODULES],
        env={**os.environ, "ANSIBLE_HOME": str(home), "ANSIBLE_LOCAL_TEMP": str(home)},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return {name.rpartition(".")[2]: one["doc"] for name, one in json.loads(said).items()}


def test_every_module_says_its_attributes(documented: dict[str, Any]) -> None:
    wanted = {"action_group", "async", "check_mode", "diff_mode", "idempotent", "platform"}
    assert sorted(documented) == MODULES
    assert {name: set(doc["attributes"]) for name, doc in documented.items()} == dict.fromkeys(
        MODULES, wanted
    )


def test_a_module_is_in_the_action_group_that_it_names(documented: dict[str, Any]) -> None:
    groups = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text("utf-8"))["action_groups"]
    named = [
        name
        for name, doc in sorted(documented.items())
        if doc["attributes"]["action_group"]["membership"] == ["hypervisor.network.all"]
    ]
    assert named == groups["all"]


def test_a_task_that_confirms_by_itself_says_that_it_takes_no_async(
    documented: dict[str, Any],
) -> None:
    # tests/integration/test_async.py tries it
    confirming = {path.stem for path in (ROOT / "plugins" / "action").glob("*.py")}
    without = {
        name for name, doc in documented.items() if doc["attributes"]["async"]["support"] == "none"
    }
    # the doctor's only chooses between two modules, and hands on what is asked for
    assert without == confirming - {"bridge_doctor"} | {"guarded_change"}


README = (ROOT / "README.md").read_text("utf-8")


def test_the_readme_lists_what_is_included_in_its_own_words() -> None:
    """Internal things are in no table."""
    told = re.findall(r"^\| (\w+) \[`(\w+)`\]\((\S+)\) \| (.+) \|$", README, re.M)
    listed = {(kind, name): words for kind, name, _path, words in told}
    there = {
        **{("module", path.stem): _short(path) for path in (ROOT / "plugins/modules").glob("*.py")},
        **{("filter", path.stem): _short(path) for path in (ROOT / "plugins/filter").glob("*.yml")},
        **{("role", path.parts[-3]): _short(path) for path in SPECS},
    }
    public = {
        key: words
        for key, words in there.items()
        if "Internal" not in words and not key[1].startswith("bridge_host_")
    }
    assert {key: words for key, words in listed.items() if key[0] != "playbook"} == public
    assert all((ROOT / path).is_file() for _kind, _name, path, _words in told)


def test_the_readme_leads_to_every_guide_and_to_nothing_that_is_not_there() -> None:
    links = {link for link in re.findall(r"\]\(([^)#]+)", README) if "://" not in link}
    assert [link for link in links if not (ROOT / link).exists()] == []
    guides = {str(path.relative_to(ROOT)) for path in (ROOT / "docs/docsite/rst").glob("*.rst")}
    assert guides <= links


def test_the_readme_says_the_versions_that_are_tested() -> None:
    requirements = ROOT / "requirements"
    core = re.search(r"ansible-core==([\d.]+)\.\*", (requirements / "dev.txt").read_text("utf-8"))
    assert core and f"ansible-core {core[1]};" in README
    oldest = re.search(r"core==([\d.]+)\.\*", (requirements / "core-2.16.txt").read_text("utf-8"))
    assert oldest and f"playbooks with {oldest[1]} too" in README
    for path in requirements.glob("pyroute2-*.txt"):
        for name, version in re.findall(r"^(\w+)==(.+)$", path.read_text("utf-8"), re.M):
            assert f"{name} {version}" in README


def test_the_targets_ask_for_what_the_collection_does() -> None:
    """ansible-test copies that one file alone to where it installs, so it can't lead to the other by C(-r)."""
    ours = (ROOT / "requirements.txt", ROOT / "tests/integration/requirements.txt")
    asked = [
        [line for line in path.read_text("utf-8").splitlines() if line and line[0] != "#"]
        for path in ours
    ]
    assert asked[0] == asked[1] != []


def test_nothing_was_added_by_a_version_that_is_not_there_yet() -> None:
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text("utf-8"))["version"]
    files = [*(ROOT / "plugins").rglob("*.py"), *(ROOT / "plugins").rglob("*.yml")]
    files += SPECS
    said = [
        (path.name, version)
        for path in files
        for version in re.findall(
            r"^ *version_added: [\"']?([\d.]+)", path.read_text("utf-8"), re.M
        )
    ]
    assert len(said) > len(MODULES)
    assert [one for one in said if _number(one[1]) > _number(galaxy)] == []


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.parts[-3])
def test_a_role_says_since_when_it_has_each_variable(path: Path) -> None:
    (entry,) = yaml.safe_load(path.read_text("utf-8"))["argument_specs"].values()
    assert [name for name, one in entry["options"].items() if "version_added" not in one] == []


def _number(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def _short(path: Path) -> str:
    words = re.search(r"^ *short_description: (.+)$", path.read_text("utf-8"), re.M)
    assert words, path
    return words[1]


def test_every_playbook_is_found_by_its_full_name() -> None:
    # a folder of the same name beside it would be taken in its place
    books = sorted(path.stem for path in (ROOT / "playbooks").glob("*.yml"))
    done = subprocess.run(
        [str(Path(sys.executable).with_name("ansible-playbook")), "--syntax-check"]
        + [f"hypervisor.network.{name}" for name in books],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert re.findall(r"^playbook: .*?(\w+)(?:\.yml)?$", done.stdout, re.M) == books


WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
MAKES = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.M))
# what tools/check.py runs: ("title", "session", is it pytest's)
CHECKS = set(
    re.findall(
        r'\("[^"]+", "([a-z-]+)", (?:True|False)\)', (ROOT / "tools/check.py").read_text("utf-8")
    )
)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_trusts_commits_and_holds_no_secret(path: Path) -> None:
    """A tag can be moved, a commit can't; Dependabot keeps both it and the version behind it."""
    text = path.read_text("utf-8")
    flow = yaml.safe_load(text)
    pins = re.findall(
        r"^ +(?:- )?uses: (actions/[a-z-]+@[0-9a-f]{40}) # v\d+\.\d+\.\d+$", text, re.M
    )
    jobs = flow["jobs"].values()
    # a job may be another's workflow, too
    used = [one["uses"] for job in jobs for one in (job, *job["steps"]) if "uses" in one]
    assert pins == used != []
    assert "secrets." not in text
    assert flow["permissions"] == {"contents": "read"}
    assert all("timeout-minutes" in job for job in flow["jobs"].values())


def test_the_workflows_trust_one_commit_of_each_action() -> None:
    text = "\n".join(path.read_text("utf-8") for path in WORKFLOWS)
    pins = set(re.findall(r"uses: (\S+)@(\S+) # (\S+)", text))
    assert len(pins) == len({name for name, _commit, _version in pins})


def test_dependabot_moves_what_the_workflows_trust() -> None:
    updates = yaml.safe_load((ROOT / ".github/dependabot.yml").read_text("utf-8"))["updates"]
    (one,) = [it for it in updates if it["package-ecosystem"] == "github-actions"]
    assert one["directory"] == "/" and "ignore" not in one


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_what_a_workflow_runs_is_there(path: Path) -> None:
    flow = yaml.safe_load(path.read_text("utf-8"))
    for job in flow["jobs"].values():
        words = job.get("strategy", {}).get("matrix", {})
        said = "\n".join(step.get("run", "") for step in job["steps"])
        # each value of a matrix in its place
        every = "\n".join(
            re.sub(r"\$\{\{ matrix\.(\w+) \}\}", lambda it, n=n, of=words: _nth(of[it[1]], n), said)
            for n in range(max(map(len, words.values()), default=1))
        )
        assert set(re.findall(r"^make ([a-z-]+)", every, re.M)) <= MAKES
        assert set(re.findall(r"tools/check\.py ([a-z-]+)", every)) <= CHECKS
        assert all((ROOT / one).exists() for one in re.findall(r"tools/[a-z_.]+", every))


def test_the_workflows_run_every_part_of_make_test() -> None:
    jobs = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text("utf-8"))["jobs"]
    parts = {
        *jobs["quick"]["strategy"]["matrix"]["target"],
        *jobs["machine"]["strategy"]["matrix"]["check"],
    }
    linted = set(re.search(r"^lint:.*\n.*check\.py (.*)", MAKEFILE, re.M)[1].split())
    assert parts - {"lint"} | linted == CHECKS - {"faults-lab"}


def test_some_workflow_runs_what_is_too_long_for_make_test() -> None:
    text = "\n".join(path.read_text("utf-8") for path in WORKFLOWS)
    run = set(re.findall(r"^ +- run: make ([a-z-]+)", text, re.M))
    assert {"faults", "demo", "molecule", "mutants"} <= run


@pytest.mark.parametrize(
    "path",
    sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*_*.yml")),
    ids=lambda path: path.stem,
)
def test_an_issue_form_asks_each_thing_once(path: Path) -> None:
    form = yaml.safe_load(path.read_text("utf-8"))
    ids = [part["id"] for part in form["body"] if part["type"] != "markdown"]
    assert form["name"] and form["description"] and len(ids) == len(set(ids)) > 0


def _nth(values: list[str], n: int) -> str:
    return str(values[n % len(values)])
