# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Graphviz is asked, and where it is not there or fails, that is said in a sentence."""

from __future__ import annotations

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.plugin_utils._topology.svg import svg


def test_the_text_goes_to_the_program_and_its_answer_comes_back() -> None:
    assert svg("digraph é {}", ("cat",)) == "digraph é {}"


@pytest.mark.parametrize(
    ("program", "words"),
    [
        (("no-such-program",), "no program 'no-such-program'.*install Debian's package graphviz"),
        (("sh", "-c", "echo bad >&2; exit 3"), r"Graphviz could not draw the picture \('bad'\)"),
        (("sleep", "60"), "has not drawn the picture within 0.1 seconds; draw fewer hosts"),
    ],
)
def test_a_picture_that_can_not_be_drawn_is_refused(program: tuple, words: str) -> None:
    with pytest.raises(Refused, match=words):
        svg("digraph {}", program, 0.1 if program[0] == "sleep" else 60)
