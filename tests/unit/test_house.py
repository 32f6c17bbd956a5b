# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The walls of the house: what no linter knows about this collection. Its floors and doors are in .importlinter."""

from __future__ import annotations

import ast
import configparser
import re
import statistics
import subprocess
from pathlib import Path

import pytest
import yaml

from ansible_collections.hypervisor.network.tests.unit.covered_elsewhere import ELSEWHERE
from ansible_collections.hypervisor.network.tests.unit.own_coverage import (
    files_with_tests,
    own_tests,
)

ROOT = Path(__file__).resolve().parents[2]
# The checkout's files: tracked, and new ones that are not ignored
LISTED = subprocess.run(
    ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard"],
    check=True,
    capture_output=True,
    text=True,
).stdout.split("\n")
FILES = sorted({path for path in LISTED if path and (ROOT / path).is_file()})
PYTHON = [path for path in FILES if path.endswith(".py")]
PLUGINS = [path for path in PYTHON if path.startswith("plugins/")]
MODULES = [path for path in PLUGINS if path.startswith("plugins/modules/")]
ROLES = sorted(
    {
        path.split("/")[1]
        for path in FILES
        if path.startswith("roles/") and path.endswith("/tasks/main.yml")
    }
)

# Run by an action, never by a playbook: no group's defaults are for it
INTERNAL = [
    path for path in MODULES if "\nshort_description: Internal" in (ROOT / path).read_text("utf-8")
]
PUBLIC = [path for path in MODULES if path not in INTERNAL]

ADDRESS_WORDS = {"AF_INET", "AF_INET6", "inet_ntop", "inet_pton"}
TALL = 400
NO_COMMENTS = {
    "COPYING",
    "LICENSES/GPL-3.0-or-later.txt",
    "CHANGELOG.rst",
    "changelogs/changelog.yaml",
}
HEADER = """\
# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""


def source(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def code_lines(path: str) -> int:
    """Lines of code, without documentation blocks, empty lines and comments."""
    docs: set[int] = set()
    for node in ast.parse(source(path)).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in (
            "DOCUMENTATION",
            "EXAMPLES",
            "RETURN",
        ):
            docs |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    lines = enumerate(source(path).splitlines(), 1)
    return sum(
        1
        for number, line in lines
        if number not in docs and line.strip() and not line.strip().startswith("#")
    )


# A room that decides says so in its docstring's first word
PURE = [path for path in PLUGINS if re.search(r'^"""PURE\b', source(path), re.MULTILINE)]


# CONTRIBUTING's table: room, floor, and what it says that the room calls
FLOORS = {
    room: (int(floor), calls)
    for floor, room, calls in re.findall(
        r"^\| (\d) \| `(_\w+)` \|[^|]*\|([^|]*)\|$", source("CONTRIBUTING.md"), re.MULTILINE
    )
}


def test_the_floors_that_are_told_are_those_that_are_held() -> None:
    """The layers of .importlinter begin at the roof."""
    contracts = configparser.ConfigParser()
    contracts.read_string(source(".importlinter"))
    held = [one for one in contracts["importlinter:contract:rooms"]["layers"].split("\n") if one]
    rooms = [re.findall(r"\w+", layer) for layer in reversed(held)]
    assert {room: floor for room, (floor, _calls) in FLOORS.items()} == {
        room: floor for floor, layer in enumerate(rooms, 1) for room in layer
    }


@pytest.mark.parametrize("room", FLOORS)
def test_a_room_calls_those_of_whom_it_is_told(room: str) -> None:
    """Whole floors by their numbers, and by name who is not on one of them."""
    calls = FLOORS[room][1]
    own = [path for path in PLUGINS if path.startswith(f"plugins/module_utils/{room}/")]
    called = {one for path in own for one in re.findall(r"\.module_utils\.(_\w+)", source(path))}
    floors = max((int(one) for one in re.findall(r"\d", calls)), default=0)
    named = {one for one in called - {room} if FLOORS[one][0] > floors}
    assert named == set(re.findall(r"`(_\w+)`", calls))


def test_the_house_is_looked_at() -> None:
    assert "plugins/module_utils/_core/plan.py" in PLUGINS
    assert "plugins/modules/linux_bridge.py" in MODULES


@pytest.mark.parametrize(
    "path", [path for path in PYTHON if not path.startswith("plugins/modules/")]
)
def test_no_file_is_tall(path: str) -> None:
    lines = len(source(path).splitlines())
    assert lines <= TALL, f"{path} has {lines} lines: split it by meaning"


@pytest.mark.parametrize("path", MODULES)
def test_a_module_is_glue(path: str) -> None:
    assert code_lines(path) <= 120
    assert not re.search(r"\.check_mode\b", source(path)), (
        "_core/reconcile.py is the one place that knows check mode"
    )


def test_the_median_module_is_thin() -> None:
    assert statistics.median(code_lines(path) for path in MODULES) <= 60


@pytest.mark.parametrize("path", PURE)
def test_a_pure_room_does_not_touch_the_machine(path: str) -> None:
    # What it imports, and what that imports, .importlinter holds. socket has the words of addresses too, which open nothing
    assert set(re.findall(r"\b_names\.(\w+)", source(path))) <= ADDRESS_WORDS
    # The words for errors may be asked for; nothing else of os
    used = {
        node.attr
        for node in ast.walk(ast.parse(source(path)))
        if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "os"
    }
    assert used <= {"strerror"}
    assert not re.search(r"\bopen\(|\.read_text\(|\.write_text\(", source(path))


@pytest.mark.parametrize(
    "path", [path for path in PLUGINS if path.startswith("plugins/module_utils/")]
)
def test_module_utils_never_end_a_module(path: str) -> None:
    if not path.endswith(("/_core/module.py", "/_core/edge.py")):
        assert not re.search(r"\.(fail_json|exit_json)\(", source(path)), (
            "utilities raise _core/errors; the edge of a module calls fail_json"
        )


@pytest.mark.parametrize("path", PLUGINS)
def test_arguments_are_read_by_those_who_can_tell_what_is_wrong_with_them(path: str) -> None:
    if not path.endswith(("/_core/edge.py", "/_core/arguments.py")):
        assert not re.search(r"\b(AnsibleModule|ArgumentSpecValidator)\(", source(path)), (
            "make modules of _core/edge.Module, and ask _core/arguments.typed"
        )


def test_what_waits_for_a_guest_does_not_look_again_and_again() -> None:
    """But for a port in a guest, which opens without a word to anybody here. Else it waits for QMP's events, inotify or a pidfd."""
    rooms = tuple(f"plugins/module_utils/{room}/" for room in ("_qemu", "_backup", "_snapshot"))
    sleeping = [path for path in PLUGINS if path.startswith(rooms) and "sleep(" in source(path)]
    assert sleeping == ["plugins/module_utils/_qemu/arrival.py"]


@pytest.mark.parametrize("path", PLUGINS)
def test_no_shell(path: str) -> None:
    assert not re.search(r"shell=True|os\.system\(|os\.popen\(", source(path))


@pytest.mark.parametrize("path", PYTHON)
def test_a_python_file_has_the_header(path: str) -> None:
    text = source(path)
    if text.startswith("#!"):
        text = text.split("\n", 1)[1]
    # what every module ships says its licence only: the two lines above it are a twentieth of the payload, and REUSE.toml says them once
    header = HEADER.splitlines(True)[-1] if path.startswith("plugins/module_utils/") else HEADER
    assert text.startswith(header), f"{path} is to begin with: {header}"
    assert text == header or "from __future__ import annotations" in text


@pytest.mark.parametrize("path", [path for path in FILES if path not in NO_COMMENTS])
def test_every_file_says_its_licence(path: str) -> None:
    # REUSE-IgnoreStart
    assert "SPDX-License-Identifier: GPL-3.0-or-later" in source(path)[:600]
    # REUSE-IgnoreEnd


@pytest.mark.parametrize(
    "path", [path for path in FILES if not path.startswith("tests/unit/test_house.py")]
)
def test_nothing_of_one_machine_is_named(path: str) -> None:
    found = re.search(
        r"(?:deb|security)[.]debian[.]org|pypi[.]org|python[h]osted|/home/\w+/|/root/\.|/tmp/\w+/v\b|\.pyenv",
        source(path),
    )
    assert found is None, f"{path} names {found and found.group()}"


def test_the_action_group_holds_every_module_that_a_playbook_names() -> None:
    groups = yaml.safe_load(source("meta/runtime.yml"))["action_groups"]
    assert groups["all"] == sorted(Path(path).stem for path in PUBLIC)


@pytest.mark.parametrize("role", ROLES)
def test_a_role_documents_the_variables_that_it_has(role: str) -> None:
    specs = yaml.safe_load(source(f"roles/{role}/meta/argument_specs.yml"))["argument_specs"][
        "main"
    ]["options"]
    defaults = yaml.safe_load(source(f"roles/{role}/defaults/main.yml"))
    assert sorted(specs) == sorted(defaults)
    assert all(name.startswith(f"{role}_") for name in defaults)
    for name, default in defaults.items():
        # A default that is computed can't be written down twice
        if "default" in specs[name] and "{{" not in str(default):
            assert specs[name]["default"] == default, name


@pytest.mark.parametrize(
    "path", [path for path in FILES if re.match("(roles|playbooks)/.*[.](yml|j2)$", path)]
)
def test_a_list_that_people_read_keeps_its_order(path: str) -> None:
    """Ansible's set filters answer in the order of a hash, which is another one in each process."""
    sets = r"(difference|intersect|symmetric_difference|union)\([^|]*\)\s*\|\s*join\("
    assert [found[0] for found in re.finditer(sets, source(path))] == []


@pytest.mark.parametrize(("path", "test"), files_with_tests().items())
def test_every_file_has_its_own_test_file(path: str, test: str) -> None:
    without = path in ELSEWHERE and ELSEWHERE[path].least == 0
    assert (test in FILES) is not without, f"{path} wants {test}, or a line of ELSEWHERE with 0"


@pytest.mark.parametrize(
    "test", [path for path in PYTHON if re.match("tests/unit/(_|plugin)", path)]
)
def test_every_test_file_is_some_files_own(test: str) -> None:
    assert any(test in own for own in own_tests().values()), f"no file has the name of {test}"


def test_what_is_covered_elsewhere_says_where() -> None:
    assert set(ELSEWHERE) <= set(files_with_tests())
    assert all(one.where in FILES and one.why for one in ELSEWHERE.values())


# transaction takes a change that nobody has confirmed, which a playbook can't leave behind: see tests/faults
@pytest.mark.parametrize(
    "module", [Path(path).stem for path in PUBLIC if not path.endswith("/transaction.py")]
)
def test_every_module_has_an_integration_target(module: str) -> None:
    path = ROOT / "tests" / "integration" / "targets" / module / "tasks" / "main.yml"
    assert path.exists()
    tasks = path.read_text(encoding="utf-8")
    assert "name: Test " in tasks and "name: Verify " in tasks


def test_sanity_has_no_ignores() -> None:
    assert not [path for path in FILES if path.startswith("tests/sanity/ignore")]
