# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong, as a user reads it: one sentence in one line."""

from __future__ import annotations

import errno

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core import errors
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    IN_THIS_ORDER,
    BadInput,
    KernelError,
)


def test_a_message_is_one_line() -> None:
    assert str(BadInput("two\n  lines\tand a tab")) == "two lines and a tab"


def test_what_turns_or_hides_a_line_is_escaped() -> None:
    assert str(BadInput("a \u202eb\0\x1b[2J \ud800 ä")) == r"a \u202eb\x00\x1b[2J \ud800 ä"


def test_what_is_too_long_loses_its_middle_and_keeps_what_to_do() -> None:
    told = str(BadInput(f"name '{'x' * 70000}' is too long; choose a shorter one."))
    assert told.startswith("name 'xxx") and told.endswith("x' is too long; choose a shorter one.")
    assert " ... " in told and len(told) < 2500


def test_operation_not_supported_has_the_kernels_name() -> None:
    assert str(KernelError("make br0", errno.EOPNOTSUPP)).endswith("(EOPNOTSUPP).")


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (
            errno.EPERM,
            "Cannot make br0: the kernel wants CAP_NET_ADMIN; run the task with become (EPERM).",
        ),
        (errno.ENODEV, "Cannot make br0: no such device (ENODEV)."),
        (errno.ETXTBSY, "Cannot make br0: the kernel refused it (ETXTBSY)."),
        (9999, "Cannot make br0: the kernel refused it (9999)."),
    ],
)
def test_what_the_kernel_refused_is_told_with_its_meaning_and_its_name(
    number: int, sentence: str
) -> None:
    error = KernelError("make br0", number)
    assert (str(error), error.errno) == (sentence, number)


def test_what_a_module_adds_to_its_failure_travels_with_the_error() -> None:
    assert BadInput("No.", host_changed=False).facts == {"host_changed": False}


def test_what_this_kernel_lacks_is_a_refusal_and_a_wrong_wish_is_none() -> None:
    assert issubclass(errors.Unsupported, errors.Refused)
    assert not issubclass(errors.BadInput, errors.Refused)


class Unsayable(Exception):
    """One whose text can't even be made."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ValueError("two\n lines"), "came upon ValueError (two lines) while reading the host; "),
        (KeyError(), "came upon KeyError while reading the host; "),
        (Unsayable(), "came upon Unsayable while reading the host; "),
        (OSError("\udcff"), r"came upon OSError (\udcff) while reading the host; "),
    ],
)
def test_what_is_no_error_of_ours_is_a_fault_that_names_the_step(
    error: Exception, words: str
) -> None:
    with pytest.raises(errors.Fault) as caught, errors.during("reading the host", "All is well."):
        raise error
    text = str(caught.value)
    assert words in text and text.endswith(" All is well.") and "\n" not in text
    assert caught.value.__cause__ is error


def test_commands_that_a_person_types_are_never_cut() -> None:
    commands = "; ".join(f"ip address delete 10.0.0.{one}/24 dev br0" for one in range(200))
    said = f"Nobody rolls it back: type{IN_THIS_ORDER}{commands}."
    assert errors.sentence(said) == said and str(BadInput(said)) == said


def test_a_long_text_of_a_fault_is_cut() -> None:
    with pytest.raises(errors.Fault) as caught, errors.during("reading the host"):
        raise ValueError("x" * 10_000)
    assert "xxx...)" in str(caught.value) and len(str(caught.value)) < 1000


def test_an_error_of_ours_passes_as_it_is_and_so_does_ctrl_c() -> None:
    for error in (BadInput("No."), KeyboardInterrupt()):
        with pytest.raises(type(error)) as caught, errors.during("reading the host"):
            raise error
        assert caught.value is error
