# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The edge of every module: one failure in JSON, whatever was raised."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import pytest
from ansible.module_utils import basic

from ansible_collections.hypervisor.network.plugins.module_utils._core import edge
from ansible_collections.hypervisor.network.plugins.module_utils._core.edge import failures
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    ISSUES,
    Fault,
    Refused,
    UndoFailed,
)
from ansible_collections.hypervisor.network.tests.unit._core.test_module import Left, Module


def printed(error: BaseException, verbosity: int = 0) -> dict[str, Any]:
    module = Module()
    module._verbosity = verbosity
    with pytest.raises(Left), failures(module, "reading the host"):
        raise error
    return module.printed


def test_an_error_of_ours_is_its_sentence_and_facts() -> None:
    assert printed(Refused("Not that.", wished=1), 3) == {
        "failed": True,
        "msg": "Not that.",
        "wished": 1,
    }


@pytest.mark.parametrize(
    ("error", "named"),
    [
        (KeyError("br0"), "KeyError ('br0')"),
        (AssertionError(), "AssertionError"),
        (OSError(28, "No space left"), "OSError ([Errno 28] No space left)"),
        (ValueError("two\nlines"), "ValueError (two lines)"),
        (ValueError("a name of \udcff bytes"), "ValueError (a name of \\udcff bytes)"),
        (ValueError("x" * 301), f"ValueError ({'x' * 300}...)"),
    ],
    ids=repr,
)
def test_anything_else_is_one_sentence_that_says_what_to_do(error: Exception, named: str) -> None:
    assert printed(error) == {
        "failed": True,
        "msg": f"This is a fault of the collection hypervisor.network, which came upon {named} while reading the host; "
        f"please report it at {ISSUES} with what the task says under -vvv. Nothing was changed.",
    }


def test_what_the_tasks_user_may_not_is_no_fault_and_names_become() -> None:
    answer = printed(PermissionError(13, "Permission denied", "/proc/sys/net"), 3)
    assert answer["msg"] == (
        "This user may not do what reading the host takes: PermissionError ([Errno 13] Permission denied: '/proc/sys/net'); "
        "run the task with become: true, or as root see lsattr. Nothing was changed."
    )
    assert "PermissionError" in answer["exception"]


def test_an_error_without_a_text_that_can_be_made_is_named_by_its_class() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise ValueError

    assert "came upon Mute while" in printed(Mute())["msg"]


def test_vvv_keeps_the_traceback_down_to_where_it_came_from() -> None:
    result = printed(KeyError("br0"), 3)
    assert result["exception"].splitlines() == result["traceback"]
    assert "KeyError: 'br0'" in result["traceback"] and any(
        "in printed" in line for line in result["traceback"]
    )


def test_a_fault_that_an_undo_came_after_has_its_traceback_too() -> None:
    error = UndoFailed("Half changed.")
    error.__cause__ = Fault("planning", KeyError("br0"))
    assert "traceback" in printed(error, 3) and "traceback" not in printed(error)


def test_the_way_out_is_left_alone() -> None:
    module = Module()
    with pytest.raises(Left), failures(module, "reading the host"):
        module.exit_json(changed=False)
    assert module.printed == {"changed": False}


def test_what_the_guard_came_across_is_warned_of_before_the_failure() -> None:
    module = Module()
    module.warnings = []
    module.warn = module.warnings.append
    with (
        pytest.raises(Left),
        failures(module, "planning", told=lambda: ["A record is unreadable."]),
    ):
        raise Refused("Not that.")
    assert module.warnings == ["A record is unreadable."]


def told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], **given: Any) -> str:
    """What the module with these arguments fails with."""
    args = {"ANSIBLE_MODULE_ARGS": given}
    monkeypatch.setattr(basic, "_ANSIBLE_ARGS", json.dumps(args).encode())
    monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)
    with pytest.raises(SystemExit):
        edge.Module(argument_spec={"mtu": {"type": "int"}, "name": {"type": "str"}})
    return json.loads(capsys.readouterr().out)["msg"]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        # core before 2.16 has a sentence for it
        ({"mtu": math.inf}, r"can't read the options \(OverflowError: |argument 'mtu'"),
        ({"mtu": 10**400}, "mtu is no number that a computer counts with"),
        ({"name": "a\0b"}, r"name 'a\\x00b' is no text that a file could hold"),
        ({"mtu": "a\nb"}, "argument 'mtu'"),
        ({"nme\n": 1}, "Unsupported parameters"),
    ],
    ids=repr,
)
def test_arguments_that_nobody_can_mean_are_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    given: dict[str, Any],
    says: str,
) -> None:
    said = told(monkeypatch, capsys, **given)
    assert re.search(says, said) and said.isprintable()
