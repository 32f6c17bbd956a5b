# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys of the role's lists have one source: the modules' specs. The guide and the role's documentation are held equal to them."""

from __future__ import annotations

import re

import pytest
import yaml

from ansible_collections.hypervisor.network.tools import role_keys

CURE = "run: tools/env local python tools/role_keys.py"


def test_the_guide_is_what_the_modules_say_today() -> None:
    assert role_keys.GUIDE.read_text("utf-8") == role_keys.guide(), CURE
    said = role_keys.ROLE.read_text("utf-8")
    assert said == role_keys.role(said), CURE


@pytest.mark.parametrize("name", role_keys.SPECS)
def test_the_roles_documentation_names_every_key(name: str) -> None:
    options = yaml.safe_load(role_keys.ROLE.read_text("utf-8"))["argument_specs"]["main"]["options"]
    said = [
        line
        for line in options[f"bridge_host_{name}"]["description"]
        if line.startswith("Keys are ")
    ]
    assert len(said) == 1
    assert re.findall(r"C\((\w+)\)", said[0]) == sorted(role_keys.SPECS[name])
    # an item as the guide has it, which test_guides.py holds against the role
    assert (
        f"For example C({role_keys.EXAMPLES[name]})."
        in options[f"bridge_host_{name}"]["description"]
    )


def test_the_guide_names_those_within_a_key_and_the_choices() -> None:
    text = role_keys.guide()
    assert "``nics: tap``" in text and "str (present, absent)" in text


def test_no_markup_of_modules_is_left() -> None:
    assert not re.search(r"\b[CVOMEP]\(", role_keys.guide())
