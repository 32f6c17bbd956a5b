# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong, as a user reads it: one sentence in one line."""

from __future__ import annotations

import errno

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core import errors
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    BadInput,
    KernelError,
)


def test_a_message_is_one_line() -> None:
    assert str(BadInput("two\n  lines\tand a tab")) == "two lines and a tab"


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
