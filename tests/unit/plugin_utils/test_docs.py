# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pieces of documentation that several fragments are made of."""

from __future__ import annotations

import yaml

from ansible_collections.hypervisor.network.plugins.plugin_utils._docs import one_or_many, vlan_list

OPTIONS = """
  name:
    description: [Name of the thing.]
    type: str
    required: true
  state:
    description: [Whether it is there.]
    type: str
    default: present
  parts:
    description: [What it is made of.]
    type: list
    elements: dict
    suboptions:
      size:
        description: [In bytes.]
        type: int
        required: true
"""


def test_an_item_of_a_list_has_every_option_told_once_and_neither_defaults_nor_duties() -> None:
    options = yaml.safe_load(one_or_many(OPTIONS, "things", "Several of them."))["options"]
    assert options["state"]["default"] == "present" and options["name"]["required"] is True
    things = options["things"]
    assert (things["type"], things["elements"]) == ("list", "dict")
    assert things["description"] == ["Several of them."]
    assert things["suboptions"] == {
        "name": {"description": ["As O(name)."], "type": "str"},
        "state": {"description": ["As O(state)."], "type": "str"},
        "parts": {
            "description": ["As O(parts)."],
            "type": "list",
            "elements": "dict",
            "suboptions": {
                # what a part of the list in an item needs, it needs there too
                "size": {"description": ["As O(parts[].size)."], "type": "int", "required": True}
            },
        },
    }


def test_a_list_of_vlans_says_what_it_is_for_and_what_every_such_list_has() -> None:
    (told,) = yaml.safe_load(vlan_list("vlans", "What a port carries.", "All of it.")).values()
    assert told["description"] == ["What a port carries.", "All of it."]
    assert sorted(told["suboptions"]) == ["pvid", "untagged", "vid"]
    assert told["suboptions"]["vid"]["required"] is True
